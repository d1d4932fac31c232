namespace Kumoi.Api.Agent;

/// <summary>
/// The VPN gateway of a network: WireGuard, on the host that has its public address, which is one of <see cref="DesiredNetwork.Gateways"/>. The network's
/// other hosts send what is for its ranges there.
/// </summary>
/// <param name="Address">The public address.</param>
/// <param name="Port">Of UDP, at that address.</param>
/// <param name="Host">Address on the underlay of the host that has it.</param>
/// <param name="Ranges">What is reached by it: the clients' ranges and those of the sites.</param>
/// <param name="PrivateKey">Of the gateway, in base64; only the host that is the gateway is told.</param>
/// <param name="Peers">Who may connect; only the host that is the gateway is told.</param>
public sealed record DesiredVpn(string Id, string Address, int Port, string Host, IReadOnlyList<string> Ranges, string? PrivateKey, IReadOnlyList<DesiredVpnPeer>? Peers);

/// <summary>A client or a site of a VPN gateway.</summary>
/// <param name="PublicKey">In base64; unique within the gateway.</param>
/// <param name="PresharedKey">In base64; null: none.</param>
/// <param name="Endpoint"><c>ADDRESS:PORT</c> (IPv4) where the gateway looks for it; null: it waits until the peer speaks.</param>
/// <param name="Ranges">What it may send from, and is sent; no two peers have the same.</param>
public sealed record DesiredVpnPeer(string Id, string PublicKey, string? PresharedKey, string? Endpoint, IReadOnlyList<string> Ranges);

/// <summary>A VPN gateway as its host sees it.</summary>
/// <param name="Problem">Why it does not work; null if it works.</param>
/// <param name="Peers">Those that have spoken since the gateway came to the host.</param>
public sealed record ObservedVpn(string Id, string? Problem, IReadOnlyList<ObservedVpnPeer> Peers);

/// <summary>Counts begin when the gateway comes to a host, so they may begin anew at any time.</summary>
/// <param name="HandshakeAt">When keys were agreed on last; a peer that is connected does so every two to three minutes.</param>
/// <param name="Endpoint">Whence it spoke last.</param>
/// <param name="BytesIn">Sent by the peer.</param>
/// <param name="BytesOut">Sent to the peer.</param>
public sealed record ObservedVpnPeer(string Id, DateTimeOffset HandshakeAt, string Endpoint, long BytesIn, long BytesOut);
