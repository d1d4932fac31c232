using System.Net;
using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.AddressPools;

/// <summary>A pool as its rows have it.</summary>
public sealed record PoolRow(
    string Id, string Name, string Description, bool AllAccounts, DateTimeOffset CreatedAt, IReadOnlyList<IPNetwork> Ranges, IReadOnlyList<IPNetwork> Excluded,
    IReadOnlyList<(IPAddress Address, string? AccountId)> Reserved, IReadOnlyList<Ref> Accounts, long Used)
{
    /// <summary>True if the account may have addresses of it.</summary>
    public bool IsFor(string accountId) => AllAccounts || Accounts.Any(account => account.Id == accountId);

    /// <summary>True if the address is the pool's, and not excluded.</summary>
    public bool Holds(IPAddress address) => Ranges.Any(range => range.Contains(address)) && !Excluded.Any(range => range.Contains(address));
}

/// <summary>Every statement on pools of addresses.</summary>
public static class AddressPoolStore
{
    /// <summary>The pool that launches take floating addresses of: the range that the cloud was made with.</summary>
    public const string Default = "default";

    private const string Select =
        """
        SELECT p.id, p.name, p.description, p.all_accounts, p.created_at,
               (SELECT coalesce(array_agg(r.cidr ORDER BY r.cidr), '{}') FROM address_pool_ranges r WHERE r.pool_id = p.id AND NOT r.excluded),
               (SELECT coalesce(array_agg(r.cidr ORDER BY r.cidr), '{}') FROM address_pool_ranges r WHERE r.pool_id = p.id AND r.excluded),
               (SELECT coalesce(array_agg(x.address ORDER BY x.address), '{}') FROM address_reservations x WHERE x.pool_id = p.id),
               (SELECT coalesce(array_agg(coalesce(x.account_id, '') ORDER BY x.address), '{}') FROM address_reservations x WHERE x.pool_id = p.id),
               (SELECT coalesce(array_agg(a.id ORDER BY a.id), '{}') FROM address_pool_accounts g JOIN accounts a ON a.id = g.account_id WHERE g.pool_id = p.id),
               (SELECT coalesce(array_agg(a.name ORDER BY a.id), '{}') FROM address_pool_accounts g JOIN accounts a ON a.id = g.account_id WHERE g.pool_id = p.id),
               {0}
        FROM address_pools p WHERE
        """;

    // Counting them is not for every launch.
    private const string Counted = "(SELECT count(*) FROM floating_addresses f JOIN address_pool_ranges r ON f.address << r.cidr WHERE r.pool_id = p.id AND NOT r.excluded)";

    private static PoolRow Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.Time(4), row.GetFieldValue<IPNetwork[]>(5), row.GetFieldValue<IPNetwork[]>(6),
        [.. row.GetFieldValue<IPAddress[]>(7).Zip(row.Texts(8), (address, account) => (address, account.Length == 0 ? null : account))],
        [.. row.Texts(9).Zip(row.Texts(10), (id, name) => new Ref(id, name))], row.GetInt64(11));

    /// <summary>The pools that a condition on <c>p</c> names, without how many of their addresses are used.</summary>
    public static Task<List<PoolRow>> ReadAsync(Transaction transaction, string condition, string value, CancellationToken cancel) =>
        transaction.QueryAsync(Select.Replace("{0}", "0::bigint", StringComparison.Ordinal) + " " + condition, Read, cancel, value);

    public static Task<List<PoolRow>> ListAsync(Database database, string after, int limit, string? accountId, CancellationToken cancel) => database.QueryAsync(
        Select.Replace("{0}", Counted, StringComparison.Ordinal) + """
         p.id > $1 AND ($3::text IS NULL OR p.all_accounts OR EXISTS (SELECT 1 FROM address_pool_accounts g WHERE g.pool_id = p.id AND g.account_id = $3)) ORDER BY p.id LIMIT $2
        """, Read, cancel, after, limit, Columns.Text(accountId));

    public static Task<PoolRow?> FindAsync(Database database, string key, CancellationToken cancel) =>
        database.FindAsync(Select.Replace("{0}", Counted, StringComparison.Ordinal) + " p.id = $1 OR p.name = $1", Read, cancel, key);

    /// <summary>The pool, held until the transaction ends; null: there is none of that id or name.</summary>
    public static async Task<PoolRow?> LockAsync(Transaction transaction, string key, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT id FROM address_pools WHERE id = $1 OR name = $1 FOR UPDATE", row => row.GetString(0), cancel, key) is { } id
            ? (await ReadAsync(transaction, "p.id = $1", id, cancel))[0] : null;

    /// <summary>False if there is one of that name.</summary>
    public static async Task<bool> InsertAsync(
        Transaction transaction, string accountId, string id, string name, string description, IReadOnlyList<IPNetwork> ranges, DateTimeOffset now, CancellationToken cancel)
    {
        if (await transaction.ExecuteAsync("INSERT INTO address_pools (id, account_id, name, description, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING", cancel,
            id, accountId, name, description, now) == 0) return false;
        await SetRangesAsync(transaction, id, ranges, excluded: false, cancel);
        return true;
    }

    public static async Task SetRangesAsync(Transaction transaction, string poolId, IReadOnlyList<IPNetwork> ranges, bool excluded, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM address_pool_ranges WHERE pool_id = $1 AND excluded = $2", cancel, poolId, excluded);
        foreach (var range in ranges)
            await transaction.ExecuteAsync("INSERT INTO address_pool_ranges (pool_id, cidr, excluded) VALUES ($1, $2, $3)", cancel, poolId, Columns.Cidr(range), excluded);
    }

    public static async Task SetReservedAsync(Transaction transaction, string poolId, IReadOnlyList<(IPAddress Address, string? AccountId)> reserved, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM address_reservations WHERE pool_id = $1", cancel, poolId);
        foreach (var (address, account) in reserved)
            await transaction.ExecuteAsync("INSERT INTO address_reservations (pool_id, address, account_id) VALUES ($1, $2, $3)", cancel, poolId, Columns.Inet(address), Columns.Text(account));
    }

    public static async Task SetAccountsAsync(Transaction transaction, string poolId, IReadOnlyList<string>? accountIds, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE address_pools SET all_accounts = $2 WHERE id = $1", cancel, poolId, accountIds is null);
        await transaction.ExecuteAsync("DELETE FROM address_pool_accounts WHERE pool_id = $1", cancel, poolId);
        await transaction.ExecuteAsync("INSERT INTO address_pool_accounts (pool_id, account_id) SELECT $1, unnest($2::text[])", cancel, poolId, Columns.Texts(accountIds ?? []));
    }

    /// <summary>The addresses of accounts in some ranges: the pool may not lose them.</summary>
    public static Task<List<Ref>> HeldAsync(Transaction transaction, string poolId, CancellationToken cancel) => transaction.QueryAsync(
        "SELECT f.id, host(f.address) FROM floating_addresses f JOIN address_pool_ranges r ON f.address << r.cidr WHERE r.pool_id = $1 AND NOT r.excluded ORDER BY f.address LIMIT 10000",
        row => new Ref(row.GetString(0), row.GetString(1)), cancel, poolId);
}
