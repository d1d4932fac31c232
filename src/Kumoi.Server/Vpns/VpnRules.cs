using System.Globalization;
using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Routers;

namespace Kumoi.Server.Vpns;

/// <summary>What VPN gateways, clients and sites may be: pure.</summary>
public static class VpnRules
{
    public const int PortDefault = 51820, RangesMax = 50;

    /// <summary>The rule that a range breaks if it overlaps a subnet of the gateway's own network.</summary>
    public const string OverlapsSubnet = "overlaps-subnet";

    private const int PrefixMinV4 = 16, PrefixMaxV4 = 30, PrefixMinV6 = 64, PrefixMaxV6 = 120;

    // Where clients are if nobody says: the first part of it that nothing of the network overlaps.
    private static readonly IPNetwork Home = IPNetwork.Parse("10.99.0.0/16");

    private const int HomePrefix = 24;

    private static readonly IPNetwork[] NoEndpoints = [.. ((string[])["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"]).Select(IPNetwork.Parse)];

    public static IEnumerable<Violation> Check(CreateVpn create)
    {
        if (Names.Check("name", Names.Normal(create.Name)) is { } name) yield return name;
        if (create.Port is < 1 or > 65535) yield return new Violation("port", "between", 1, 65535);
        if (create.Clients is not { } clients) yield break;
        if (clients.Count is < 1 or > 2) yield return new Violation("clients", "client-ranges");
        for (var i = 0; i < clients.Count; i++)
        {
            var field = string.Create(CultureInfo.InvariantCulture, $"clients[{i}]");
            if (RouteRules.CheckRange(field, clients[i]) is { } wrong)
            {
                yield return wrong;
                continue;
            }
            var range = IPNetwork.Parse(clients[i]);
            var (least, most) = AddressRange.IsV4(range) ? (PrefixMinV4, PrefixMaxV4) : (PrefixMinV6, PrefixMaxV6);
            if (range.PrefixLength < least || range.PrefixLength > most) yield return new Violation(field, "prefix-between", least, most);
            if (i == 1 && AddressRange.ReadRange(clients[0]) is { } first && AddressRange.IsV4(first) == AddressRange.IsV4(range)) yield return new Violation(field, "client-ranges");
        }
    }

    public static IEnumerable<Violation> Check(CreateVpnClient create)
    {
        if (Names.Check("name", Names.Normal(create.Name)) is { } name) yield return name;
        if (create.PublicKey is { } key && VpnKeys.Read(key) is null) yield return new Violation("publicKey", "wireguard-key");
    }

    public static IEnumerable<Violation> Check(CreateVpnSite create)
    {
        if (Names.Check("name", Names.Normal(create.Name)) is { } name) yield return name;
        if (create.PublicKey is { } key && VpnKeys.Read(key) is null) yield return new Violation("publicKey", "wireguard-key");
        if (create.PresharedKey is { } secret and not "generate" && VpnKeys.Read(secret) is null) yield return new Violation("presharedKey", "preshared-key");
        if (create.Endpoint is { } endpoint && Endpoint(endpoint) is null) yield return new Violation("endpoint", "vpn-endpoint");
        if (create.Ranges.Count == 0) yield return new Violation("ranges", "required");
        if (create.Ranges.Count > RangesMax) yield return new Violation("ranges", "at-most", RangesMax);
        for (var i = 0; i < create.Ranges.Count; i++)
        {
            var field = string.Create(CultureInfo.InvariantCulture, $"ranges[{i}]");
            if (RouteRules.CheckRange(field, create.Ranges[i]) is { } wrong) yield return wrong;
            else if (create.Ranges.Take(i).Select(AddressRange.ReadRange).Any(other => other is { } sound && AddressRange.Overlap(sound, IPNetwork.Parse(create.Ranges[i])))) yield return new Violation(field, "overlaps-own");
        }
    }

    /// <summary>An address of the outside with its port; null if the text is none. Names are not looked up: whoever owns the name could lead the gateway anywhere.</summary>
    public static IPEndPoint? Endpoint(string text) =>
        text.Split(':') is [var first, var last] && AddressRange.Read(first) is { } address && int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535
        && !NoEndpoints.Any(never => never.Contains(address)) ? new IPEndPoint(address, port) : null;

    /// <summary>Where clients are if nobody says; null if all of it is taken.</summary>
    public static IPNetwork? Free(IReadOnlyCollection<IPNetwork> taken)
    {
        var size = 1L << (32 - HomePrefix);
        for (var offset = 0L; offset < AddressRange.Size(Home); offset += size)
        {
            var range = new IPNetwork(AddressRange.At(Home, offset), HomePrefix);
            if (!taken.Any(other => AddressRange.Overlap(other, range))) return range;
        }
        return null;
    }

    /// <summary>The rule that a range breaks because something overlaps it; null: none.</summary>
    public static Violation? Overlap(string field, IPNetwork range, IReadOnlyList<(IPNetwork Range, string Rule)> taken, IPAddress gateway)
    {
        if (range.Contains(gateway)) return new Violation(field, "contains-gateway", gateway.ToString());
        foreach (var (other, rule) in taken)
            if (AddressRange.Overlap(other, range)) return new Violation(field, rule, other.ToString());
        return null;
    }
}
