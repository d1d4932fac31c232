using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.SecurityGroups;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Security groups. One serves all networks of its account, so that it is told to be in whatever VPC it is asked for in, and else in the default one.</summary>
public sealed class Ec2SecurityGroups(SecurityGroupUseCases groups, NetworkUseCases networks, Ec2TagSource tags)
{
    public async Task<Ec2Answer> CreateSecurityGroup(Ec2Call call)
    {
        var asked = new CreateSecurityGroup(call.Parameters.Required("GroupName"), call.Parameters.Text("GroupDescription"), null, call.Parameters.TagsFor("security-group"));
        var vpc = call.Parameters.Id("VpcId", Ec2Kind.Vpc);
        if (call.Parameters.Fault is { } fault) return fault;
        if (vpc is not null && (await networks.GetAsync(call.Caller, vpc, call.Cancelled)).Failure is { } failure) return failure;
        return Ec2Answer.Of(await groups.CreateAsync(call.Caller, asked, null, call.Cancelled), made => (object?[])[Xml.Of("groupId", made.Id), asked.Tags is null ? null : Xml.Tags(asked.Tags)]);
    }

    public async Task<Ec2Answer> DeleteSecurityGroup(Ec2Call call)
    {
        var key = call.Parameters.Id("GroupId", Ec2Kind.SecurityGroup) ?? call.Parameters.Text("GroupName");
        if (call.Parameters.Fault is { } fault) return fault;
        return key is null ? Ec2Fault.Missing("GroupId") : Ec2Answer.Done(await groups.DeleteAsync(call.Caller, key, call.Cancelled));
    }

    public async Task<Ec2Answer> DescribeSecurityGroups(Ec2Call call)
    {
        var (ids, names) = (call.Parameters.Ids("GroupId", Ec2Kind.SecurityGroup), call.Parameters.Texts("GroupName"));
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await Ec2Lists.AllAsync(page => groups.ListAsync(call.Caller, page, call.Cancelled), group => group.Id);
        var vpcs = await Ec2Lists.AllAsync(page => networks.ListAsync(call.Caller, page, call.Cancelled), network => network.Id);
        if ((all.Failure ?? vpcs.Failure) is { } failure) return failure;
        var asked = call.Parameters.Items("Filter").FirstOrDefault(filter => filter.Text("Name") == "vpc-id")?.Texts("Value");
        var vpc = vpcs.Value.Select(network => (network.Name, Id: Ec2Kind.Vpc.Of(network.Id))).FirstOrDefault(network => asked is null ? network.Name == Ec2Vpcs.Default : asked.Contains(network.Id)).Id;
        var tagsOf = await tags.OfAsync(call, "security-group", all.Value.Select(group => group.Id));
        return Ec2Lists.Describe(call, "securityGroupInfo", all.Value, ids.Count > 0 ? ids : names, group => ids.Count > 0 ? group.Id : group.Name, Ec2Kind.SecurityGroup.NoSuch, Filters(call, vpcs.Value, tagsOf), group => new object?[]
        {
            Xml.Of("ownerId", call.Caller.AccountId), Xml.Of("groupId", group.Id), Xml.Of("groupName", group.Name), Xml.Of("groupDescription", group.Description), Xml.Of("vpcId", vpc),
            Ec2Permissions.Describe("ipPermissions", group.Rules.Where(rule => rule.Direction == "ingress"), call.Caller.AccountId), Ec2Permissions.Describe("ipPermissionsEgress", group.Rules.Where(rule => rule.Direction == "egress"), call.Caller.AccountId), Xml.Tags(tagsOf(group.Id)),
        });
    }

    private static Ec2Filters<SecurityGroup> Filters(Ec2Call call, IReadOnlyList<Network> vpcs, Func<string, IReadOnlyDictionary<string, string>> tagsOf)
    {
        var fields = new Dictionary<string, Func<SecurityGroup, IEnumerable<string?>>>
        {
            ["group-id"] = group => [group.Id], ["group-name"] = group => [group.Name], ["description"] = group => [group.Description], ["owner-id"] = _ => [call.Caller.AccountId], ["vpc-id"] = _ => vpcs.Select(network => Ec2Kind.Vpc.Of(network.Id)),
        };
        foreach (var (prefix, direction) in (IReadOnlyList<(string, string)>)[("ip-permission.", "ingress"), ("egress.ip-permission.", "egress")])
        {
            IEnumerable<SecurityGroupRule> Of(SecurityGroup group) => group.Rules.Where(rule => rule.Direction == direction);
            fields[prefix + "cidr"] = group => Of(group).Where(rule => !Ec2Permissions.IsV6(rule)).Select(rule => rule.Cidr);
            fields[prefix + "ipv6-cidr"] = group => Of(group).Where(Ec2Permissions.IsV6).Select(rule => rule.Cidr);
            fields[prefix + "protocol"] = group => Of(group).Select(Ec2Permissions.Protocol);
            fields[prefix + "from-port"] = group => Of(group).Select(rule => $"{Ec2Permissions.Ports(rule).From}");
            fields[prefix + "to-port"] = group => Of(group).Select(rule => $"{Ec2Permissions.Ports(rule).To}");
            fields[prefix + "group-id"] = group => Of(group).Select(rule => rule.Group?.Id);
            fields[prefix + "group-name"] = group => Of(group).Select(rule => rule.Group?.Name);
        }
        return new Ec2Filters<SecurityGroup>(group => tagsOf(group.Id), fields);
    }
}
