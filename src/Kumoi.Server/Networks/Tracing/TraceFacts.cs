using System.Net;
using System.Net.Sockets;
using Kumoi.Api;

namespace Kumoi.Server.Networks.Tracing;

/// <summary>A network, as far as the way of a packet depends on it.</summary>
/// <param name="Ranges">Of its subnets.</param>
/// <param name="Links">Networks that it is linked with, and the router or peering that does it.</param>
/// <param name="SourceAddress">Under which guests without a floating address leave, if it is one of the account's own.</param>
/// <param name="Vpn">What its VPN gateway leads to; null: nothing.</param>
public sealed record TraceNetwork(
    string Id, string Name, bool Isolated, IReadOnlyList<IPNetwork> Ranges, IReadOnlyDictionary<string, string> Links, IReadOnlyList<TraceRoute> Routes, IPAddress? SourceAddress,
    IReadOnlyList<TraceVpnRange>? Vpn = null, bool Bridged = false)
{
    /// <summary>The range behind the VPN gateway that an address is of; null: none.</summary>
    public TraceVpnRange? BehindVpn(IPAddress? address) => address is null ? null : Vpn?.FirstOrDefault(behind => behind.Range.Contains(address));
}

/// <summary>A range that is reached by a network's VPN gateway.</summary>
/// <param name="Gateway">Its name.</param>
/// <param name="Site">The site that has the range; null: it is the clients'.</param>
public sealed record TraceVpnRange(IPNetwork Range, string Gateway, string? Site);

/// <param name="Via">The interface behind which the range is; null: nobody has the address.</param>
public sealed record TraceRoute(IPNetwork Destination, IPAddress Via, string? InterfaceId);

/// <summary>An interface at one end.</summary>
/// <param name="Addresses">All that it has, the first one first.</param>
/// <param name="GroupIds">The security groups that it is in.</param>
/// <param name="IsForeign">It is another account's: whether its rules let the packet pass is told, and which do is not.</param>
public sealed record TraceInterface(string Id, string Instance, string NetworkId, IReadOnlyList<IPAddress> Addresses, IPAddress? Floating, IReadOnlyList<string> GroupIds, bool IsForeign)
{
    public IPAddress? Of(AddressFamily family) => Addresses.FirstOrDefault(address => address.AddressFamily == family);
}

/// <summary>Where a packet starts or should arrive.</summary>
/// <param name="Named">As it was asked for.</param>
/// <param name="Address">The address that was asked for; null: any of the interface, or anybody's outside.</param>
/// <param name="Interface">The interface that is or has it; null: it is outside, or nobody has it.</param>
public sealed record TraceEnd(string Named, IPAddress? Address, TraceInterface? Interface);

/// <param name="TargetPort">The guest's port.</param>
public sealed record TraceForward(IPAddress Address, string Protocol, int Port, TraceInterface Target, int TargetPort);

/// <summary>A load balancer that has an address at one end.</summary>
/// <param name="Addresses">Its own, in its network.</param>
/// <param name="Public">Floating addresses that lead to it.</param>
/// <param name="IsForeign">It is another account's: its members are not told.</param>
public sealed record TraceBalancer(string Name, string NetworkId, IReadOnlyList<IPAddress> Addresses, IReadOnlyList<IPAddress> Public, IReadOnlyList<TraceListener> Listeners, bool IsForeign);

/// <param name="Protocol">What it speaks, such as <c>https</c>.</param>
/// <param name="Transport"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="IsProxied">Hosts take the connection and make another, so that senders' filters see the load balancer's address.</param>
public sealed record TraceListener(string Protocol, string Transport, int Port, bool IsProxied, IReadOnlyList<TraceMember> Members);

/// <param name="Instance">Its name.</param>
/// <param name="GetsNew">New connections may be led to it: it is not drained, and has a weight.</param>
public sealed record TraceMember(string InterfaceId, string Instance, int Port, bool GetsNew);

/// <summary>Everything that a trace looks at.</summary>
/// <param name="Uplinks">Range of the networks' own addresses on hosts.</param>
public sealed record TraceFacts(
    TraceEnd From, TraceEnd To, string Protocol, int? Port, IReadOnlyDictionary<string, TraceNetwork> Networks, IReadOnlyDictionary<string, SecurityGroup> Groups,
    IReadOnlyList<TraceForward> Forwards, IReadOnlyList<TraceBalancer> Balancers, IPNetwork Uplinks);

/// <summary>A step of the answer, before it is put in words.</summary>
/// <param name="Code">Of its sentence in the catalogue, after <c>trace.</c>.</param>
public sealed record TraceFinding(string Kind, bool Passes, string Code, object[] Arguments, string? InterfaceId = null, SecurityGroup? Group = null, SecurityGroupRule? Rule = null);
