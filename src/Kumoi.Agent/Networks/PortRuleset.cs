namespace Kumoi.Agent.Networks;

/// <summary>What belongs to one guest interface: three chains, and an element of a verdict map for each.</summary>
public static class PortRuleset
{
    public static IEnumerable<Chain> Chains(Port port, NetworkIntent intent)
    {
        var groups = port.SecurityGroups.Where(name => intent.Groups.Any(group => group.Name == name)).ToArray();
        return
        [
            new Chain($"from_{port.Tap}", null, [.. Sources(port, intent.HasIpv6)]),
            new Chain($"out_{port.Tap}", null, [.. groups.Select(group => $"jump egress_{group}"), "drop"]),
            new Chain($"in_{port.Tap}", null, [.. groups.Select(group => $"jump ingress_{group}"), "drop"]),
        ];
    }

    public static IEnumerable<NamedSet> Sets(NetworkIntent intent) =>
        ((string[])["from", "out", "in"]).Select(direction =>
            NamedSet.Map($"ports_{direction}", "ifname", "verdict", intent.Ports.Select(port => (NamedSet.Device(port.Tap), $"jump {direction}_{port.Tap}"))));

    /// <summary>
    /// What a guest may send from. Its link-local address may be any: such packets go no further than its own tap, and many systems choose one
    /// at random (RFC 7217).
    /// </summary>
    private static IEnumerable<string> Sources(Port port, bool ipv6)
    {
        yield return $"ether saddr != {port.Mac} drop";
        foreach (var family in port.Addresses.Select(address => address.Text).GroupBy(AddressForm.IsIpv6).OrderBy(family => family.Key))
            yield return $"{NetworkRuleset.Family(family.Key)} saddr {{ {string.Join(", ", family)} }} accept";
        // A rule for each: ranges of one set must not overlap.
        foreach (var range in port.Allowed) yield return $"{NetworkRuleset.Family(range)} saddr {range} accept";
        yield return "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept";
        if (!ipv6) yield break;
        yield return "ip6 saddr fe80::/10 ip6 daddr { fe80::/10, ff02::/16 } icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, echo-request } accept";
        yield return "ip6 saddr fe80::/10 ip6 daddr { fe80::/10, ff02::/16 } udp sport 546 udp dport 547 accept";
        yield return "ip6 saddr :: ip6 daddr ff02::/16 icmpv6 type nd-neighbor-solicit accept";
    }
}
