namespace Kumoi.Api;

/// <summary>A private network of an account. Ranges of different networks may overlap.</summary>
public sealed record Network(string Id, string Name, IReadOnlyList<Subnet> Subnets, DateTimeOffset CreatedAt);

public sealed record CreateNetwork(string Name, IReadOnlyList<CreateNetworkSubnet>? Subnets);

public sealed record CreateNetworkSubnet(string? Name, string Cidr, IReadOnlyList<string>? DnsServers);

/// <summary>An address range of a network. The first usable address is the gateway.</summary>
/// <param name="FreeAddresses">Addresses that can still be given out.</param>
public sealed record Subnet(
    string Id, string Name, Ref Network, string Cidr, string Gateway, IReadOnlyList<string> DnsServers, long FreeAddresses,
    DateTimeOffset CreatedAt);

public sealed record CreateSubnet(string Network, string? Name, string Cidr, IReadOnlyList<string>? DnsServers);
