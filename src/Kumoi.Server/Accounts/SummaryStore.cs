using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

/// <summary>Counts for a dashboard, always counted from the records, so that they cannot drift.</summary>
public sealed class SummaryStore(Database database)
{
    public async Task<Result<AccountSummary>> GetAsync(Caller caller, CancellationToken cancel)
    {
        var states = await database.QueryAsync(
            """
            SELECT state, count(*)::int, sum(vcpus)::int, sum(memory_mib)::int, sum(disk_gib)::int FROM instances
            WHERE account_id = $1 AND terminated_at IS NULL GROUP BY state
            """, row => (State: row.GetString(0), Count: row.GetInt32(1), Vcpus: row.GetInt32(2), Memory: row.GetInt32(3), Disk: row.GetInt32(4)), cancel, caller.AccountId);
        var counts = await database.FindAsync(
            """
            SELECT (SELECT count(*) FROM images WHERE account_id = $1 AND deleted_at IS NULL)::int, (SELECT count(*) FROM key_pairs WHERE account_id = $1)::int,
                   (SELECT count(*) FROM networks WHERE account_id = $1)::int, (SELECT count(*) FROM security_groups WHERE account_id = $1)::int
            """, row => (row.GetInt32(0), row.GetInt32(1), row.GetInt32(2), row.GetInt32(3)), cancel, caller.AccountId);
        return new AccountSummary(
            new Ref(caller.AccountId, caller.AccountName), states.ToDictionary(s => s.State, s => s.Count), states.Sum(s => s.Vcpus), states.Sum(s => s.Memory),
            states.Sum(s => s.Disk), counts.Item1, counts.Item2, counts.Item3, counts.Item4);
    }
}
