using System.Collections.Immutable;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Flavors;

/// <summary>Sizes of instances. Seen by all, managed by operators. An instance keeps its size when its flavor is removed.</summary>
public sealed class FlavorUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    /// <summary>The flavors of a new cloud: name, vcpus, memory in MiB, root disk in GiB.</summary>
    public static readonly IReadOnlyList<(string Name, int Vcpus, int MemoryMib, int DiskGib)> Defaults =
        [("tiny", 1, 128, 1), ("small", 1, 256, 2), ("medium", 2, 1024, 10), ("large", 2, 4096, 40), ("xlarge", 4, 8192, 80), ("2xlarge", 8, 16384, 160)];

    public const string Columns = "SELECT id, name, vcpus, memory_mib, disk_gib, created_at, rate_mbps, required_labels::text FROM flavors ";

    public static Flavor Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3), row.GetInt32(4), row.Time(5), row.IntOrNull(6), Tags.Read(row, 7));

    public async Task<Result<Page<Flavor>>> ListAsync(PageRequest page, CancellationToken cancel) =>
        page.Of(await database.QueryAsync(Columns + "WHERE id > $1 ORDER BY id LIMIT $2", Read, cancel, page.After, page.Limit + 1), flavor => flavor.Id);

    public async Task<Result<Flavor>> GetAsync(string key, CancellationToken cancel) =>
        await database.FindAsync(Columns + "WHERE id = $1 OR name = $1", Read, cancel, key) is { } flavor ? flavor : Failure.NotFound("flavor", key);

    public async Task<Result<Flavor>> CreateAsync(Caller caller, CreateFlavor create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        var violations = new[]
        {
            Names.Check("name", name), Between("vcpus", create.Vcpus, 1, 512), Between("memoryMib", create.MemoryMib, 64, 16_777_216), Between("diskGib", create.DiskGib, 1, 65_536), create.RateMbps is { } rate ? Between("rateMbps", rate, 1, 1_000_000) : null,
        }.OfType<Violation>().Concat(Tags.CheckNew("requiredLabels", create.RequiredLabels)).ToArray();
        if (violations.Length > 0) return Failure.Invalid(violations);
        return await database.TransactionAsync<Flavor>(async transaction =>
        {
            var flavor = new Flavor(ids.New(Ids.Flavor), name, create.Vcpus, create.MemoryMib, create.DiskGib, clock.GetUtcNow(), create.RateMbps, create.RequiredLabels ?? ImmutableDictionary<string, string>.Empty);
            if (await InsertAsync(transaction, flavor, caller.AccountId, cancel) == 0) return Failure.NameTaken("flavor", name);
            await events.WriteAsync(transaction, caller, "flavor.create", new Subject("flavor", flavor.Id, name), cancel);
            return flavor;
        }, cancel);
    }

    private static Violation? Between(string field, int value, int least, int most) => value < least || value > most ? new Violation(field, "between", least, most) : null;

    public static Task<int> InsertAsync(Transaction transaction, Flavor flavor, string accountId, CancellationToken cancel) => transaction.ExecuteAsync(
        """
        INSERT INTO flavors (id, account_id, name, vcpus, memory_mib, disk_gib, created_at, rate_mbps, required_labels) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (name) DO NOTHING
        """, cancel, flavor.Id, accountId, flavor.Name, flavor.Vcpus, flavor.MemoryMib, flavor.DiskGib, flavor.CreatedAt, Platform.Postgres.Columns.Integer(flavor.RateMbps), Tags.Column(flavor.RequiredLabels));

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var flavor = await transaction.FindAsync("DELETE FROM flavors WHERE id = $1 OR name = $1 RETURNING id, name", row => new Ref(row.GetString(0), row.GetString(1)), cancel, key);
        if (flavor is null) return Failure.NotFound("flavor", key);
        await events.WriteAsync(transaction, caller, "flavor.delete", new Subject("flavor", flavor.Id, flavor.Name), cancel);
        return new Done();
    }, cancel);
}

public static class FlavorEndpoints
{
    public static void MapFlavors(this IEndpointRouteBuilder routes, FlavorUseCases flavors)
    {
        routes.Get("/flavors", Permission.Read("flavors"), "ListFlavors", "List flavors", async call => await PageRequest.Read(call).Then(page => flavors.ListAsync(page, call.Cancelled))).WithPaging();
        routes.Post<CreateFlavor, Flavor>("/flavors", Permission.Cloud("flavors"), "CreateFlavor", "Make a flavor", 201, (call, create) => flavors.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/flavors/{flavor}", Permission.Read("flavors"), "ShowFlavor", "Show a flavor", call => flavors.GetAsync(call.Route("flavor"), call.Cancelled));
        routes.Delete("/flavors/{flavor}", Permission.Cloud("flavors"), "DeleteFlavor", "Remove a flavor; instances of it keep their size",
            call => flavors.DeleteAsync(call.Caller, call.Route("flavor"), call.Cancelled));
    }
}
