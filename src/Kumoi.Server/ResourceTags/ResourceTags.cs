using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.ResourceTags;

/// <summary>A kind of resource that has tags: its word, the prefix of its ids, and where they are kept.</summary>
/// <param name="Name">What people call a row.</param>
/// <param name="There">True of a row that is still there for its account.</param>
public sealed record TaggedKind(string Type, string Prefix, string Table, string Name, string There);

/// <summary>Tags of all kinds of resources, changed and listed by the ids of these. Several are changed together, or none.</summary>
public sealed class ResourceTagUseCases(Database database, HostRevisions hosts, EventLog events)
{
    // A call with more is a mistake, and would hold so many rows at once.
    private const int ResourcesMax = 1000;

    /// <summary>In the order in which rows are locked everywhere.</summary>
    public static readonly IReadOnlyList<TaggedKind> Kinds =
    [
        new("instance", Ids.Instance, "instances", "name", "terminated_at IS NULL"), new("volume", Ids.Volume, "volumes", "coalesce(former_name, name)", "deleted_at IS NULL AND image_upload_id IS NULL"),
        new("snapshot", Ids.Snapshot, "snapshots", "name", "NOT internal"), new("image", Ids.Image, "images", "name", "deleted_at IS NULL"), new("key-pair", Ids.KeyPair, "key_pairs", "name", "true"),
        new("security-group", Ids.SecurityGroup, "security_groups", "name", "true"), new("network", Ids.Network, "networks", "name", "true"), new("subnet", Ids.Subnet, "subnets", "name", "true"),
        new("interface", Ids.Interface, "interfaces", "id", "released_at IS NULL"), new("floating-address", Ids.FloatingAddress, "floating_addresses", "host(address)", "true"), new("placement-group", Ids.PlacementGroup, "placement_groups", "name", "true"), new("internet-gateway", Ids.InternetGateway, "internet_gateways", "id", "true"),
    ];

    private static readonly string Rows = string.Join(" UNION ALL ", Kinds.Select(kind => $"SELECT id, {kind.Name} AS name, '{kind.Type}' AS type, tags FROM {kind.Table} WHERE account_id = $1 AND {kind.There} AND tags <> '{{}}'"));

    private static TaggedKind? KindOf(string id) => id.LastIndexOf('-') is > 0 and var dash && Ids.Looks(id) ? Kinds.FirstOrDefault(kind => kind.Prefix == id[..dash]) : null;

    /// <summary>The resources that have tags.</summary>
    public async Task<Result<Page<TaggedResource>>> ListAsync(Caller caller, string? type, TagFilter tags, PageRequest page, CancellationToken cancel)
    {
        if (type is not null && Kinds.All(kind => kind.Type != type)) return Failure.Invalid("type", "one-of", string.Join(", ", Kinds.Select(kind => kind.Type)));
        return page.Of(await database.QueryAsync(
            $"SELECT t.id, t.name, t.type, t.tags::text FROM ({Rows}) t WHERE t.id > $2 AND ($4::text IS NULL OR t.type = $4) AND t.tags @> $5 AND t.tags ?& $6 ORDER BY t.id LIMIT $3",
            row => new TaggedResource(new Ref(row.GetString(0), row.GetString(1)), row.GetString(2), Tags.Read(row, 3)), cancel, caller.AccountId, page.After, page.Limit + 1, Columns.Text(type), tags.WantedColumn, tags.KeysColumn), one => one.Resource.Id);
    }

    public async Task<Result<TaggedResource>> GetAsync(Caller caller, string id, CancellationToken cancel) =>
        KindOf(id) is { } kind && await database.FindAsync(
            $"SELECT id, {kind.Name}, tags::text FROM {kind.Table} WHERE account_id = $1 AND id = $2 AND {kind.There}", row => new TaggedResource(new Ref(row.GetString(0), row.GetString(1)), kind.Type, Tags.Read(row, 2)), cancel, caller.AccountId, id) is { } found
            ? found : Failure.NotFound("resource", id);

