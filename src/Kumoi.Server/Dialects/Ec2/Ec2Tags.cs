using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.ResourceTags;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Tags of resources of all kinds.</summary>
public sealed class Ec2Tags(ResourceTagUseCases tags)
{
    public async Task<Ec2Answer> CreateTags(Ec2Call call)
    {
        var (ids, set) = (Resources(call), call.Parameters.Tags().ToList());
        if (call.Parameters.Fault is { } fault) return fault;
        var changes = set.GroupBy(tag => tag.Key).ToDictionary(group => group.Key, group => (string?)group.Last().Value);
        return Ec2Answer.Done(await tags.ChangeAsync(call.Caller, ids, _ => changes, call.Cancelled));
    }

    /// <summary>Those that are named, with the value that is named if one is; all, if none is named.</summary>
    public async Task<Ec2Answer> DeleteTags(Ec2Call call)
    {
        var (ids, asked) = (Resources(call), call.Parameters.Items("Tag").Select(tag => (Key: tag.Required("Key"), Value: tag.All.GetValueOrDefault(tag.Path("Value")))).ToList());
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await tags.ChangeAsync(
            call.Caller, ids, present => present.Where(tag => asked.Count == 0 || asked.Exists(one => one.Key == tag.Key && (one.Value ?? tag.Value) == tag.Value)).ToDictionary(tag => tag.Key, _ => (string?)null), call.Cancelled));
    }

    private static List<string> Resources(Ec2Call call) => [.. call.Parameters.Texts("ResourceId").Select(id => Ec2Kind.OfTagged(id)?.Read(id) ?? call.Parameters.Refuse<string>(new Ec2Fault("InvalidID", 400, "malformed-id", "resource", id))).OfType<string>()];

    public async Task<Ec2Answer> DescribeTags(Ec2Call call)
    {
        var all = await Ec2Lists.AllAsync(page => tags.ListAsync(call.Caller, null, new TagFilter(new Dictionary<string, string>(), []), page, call.Cancelled), one => one.Resource.Id);
        if (all.Failure is { } failure) return failure;
        var rows = all.Value.SelectMany(one => one.Tags.Select(tag => (Kind: KindOf(one), one.Resource.Id, tag.Key, tag.Value))).ToList();
        var filters = new Ec2Filters<(Ec2Kind Kind, string Id, string Key, string Value)>(
            row => new Dictionary<string, string> { [row.Key] = row.Value }, new() { ["key"] = row => [row.Key], ["value"] = row => [row.Value], ["resource-id"] = row => [row.Kind.Of(row.Id)], ["resource-type"] = row => [row.Kind.Word] });
        if (filters.Read(call.Parameters) is not { } fits) return call.Parameters.Fault!;
        return Ec2Lists.Page(call, "tagSet", [.. rows.Where(row => fits(row))], row => $"{row.Id} {row.Key}", row => new object?[]
        {
            Xml.Of("resourceId", row.Kind.Of(row.Id)), Xml.Of("resourceType", row.Kind.Word), Xml.Of("key", row.Key), Xml.Of("value", row.Value),
        });
    }

    private static Ec2Kind KindOf(TaggedResource one) => Ec2Kind.Tagged.First(kind => one.Resource.Id.StartsWith(kind.Native + "-", StringComparison.Ordinal));
}
