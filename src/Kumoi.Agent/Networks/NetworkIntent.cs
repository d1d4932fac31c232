using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>One guest interface of a network on this host, in the words of the kernel.</summary>
/// <param name="Id">The interface's id.</param>
/// <param name="Addresses">The first one first.</param>
/// <param name="Allowed">Ranges beside them that the guest may send from.</param>
/// <param name="FloatingAddress">Leads to the first IPv4 address.</param>
/// <param name="RateMbps">In 10^6 bits a second, each way; null for no limit.</param>
public sealed record Port(
    string Id, string Tap, string Mac, string Hostname, IReadOnlyList<PortAddress> Addresses, IReadOnlyList<string> Allowed, string? FloatingAddress,
    IReadOnlyList<string> SecurityGroups, int? RateMbps)
{
    public IEnumerable<string> Ipv4 => Addresses.Select(address => address.Text).Where(address => !AddressForm.IsIpv6(address));

    public IEnumerable<string> Ipv6 => Addresses.Select(address => address.Text).Where(AddressForm.IsIpv6);
}

/// <param name="Announced">True if the guest is told of it by DHCP.</param>
public sealed record PortAddress(string Text, bool Announced);

/// <summary>Everything one network should be on this host: checked, sorted, and free of things that are not this network's.</summary>
/// <param name="HostDevice">The host's end of the uplink.</param>
/// <param name="Uplink">The network's own address outside.</param>
/// <param name="Underlay">This host's address on the underlay; null if it has none that an overlay can use (IPv4).</param>
/// <param name="Mtu">In bytes.</param>
/// <param name="TranslatesOutside">True if guests without a floating address reach the outside.</param>
/// <param name="Remotes">The other hosts with guests of the network.</param>
/// <param name="Vpn">Its VPN gateway, wherever that is; null: none.</param>
/// <param name="Segment">Where the network's guests are attached; null for a network of the overlay.</param>
public sealed record NetworkIntent(
    string Id, string Namespace, int Vni, string HostDevice, string Uplink, string? Underlay, string Domain, IReadOnlyList<string> SearchDomains, int Mtu,
    bool TranslatesOutside, IReadOnlyList<SubnetIntent> Subnets, IReadOnlyList<DesiredName> Names, IReadOnlyList<Port> Ports, IReadOnlyList<GroupIntent> Groups,
    IReadOnlyList<RemoteHost> Remotes, IReadOnlyList<LinkIntent> Links, IReadOnlyList<DesiredRoute> Routes, IReadOnlyList<DesiredGateway> Gateways,
    VpnIntent? Vpn, SegmentIntent? Segment = null)
{
    /// <summary>Load balancers with an address in the network.</summary>
    public IReadOnlyList<BalancerIntent> Balancers { get; init; } = [];

    /// <summary>Those of linked networks, as far as the kernel balances them: that is done where the sender is.</summary>
    public IReadOnlyList<BalancerIntent> LinkedBalancers { get; init; } = [];

    /// <summary>What the record asks for and this host cannot do, a sentence each.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    public bool HasIpv6 => Subnets.Any(subnet => subnet.IsIpv6);

    /// <summary>Every range that is reached without going outside.</summary>
    public IEnumerable<string> Inside => Subnets.Select(subnet => subnet.Cidr).Concat(Links.SelectMany(link => link.Cidrs)).Concat(Routes.Select(route => route.Destination))
        .Concat(Vpn?.Ranges ?? []).Distinct();

    /// <summary>True if packets come from or go to other hosts: to guests there, or back to those from which a linked network's packets came.</summary>
    public bool NeedsOverlay => Underlay is not null && (Remotes.Count > 0 || Links.Any(link => link.Spans));

    /// <summary>Gateways whose public address this host has.</summary>
    public IEnumerable<DesiredGateway> OwnGateways => Gateways.Where(gateway => gateway.Host == Underlay);

    /// <summary>The VPN gateway, if this host is it.</summary>
    public VpnIntent? OwnVpn => Vpn?.Host == Underlay ? Vpn : null;

    /// <summary>The gateway under whose address guests without a floating one leave; null: each host's own.</summary>
    public DesiredGateway? Source => TranslatesOutside ? Gateways.FirstOrDefault(gateway => gateway.IsSource) : null;
}

/// <summary>A segment of the operator's own, of which a network is a part.</summary>
/// <param name="Device">A bridge of the host, or with a VLAN any device.</param>
/// <param name="Vlan">1 to 4,094; null for frames without a tag.</param>
/// <param name="ExternalDhcp">True if a server of the segment answers DHCP.</param>
public sealed record SegmentIntent(string Device, int? Vlan, bool ExternalDhcp);

public sealed record SubnetIntent(string Id, string Cidr, string Gateway, IReadOnlyList<string> DnsServers, IReadOnlyList<DesiredDhcpOption> Options)
{
    public bool IsIpv6 => AddressForm.IsIpv6(Cidr);
}

/// <summary>A security group as one network sees it.</summary>
/// <param name="Members">The group's addresses in this network, of both families.</param>
public sealed record GroupIntent(string Name, IReadOnlyList<DesiredRule> Rules, IReadOnlyList<string> Members);

/// <summary>Another host of the network.</summary>
/// <param name="Address">Its IPv4 address on the underlay; its hardware address and next hop on the overlay are derived from it.</param>
public sealed record RemoteHost(string Address, IReadOnlyList<string> Guests)
{
    public string Mac => OverlayMac(Address);

    public string NextHop => NextHopOf(Address);

    public static string OverlayMac(string underlay)
    {
        var hex = AddressForm.Hex(underlay);
        return $"02:00:{hex[..2]}:{hex[2..4]}:{hex[4..6]}:{hex[6..]}";
    }

    public static string NextHopOf(string underlay)
    {
        var hex = AddressForm.Hex(underlay);
        return System.Net.IPAddress.Parse($"fe80::{hex[..4]}:{hex[4..]}").ToString();
    }
}

/// <summary>Another network on this host to which this one is routed, over a pair of devices of which each network has one.</summary>
/// <param name="Vni">Of the other network; both ends' addresses and names are derived from the numbers.</param>
/// <param name="Spans">True if the other network has guests on other hosts.</param>
public sealed record LinkIntent(string NetworkId, string Namespace, int Vni, IReadOnlyList<string> Cidrs, bool Spans)
{
    /// <summary>The device that leads to a network, in the namespace of one that is linked to it.</summary>
    public static string DeviceTo(int vni) => FormattableString.Invariant($"r{vni}");

    public static bool IsDevice(string name) => name.Length > 1 && name[0] == 'r' && name.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0;

    public static string MacOf(int vni) => FormattableString.Invariant($"02:01:00:{vni >> 16 & 255:x2}:{vni >> 8 & 255:x2}:{vni & 255:x2}");

    public static string NextHopOf(int vni) => System.Net.IPAddress.Parse(FormattableString.Invariant($"fe80::1:{vni >> 16:x}:{vni & 0xffff:x}")).ToString();

    public string Device => DeviceTo(Vni);
}
