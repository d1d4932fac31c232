namespace Kumoi.Api;

/// <summary>The VPN gateway of a network (WireGuard): clients and sites reach the network's guests by it.</summary>
/// <param name="Address">Its public address.</param>
/// <param name="Port">Of UDP.</param>
/// <param name="PublicKey">Of the gateway, in base64.</param>
/// <param name="Clients">The ranges that clients' addresses are of: one of a family at most.</param>
/// <param name="State"><c>up</c>, <c>pending</c> (its host has not told of it yet), <c>failed</c>, or <c>no-host</c> (no host with guests of the network is up).</param>
/// <param name="Problem">Why it has failed, as the host says; null if it has not.</param>
public sealed record Vpn(
    string Id, string Name, Ref Network, string Address, int Port, string PublicKey, IReadOnlyList<string> Clients, string State, string? Problem, int ClientCount, int SiteCount, DateTimeOffset CreatedAt);

/// <param name="Network">It has one VPN gateway at most.</param>
/// <param name="Address">A floating address of the account that leads to no interface; default: one is taken from the pool <c>default</c>, and goes with the gateway.</param>
/// <param name="Port">1 to 65,535; default 51,820.</param>
/// <param name="Clients">One IPv4 range of /16 to /30, one IPv6 range of /64 to /120, or one of each; default: a free range of 10.99.0.0/16.</param>
public sealed record CreateVpn(string Name, string Network, string? Address, int? Port, IReadOnlyList<string>? Clients);

/// <summary>Somebody's device, which reaches the network from wherever it is.</summary>
/// <param name="Addresses">Its own, of the gateway's ranges of clients.</param>
/// <param name="HandshakeAt">When it was heard last, to the nearest two minutes; null: never.</param>
/// <param name="Endpoint">Whence it spoke last.</param>
/// <param name="BytesIn">Sent by it since the gateway came to its present host.</param>
/// <param name="BytesOut">Sent to it.</param>
/// <param name="Profile">The device's configuration (wg-quick). Its private key is there only in the answer to its creation, and only if it was made then. Null in lists.</param>
public sealed record VpnClient(
    string Id, string Name, Ref Vpn, string PublicKey, IReadOnlyList<string> Addresses, DateTimeOffset? HandshakeAt, string? Endpoint, long BytesIn, long BytesOut, string? Profile, DateTimeOffset CreatedAt);

/// <param name="PublicKey">Of the device, in base64; default: a pair is made, whose private key is answered once and kept nowhere.</param>
public sealed record CreateVpnClient(string Name, string? PublicKey);

/// <summary>Another network with a WireGuard gateway of its own.</summary>
/// <param name="Ranges">What is there.</param>
/// <param name="ConfiguredEndpoint">Where the gateway looks for it; null: the site comes by itself.</param>
/// <param name="HasPresharedKey">True if both ends have a secret beside their keys.</param>
/// <param name="HandshakeAt">When it was heard last, to the nearest two minutes; null: never.</param>
/// <param name="Endpoint">Whence it spoke last.</param>
/// <param name="BytesIn">Sent by it since the gateway came to its present host.</param>
/// <param name="BytesOut">Sent to it.</param>
/// <param name="Profile">The other side's configuration (wg-quick). Keys that were made are there only in the answer to its creation. Null in lists.</param>
public sealed record VpnSite(
    string Id, string Name, Ref Vpn, string PublicKey, IReadOnlyList<string> Ranges, string? ConfiguredEndpoint, bool HasPresharedKey, DateTimeOffset? HandshakeAt, string? Endpoint, long BytesIn, long BytesOut,
    string? Profile, DateTimeOffset CreatedAt);

/// <param name="PublicKey">Of the other side, in base64; default: a pair is made, whose private key is answered once and kept nowhere.</param>
/// <param name="Ranges">What is there: ranges that overlap nothing that the network reaches.</param>
/// <param name="Endpoint"><c>ADDRESS:PORT</c> (IPv4) of the other side, if it is to be looked for.</param>
/// <param name="PresharedKey">A secret that both ends have beside their keys, 32 bytes in base64; <c>generate</c>: one is made and answered once; absent: none.</param>
public sealed record CreateVpnSite(string Name, string? PublicKey, IReadOnlyList<string> Ranges, string? Endpoint, string? PresharedKey);
