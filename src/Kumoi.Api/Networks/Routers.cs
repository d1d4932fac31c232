namespace Kumoi.Api;

/// <summary>Joins networks of one account: each reaches every other one of the router. Nothing boots or runs for it: every host routes for its own guests.</summary>
public sealed record Router(string Id, string Name, IReadOnlyList<Ref> Networks, DateTimeOffset CreatedAt);

/// <param name="Networks">Networks of the account whose ranges do not overlap.</param>
public sealed record CreateRouter(string Name, IReadOnlyList<string>? Networks);

/// <summary>Changes which networks a router joins, in one.</summary>
public sealed record ChangeRouter(IReadOnlyList<string>? Attach, IReadOnlyList<string>? Detach);

/// <summary>Joins two networks of two accounts, once the other has consented.</summary>
/// <param name="Account">The account that asked for it.</param>
/// <param name="PeerAccount">The account that is asked.</param>
/// <param name="State"><c>pending</c> or <c>active</c>.</param>
public sealed record Peering(string Id, Ref Account, Ref Network, Ref PeerAccount, Ref PeerNetwork, string State, DateTimeOffset CreatedAt);

/// <param name="Network">The caller's network.</param>
/// <param name="With">The other account's network: its id, or <c>ACCOUNT/NETWORK</c>.</param>
public sealed record CreatePeering(string Network, string With);

/// <summary>A range behind a guest of a network. The guest may then send from it.</summary>
public sealed record NetworkRoute(string Id, Ref Network, string Destination, string Via, DateTimeOffset CreatedAt);

/// <param name="Destination">A range outside the network's own and those that it is linked with.</param>
/// <param name="Via">Address of a guest in the network.</param>
public sealed record CreateNetworkRoute(string Destination, string Via);

/// <summary>A port of a public address that leads to a guest.</summary>
/// <param name="Interface">Id of the guest's interface.</param>
public sealed record PortForward(
    string Id, string Address, string Protocol, int Port, Ref Network, string Interface, Ref Instance, int TargetPort, string Description, DateTimeOffset CreatedAt);

/// <param name="Address">A floating address of the account that leads to no interface; it then serves the guest's network.</param>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="Instance">The guest: its first interface with IPv4.</param>
/// <param name="Interface">The interface, if not by the instance.</param>
/// <param name="TargetPort">Default: the same port.</param>
public sealed record CreatePortForward(string Address, string Protocol, int Port, string? Instance, string? Interface, int? TargetPort, string? Description);
