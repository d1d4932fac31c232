using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Quotas;

/// <summary>Limits and what is counted against them. The counting itself is the database's: see <c>count_use</c> in the schema.</summary>
public static class QuotaStore
{
    /// <summary>All that is counted.</summary>
    public static readonly string[] Resources =
    [
        "instances", "vcpus", "memory-mib", "volumes", "volume-gib", "snapshots", "backups", "images", "floating-addresses", "networks", "routers", "security-groups", "security-group-rules", "load-balancers",
        "vpns", "key-pairs", "placement-groups",
    ];

    // What a scope has: an account, or all accounts of the domain and of those beneath.
    private const string AccountsOf = "ARRAY(SELECT a.id FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.id = $1 OR $1 = ANY(string_to_array(d.lineage, '.')))";

    /// <summary>Waits for all who count, and lets nobody count until the transaction ends.</summary>
    public static Task LockAsync(Transaction transaction, CancellationToken cancel) => transaction.ExecuteAsync("LOCK TABLE quotas IN EXCLUSIVE MODE", cancel);

    public static async Task<Dictionary<string, long>> UsedAsync(IQueries queries, string scope, CancellationToken cancel) =>
        (await queries.QueryAsync($"SELECT resource, sum(used)::bigint FROM usage_of_accounts({AccountsOf}) GROUP BY resource", row => (Resource: row.GetString(0), Used: row.GetInt64(1)), cancel, scope)).ToDictionary(u => u.Resource, u => u.Used);

    /// <summary>Sets a limit of its own, and counts what there is; after <see cref="LockAsync"/>.</summary>
    public static Task<int> SetAsync(Transaction transaction, string scope, string resource, long? limit, CancellationToken cancel) => transaction.ExecuteAsync(
        $"""
        INSERT INTO quotas (scope_id, resource, quota_limit, used, is_default)
        SELECT $1, $2, $3, coalesce((SELECT sum(used)::bigint FROM usage_of_accounts({AccountsOf}) u WHERE u.resource = $2), 0), false
        ON CONFLICT (scope_id, resource) DO UPDATE SET quota_limit = excluded.quota_limit, used = excluded.used, is_default = false
        """, cancel, scope, resource, Columns.Bigint(limit));

    /// <summary>Gives an account the default again, or a domain no limit; after <see cref="LockAsync"/>.</summary>
    public static async Task ResetAsync(Transaction transaction, string scope, string resource, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM quotas WHERE scope_id = $1 AND resource = $2", cancel, scope, resource);
        await DefaultAsync(transaction, resource, scope, cancel);
    }

    /// <summary>Lets a default hold for the accounts that have no limit of their own; after <see cref="LockAsync"/>.</summary>
    /// <param name="account">Only for this one; null for all.</param>
    public static async Task DefaultAsync(Transaction transaction, string resource, string? account, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM quotas WHERE resource = $1 AND is_default AND ($2::text IS NULL OR scope_id = $2)", cancel, resource, Columns.Text(account));
        await transaction.ExecuteAsync(
            """
            INSERT INTO quotas (scope_id, resource, quota_limit, used, is_default)
            SELECT a.id, q.resource, q.quota_limit, coalesce(u.used, 0), true FROM quota_defaults q CROSS JOIN accounts a
            LEFT JOIN usage_of_accounts(ARRAY(SELECT id FROM accounts WHERE $2::text IS NULL OR id = $2)) u ON u.account_id = a.id AND u.resource = q.resource
            WHERE q.resource = $1 AND ($2::text IS NULL OR a.id = $2) AND a.kind <> 'operator' ON CONFLICT (scope_id, resource) DO NOTHING
            """, cancel, resource, Columns.Text(account));
    }

    /// <summary>The defaults of an account that is being made; before it has anything.</summary>
    public static async Task BeginAsync(Transaction transaction, string account, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("LOCK TABLE quotas IN ROW EXCLUSIVE MODE", cancel);
        await transaction.ExecuteAsync("INSERT INTO quotas (scope_id, resource, quota_limit, used, is_default) SELECT $1, resource, quota_limit, 0, true FROM quota_defaults", cancel, account);
    }

    /// <summary>
    /// Who of several, in one transaction, would go beyond a limit: for those who make things for many accounts at once, so that one does not fail the others. Their
    /// counters stay locked, so that the database counts afterwards what was found here.
    /// </summary>
    public static async Task<Dictionary<int, Failure>> BeyondAsync(Transaction transaction, IReadOnlyList<(int Number, string Account, IReadOnlyDictionary<string, long> Asked)> all)
    {
        await transaction.ExecuteAsync("LOCK TABLE quotas IN ROW SHARE MODE", default);
        var accounts = all.Select(one => one.Account).Distinct().ToArray();
        var limits = await transaction.QueryAsync(
            """
            SELECT s.account_id, q.scope_id, q.resource, q.quota_limit, q.used FROM quotas q
            JOIN (SELECT a.id AS account_id, unnest(a.id || string_to_array(d.lineage, '.')) AS scope_id FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.id = ANY($1)) s ON s.scope_id = q.scope_id
            WHERE q.resource = ANY($2) ORDER BY q.scope_id, q.resource FOR NO KEY UPDATE OF q
            """, row => (Account: row.GetString(0), Scope: row.GetString(1), Resource: row.GetString(2), Limit: row.LongOrNull(3), Used: row.GetInt64(4)), default, Columns.Texts(accounts), Columns.Texts(all.SelectMany(one => one.Asked.Keys).Distinct()));
        if (limits.Count == 0) return [];
        var used = limits.Select(l => (l.Scope, l.Resource, l.Used)).Distinct().ToDictionary(l => (l.Scope, l.Resource), l => l.Used);
        var beyond = new Dictionary<int, Failure>();
        foreach (var (number, account, asked) in all)
        {
            var mine = limits.FindAll(l => l.Account == account && asked.GetValueOrDefault(l.Resource) > 0);
            if (mine.Find(l => l.Limit is { } limit && used[(l.Scope, l.Resource)] + asked[l.Resource] > limit) is { Limit: { } most } over)
                beyond[number] = QuotaExceeded.Of(over.Resource, most, used[(over.Scope, over.Resource)], asked[over.Resource], over.Scope != account);
            else
                foreach (var limit in mine) used[(limit.Scope, limit.Resource)] += asked[limit.Resource];
        }
        return beyond;
    }

    /// <summary>Counters that are not what the records say: there are none, unless somebody wrote past the program.</summary>
    public static Task<List<(string Scope, string Resource, long Counted, long Real)>> DriftAsync(IQueries queries, CancellationToken cancel) => queries.QueryAsync(
        """
        WITH used AS MATERIALIZED (SELECT u.account_id, u.resource, u.used, string_to_array(d.lineage, '.') AS domains
                                   FROM usage_of_accounts(ARRAY(SELECT id FROM accounts)) u JOIN accounts a ON a.id = u.account_id JOIN domains d ON d.id = a.domain_id)
        SELECT q.scope_id, q.resource, q.used, coalesce(sum(u.used), 0)::bigint FROM quotas q
        LEFT JOIN used u ON u.resource = q.resource AND (u.account_id = q.scope_id OR q.scope_id = ANY(u.domains))
        GROUP BY q.scope_id, q.resource, q.used HAVING q.used <> coalesce(sum(u.used), 0) ORDER BY 1, 2
        """, row => (row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3)), cancel);
}
