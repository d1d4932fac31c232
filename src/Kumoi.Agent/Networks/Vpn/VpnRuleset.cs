namespace Kumoi.Agent.Networks.Vpn;

/// <summary>
/// What a VPN gateway adds to the rules of its network's namespace on its own host. Clients and sites reach guests, and guests them, as their security groups say
/// where the guests are; they reach neither each other, nor linked networks, nor the outside. IPv4 outside, as translation is.
/// </summary>
public static class VpnRuleset
{
    /// <summary>Of UDP, within the namespace: the public port is translated to it.</summary>
    public const int Port = 51820;

    /// <summary>The mark of WireGuard's own packets. No host has it, as those marks are addresses.</summary>
    public const int Mark = 1;

    /// <summary>Before connection tracking: a peer's own ranges are WireGuard's to keep to, all of theirs together this table's.</summary>
    public static IEnumerable<string> Sources(NetworkIntent intent) => intent.OwnVpn is not { } vpn ? []
        // A rule for each: ranges of one set must not overlap.
        : vpn.Ranges.Select(range => $"iifname {Device(vpn)} {NetworkRuleset.Family(range)} saddr {range} accept");

    /// <summary>For the gateway itself: WireGuard, and names and ping for clients.</summary>
    public static IEnumerable<string> Outer(NetworkIntent intent) => intent.OwnVpn is null ? [] : [FormattableString.Invariant($"iifname \"{NetworkRuleset.UplinkDevice}\" udp dport {Port} accept")];

    /// <param name="asked">What guests may ask of the network's own addresses.</param>
    public static IEnumerable<string> Inner(NetworkIntent intent, IEnumerable<string> asked) => intent.OwnVpn is not { } vpn ? [] : [.. asked.Select(rule => $"iifname {Device(vpn)} {rule}"), $"iifname {Device(vpn)} drop"];

    public static IEnumerable<string> Egress(NetworkIntent intent) => intent.OwnVpn is not { } vpn ? [] : [$"iifname {Device(vpn)} oifname {Barred(intent, vpn)} drop", $"iifname {Device(vpn)} accept"];

    public static IEnumerable<string> Ingress(NetworkIntent intent) => intent.OwnVpn is not { } vpn ? [] : [$"iifname {Barred(intent, vpn)} oifname {Device(vpn)} drop", $"oifname {Device(vpn)} accept"];

    /// <summary>While the device is not there nothing for its ranges leaves by the default route. On every host, since each has that route.</summary>
    public static IEnumerable<string> Outside(NetworkIntent intent) => intent.Vpn is not { } vpn ? [] : vpn.Ranges.Select(range => $"{NetworkRuleset.Family(range)} daddr {range} drop");

    public static IEnumerable<string> TranslateIn(NetworkIntent intent) => intent.OwnVpn is not { } vpn ? []
        : [FormattableString.Invariant($"iifname \"{NetworkRuleset.UplinkDevice}\" ip daddr {vpn.Address} udp dport {vpn.Port} dnat ip to {intent.Uplink}:{Port}")];

    public static IEnumerable<string> TranslateOut(NetworkIntent intent) => intent.OwnVpn is not { } vpn ? []
        : [FormattableString.Invariant($"oifname \"{NetworkRuleset.UplinkDevice}\" ip saddr {intent.Uplink} udp sport {Port} snat ip to {vpn.Address}:{vpn.Port}")];

    /// <summary>Connections learn what fits through: guests send longer packets than the tunnel carries, and some never hear that they are too long.</summary>
    public static IEnumerable<Chain> Chains(NetworkIntent intent) => intent.OwnVpn is not { } vpn ? []
        : [new Chain("vpn_sizes", new ChainHook("filter", "forward", -150, "accept"), [$"oifname {Device(vpn)} tcp flags syn tcp option maxseg size set rt mtu"])];

    private static string Device(VpnIntent vpn) => NamedSet.Device(vpn.Device);

    /// <summary>What lies beyond the network itself.</summary>
    private static string Barred(NetworkIntent intent, VpnIntent vpn) =>
        $"{{ {string.Join(", ", intent.Links.Select(link => link.Device).Prepend(NetworkRuleset.UplinkDevice).Prepend(vpn.Device).Select(NamedSet.Device))} }}";
}
