using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Backups;

/// <summary>Backup stores: seen by all, their places by operators.</summary>
public sealed class BackupStoreUseCases(Database database)
{
    private const string Select = "SELECT id, name, shared, warn_percent, created_at FROM backup_stores ";

    private static BackupStore Read(Npgsql.NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), StoreDrivers.Directory, row.GetBoolean(2), row.GetInt32(3), null, row.Time(4));

    public async Task<Result<Page<BackupStore>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await WithPlacesAsync(caller, await database.QueryAsync(Select + "WHERE id > $1 ORDER BY id LIMIT $2", Read, cancel, page.After, page.Limit + 1), cancel), store => store.Id);

    public async Task<Result<BackupStore>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        (await WithPlacesAsync(caller, await database.QueryAsync(Select + "WHERE id = $1 OR name = $1", Read, cancel, key), cancel)).FirstOrDefault() is { } store ? store : Failure.NotFound("backup-store", key);

    private async Task<List<BackupStore>> WithPlacesAsync(Caller caller, List<BackupStore> stores, CancellationToken cancel)
    {
        // What the operator's machines are is not the accounts' business.
        if (!caller.May(Permission.Cloud("backup-stores", "read")) || stores.Count == 0) return stores;
        var places = (await database.QueryAsync(
            """
            SELECT p.store_id, p.id, coalesce(array_agg(h.id ORDER BY h.name) FILTER (WHERE h.id IS NOT NULL), '{}'), coalesce(array_agg(h.name ORDER BY h.name) FILTER (WHERE h.id IS NOT NULL), '{}'), p.capacity_gib, p.used_gib, p.reported_at
            FROM backup_places p LEFT JOIN backup_place_hosts x ON x.place_id = p.id LEFT JOIN hosts h ON h.id = x.host_id WHERE p.store_id = ANY($1) GROUP BY p.id ORDER BY p.id
            """, row => (Store: row.GetString(0), Place: new BackupPlace(row.GetString(1), [.. row.Texts(2).Zip(row.Texts(3), (id, name) => new Ref(id, name))], row.GetInt32(4), row.GetInt32(5), row.Time(6))), cancel,
            Columns.Texts(stores.Select(store => store.Id)))).ToLookup(place => place.Store, place => place.Place);
        return stores.ConvertAll(store => store with { Places = [.. places[store.Id]] });
    }
}

/// <summary>Takes in the places for backups that hosts tell of. The first of a name makes the backup store; one host's word cannot make another's place shared.</summary>
public sealed class BackupPlaceObservation(Database database, EventLog events, Ids ids, TimeProvider clock) : IReportObserver
{
    private const int PlacesMax = 16, GibMax = 1 << 30;

    // Rows that have not changed are written again after this time.
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(5);

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.Where(r => r.Report is { Full: true, BackupPlaces: not null }).GroupBy(r => r.HostId)
            .Select(r => (r.Last().HostId, Places: r.Last().Report.BackupPlaces!.Where(IsSound).DistinctBy(place => place.Id).Take(PlacesMax).ToList())).ToList();
        if (told.Count == 0) return;
        var known = (await database.QueryAsync(
            """
            SELECT x.host_id, p.id, s.name, s.shared, p.capacity_gib, p.used_gib, least(p.reported_at, x.reported_at) FROM backup_place_hosts x JOIN backup_places p ON p.id = x.place_id JOIN backup_stores s ON s.id = p.store_id
            WHERE x.host_id = ANY($1)
            """, row => (Host: row.GetString(0), Place: new ObservedBackupPlace(row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetInt32(4), row.GetInt32(5)), At: row.Time(6)), cancel, Columns.Texts(told.Select(t => t.HostId)))).ToLookup(k => k.Host);
        var now = clock.GetUtcNow();
        foreach (var (host, places) in told)
        {
            var fresh = known[host].Where(k => now - k.At < Again).Select(k => k.Place).ToHashSet();
            if (places.Count == known[host].Count() && places.All(fresh.Contains)) continue;
            await database.TransactionAsync<Done>(transaction => KeepAsync(transaction, host, places, cancel), cancel);
        }
    }

    private static bool IsSound(ObservedBackupPlace place) =>
        Ids.Looks(place.Id) && place.Id.StartsWith(Ids.Store + "-", StringComparison.Ordinal) && place.CapacityGib is >= 0 and <= GibMax && place.UsedGib is >= 0 and <= GibMax && Names.Check("store", place.Store) is null;

    private async Task<Result<Done>> KeepAsync(Transaction transaction, string hostId, List<ObservedBackupPlace> places, CancellationToken cancel)
    {
        var (account, hostName) = await transaction.FindAsync("SELECT account_id, name FROM hosts WHERE id = $1 FOR KEY SHARE", row => (row.GetString(0), row.GetString(1)), cancel, hostId);
        if (account is null) return new Done();
        var (kept, now) = (new List<string>(), clock.GetUtcNow());
        foreach (var place in places.OrderBy(place => place.Id, StringComparer.Ordinal))
        {
            var storeId = ids.New(Ids.BackupStore);
            if (await transaction.ExecuteAsync("INSERT INTO backup_stores (id, name, shared, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING", cancel, storeId, place.Store, place.Shared, now) == 1)
                await events.WriteAsync(transaction, account, EventActor.Host(hostId, hostName), "backup-store.create", new Subject("backup-store", storeId, place.Store), cancel);
            // One of a single host is not another's, whoever says so.
            if (await transaction.ExecuteAsync(
                """
                INSERT INTO backup_places AS p (id, store_id, capacity_gib, used_gib, reported_at) SELECT $1, s.id, $3, $4, $5 FROM backup_stores s WHERE s.name = $2 AND s.shared = $7
                ON CONFLICT (id) DO UPDATE SET capacity_gib = excluded.capacity_gib, used_gib = excluded.used_gib, reported_at = excluded.reported_at
                WHERE p.store_id = excluded.store_id AND ($7 OR NOT EXISTS (SELECT 1 FROM backup_place_hosts x WHERE x.place_id = p.id AND x.host_id <> $6))
                """, cancel, place.Id, place.Store, place.CapacityGib, place.UsedGib, now, hostId, place.Shared) == 1) kept.Add(place.Id);
        }
        await transaction.ExecuteAsync("DELETE FROM backup_place_hosts WHERE host_id = $1 AND place_id <> ALL($2)", cancel, hostId, Columns.Texts(kept));
        await transaction.ExecuteAsync(
            "INSERT INTO backup_place_hosts (place_id, host_id, reported_at) SELECT p, $1, $3 FROM unnest($2::text[]) AS p ON CONFLICT (place_id, host_id) DO UPDATE SET reported_at = excluded.reported_at", cancel,
            hostId, Columns.Texts(kept), now);
        return new Done();
    }
}
