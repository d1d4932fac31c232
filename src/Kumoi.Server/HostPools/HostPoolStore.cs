using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.HostPools;

/// <summary>A host pool as its row has it.</summary>
/// <param name="CpuOvercommit">Null: what the servers are told.</param>
public sealed record HostPoolRow(
    string Id, string Name, string Description, bool AllAccounts, decimal? CpuOvercommit, decimal MemoryOvercommit, DateTimeOffset CreatedAt, IReadOnlyList<Ref> Accounts, int Hosts, PoolCapacity Capacity, PoolCapacity Allocated)
{
    public bool IsFor(string accountId) => AllAccounts || Accounts.Any(account => account.Id == accountId);
}

/// <summary>Every statement on host pools.</summary>
/// <remarks>
/// A claim looks under the lock of its host whether the host's pool is its account's. So whoever takes that away holds the pool, then its accounts, then its hosts; and whoever moves a host
/// holds the pool that it comes to, then the host: either the claim sees the change, or the change waits for the claim.
/// </remarks>
public static class HostPoolStore
{
    /// <summary>The pool that hosts join unless their token says otherwise. It was made with the schema.</summary>
    public const string DefaultId = "hp-00000000000000000";

    /// <summary>True of a pool <c>p</c> that the account of a claim <c>n</c> may use.</summary>
    public const string Usable = "(p.all_accounts OR EXISTS (SELECT 1 FROM host_pool_accounts x WHERE x.host_pool_id = p.id AND x.account_id = n.account))";

    private const string Select =
        """
        SELECT p.id, p.name, p.description, p.all_accounts, p.cpu_overcommit, p.memory_overcommit, p.created_at,
               coalesce((SELECT array_agg(a.id ORDER BY a.name) FROM host_pool_accounts x JOIN accounts a ON a.id = x.account_id WHERE x.host_pool_id = p.id), '{}'),
               coalesce((SELECT array_agg(a.name ORDER BY a.name) FROM host_pool_accounts x JOIN accounts a ON a.id = x.account_id WHERE x.host_pool_id = p.id), '{}'),
               s.hosts, s.vcpus, s.memory, s.disk, s.allocated_vcpus, s.allocated_memory, s.allocated_disk
        FROM host_pools p CROSS JOIN LATERAL (
            SELECT count(*)::int AS hosts, coalesce(sum(h.vcpus), 0) AS vcpus, coalesce(sum(h.memory_mib), 0) AS memory, coalesce(sum(h.disk_gib), 0) AS disk,
                   coalesce(sum(h.allocated_vcpus), 0) AS allocated_vcpus, coalesce(sum(h.allocated_memory_mib), 0) AS allocated_memory, coalesce(sum(h.allocated_disk_gib), 0) AS allocated_disk
            FROM hosts h WHERE h.host_pool_id = p.id) s
        """;

