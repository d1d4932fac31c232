using Kumoi.Api.Agent;
using static System.FormattableString;

namespace Kumoi.Agent.Networks;

/// <summary>What belongs to one security group: a chain for each direction, and its members in a set for each family.</summary>
public static class GroupRuleset
{
    public static IEnumerable<Chain> Chains(GroupIntent group, NetworkIntent intent) =>
        ((string[])["ingress", "egress"]).Select(direction => new Chain(
            $"{direction}_{group.Name}", null,
            [.. group.Rules.Where(rule => rule.Direction == direction).SelectMany(rule => Rules(rule, direction == "ingress" ? "saddr" : "daddr", intent)).Distinct()]));

    public static IEnumerable<NamedSet> Sets(GroupIntent group, NetworkIntent intent)
    {
        yield return NamedSet.Of(Members(group.Name, false), "ipv4_addr", group.Members.Where(member => !AddressForm.IsIpv6(member)));
        if (intent.HasIpv6) yield return NamedSet.Of(Members(group.Name, true), "ipv6_addr", group.Members.Where(AddressForm.IsIpv6));
    }

    private static string Members(string group, bool ipv6) => ipv6 ? $"m6_{group}" : $"m_{group}";

    private static IEnumerable<string> Rules(DesiredRule rule, string otherSide, NetworkIntent intent)
    {
        if (rule.GroupId is null) return rule.Cidr is { } cidr && Rule(rule, AddressForm.IsIpv6(cidr), Side(cidr, otherSide)) is { } text ? [text] : [];
        var name = ObjectNames.Group(rule.GroupId);
        // A group that is not in the document has no members anybody knows of.
        if (intent.Groups.All(group => group.Name != name)) return [];
        return ((bool[])(intent.HasIpv6 ? [false, true] : [false])).Select(ipv6 => Rule(rule, ipv6, $"{NetworkRuleset.Family(ipv6)} {otherSide} @{Members(name, ipv6)}")).OfType<string>();
    }

    private static string Side(string cidr, string otherSide) => cidr switch
    {
        "0.0.0.0/0" => "meta nfproto ipv4",
        "::/0" => "meta nfproto ipv6",
        _ => $"{NetworkRuleset.Family(cidr)} {otherSide} {cidr}",
    };

    private static string? Rule(DesiredRule rule, bool ipv6, string side)
    {
        var parts = new List<string> { side };
        if (rule.Protocol == "icmp")
        {
            // The two families' types have nothing to do with each other: one that is given with a group is IPv4's.
            if (ipv6 && rule.GroupId is not null && rule.FromPort is not null) return null;
            var protocol = ipv6 ? "icmpv6" : "icmp";
            parts.Add(rule.FromPort is { } type ? Invariant($"{protocol} type {type}") : ipv6 ? "meta l4proto ipv6-icmp" : "meta l4proto icmp");
            if (rule.ToPort is { } code && rule.FromPort is not null) parts.Add(Invariant($"{protocol} code {code}"));
        }
        else if (rule.Protocol != "any")
        {
            var (from, to) = (rule.FromPort ?? 0, rule.ToPort ?? (rule.FromPort ?? 65_535));
            parts.Add((from, to) == (0, 65_535) ? $"meta l4proto {rule.Protocol}"
                : from == to ? Invariant($"{rule.Protocol} dport {from}") : Invariant($"{rule.Protocol} dport {from}-{to}"));
        }
        parts.Add("accept");
        return string.Join(' ', parts);
    }
}
