namespace Kumoi.Api;

/// <summary>A named set of rules. Interfaces in it accept what any rule of any of their groups lets pass, and nothing else;
/// answers to what was let pass are let pass too.</summary>
public sealed record SecurityGroup(
    string Id, string Name, string Description, IReadOnlyList<SecurityGroupRule> Rules, DateTimeOffset CreatedAt);

/// <param name="Direction"><c>ingress</c> (towards the instance) or <c>egress</c>.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>any</c>.</param>
/// <param name="FromPort">First port (tcp, udp); null means all. For icmp: the type, null means all.</param>
/// <param name="ToPort">Last port (tcp, udp). For icmp: the code, null means all.</param>
/// <param name="Cidr">The other side as an address range, IPv4 or IPv6 (then icmp is ICMPv6), or null if <paramref name="Group"/> names it.</param>
/// <param name="Group">The other side as the members of a group; one of another account is named <c>ACCOUNT/NAME</c>.</param>
public sealed record SecurityGroupRule(
    string Id, string Direction, string Protocol, int? FromPort, int? ToPort, string? Cidr, Ref? Group, string? Description);

/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreateSecurityGroup(string Name, string? Description, IReadOnlyList<CreateSecurityGroupRule>? Rules, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>A rule to add. <paramref name="Direction"/> defaults to <c>ingress</c>; exactly one of <paramref name="Cidr"/> and
/// <paramref name="Group"/> is given. A group of another account is named by its id or as <c>ACCOUNT/NAME</c>.</summary>
public sealed record CreateSecurityGroupRule(
    string? Direction, string Protocol, int? FromPort, int? ToPort, string? Cidr, string? Group, string? Description);

/// <summary>Changes rules of a group, all in one.</summary>
/// <param name="Remove">Ids of rules.</param>
/// <param name="Describe">Ids of rules that stay, each with its new description; null takes it away.</param>
public sealed record ChangeSecurityGroupRules(IReadOnlyList<CreateSecurityGroupRule>? Add, IReadOnlyList<string>? Remove, IReadOnlyDictionary<string, string?>? Describe = null);
