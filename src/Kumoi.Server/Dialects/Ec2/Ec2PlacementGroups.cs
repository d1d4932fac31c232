using Kumoi.Api;
using Kumoi.Server.PlacementGroups;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Placement groups: <c>cluster</c> is affinity, <c>spread</c> anti-affinity, <c>partition</c> anti-affinity as far as there is room.</summary>
public sealed class Ec2PlacementGroups(PlacementGroupUseCases groups, Ec2TagSource tags)
{
    private static readonly Dictionary<string, string> Policies = new() { ["cluster"] = "affinity", ["spread"] = "anti-affinity", ["partition"] = "soft-anti-affinity" };

    private static string Strategy(PlacementGroup group) => group.Policy switch { "anti-affinity" => "spread", "soft-anti-affinity" => "partition", _ => "cluster" };

    public async Task<Ec2Answer> CreatePlacementGroup(Ec2Call call)
    {
        var strategy = call.Parameters.Text("Strategy") ?? "cluster";
        if (!Policies.TryGetValue(strategy, out var policy)) return Ec2Fault.Value("Strategy", strategy);
        var asked = new CreatePlacementGroup(call.Parameters.Required("GroupName"), policy, call.Parameters.TagsFor("placement-group"));
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Of(await groups.CreateAsync(call.Caller, asked, null, call.Cancelled), made => (object?[])[Xml.Group("placementGroup", Fields(made, asked.Tags ?? new Dictionary<string, string>()))]);
    }

    public async Task<Ec2Answer> DescribePlacementGroups(Ec2Call call)
    {
        var (ids, names) = (call.Parameters.Ids("GroupId", Ec2Kind.PlacementGroup), call.Parameters.Texts("GroupName"));
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await Ec2Lists.AllAsync(page => groups.ListAsync(call.Caller, page, call.Cancelled), group => group.Id);
        if (all.Failure is { } failure) return failure;
        var tagsOf = await tags.OfAsync(call, "placement-group", all.Value.Select(group => group.Id));
        var filters = new Ec2Filters<PlacementGroup>(group => tagsOf(group.Id), new() { ["group-name"] = group => [group.Name], ["strategy"] = group => [Strategy(group)], ["state"] = _ => ["available"] });
        return Ec2Lists.Describe(call, "placementGroupSet", all.Value, ids.Count > 0 ? ids : names, group => ids.Count > 0 ? group.Id : group.Name, Ec2Kind.PlacementGroup.NoSuch, filters, group => Fields(group, tagsOf(group.Id)));
    }

    public async Task<Ec2Answer> DeletePlacementGroup(Ec2Call call) => Ec2Answer.Done(await groups.DeleteAsync(call.Caller, call.Parameters.Required("GroupName"), call.Cancelled));

    private static object?[] Fields(PlacementGroup group, IReadOnlyDictionary<string, string> tags) =>
        [Xml.Of("groupName", group.Name), Xml.Of("groupId", group.Id), Xml.Of("strategy", Strategy(group)), Xml.Of("state", "available"), Xml.Tags(tags)];
}
