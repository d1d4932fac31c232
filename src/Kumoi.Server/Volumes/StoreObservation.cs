using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>
/// Takes in the stores that hosts tell of. The first of a name makes the pool, the first pool is the default. A store stays with its pool, and one host's
/// word cannot make another's shared: both must say so.
/// </summary>
public sealed class StoreObservation(Database database, EventLog events, Ids ids, TimeProvider clock) : IReportObserver
{
    private const int StoresMax = 16, GibMax = 1 << 30, NameMax = 63;

    // Rows that have not changed are written again after this time, so that it is known that the host still has them.
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(5);

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.Where(r => r.Report is { Full: true, Stores: not null }).GroupBy(r => r.HostId).Select(r => (r.Last().HostId, Stores: Sound(r.Last().Report.Stores!))).ToList();
        if (told.Count == 0) return;
        var known = (await database.QueryAsync(
            """
            SELECT x.host_id, s.id, p.name, p.driver, p.shared, s.own, s.capacity_gib, s.used_gib, least(s.reported_at, x.reported_at), x.root FROM store_hosts x JOIN stores s ON s.id = x.store_id JOIN pools p ON p.id = s.pool_id
            WHERE x.host_id = ANY($1)
            """, row => (Host: row.GetString(0), Store: new ObservedStore(row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4), row.GetBoolean(5), row.GetInt32(6), row.GetInt32(7), row.GetBoolean(9)), At: row.Time(8)), cancel,
            Columns.Texts(told.Select(t => t.HostId)))).ToLookup(k => k.Host);
        var now = clock.GetUtcNow();
        foreach (var (host, stores) in told)
        {
            var fresh = known[host].Where(k => now - k.At < Again).Select(k => k.Store).ToHashSet();
            if (stores.Count == known[host].Count() && stores.All(fresh.Contains)) continue;
            await database.TransactionAsync<Done>(transaction => KeepAsync(transaction, host, stores, cancel), cancel);
        }
    }

    /// <summary>Takes in what a host tells of as it joins: an instance that is launched on it at once has its root volume there.</summary>
    public Task JoinedAsync(Transaction transaction, string hostId, IReadOnlyList<ObservedStore> stores, CancellationToken cancel) => KeepAsync(transaction, hostId, Sound(stores), cancel);

    private static List<ObservedStore> Sound(IReadOnlyList<ObservedStore> stores) => [.. stores.Where(IsSound).DistinctBy(store => store.Id).Take(StoresMax)];

    private static bool IsSound(ObservedStore store) =>
        Ids.Looks(store.Id) && store.Id.StartsWith(Ids.Store + "-", StringComparison.Ordinal) && IsOfKind(store) && store.CapacityGib is >= 0 and <= GibMax && store.UsedGib is >= 0 and <= GibMax
        && !(store.Own && store.Shared) && store.Pool.Length <= NameMax && Names.Check("pool", store.Pool) is null;

    /// <summary>What is no directory has no root disks, and whether several hosts reach it is a matter of its kind.</summary>
    private static bool IsOfKind(ObservedStore store) => store.Driver == StoreDrivers.Directory || (StoreDrivers.All.Contains(store.Driver) && !store.Own && !store.Root && store.Shared == (store.Driver == StoreDrivers.Rbd));

    private async Task<Result<Done>> KeepAsync(Transaction transaction, string hostId, List<ObservedStore> stores, CancellationToken cancel)
    {
        var (account, hostName) = await transaction.FindAsync("SELECT account_id, name FROM hosts WHERE id = $1 FOR KEY SHARE", row => (row.GetString(0), row.GetString(1)), cancel, hostId);
        if (account is null) return new Done();
        var kept = new List<string>();
        // Root disks' store is the last to become the default pool.
        foreach (var store in stores.OrderBy(store => store.Root).ThenBy(store => store.Id, StringComparer.Ordinal))
        {
            var poolId = ids.New(Ids.Pool);
            Task<int> MakeAsync() => transaction.ExecuteAsync(
                "INSERT INTO pools (id, name, driver, shared, is_default, created_at) VALUES ($1, $2, $3, $4, NOT EXISTS (SELECT 1 FROM pools), $5) ON CONFLICT DO NOTHING", cancel, poolId, store.Pool, store.Driver, store.Shared, clock.GetUtcNow());
            // Another host may make the first pool at the same moment. If that one has another name, this one is made after it, and is not the default.
            if (await MakeAsync() == 1 || await MakeAsync() == 1)
                await events.WriteAsync(transaction, account, EventActor.Host(hostId, hostName), "pool.create", new Subject("pool", poolId, store.Pool), cancel);
            // A store of another kind than its pool is none of it. One of a single host is not another's, whoever says so.
            var taken = await transaction.ExecuteAsync(
                """
                INSERT INTO stores AS s (id, pool_id, own, capacity_gib, used_gib, reported_at) SELECT $1, p.id, $4, $5, $6, $7 FROM pools p WHERE p.name = $2 AND p.driver = $3 AND p.shared = $9
                ON CONFLICT (id) DO UPDATE SET capacity_gib = excluded.capacity_gib, used_gib = excluded.used_gib, reported_at = excluded.reported_at
                WHERE s.pool_id = excluded.pool_id AND s.own = excluded.own AND ($9 OR NOT EXISTS (SELECT 1 FROM store_hosts x WHERE x.store_id = s.id AND x.host_id <> $8))
                """, cancel, store.Id, store.Pool, store.Driver, store.Own, store.CapacityGib, store.UsedGib, clock.GetUtcNow(), hostId, store.Shared);
            if (taken == 1) kept.Add(store.Id);
        }
        await transaction.ExecuteAsync("DELETE FROM store_hosts WHERE host_id = $1 AND store_id <> ALL($2)", cancel, hostId, Columns.Texts(kept));
        var root = stores.FirstOrDefault(store => store.Root && kept.Contains(store.Id))?.Id;
        // First from the one that was it: a host has one.
        await transaction.ExecuteAsync("UPDATE store_hosts SET root = false WHERE host_id = $1 AND root AND store_id IS DISTINCT FROM $2", cancel, hostId, Columns.Text(root));
        await transaction.ExecuteAsync(
            """
            INSERT INTO store_hosts (store_id, host_id, reported_at, root) SELECT s, $1, $3, s IS NOT DISTINCT FROM $4 FROM unnest($2::text[]) AS s
            ON CONFLICT (store_id, host_id) DO UPDATE SET reported_at = excluded.reported_at, root = excluded.root
            """, cancel, hostId, Columns.Texts(kept), clock.GetUtcNow(), Columns.Text(root));
        return new Done();
    }
}
