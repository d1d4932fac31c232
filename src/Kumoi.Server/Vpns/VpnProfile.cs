using System.Globalization;
using System.Text;

namespace Kumoi.Server.Vpns;

/// <summary>What the configuration of a gateway's other end is made of.</summary>
/// <param name="Inside">The ranges of the network's subnets.</param>
/// <param name="Dns">The network's gateways, which resolve its names: one of a family.</param>
/// <param name="Mtu">The network's longest packet, in bytes.</param>
public sealed record VpnFacts(string Address, int Port, string PublicKey, IReadOnlyList<string> Inside, IReadOnlyList<string> Dns, string Domain, int Mtu)
{
    /// <summary>What of it an end can use that has these addresses or ranges.</summary>
    public VpnFacts For(IReadOnlyList<string> own) => this with { Inside = [.. Inside.Where(range => Common(range, own))], Dns = [.. Dns.Where(server => Common(server, own))] };

    private static bool Common(string text, IReadOnlyList<string> own) => own.Any(one => one.Contains(':', StringComparison.Ordinal) == text.Contains(':', StringComparison.Ordinal));
}

/// <summary>Writes the configurations of clients and sites, as wg-quick(8) reads them: pure.</summary>
public static class VpnProfile
{
    // WireGuard adds 60 bytes over IPv4 and 80 over IPv6, which a client may speak to a translator of; IPv6 needs 1,280 inside (RFC 8200).
    private const int Overhead = 80, MtuMin = 1280;

    /// <summary>Most routers forget a UDP flow after 30 seconds of silence; more often costs batteries.</summary>
    private const int KeepaliveSeconds = 25;

    public static string Client(VpnFacts facts, IReadOnlyList<string> addresses, string? privateKey)
    {
        var text = new StringBuilder();
        Interface(text, privateKey);
        Line(text, $"Address = {string.Join(", ", addresses.Select(address => address + (address.Contains(':', StringComparison.Ordinal) ? "/128" : "/32")))}");
        if (facts.Dns.Count > 0) Line(text, $"DNS = {string.Join(", ", facts.Dns.Append(facts.Domain))}");
        Line(text, $"MTU = {Math.Max(MtuMin, facts.Mtu - Overhead)}");
        Peer(text, facts, null, wantsPreshared: false);
        return text.ToString();
    }

    /// <param name="listens">The port at which the site waits, if the gateway looks for it.</param>
    public static string Site(VpnFacts facts, int? listens, string? privateKey, string? presharedKey, bool hasPreshared)
    {
        var text = new StringBuilder();
        Interface(text, privateKey);
        if (listens is { } port) Line(text, $"ListenPort = {port}");
        Line(text, $"MTU = {Math.Max(MtuMin, facts.Mtu - Overhead)}");
        // Not the clients' ranges: what comes from a client goes to the network's guests, and not to sites.
        Peer(text, facts, presharedKey, hasPreshared);
        return text.ToString();
    }

    private static void Interface(StringBuilder text, string? privateKey)
    {
        text.Append("[Interface]\n");
        text.Append(privateKey is null ? "# PrivateKey = the private key of this end; the cloud does not have it\n" : $"PrivateKey = {privateKey}\n");
    }

    private static void Peer(StringBuilder text, VpnFacts facts, string? presharedKey, bool wantsPreshared)
    {
        text.Append("\n[Peer]\n");
        Line(text, $"PublicKey = {facts.PublicKey}");
        if (presharedKey is not null) Line(text, $"PresharedKey = {presharedKey}");
        else if (wantsPreshared) text.Append("# PresharedKey = the secret that was agreed on\n");
        Line(text, $"Endpoint = {facts.Address}:{facts.Port}");
        Line(text, $"AllowedIPs = {string.Join(", ", facts.Inside)}");
        Line(text, $"PersistentKeepalive = {KeepaliveSeconds}");
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
