namespace Kumoi.Agent.Networks.Bridged;

/// <summary>
/// The stateful filters of a bridged network on one host, as a pure function. The kernel asks them for packets that its bridge carries (br_netfilter), where
/// all of them come from and go to the bridge: what they are told of ports is the mark. Egress acts before it is known where a packet goes,
/// and ingress where it leaves to a guest; so each has the whole mark for its own port.
/// </summary>
public static class BridgedRuleset
{
    private const string Known = "ct state vmap { established : accept, related : accept, invalid : drop }";

    private const string Answers = "udp sport 67 udp dport 68", Answers6 = "udp sport 547 udp dport 546", Requests = "udp sport 68 udp dport 67", Requests6 = "udp sport 546 udp dport 547";

    public static Ruleset Build(NetworkIntent intent, SegmentIntent segment)
    {
        List<Chain> chains =
        [
            Egress(intent),
            // Behind it, since an accept only ends its own chain.
            new("passed", new ChainHook("filter", "prerouting", -140, "accept"), [FormattableString.Invariant($"meta mark set meta mark | 0x{BridgeRuleset.PassedMark:x8}")]),
            Ingress(intent, segment),
            Input(intent),
        ];
        var used = intent.Ports.SelectMany(port => port.SecurityGroups).ToHashSet();
        foreach (var group in intent.Groups.Where(group => used.Contains(group.Name))) chains.AddRange(GroupRuleset.Chains(group, intent));
        // Who may speak is decided where frames are looked at.
        chains.AddRange(intent.Ports.SelectMany(port => PortRuleset.Chains(port, intent)).Where(chain => !chain.Name.StartsWith("from_", StringComparison.Ordinal)));
        var numbers = BridgeRuleset.Numbers(intent.Ports);
        return new Ruleset(NetworkRuleset.Table, chains,
        [
            .. ((string[])["out", "in"]).Select(direction => NamedSet.Map(
                $"ports_{direction}", "mark", "verdict", intent.Ports.Select(port => (BridgeRuleset.Text(numbers[port.Tap]), $"jump {direction}_{port.Tap}")))),
            .. intent.Groups.SelectMany(group => GroupRuleset.Sets(group, intent)),
        ]);
    }

    private static Chain Egress(NetworkIntent intent) => new("egress", new ChainHook("filter", "prerouting", -150, "drop"),
    [
        "iifname \"lo\" accept",
        FormattableString.Invariant($"meta mark {BridgeRuleset.SegmentMark} accept"),
        // Also here, where fragments are whole.
        $"{Answers} drop",
        .. intent.HasIpv6 ? (string[])[$"{Answers6} drop", "icmpv6 type { nd-router-advert, nd-redirect } drop"] : [],
        Known,
        $"{Requests} accept",
        $"ip daddr {BridgeRuleset.Metadata} accept",
        .. intent.HasIpv6
            ? (string[])[$"{Requests6} accept", $"ip6 daddr {NetworkRuleset.MetadataIpv6} accept", "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept"] : [],
        "meta mark vmap @ports_out",
    ]);

    /// <summary>Guests cannot answer DHCP, so an answer is of a server of the segment; without need of one it is a stranger's.</summary>
    private static Chain Ingress(NetworkIntent intent, SegmentIntent segment)
    {
        var verdict = segment.ExternalDhcp ? "accept" : "drop";
        return new Chain("ingress", new ChainHook("filter", "forward", 0, "drop"),
        [
            FormattableString.Invariant($"meta mark {BridgeRuleset.SegmentMark} accept"),
            $"{Answers} {verdict}",
            .. intent.HasIpv6 ? (string[])[$"{Answers6} {verdict}"] : [],
            Known,
            .. intent.HasIpv6 ? (string[])["icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept"] : [],
            "meta mark vmap @ports_in",
        ]);
    }

    private static Chain Input(NetworkIntent intent) => new("input", new ChainHook("filter", "input", 0, "drop"),
    [
        "iifname \"lo\" accept",
        Known,
        $"{Requests} accept",
        $"ip daddr {BridgeRuleset.Metadata} tcp dport 80 accept",
        .. intent.HasIpv6
            ? (string[])[$"{Requests6} accept", $"ip6 daddr {NetworkRuleset.MetadataIpv6} tcp dport 80 accept", "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept"] : [],
    ]);
}
