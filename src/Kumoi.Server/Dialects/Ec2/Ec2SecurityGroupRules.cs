using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.SecurityGroups;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Rules of security groups: let in, taken away, described.</summary>
public sealed class Ec2SecurityGroupRules(SecurityGroupUseCases groups)
{
    public Task<Ec2Answer> AuthorizeSecurityGroupIngress(Ec2Call call) => AuthorizeAsync(call, "ingress");

    public Task<Ec2Answer> AuthorizeSecurityGroupEgress(Ec2Call call) => AuthorizeAsync(call, "egress");

    public Task<Ec2Answer> RevokeSecurityGroupIngress(Ec2Call call) => RevokeAsync(call, "ingress");

    public Task<Ec2Answer> RevokeSecurityGroupEgress(Ec2Call call) => RevokeAsync(call, "egress");

    public Task<Ec2Answer> UpdateSecurityGroupRuleDescriptionsIngress(Ec2Call call) => DescribeAsync(call, "ingress");

    public Task<Ec2Answer> UpdateSecurityGroupRuleDescriptionsEgress(Ec2Call call) => DescribeAsync(call, "egress");

    private async Task<Result<SecurityGroup>> GroupAsync(Ec2Call call)
    {
        var key = call.Parameters.Id("GroupId", Ec2Kind.SecurityGroup) ?? call.Parameters.Text("GroupName") ?? call.Parameters.Refuse<string>(Ec2Fault.Missing("GroupId"));
        return await groups.GetAsync(call.Caller, key ?? "", call.Cancelled);
    }

    private async Task<Ec2Answer> AuthorizeAsync(Ec2Call call, string direction)
    {
        var (found, rules) = (await GroupAsync(call), Ec2Permissions.Read(call, direction));
        if (call.Parameters.Fault is { } fault) return fault;
        if (found.Failure is { } failure) return failure;
        if (rules.Count == 0) return Ec2Fault.Missing("IpPermissions");
        var before = found.Value.Rules.Select(rule => rule.Id).ToHashSet();
        return Ec2Answer.Of(await groups.ChangeRulesAsync(call.Caller, found.Value.Id, new ChangeSecurityGroupRules(rules, null), call.Cancelled), after => (object?[])
        [
            Xml.Return, Xml.Set("securityGroupRuleSet", after.Rules.Where(rule => !before.Contains(rule.Id) && rules.Exists(asked => Ec2Permissions.Is(rule, asked))), rule => Ec2Permissions.DescribeRule(after, rule, call.Caller.AccountId)),
        ]);
    }

    /// <summary>By their ids, or as they were let in.</summary>
    private async Task<Ec2Answer> RevokeAsync(Ec2Call call, string direction)
    {
        var (found, ids, rules) = (await GroupAsync(call), call.Parameters.Ids("SecurityGroupRuleId", Ec2Kind.Rule), Ec2Permissions.Read(call, direction));
        if (call.Parameters.Fault is { } fault) return fault;
        if (found.Failure is { } failure) return failure;
        if (ids.Count + rules.Count == 0) return Ec2Fault.Missing("IpPermissions");
        var present = found.Value.Rules.Where(rule => rule.Direction == direction).ToList();
        if (rules.Exists(asked => !present.Exists(rule => Ec2Permissions.Is(rule, asked)))) return new Ec2Fault("InvalidPermission.NotFound", 400, "no-such-permission");
        if (ids.FirstOrDefault(id => !present.Exists(rule => rule.Id == id)) is { } unknown) return Ec2Kind.Rule.NoSuch(unknown);
        string[] gone = [.. present.Where(rule => ids.Contains(rule.Id) || rules.Exists(asked => Ec2Permissions.Is(rule, asked))).Select(rule => rule.Id)];
        return Ec2Answer.Done(await groups.ChangeRulesAsync(call.Caller, found.Value.Id, new ChangeSecurityGroupRules(null, gone), call.Cancelled));
    }

    private async Task<Ec2Answer> DescribeAsync(Ec2Call call, string direction)
    {
        var (found, rules) = (await GroupAsync(call), Ec2Permissions.Read(call, direction));
        var byId = call.Parameters.Items("SecurityGroupRuleDescription").Select(one => (Id: one.RequiredId("SecurityGroupRuleId", Ec2Kind.Rule), Text: one.Text("Description"))).ToList();
        if (call.Parameters.Fault is { } fault) return fault;
        if (found.Failure is { } failure) return failure;
        if (byId.Count + rules.Count == 0) return Ec2Fault.Missing("IpPermissions");
        var describe = byId.GroupBy(one => one.Id).ToDictionary(one => one.Key, one => one.Last().Text);
        foreach (var asked in rules)
            if (found.Value.Rules.FirstOrDefault(rule => Ec2Permissions.Is(rule, asked)) is { } rule) describe[rule.Id] = asked.Description;
            else return new Ec2Fault("InvalidPermission.NotFound", 400, "no-such-permission");
        return Ec2Answer.Done(await groups.ChangeRulesAsync(call.Caller, found.Value.Id, new ChangeSecurityGroupRules(null, null, describe), call.Cancelled));
    }

    /// <summary>One whose description alone changes stays; any other is taken away and let in anew, with an id of its own.</summary>
    public async Task<Ec2Answer> ModifySecurityGroupRules(Ec2Call call)
    {
        var found = await GroupAsync(call);
        var asked = call.Parameters.Items("SecurityGroupRule").Select(one => (Id: one.RequiredId("SecurityGroupRuleId", Ec2Kind.Rule), New: one.Below("SecurityGroupRule"))).ToList();
        if (found.Failure is { } failure) return call.Parameters.Fault ?? (Ec2Answer)failure;
        var (add, remove, describe) = (new List<CreateSecurityGroupRule>(), new List<string>(), new Dictionary<string, string?>());
        foreach (var (id, changed) in asked)
        {
            if (found.Value.Rules.FirstOrDefault(rule => rule.Id == id) is not { } present) return call.Parameters.Fault ?? Ec2Kind.Rule.NoSuch(id);
            var rule = Ec2Permissions.Rule(changed, present.Direction, changed.Text("CidrIpv4") ?? changed.Text("CidrIpv6"), changed.Id("ReferencedGroupId", Ec2Kind.SecurityGroup), changed.Text("Description"));
            if (Ec2Permissions.Is(present, rule)) describe[id] = rule.Description;
            else
            {
                remove.Add(id);
                add.Add(rule);
            }
        }
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await groups.ChangeRulesAsync(call.Caller, found.Value.Id, new ChangeSecurityGroupRules(add, remove, describe), call.Cancelled));
    }

    public async Task<Ec2Answer> DescribeSecurityGroupRules(Ec2Call call)
    {
        var ids = call.Parameters.Ids("SecurityGroupRuleId", Ec2Kind.Rule);
        if (call.Parameters.Fault is { } fault) return fault;
        var filters = new Ec2Filters<(SecurityGroup Group, SecurityGroupRule Rule)>(_ => new Dictionary<string, string>(), new() { ["group-id"] = row => [row.Group.Id], ["security-group-rule-id"] = row => [row.Rule.Id] });
        return Ec2Answer.Of(await Ec2Lists.AllAsync(page => groups.ListAsync(call.Caller, page, call.Cancelled), group => group.Id), all => Ec2Lists.Describe(
            call, "securityGroupRuleSet", all.SelectMany(group => group.Rules.Select(rule => (Group: group, Rule: rule))).ToList(), ids, row => row.Rule.Id, Ec2Kind.Rule.NoSuch, filters, row => Ec2Permissions.DescribeRule(row.Group, row.Rule, call.Caller.AccountId)));
    }
}
