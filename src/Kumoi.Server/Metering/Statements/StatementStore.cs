using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Metering.Tariffs;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Metering.Statements;

/// <summary>Every statement (of SQL) on statements (of account).</summary>
public static class StatementStore
{
    /// <summary>What an account used in a time, for each part of it in which prices do not change.</summary>
    public static Task<List<UsedAt>> UsedAsync(IQueries queries, string accountId, IReadOnlyList<DateTimeOffset> changes, DateTimeOffset until, CancellationToken cancel) => queries.QueryAsync(
        """
        SELECT meter, attribute, resource_type, resource_id, (array_agg(resource_name ORDER BY hour DESC))[1], ($2::timestamptz[])[width_bucket(hour, $2::timestamptz[])] AS part, sum(quantity)::numeric(26, 9) FROM usage_records
        WHERE account_id = $1 AND hour >= ($2::timestamptz[])[1] AND hour < $3 GROUP BY meter, attribute, resource_type, resource_id, part
        """, row => new UsedAt(row.GetString(0), row.GetString(1), new UsedResource(row.GetString(2), row.GetString(3), row.GetString(4)), row.Time(5), row.GetDecimal(6)),
        cancel, accountId, Columns.Times(changes.Select(at => (DateTimeOffset?)at)), until);

    public static Task<BillingStatement?> IssuedAsync(IQueries queries, string accountId, Month month, CancellationToken cancel) =>
        queries.FindAsync("SELECT body FROM statements WHERE account_id = $1 AND month = $2", row => JsonSerializer.Deserialize(row.GetString(0), ApiJson.Default.BillingStatement), cancel, accountId, month.First);

    public static Task<List<StatementSummary>> ListAsync(IQueries queries, string accountId, CancellationToken cancel) => queries.QueryAsync(
        "SELECT to_char(month, 'YYYY-MM'), body->>'currency', (body->>'total')::numeric, issued_at FROM statements WHERE account_id = $1 ORDER BY month DESC",
        row => new StatementSummary(row.GetString(0), "issued", row.GetString(1), row.GetDecimal(2), row.TimeOrNull(3)), cancel, accountId);

    /// <summary>Issues a statement, unless there is one of this month.</summary>
    public static async Task<bool> IssueAsync(Transaction transaction, BillingStatement statement, CancellationToken cancel) => await transaction.ExecuteAsync(
        "INSERT INTO statements (id, account_id, account_name, month, issued_at, body) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, month) DO NOTHING", cancel,
        statement.Id!, statement.Account.Id, statement.Account.Name, Month.Read(statement.Month)!.Value.First, statement.IssuedAt!.Value, Columns.Json(JsonSerializer.Serialize(statement, ApiJson.Default.BillingStatement))) == 1;

    /// <summary>The accounts that have this tariff in a month, or had it until they were deleted, and no statement of it yet.</summary>
    public static Task<List<Ref>> DueAsync(IQueries queries, TariffRecord tariff, Month month, CancellationToken cancel) => queries.QueryAsync(
        """
        SELECT a.id, a.name FROM billed_accounts a
        WHERE a.created_at < $3 AND (a.deleted_at IS NULL OR a.deleted_at > $4) AND tariff_of(a.id, a.lineage, $2) = $1 AND NOT EXISTS (SELECT 1 FROM statements s WHERE s.account_id = a.id AND s.month = $2) ORDER BY a.id
        """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, tariff.Id, month.First, month.Next.Begins(tariff.Zone), month.Begins(tariff.Zone));

    /// <summary>Statements of a month are being issued: nothing that they are made from may change any more.</summary>
    public static Task<int> CloseAsync(Database database, string tariffId, Month month, CancellationToken cancel) =>
        database.ExecuteAsync("UPDATE tariffs SET issued_month = $2 WHERE id = $1 AND (issued_month IS NULL OR issued_month < $2)", cancel, tariffId, month.First);
}
