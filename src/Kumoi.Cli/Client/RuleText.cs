using System.Globalization;
using System.Text.RegularExpressions;
using Kumoi.Api;

namespace Kumoi.Cli.Client;

/// <summary>Rules of security groups as one line each: <c>tcp:22,22,ip4:0.0.0.0/0</c>, <c>icmp:-1,-1,ip4:0.0.0.0/0</c>, <c>udp:53,53,ip6:::/0</c>,
/// <c>tcp:80,80,sg-…</c>, as Wakame-vdc writes them. -1 means all.</summary>
public static partial class RuleText
{
    /// <summary>The rule of a text; null if it is none.</summary>
    public static CreateSecurityGroupRule? Read(string text, bool egress, string? description)
    {
        if (Form().Match(text.Trim()) is not { Success: true } match) return null;
        var protocol = match.Groups["protocol"].Value.ToLowerInvariant();
        // Only rules for everything need no ports.
        if (protocol != "any" && !match.Groups["from"].Success) return null;
        if (!Number(match.Groups["from"], out var from) || !Number(match.Groups["to"], out var to)) return null;
        var (cidr, group) = Source(match.Groups["source"].Value);
        return new CreateSecurityGroupRule(egress ? "egress" : "ingress", protocol, from, to, cidr, group, description);
    }

    /// <summary>True if the rule is what the text says.</summary>
    public static bool Is(SecurityGroupRule rule, CreateSecurityGroupRule text) =>
        rule.Direction == text.Direction && rule.Protocol == text.Protocol && rule.FromPort == text.FromPort && (rule.ToPort ?? rule.FromPort) == (text.ToPort ?? text.FromPort)
        && (text.Group is { } group ? rule.Group is { } other && (other.Id == group || other.Name == group) : rule.Cidr == text.Cidr);

    public static string Write(SecurityGroupRule rule)
    {
        var source = rule.Cidr is { } cidr ? (cidr.Contains(':', StringComparison.Ordinal) ? "ip6:" : "ip4:") + cidr : rule.Group?.Name;
        return string.Create(CultureInfo.InvariantCulture, $"{rule.Protocol}:{rule.FromPort ?? -1},{(rule.FromPort is null ? -1 : rule.ToPort ?? (rule.Protocol == "icmp" ? -1 : rule.FromPort))},{source}");
    }

    private static bool Number(Group text, out int? number)
    {
        number = null;
        if (!text.Success || text.Value == "-1") return true;
        if (!int.TryParse(text.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return false;
        number = value;
        return true;
    }

    private static (string? Cidr, string? Group) Source(string text)
    {
        if (!text.StartsWith("ip4:", StringComparison.Ordinal) && !text.StartsWith("ip6:", StringComparison.Ordinal)) return (null, text);
        var address = text[4..];
        if (address.Contains('/', StringComparison.Ordinal)) return (address, null);
        // The address that is nobody's stands for everybody, any other for itself.
        return address is "0.0.0.0" or "::" ? (address + "/0", null) : (address + (text[2] == '4' ? "/32" : "/128"), null);
    }

    [GeneratedRegex(@"^(?<protocol>tcp|udp|icmp|any):((?<from>-?\d{1,5}),(?<to>-?\d{1,5}),)?(?<source>\S.*)\z", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
