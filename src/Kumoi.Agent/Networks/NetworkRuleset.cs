using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.LoadBalancers;

namespace Kumoi.Agent.Networks;

/// <summary>
/// The filter and translation rules of one network on one host, as a pure function. Who may speak is decided before connection
/// tracking (anti-spoofing), what guests may ask of the host in <c>input</c>, and what they may send and get in <c>egress</c> and <c>ingress</c>:
/// two chains on the same hook, since a packet between two guests needs the consent of both. Egress acts where the sender is and ingress where the
/// receiver is; a namespace that a packet only passes sees one direction of it, and does not track it.
/// </summary>
public static class NetworkRuleset
{
    public const string Table = "inet kumoi";

    /// <summary>The device inside the namespace that leads to the host.</summary>
    public const string UplinkDevice = "uplink";

    /// <summary>Where guests ask for their metadata over IPv6, as at 169.254.169.254 over IPv4.</summary>
    public const string MetadataIpv6 = "fd00:ec2::254";

    /// <summary>The device inside the namespace that leads to the network's other hosts.</summary>
    public const string OverlayDevice = "vx";

    private const string Known = "ct state vmap { established : accept, related : accept, invalid : drop }";

    public static Ruleset Build(NetworkIntent intent)
    {
        var inner = Inner(intent);
        List<Chain> chains =
        [
            AntiSpoofing(intent, inner),
            Input(intent, inner),
            new("egress", new ChainHook("filter", "forward", -1, "drop"),
            [
                Known,
                $"iifname \"{UplinkDevice}\" oifname \"{UplinkDevice}\" drop",
                // From the outside only to where an address of the outside leads.
                $"iifname \"{UplinkDevice}\" oifname {inner} ct status dnat accept",
                $"iifname \"{UplinkDevice}\" oifname {inner} drop",
                $"iifname \"{UplinkDevice}\" accept",
                $"iifname {inner} accept",
                "ip daddr 169.254.0.0/16 drop",
                .. VpnRuleset.Egress(intent),
                "iifname vmap @ports_out",
            ]),
            new("ingress", new ChainHook("filter", "forward", 0, "drop"),
                [Known, $"oifname \"{UplinkDevice}\" jump outside", .. VpnRuleset.Ingress(intent), $"oifname {inner} accept", .. BalancerFilters.ToMembers(intent), "oifname vmap @ports_in"]),
            Outside(intent, inner),
            .. TranslationRuleset.Chains(intent),
            .. VpnRuleset.Chains(intent),
        ];
        var used = intent.Ports.SelectMany(port => port.SecurityGroups).ToHashSet();
        foreach (var group in intent.Groups.Where(group => used.Contains(group.Name))) chains.AddRange(GroupRuleset.Chains(group, intent));
        chains.AddRange(intent.Ports.SelectMany(port => PortRuleset.Chains(port, intent)));
        return new Ruleset(Table, chains, [.. PortRuleset.Sets(intent), .. TranslationRuleset.Sets(intent), .. intent.Groups.SelectMany(group => GroupRuleset.Sets(group, intent))]) { Objects = [.. BalancerRuleset.Objects(intent)] };
    }

    /// <summary>Devices behind which are other parts of the cloud, whose filters a packet has passed.</summary>
    private static string Inner(NetworkIntent intent) =>
        $"{{ {string.Join(", ", intent.Links.Select(link => link.Device).Prepend(OverlayDevice).Select(NamedSet.Device))} }}";

    private static Chain AntiSpoofing(NetworkIntent intent, string inner) => new("antispoof", new ChainHook("filter", "prerouting", -300, "drop"),
    [
        "iifname \"lo\" accept",
        .. intent.Inside.Select(range => $"iifname \"{UplinkDevice}\" {Family(range)} saddr {range} drop"),
        $"iifname \"{UplinkDevice}\" accept",
        // The other direction may take another way, so what only passes belongs to no connection.
        $"iifname {inner} fib daddr oifname {inner} notrack",
        .. BalancerFilters.Zones(intent),
        $"iifname {inner} accept",
        .. VpnRuleset.Sources(intent),
        "iifname vmap @ports_from",
    ]);

    private static Chain Input(NetworkIntent intent, string inner)
    {
        List<string> rules =
        [
            "iifname \"lo\" accept",
            Known,
            .. BalancerFilters.FromOutside(intent),
            $"iifname \"{UplinkDevice}\" icmp type echo-request limit rate 20/second accept",
            .. VpnRuleset.Outer(intent),
            $"iifname \"{UplinkDevice}\" drop",
            .. BalancerFilters.FromLinks(intent),
            $"iifname {inner} drop",
            .. VpnRuleset.Inner(intent, [.. GatewayServices(intent), .. BalancerFilters.Accepted(intent)]),
            "udp sport 68 udp dport 67 accept",
            "ip daddr 169.254.169.254 tcp dport 80 accept",
        ];
        rules.AddRange(GatewayServices(intent));
        if (intent.HasIpv6)
        {
            rules.Add($"ip6 daddr {MetadataIpv6} tcp dport 80 accept");
            rules.Add("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } ip6 hoplimit 255 accept");
            rules.Add("udp sport 546 udp dport 547 accept");
        }
        rules.AddRange(BalancerFilters.FromGuests(intent));
        return new Chain("input", new ChainHook("filter", "input", 0, "drop"), rules);
    }

    /// <summary>What the gateways' addresses answer: names and ping.</summary>
    private static IEnumerable<string> GatewayServices(NetworkIntent intent)
    {
        foreach (var family in intent.Subnets.GroupBy(subnet => subnet.IsIpv6).OrderBy(family => family.Key))
        {
            var gateways = $"{Family(family.Key)} daddr {{ {string.Join(", ", family.Select(subnet => subnet.Gateway).Distinct())} }}";
            yield return $"{gateways} meta l4proto . th dport {{ udp . 53, tcp . 53 }} accept";
            yield return $"{gateways} {(family.Key ? "icmpv6" : "icmp")} type echo-request accept";
        }
    }

    /// <summary>What may leave by the uplink. Replies to what came in by it have passed as known connections.</summary>
    private static Chain Outside(NetworkIntent intent, string inner)
    {
        var rules = new List<string>(VpnRuleset.Outside(intent)) { "ip saddr @floated accept" };
        var served = intent.Source is { } source && source.Host == intent.Underlay;
        // Other hosts' guests leave here only if this host has the network's address.
        if (!served) rules.Add($"iifname {inner} drop");
        if (intent.TranslatesOutside && (intent.Source is null || served)) rules.Add("meta nfproto ipv4 accept");
        rules.Add("drop");
        return new Chain("outside", null, rules);
    }

    internal static string Family(bool ipv6) => ipv6 ? "ip6" : "ip";

    internal static string Family(string addressOrRange) => Family(AddressForm.IsIpv6(addressOrRange));
}
