using System.Xml.Linq;
using Kumoi.Api;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Rules of security groups as EC2 writes them: those alike but for the other side in one. Pure.</summary>
internal static class Ec2Permissions
{
    private const int PortMax = 65535, IcmpAll = -1;

    // A permission without another side would be a rule for nobody; more than these is more than a group holds.
    private const int PermissionsMax = 200;

    public static bool IsV6(SecurityGroupRule rule) => rule.Cidr?.Contains(':', StringComparison.Ordinal) == true;

    public static string Protocol(SecurityGroupRule rule) => rule.Protocol switch { "any" => "-1", "icmp" when IsV6(rule) => "icmpv6", var protocol => protocol };

    /// <summary>As EC2 says "all"; null where it says nothing.</summary>
    public static (int? From, int? To) Ports(SecurityGroupRule rule) => rule.Protocol switch
    {
        "any" => (null, null), "icmp" => (rule.FromPort ?? IcmpAll, rule.ToPort ?? IcmpAll), _ => (rule.FromPort ?? 0, rule.ToPort ?? PortMax),
    };

    public static XElement Describe(string name, IEnumerable<SecurityGroupRule> rules, string accountId) => Xml.Set(name, rules.GroupBy(rule => (Protocol: Protocol(rule), Ports: Ports(rule))), alike => new object?[]
    {
        Xml.Of("ipProtocol", alike.Key.Protocol), Xml.Of("fromPort", alike.Key.Ports.From), Xml.Of("toPort", alike.Key.Ports.To),
        Xml.Set("groups", alike.Where(rule => rule.Group is not null), rule => new object?[] { Xml.Of("userId", Owner(rule, accountId)), Xml.Of("groupId", rule.Group!.Id), Xml.Of("description", rule.Description) }),
        Xml.Set("ipRanges", alike.Where(rule => rule.Cidr is not null && !IsV6(rule)), rule => new object?[] { Xml.Of("cidrIp", rule.Cidr), Xml.Of("description", rule.Description) }),
        Xml.Set("ipv6Ranges", alike.Where(IsV6), rule => new object?[] { Xml.Of("cidrIpv6", rule.Cidr), Xml.Of("description", rule.Description) }), Xml.Set("prefixListIds", Array.Empty<string>(), _ => null),
    });

    /// <summary>The account of the group that a rule names: another's is told with its account's name before it.</summary>
    private static string Owner(SecurityGroupRule rule, string accountId) => rule.Group!.Name.Split('/') is [var other, _] ? other : accountId;

    public static object?[] DescribeRule(SecurityGroup group, SecurityGroupRule rule, string accountId) =>
    [
        Xml.Of("securityGroupRuleId", rule.Id), Xml.Of("groupId", group.Id), Xml.Of("groupOwnerId", accountId), Xml.Of("isEgress", rule.Direction == "egress"), Xml.Of("ipProtocol", Protocol(rule)), Xml.Of("fromPort", Ports(rule).From ?? -1), Xml.Of("toPort", Ports(rule).To ?? -1),
        IsV6(rule) ? Xml.Of("cidrIpv6", rule.Cidr) : Xml.Of("cidrIpv4", rule.Cidr), rule.Group is null ? null : Xml.Group("referencedGroupInfo", Xml.Of("groupId", rule.Group.Id), Xml.Of("userId", Owner(rule, accountId))), Xml.Of("description", rule.Description), Xml.Tags([]),
    ];

    /// <summary>The rules that a request's permissions stand for, each with one other side; what is wrong is noted.</summary>
    public static List<CreateSecurityGroupRule> Read(Ec2Call call, string direction)
    {
        var rules = new List<CreateSecurityGroupRule>();
        var permissions = call.Parameters.Items("IpPermissions");
        if (permissions.Count > PermissionsMax) call.Parameters.Refuse<string>(new Ec2Fault("RulesPerSecurityGroupLimitExceeded", 400, "filter-limit", PermissionsMax));
        else foreach (var permission in permissions) rules.AddRange(ReadOne(permission, direction));
        // The old form, with one range or group beside the protocol.
        if (permissions.Count == 0 && (call.Parameters.Text("CidrIp") ?? call.Parameters.Text("SourceSecurityGroupName")) is not null)
            rules.Add(Rule(call.Parameters, direction, call.Parameters.Text("CidrIp"), call.Parameters.Text("SourceSecurityGroupName"), null));
        return rules;
    }

    private static IEnumerable<CreateSecurityGroupRule> ReadOne(Ec2Parameters permission, string direction)
    {
        var (ranges, ranges6, groups) = (permission.Items("IpRanges"), permission.Items("Ipv6Ranges"), permission.Items("Groups"));
        if (permission.HasBelow("PrefixListIds")) permission.Refuse<string>(Ec2Fault.Unsupported("PrefixListIds"));
        if (ranges.Count + ranges6.Count + groups.Count == 0) permission.Refuse<string>(Ec2Fault.Missing(permission.Path("IpRanges")));
        foreach (var range in ranges) yield return Rule(permission, direction, range.Required("CidrIp"), null, range.Text("Description"));
        foreach (var range in ranges6) yield return Rule(permission, direction, range.Required("CidrIpv6"), null, range.Text("Description"));
        foreach (var group in groups) yield return Rule(permission, direction, null, group.Id("GroupId", Ec2Kind.SecurityGroup) ?? (group.Text("UserId") is { } account ? $"{account}/{group.Required("GroupName")}" : group.Required("GroupName")), group.Text("Description"));
    }

    /// <summary>A rule, its protocol and ports beside each other in a structure.</summary>
    public static CreateSecurityGroupRule Rule(Ec2Parameters beside, string direction, string? cidr, string? group, string? description)
    {
        var (text, from, to) = (beside.Required("IpProtocol"), beside.Integer("FromPort"), beside.Integer("ToPort"));
        var protocol = text.ToLowerInvariant() switch { "-1" or "all" => "any", "6" or "tcp" => "tcp", "17" or "udp" => "udp", "1" or "icmp" or "58" or "icmpv6" => "icmp", _ => beside.Refuse<string>(Ec2Fault.Value(beside.Path("IpProtocol"), text)) ?? "any" };
        (from, to) = protocol switch
        {
            "any" => (null, null), "icmp" => (from == IcmpAll ? null : from, to == IcmpAll ? null : to),
            _ when (from ?? -1, to ?? -1) is (-1, -1) or (0, PortMax) => (null, null),
            // Nothing listens at port 0, and no rule has it.
            _ => (from == 0 ? 1 : from, to),
        };
        return new CreateSecurityGroupRule(direction, protocol, from, to, cidr, group, description);
    }

    /// <summary>True if a rule is what a request describes.</summary>
    public static bool Is(SecurityGroupRule rule, CreateSecurityGroupRule asked) =>
        rule.Direction == asked.Direction && rule.Protocol == asked.Protocol && rule.FromPort == asked.FromPort && (rule.ToPort == asked.ToPort || (rule.Protocol != "icmp" && asked.ToPort is null && rule.ToPort == asked.FromPort))
        && (asked.Cidr is { } cidr ? Networks.AddressRange.ReadRange(cidr)?.ToString() == rule.Cidr : rule.Group is { } group && (group.Id == asked.Group || group.Name == asked.Group));
}
