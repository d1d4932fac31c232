namespace Kumoi.Api;

/// <summary>A private network of an account. Ranges of different networks may overlap.</summary>
/// <param name="Mtu">The longest packet, in bytes, as guests are told.</param>
/// <param name="Outside"><c>nat</c>: guests without a floating address reach the outside under an address that they share; <c>none</c>: they do not reach it.</param>
/// <param name="Domain">DNS domain of the guests' names.</param>
/// <param name="SearchDomains">Domains that guests are told to try; empty: the network's own.</param>
/// <param name="SourceAddress">The floating address of the account under which guests without one leave; null: the host's.</param>
/// <param name="Segment">Where a bridged network is; null for one of the overlay.</param>
/// <param name="Range">What all its IPv4 subnets are within; null: anything.</param>
public sealed record Network(
    string Id, string Name, IReadOnlyList<Subnet> Subnets, DateTimeOffset CreatedAt, int Mtu, string Outside, string Domain, IReadOnlyList<string> SearchDomains,
    string? SourceAddress, Segment? Segment = null, string? Range = null);

/// <param name="Name">Default: its id.</param>
/// <param name="Mtu">1,280 to 9,000; 0 or absent: what the hosts' network carries, at most 1,500.</param>
/// <param name="Outside"><c>nat</c> (default) or <c>none</c>.</param>
/// <param name="Domain">Default: made of the name, within <c>internal</c>.</param>
/// <param name="Segment">Makes a bridged network: of operators, or in a VLAN range of the account.</param>
/// <param name="Range">An IPv4 range of /8 to /28 that all its IPv4 subnets must be within; default: anything.</param>
/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreateNetwork(
    string? Name, IReadOnlyList<CreateNetworkSubnet>? Subnets, int? Mtu = null, string? Outside = null, string? Domain = null, IReadOnlyList<string>? SearchDomains = null,
    CreateSegment? Segment = null, IReadOnlyDictionary<string, string>? Tags = null, string? Range = null);

/// <param name="Cidr">An IPv4 range of /16 to /28, or an IPv6 range of /64.</param>
/// <param name="DnsServers">Servers of the subnet's family; default: the gateway.</param>
/// <param name="DhcpOptions">Further options that guests are told (IPv4).</param>
/// <param name="Gateway">Of bridged networks: the segment's own router. Default: the first usable address.</param>
/// <param name="Range">What of it is given out, such as <c>192.168.20.100-192.168.20.199</c>; default: all of it.</param>
/// <param name="Reserved">Addresses, or ranges as above, that are given only to those who ask for them by name.</param>
/// <param name="Excluded">Addresses, or ranges as above, that are never given out.</param>
public sealed record CreateNetworkSubnet(
    string? Name, string Cidr, IReadOnlyList<string>? DnsServers, IReadOnlyList<DhcpOption>? DhcpOptions = null, string? Gateway = null, string? Range = null,
    IReadOnlyList<string>? Reserved = null, IReadOnlyList<string>? Excluded = null);

/// <summary>Changes a network, its guests running. What is absent stays as it is.</summary>
/// <param name="Mtu">1,280 to 9,000; 0: what the hosts' network carries. Guests hear of it when they ask for their address again.</param>
/// <param name="DnsServers">For all subnets, each its family's; empty: the gateway.</param>
/// <param name="SourceAddress">A floating address of the account that leads to no interface, under which guests leave; <c>none</c>: the host's.</param>
public sealed record UpdateNetwork(
    int? Mtu, string? Outside, string? Domain, IReadOnlyList<string>? SearchDomains, IReadOnlyList<string>? DnsServers, string? SourceAddress = null);

/// <param name="Code">Number of the option (RFC 2132), 1 to 254, other than those that the network itself needs.</param>
/// <param name="Value">Addresses, numbers or a text; printable ASCII.</param>
public sealed record DhcpOption(int Code, string Value);

/// <summary>An address range of a network. The first usable address is the gateway.</summary>
/// <param name="FreeAddresses">Addresses that can still be given out without being asked for by name.</param>
/// <param name="Range">What of it is given out; null: all of it.</param>
/// <param name="Reserved">Addresses and ranges that are given only to those who ask for them by name.</param>
/// <param name="Excluded">Addresses and ranges that are never given out.</param>
public sealed record Subnet(
    string Id, string Name, Ref Network, string Cidr, string Gateway, IReadOnlyList<string> DnsServers, long FreeAddresses,
    DateTimeOffset CreatedAt, IReadOnlyList<DhcpOption> DhcpOptions, string? Range = null, IReadOnlyList<string>? Reserved = null, IReadOnlyList<string>? Excluded = null);

/// <param name="Gateway">As in <see cref="CreateNetworkSubnet"/>, and so the rest.</param>
public sealed record CreateSubnet(
    string Network, string? Name, string Cidr, IReadOnlyList<string>? DnsServers, IReadOnlyList<DhcpOption>? DhcpOptions = null, string? Gateway = null, string? Range = null,
    IReadOnlyList<string>? Reserved = null, IReadOnlyList<string>? Excluded = null, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Changes what of a subnet is given out. What is absent stays as it is; addresses that somebody has stay theirs.</summary>
/// <param name="Range">Such as <c>192.168.20.100-192.168.20.199</c>; <c>all</c>: all of the subnet.</param>
/// <param name="Reserved">All that are reserved from now on.</param>
/// <param name="Excluded">All that are excluded from now on.</param>
public sealed record UpdateSubnet(string? Range, IReadOnlyList<string>? Reserved, IReadOnlyList<string>? Excluded);
