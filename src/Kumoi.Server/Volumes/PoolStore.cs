using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes.Moves;
using Npgsql;

namespace Kumoi.Server.Volumes;

/// <summary>Statements on pools.</summary>
public sealed class PoolStore(Database database)
{
    /// <summary>True of a pool <c>p</c> that the account $1 may use.</summary>
    public const string Usable = "(NOT EXISTS (SELECT 1 FROM pool_accounts x WHERE x.pool_id = p.id) OR EXISTS (SELECT 1 FROM pool_accounts x WHERE x.pool_id = p.id AND x.account_id = $1))";

    private const string Columns_ =
        """
        SELECT p.id, p.name, p.driver, p.shared, p.is_default, p.maintenance, p.overcommit::float, p.warn_percent, p.created_at, p.protocol,
               coalesce((SELECT array_agg(a.id ORDER BY a.name) FROM pool_accounts x JOIN accounts a ON a.id = x.account_id WHERE x.pool_id = p.id), '{}'),
               coalesce((SELECT array_agg(a.name ORDER BY a.name) FROM pool_accounts x JOIN accounts a ON a.id = x.account_id WHERE x.pool_id = p.id), '{}')
        FROM pools p
        """;

    private static Pool Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetBoolean(4), row.GetBoolean(5), row.GetDouble(6), row.GetInt32(7), row.GetString(9),
        row.Texts(10) is { Length: > 0 } accounts ? [.. accounts.Zip(row.Texts(11), (id, name) => new Ref(id, name))] : null, null, row.Time(8));

    /// <param name="accountId">Only those that this account may use; null: all, with their stores.</param>
    public async Task<List<Pool>> ListAsync(string? accountId, PageRequest page, CancellationToken cancel) => await WithStoresAsync(
        await database.QueryAsync(Columns_ + $" WHERE ($1::text IS NULL OR {Usable}) AND p.id > $2 ORDER BY p.id LIMIT $3", Read, cancel, Columns.Text(accountId), page.After, page.Limit + 1), accountId is null, cancel);

    public async Task<Pool?> FindAsync(string? accountId, string key, CancellationToken cancel) => (await WithStoresAsync(
        await database.QueryAsync(Columns_ + $" WHERE ($1::text IS NULL OR {Usable}) AND (p.id = $2 OR p.name = $2)", Read, cancel, Columns.Text(accountId), key), accountId is null, cancel)).FirstOrDefault();

    private async Task<List<Pool>> WithStoresAsync(List<Pool> pools, bool whole, CancellationToken cancel)
    {
        // Who else may use a pool, and what the operator's machines are, is not the accounts' business.
        if (!whole || pools.Count == 0) return pools.ConvertAll(pool => pool with { Accounts = null });
        var stores = (await database.QueryAsync(
            """
            SELECT s.pool_id, s.id, coalesce(array_agg(h.id ORDER BY h.name) FILTER (WHERE h.id IS NOT NULL), '{}'), coalesce(array_agg(h.name ORDER BY h.name) FILTER (WHERE h.id IS NOT NULL), '{}'),
                   CASE WHEN s.own THEN coalesce(max(h.disk_gib), s.capacity_gib) ELSE s.capacity_gib END, s.used_gib, CASE WHEN s.own THEN coalesce(max(h.allocated_disk_gib), 0)::bigint ELSE s.allocated_gib END, s.own, s.reported_at
            FROM stores s LEFT JOIN store_hosts x ON x.store_id = s.id LEFT JOIN hosts h ON h.id = x.host_id WHERE s.pool_id = ANY($1) GROUP BY s.id ORDER BY s.id
            """, row => (Pool: row.GetString(0), Store: new Store(row.GetString(1), [.. row.Texts(2).Zip(row.Texts(3), (id, name) => new Ref(id, name))], row.GetInt32(4), row.GetInt32(5), row.GetInt64(6), row.GetBoolean(7), row.Time(8))), cancel,
            Columns.Texts(pools.Select(pool => pool.Id)))).ToLookup(store => store.Pool, store => store.Store);
        var drains = await DrainRecords.ReadAsync(database, [.. pools.Select(pool => pool.Id)], cancel);
        return pools.ConvertAll(pool => pool with { Stores = [.. stores[pool.Id]], Drain = drains.GetValueOrDefault(pool.Id) });
    }
}
