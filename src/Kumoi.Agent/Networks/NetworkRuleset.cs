using System.Globalization;
using System.Text;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>
/// The filter and translation rules of one network on one host, as a pure function. Who may speak is decided before connection
/// tracking (anti-spoofing), what guests may ask of the host in <c>input</c>, and what they may send and get in <c>egress</c> and <c>ingress</c>:
/// two chains on the same hook, since a packet between two guests needs the consent of both.
/// </summary>
public static class NetworkRuleset
{
    public const string Table = "inet kumoi";

    /// <summary>The device inside the namespace that leads to the host.</summary>
    public const string UplinkDevice = "uplink";

    public static Ruleset Build(NetworkIntent intent)
    {
        var text = new StringBuilder();
        void Line(string line) => text.Append(line).Append('\n');
        AntiSpoofing(intent, Line);
        Input(intent, Line);
        foreach (var group in intent.Groups.Where(group => intent.Ports.Any(port => port.SecurityGroups.Contains(group.Name))))
        {
            Group(group, "ingress", "saddr", intent, Line);
            Group(group, "egress", "daddr", intent, Line);
        }
        foreach (var port in intent.Ports)
        {
            Jumps("in", "ingress", port, intent, Line);
            Jumps("out", "egress", port, intent, Line);
        }
        Forward("egress", -1, "iifname", "out", [$"iifname \"{UplinkDevice}\" oifname \"{UplinkDevice}\" drop", $"iifname \"{UplinkDevice}\" accept", "ip daddr 169.254.0.0/16 drop"], intent, Line);
        Forward("ingress", 0, "oifname", "in", [$"oifname \"{UplinkDevice}\" accept"], intent, Line);
        Translation(intent, Line);
        return new Ruleset(Table, text.ToString(), intent.Groups.ToDictionary(group => MemberSet(group.Name), group => group.Members));
    }

    private static string MemberSet(string group) => $"m_{group}";

    private static void AntiSpoofing(NetworkIntent intent, Action<string> line)
    {
        line("  chain antispoof {");
        line("    type filter hook prerouting priority raw; policy drop;");
        line($"    iifname {{ \"lo\", \"{UplinkDevice}\" }} accept");
        if (intent.Ports.Count > 0)
        {
            line($"    iifname . ether saddr . ip saddr {{ {string.Join(", ", intent.Ports.Select(port => $"\"{port.Tap}\" . {port.Mac} . {port.Address}"))} }} accept");
            line($"    iifname . ether saddr {{ {string.Join(", ", intent.Ports.Select(port => $"\"{port.Tap}\" . {port.Mac}"))} }} ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept");
        }
        line("  }");
    }

    private static void Input(NetworkIntent intent, Action<string> line)
    {
        line("  chain input {");
        line("    type filter hook input priority filter; policy drop;");
        line("    iifname \"lo\" accept");
        line("    ct state vmap { established : accept, related : accept, invalid : drop }");
        line($"    iifname \"{UplinkDevice}\" icmp type echo-request limit rate 20/second accept");
        line($"    iifname \"{UplinkDevice}\" drop");
        line("    udp sport 68 udp dport 67 accept");
        line("    ip daddr 169.254.169.254 tcp dport 80 accept");
        if (intent.Subnets.Count > 0)
        {
            line($"    ip daddr {{ {string.Join(", ", intent.Subnets.Select(subnet => subnet.Gateway).Distinct())} }} meta l4proto . th dport {{ udp . 53, tcp . 53 }} accept");
            line($"    ip daddr {{ {string.Join(", ", intent.Subnets.Select(subnet => subnet.Gateway).Distinct())} }} icmp type echo-request accept");
        }
        line("  }");
    }

    private static void Group(GroupIntent group, string direction, string otherSide, NetworkIntent intent, Action<string> line)
    {
        line($"  chain {direction}_{group.Name} {{");
        foreach (var rule in group.Rules.Where(rule => rule.Direction == direction))
            if (Rule(rule, otherSide, intent) is { } text) line($"    {text}");
        line("  }");
    }

    private static string? Rule(DesiredRule rule, string otherSide, NetworkIntent intent)
    {
        var parts = new List<string>();
        if (rule.GroupId is not null)
        {
            var name = ObjectNames.Group(rule.GroupId);
            // A group that is not in the document has no members anybody knows of.
            if (intent.Groups.All(group => group.Name != name)) return null;
            parts.Add($"ip {otherSide} @{MemberSet(name)}");
        }
        else if (rule.Cidr is not null && rule.Cidr != "0.0.0.0/0") parts.Add($"ip {otherSide} {rule.Cidr}");
        if (rule.Protocol == "icmp")
        {
            parts.Add(rule.FromPort is { } type ? Number($"icmp type {type}") : "meta l4proto icmp");
            if (rule.ToPort is { } code && rule.FromPort is not null) parts.Add(Number($"icmp code {code}"));
        }
        else if (rule.Protocol != "any")
        {
            var (from, to) = (rule.FromPort ?? 0, rule.ToPort ?? (rule.FromPort ?? 65_535));
            parts.Add((from, to) == (0, 65_535) ? $"meta l4proto {rule.Protocol}"
                : from == to ? Number($"{rule.Protocol} dport {from}") : Number($"{rule.Protocol} dport {from}-{to}"));
        }
        parts.Add("accept");
        return string.Join(' ', parts);
    }

    private static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static void Jumps(string prefix, string direction, Port port, NetworkIntent intent, Action<string> line)
    {
        line($"  chain {prefix}_{port.Tap} {{");
        foreach (var group in port.SecurityGroups.Where(name => intent.Groups.Any(group => group.Name == name))) line($"    jump {direction}_{group}");
        line("    drop");
        line("  }");
    }

    private static void Forward(string name, int priority, string device, string prefix, string[] first, NetworkIntent intent, Action<string> line)
    {
        line($"  chain {name} {{");
        line($"    type filter hook forward priority {priority.ToString(CultureInfo.InvariantCulture)}; policy drop;");
        line("    ct state vmap { established : accept, related : accept, invalid : drop }");
        foreach (var rule in first) line($"    {rule}");
        if (intent.Ports.Count > 0)
            line($"    {device} vmap {{ {string.Join(", ", intent.Ports.Select(port => $"\"{port.Tap}\" : jump {prefix}_{port.Tap}"))} }}");
        line("  }");
    }

    private static void Translation(NetworkIntent intent, Action<string> line)
    {
        var floating = intent.Ports.Where(port => port.FloatingAddress is not null).DistinctBy(port => port.FloatingAddress).ToArray();
        line("  chain translate_in {");
        line("    type nat hook prerouting priority dstnat; policy accept;");
        if (floating.Length > 0)
            line($"    dnat ip to ip daddr map {{ {string.Join(", ", floating.Select(port => $"{port.FloatingAddress} : {port.Address}"))} }}");
        line("  }");
        line("  chain translate_out {");
        line("    type nat hook postrouting priority srcnat; policy accept;");
        if (floating.Length > 0)
            line($"    oifname \"{UplinkDevice}\" snat ip to ip saddr map {{ {string.Join(", ", floating.DistinctBy(port => port.Address).Select(port => $"{port.Address} : {port.FloatingAddress}"))} }}");
        if (intent.Subnets.Count > 0)
            line($"    oifname \"{UplinkDevice}\" ip saddr {{ {string.Join(", ", intent.Subnets.Select(subnet => subnet.Cidr))} }} snat ip to {intent.Uplink}");
        line("  }");
    }
}
