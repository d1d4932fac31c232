using System.Globalization;
using System.Text;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks.Vpn;

/// <summary>A device of WireGuard as <c>wg show DEVICE dump</c> tells of it.</summary>
/// <param name="Peers">By their public keys.</param>
public sealed record WireGuardSight(string PrivateKey, string ListenPort, string Mark, IReadOnlyDictionary<string, WireGuardPeer> Peers)
{
    /// <summary>Null if the text is of another form.</summary>
    public static WireGuardSight? Read(string dump)
    {
        var lines = dump.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).ToArray();
        if (lines is not [[var privateKey, _, var port, var mark], ..] || lines.Skip(1).Any(peer => peer.Length != 8)) return null;
        return new WireGuardSight(privateKey, port, mark, lines.Skip(1).DistinctBy(peer => peer[0]).ToDictionary(peer => peer[0], peer => new WireGuardPeer(
            peer[1], peer[2], peer[3].Split(',').ToHashSet(), Number(peer[4]), Number(peer[5]), Number(peer[6]), peer[7])));
    }

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}

/// <param name="Endpoint">Whence it spoke last; <c>(none)</c>.</param>
/// <param name="HandshakeAt">In seconds since 1970; 0: never.</param>
/// <param name="Keepalive">In seconds, or <c>off</c>.</param>
public sealed record WireGuardPeer(string PresharedKey, string Endpoint, IReadOnlySet<string> Ranges, long HandshakeAt, long BytesIn, long BytesOut, string Keepalive);

/// <summary>What a device should be, compared with what it is: pure.</summary>
public static class WireGuardConfiguration
{
    private const string None = "(none)", Off = "off";

    /// <summary>Most routers forget a UDP flow after 30 seconds of silence. Only peers that are looked for: the others do it by themselves.</summary>
    private const int KeepaliveSeconds = 25;

    /// <summary>As <c>wg syncconf</c> reads it, which changes only what differs and leaves other peers' connections alone.</summary>
    public static string Text(VpnIntent vpn)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Line($"[Interface]\nPrivateKey = {vpn.PrivateKey}\nListenPort = {VpnRuleset.Port}\nFwMark = 0x{VpnRuleset.Mark:x}");
        foreach (var peer in vpn.Peers)
        {
            Line($"[Peer]\nPublicKey = {peer.PublicKey}");
            if (peer.PresharedKey is { } secret) Line($"PresharedKey = {secret}");
            if (peer.Endpoint is { } endpoint) Line($"Endpoint = {endpoint}\nPersistentKeepalive = {KeepaliveSeconds}");
            if (peer.Ranges.Count > 0) Line($"AllowedIPs = {string.Join(", ", peer.Ranges)}");
        }
        return text.ToString();
    }

    /// <summary>True if the device is as it should be. Where a peer speaks from is its own affair, as long as it is known where to look for one that is looked for.</summary>
    public static bool Holds(VpnIntent vpn, WireGuardSight seen) =>
        seen.PrivateKey == vpn.PrivateKey && seen.ListenPort == VpnRuleset.Port.ToString(CultureInfo.InvariantCulture) && seen.Mark == FormattableString.Invariant($"0x{VpnRuleset.Mark:x}")
        && seen.Peers.Count == vpn.Peers.Count && vpn.Peers.All(peer => seen.Peers.TryGetValue(peer.PublicKey, out var present) && Holds(peer, present));

    private static bool Holds(DesiredVpnPeer peer, WireGuardPeer seen) =>
        seen.PresharedKey == (peer.PresharedKey ?? None) && (peer.Endpoint is null || seen.Endpoint != None)
        && seen.Ranges.SetEquals(peer.Ranges.Count == 0 ? [None] : peer.Ranges)
        && seen.Keepalive == (peer.Endpoint is null ? Off : KeepaliveSeconds.ToString(CultureInfo.InvariantCulture));

    /// <summary>Those of the gateway's peers that have spoken.</summary>
    public static IReadOnlyList<ObservedVpnPeer> Heard(VpnIntent vpn, WireGuardSight seen) =>
        [.. vpn.Peers.Select(peer => (peer.Id, Seen: seen.Peers.GetValueOrDefault(peer.PublicKey))).Where(peer => peer.Seen is { HandshakeAt: > 0 })
            .Select(peer => new ObservedVpnPeer(peer.Id, DateTimeOffset.FromUnixTimeSeconds(peer.Seen!.HandshakeAt), peer.Seen.Endpoint, peer.Seen.BytesIn, peer.Seen.BytesOut))
            .OrderBy(peer => peer.Id, StringComparer.Ordinal)];
}