    /// <summary>The tags of those resources that have some, by id; of one kind.</summary>
    public async Task<Dictionary<string, IReadOnlyDictionary<string, string>>> ReadAsync(Caller caller, string type, IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        var kind = Kinds.First(kind => kind.Type == type);
        return (await database.QueryAsync(
            $"SELECT id, tags::text FROM {kind.Table} WHERE account_id = $1 AND id = ANY($2) AND tags <> '{{}}'", row => (Id: row.GetString(0), Tags: Tags.Read(row, 1)), cancel, caller.AccountId, Columns.Texts(ids))).ToDictionary(row => row.Id, row => row.Tags);
    }

    public async Task<Result<TaggedResource>> UpdateAsync(Caller caller, string id, UpdateTags update, CancellationToken cancel)
    {
        var changed = await ChangeAsync(caller, [id], _ => update.Tags, cancel);
        return changed.Failure is { } failure ? failure : await GetAsync(caller, id, cancel);
    }

    /// <summary>Changes the tags of several resources, of whatever kinds, in one transaction.</summary>
    /// <param name="changes">From the tags that a resource has: keys that get values, or go if these are null.</param>
    public async Task<Result<Done>> ChangeAsync(Caller caller, IReadOnlyList<string> ids, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string?>> changes, CancellationToken cancel)
    {
        if (ids.Count > ResourcesMax) return Failure.Invalid("resources", "at-most", ResourcesMax);
        if (ids.FirstOrDefault(id => KindOf(id) is null) is { } unknown) return Failure.NotFound("resource", unknown);
        return await database.TransactionAsync<Done>(async transaction =>
        {
            var changed = new List<string>();
            foreach (var kind in Kinds)
            {
                // Hosts are locked after security groups and before networks everywhere.
                if (kind.Prefix == Ids.Network && changed.Count > 0 && await MetadataOptions.HostsToldTagsAsync(transaction, changed, cancel) is { Count: > 0 } told) await hosts.TouchAsync(transaction, told, cancel);
                string[] wanted = [.. ids.Where(id => KindOf(id) == kind).Distinct().Order(StringComparer.Ordinal)];
                if (wanted.Length == 0) continue;
                var found = await transaction.QueryAsync(
                    $"SELECT id, {kind.Name}, tags::text FROM {kind.Table} WHERE account_id = $1 AND id = ANY($2) AND {kind.There} ORDER BY id FOR NO KEY UPDATE",
                    row => (Id: row.GetString(0), Name: row.GetString(1), Tags: Tags.Read(row, 2)), cancel, caller.AccountId, Columns.Texts(wanted));
                if (wanted.FirstOrDefault(id => found.All(row => row.Id != id)) is { } missing) return Failure.NotFound(kind.Type, missing);
                foreach (var (id, name, tags) in found)
                {
                    var change = changes(tags);
                    if (Tags.Check(change).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
                    // Asking for what is so already is no event.
                    if (change.All(one => tags.GetValueOrDefault(one.Key) == one.Value)) continue;
                    if (await Tags.ChangeAsync(transaction, kind.Table, id, change, cancel) is { } failure) return failure;
                    if (kind.Prefix == Ids.Instance) changed.Add(id);
                    await events.WriteAsync(transaction, caller, kind.Type + ".tag", new Subject(kind.Type, id, name), cancel);
                }
            }
            return new Done();
        }, cancel);
    }
}

public static class ResourceTagEndpoints
{
    public static void MapResourceTags(this IEndpointRouteBuilder routes, ResourceTagUseCases tags)
    {
        routes.Get("/tags", Permission.Read("tags"), "ListTags", "List the resources that have tags",
            async call => await PageRequest.Read(call).Then(page => tags.ListAsync(call.Caller, call.Query("type"), Tags.Filter(call.Queries("tag")), page, call.Cancelled))).WithPaging().WithTagQuery().WithQuery("type", "Only resources of this kind, such as `instance`");
        routes.Get("/tags/{taggedResource}", Permission.Read("tags"), "ShowTags", "Show the tags of a resource, by its id", call => tags.GetAsync(call.Caller, call.Route("taggedResource"), call.Cancelled));
        routes.Put<UpdateTags, TaggedResource>("/tags/{taggedResource}", Permission.Write("tags"), "UpdateTags", "Change the tags of a resource, by its id", 200,
            (call, update) => tags.UpdateAsync(call.Caller, call.Route("taggedResource"), update, call.Cancelled));
    }
}