    private static HostPoolRow Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.IsDBNull(4) ? null : row.GetDecimal(4), row.GetDecimal(5), row.Time(6), [.. row.Texts(7).Zip(row.Texts(8), (id, name) => new Ref(id, name))],
        row.GetInt32(9), new PoolCapacity(row.GetInt64(10), row.GetInt64(11), row.GetInt64(12)), new PoolCapacity(row.GetInt64(13), row.GetInt64(14), row.GetInt64(15)));

    /// <param name="accountId">Only those that this account may use; null: all.</param>
    public static Task<List<HostPoolRow>> ListAsync(Database database, string? accountId, string after, int limit, CancellationToken cancel) => database.QueryAsync(
        Select + " WHERE p.id > $1 AND ($3::text IS NULL OR p.all_accounts OR EXISTS (SELECT 1 FROM host_pool_accounts x WHERE x.host_pool_id = p.id AND x.account_id = $3)) ORDER BY p.id LIMIT $2", Read, cancel,
        after, limit, Columns.Text(accountId));

    public static Task<HostPoolRow?> FindAsync(IQueries queries, string key, CancellationToken cancel) => queries.FindAsync(Select + " WHERE p.id = $1 OR p.name = $1", Read, cancel, key);

    /// <summary>The pools of these names that each of the accounts may use; they are not removed before the transaction ends.</summary>
    public static Task<List<(string AccountId, Ref Pool)>> UsableAsync(Transaction transaction, IReadOnlyList<string> accountIds, IReadOnlyList<string> keys) => transaction.QueryAsync(
        "SELECT n.account, p.id, p.name FROM host_pools p JOIN unnest($1::text[]) AS n(account) ON " + Usable + " WHERE p.id = ANY($2) OR p.name = ANY($2) ORDER BY p.id FOR KEY SHARE OF p",
        row => (row.GetString(0), new Ref(row.GetString(1), row.GetString(2))), default, Columns.Texts(accountIds), Columns.Texts(keys));

    /// <summary>False if there is one of that name.</summary>
    public static async Task<bool> InsertAsync(Transaction transaction, HostPoolRow pool, CancellationToken cancel) => await transaction.ExecuteAsync(
        "INSERT INTO host_pools (id, name, description, all_accounts, cpu_overcommit, memory_overcommit, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING", cancel,
        pool.Id, pool.Name, pool.Description, pool.AllAccounts, Columns.Number(pool.CpuOvercommit), pool.MemoryOvercommit, pool.CreatedAt) == 1;

    /// <summary>The pool, held against other changes and every host that comes to it; null: there is none of that id or name. Launches that ask for it go on, since they may hold hosts that the change waits for.</summary>
    public static Task<HostPoolRow?> LockAsync(Transaction transaction, string key, CancellationToken cancel) => LockAsync(transaction, key, "FOR NO KEY UPDATE", cancel);

    /// <summary>The same, and nothing begins to ask for it.</summary>
    public static Task<HostPoolRow?> LockForDeletionAsync(Transaction transaction, string key, CancellationToken cancel) => LockAsync(transaction, key, "FOR UPDATE", cancel);

    private static async Task<HostPoolRow?> LockAsync(Transaction transaction, string key, string lockAs, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT id FROM host_pools WHERE id = $1 OR name = $1 " + lockAs, row => row.GetString(0), cancel, key) is { } id ? await FindAsync(transaction, id, cancel) : null;

    /// <summary>The pool that a host is about to come to, held against changes until the transaction ends.</summary>
    /// <param name="cpuDefault">What the servers are told.</param>
    public static Task<(Ref? Pool, Overcommit Overcommit)> LockForHostAsync(Transaction transaction, string key, int cpuDefault, CancellationToken cancel) => transaction.FindAsync(
        "SELECT id, name, coalesce(cpu_overcommit, $2), memory_overcommit FROM host_pools WHERE id = $1 OR name = $1 FOR SHARE",
        row => ((Ref?)new Ref(row.GetString(0), row.GetString(1)), new Overcommit(row.GetDecimal(2), row.GetDecimal(3))), cancel, key, Columns.Number(cpuDefault));

    /// <summary>Holds all hosts of a pool that is held, so that launches onto them are over, or see what comes next.</summary>
    public static Task<List<(string Id, int? Vcpus, int? MemoryMib)>> LockHostsAsync(Transaction transaction, string poolId, CancellationToken cancel) => transaction.QueryAsync(
        "SELECT id, physical_vcpus, physical_memory_mib FROM hosts WHERE host_pool_id = $1 ORDER BY id FOR NO KEY UPDATE", row => (row.GetString(0), row.IntOrNull(1), row.IntOrNull(2)), cancel, poolId);

    /// <summary>Lets hosts that are held offer what their pool gives. Those that have not told what they have do so with their next report.</summary>
    public static Task<int> OfferAsync(Transaction transaction, IReadOnlyCollection<(string Id, int? Vcpus, int? MemoryMib)> hosts, Overcommit overcommit, CancellationToken cancel)
    {
        var offers = hosts.Where(host => host.Vcpus is not null && host.MemoryMib is not null).Select(host => (host.Id, Offer: overcommit.Offer(host.Vcpus!.Value, host.MemoryMib!.Value))).ToList();
        return transaction.ExecuteAsync(
            "UPDATE hosts h SET vcpus = n.vcpus, memory_mib = n.memory FROM unnest($1::text[], $2::int[], $3::int[]) AS n(id, vcpus, memory) WHERE h.id = n.id AND (h.vcpus, h.memory_mib) IS DISTINCT FROM (n.vcpus, n.memory)", cancel,
            Columns.Texts(offers.Select(host => host.Id)), Columns.Integers(offers.Select(host => host.Offer.Vcpus)), Columns.Integers(offers.Select(host => host.Offer.MemoryMib)));
    }

    /// <param name="accountIds">Null: all accounts.</param>
    public static async Task SetAccountsAsync(Transaction transaction, string poolId, IReadOnlyCollection<string>? accountIds, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE host_pools SET all_accounts = $2 WHERE id = $1 AND all_accounts <> $2", cancel, poolId, accountIds is null);
        await transaction.ExecuteAsync("DELETE FROM host_pool_accounts WHERE host_pool_id = $1 AND NOT account_id = ANY($2)", cancel, poolId, Columns.Texts(accountIds ?? []));
        await transaction.ExecuteAsync("INSERT INTO host_pool_accounts (host_pool_id, account_id) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING", cancel, poolId, Columns.Texts(accountIds ?? []));
    }

    /// <summary>What keeps a pool from being removed: hosts that are in it, and instances that ask for it.</summary>
    public static Task<List<Ref>> UsersAsync(Transaction transaction, string poolId, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT id, name FROM (SELECT 1 AS kind, id, name FROM hosts WHERE host_pool_id = $1 UNION ALL SELECT 2, id, name FROM instances WHERE host_pool_id = $1 AND terminated_at IS NULL) u ORDER BY kind, id LIMIT 20
        """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, poolId);

    /// <summary>Removes a pool that nothing uses. Records of ended instances forget it.</summary>
    public static async Task DeleteAsync(Transaction transaction, string poolId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE instances SET host_pool_id = NULL WHERE host_pool_id = $1 AND terminated_at IS NOT NULL", cancel, poolId);
        await transaction.ExecuteAsync("DELETE FROM host_pools WHERE id = $1", cancel, poolId);
    }
}
