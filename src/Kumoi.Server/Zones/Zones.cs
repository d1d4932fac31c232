using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Zones;

/// <summary>Zones: places whose hosts share power, network and distance. Seen by all, managed by operators.</summary>
public sealed class ZoneUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    private const string Columns = "SELECT id, name, created_at FROM zones ";

    private static Zone Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.Time(2));

    public async Task<Result<Page<Zone>>> ListAsync(PageRequest page, CancellationToken cancel) =>
        page.Of(await database.QueryAsync(Columns + "WHERE id > $1 ORDER BY id LIMIT $2", Read, cancel, page.After, page.Limit + 1), zone => zone.Id);

    /// <summary>The names of the zones of hosts, by the hosts' ids.</summary>
    public async Task<Dictionary<string, string>> OfHostsAsync(IReadOnlyCollection<string> hostIds, CancellationToken cancel) =>
        (await database.QueryAsync("SELECT h.id, z.name FROM hosts h JOIN zones z ON z.id = h.zone_id WHERE h.id = ANY($1)", row => (Host: row.GetString(0), Zone: row.GetString(1)), cancel, Platform.Postgres.Columns.Texts(hostIds))).ToDictionary(row => row.Host, row => row.Zone);

    public async Task<Result<Zone>> GetAsync(string key, CancellationToken cancel) =>
        await database.FindAsync(Columns + "WHERE id = $1 OR name = $1", Read, cancel, key) is { } zone ? zone : Failure.NotFound("zone", key);

    public async Task<Result<Zone>> CreateAsync(Caller caller, CreateZone create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Names.Check("name", name) is { } violation) return Failure.Invalid(violation);
        return await database.TransactionAsync<Zone>(async transaction =>
        {
            var zone = new Zone(ids.New(Ids.Zone), name, clock.GetUtcNow());
            if (await InsertAsync(transaction, zone, caller.AccountId, cancel) == 0) return Failure.NameTaken("zone", name);
            await events.WriteAsync(transaction, caller, "zone.create", new Subject("zone", zone.Id, name), cancel);
            return zone;
        }, cancel);
    }

    public static Task<int> InsertAsync(Transaction transaction, Zone zone, string accountId, CancellationToken cancel) => transaction.ExecuteAsync(
        "INSERT INTO zones (id, account_id, name, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING", cancel, zone.Id, accountId, zone.Name, zone.CreatedAt);

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var zone = await transaction.FindAsync(Columns + "WHERE id = $1 OR name = $1 FOR UPDATE", Read, cancel, key);
        if (zone is null) return Failure.NotFound("zone", key);
        var hosts = await transaction.QueryAsync("SELECT id, name FROM hosts WHERE zone_id = $1 LIMIT 20", row => new Ref(row.GetString(0), row.GetString(1)), cancel, zone.Id);
        if (hosts.Count > 0) return Failure.InUse("zone", zone.Name, hosts);
        await transaction.ExecuteAsync("DELETE FROM zones WHERE id = $1", cancel, zone.Id);
        await events.WriteAsync(transaction, caller, "zone.delete", new Subject("zone", zone.Id, zone.Name), cancel);
        return new Done();
    }, cancel);
}

public static class ZoneEndpoints
{
    public static void MapZones(this IEndpointRouteBuilder routes, ZoneUseCases zones)
    {
        routes.Get("/zones", Permission.Read("zones"), "ListZones", "List zones", async call => await PageRequest.Read(call).Then(page => zones.ListAsync(page, call.Cancelled))).WithPaging();
        routes.Post<CreateZone, Zone>("/zones", Permission.Cloud("zones"), "CreateZone", "Make a zone", 201, (call, create) => zones.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/zones/{zone}", Permission.Read("zones"), "ShowZone", "Show a zone", call => zones.GetAsync(call.Route("zone"), call.Cancelled));
        routes.Delete("/zones/{zone}", Permission.Cloud("zones"), "DeleteZone", "Remove a zone without hosts", call => zones.DeleteAsync(call.Caller, call.Route("zone"), call.Cancelled));
    }
}
