using System.Runtime.CompilerServices;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Accounts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Metering.Statements;

/// <summary>What the accounts of the caller's domains owed, those that were deleted since included: what a provider writes its invoices from.</summary>
public sealed class IssuedStatementUseCases(Database database)
{
    private const int AtOnce = 100;

    public static readonly Permission See = Permission.Domain("issued-statements", "read");

    private static readonly string Mine = $"FROM statements s JOIN billed_accounts a ON a.id = s.account_id WHERE {DomainUseCases.Beneath("a.lineage", "$1")} ";

    /// <param name="month">Only those of it, if it is given.</param>
    /// <param name="account">Only those of an account of this id or name, also if it was deleted.</param>
    public async Task<Result<Page<IssuedStatement>>> ListAsync(Caller caller, string? month, string? account, PageRequest page, CancellationToken cancel)
    {
        if (month is not null && Month.Read(month) is null) return Failure.Invalid("month", "month");
        return page.Of(await database.QueryAsync(
            $"""
            SELECT s.id, s.account_id, s.account_name, a.deleted_at, to_char(s.month, 'YYYY-MM'), s.body->>'currency', (s.body->>'total')::numeric, s.issued_at
            {Mine} AND s.id > $2 AND ($3::text IS NULL OR s.month = ($3 || '-01')::date) AND ($4::text IS NULL OR $4 IN (s.account_id, s.account_name)) ORDER BY s.id LIMIT $5
            """, row => new IssuedStatement(row.GetString(0), new Ref(row.GetString(1), row.GetString(2)), row.TimeOrNull(3), row.GetString(4), row.GetString(5), row.GetDecimal(6), row.Time(7)),
            cancel, Columns.Texts(caller.Lineages(See)), page.After, Columns.Text(month), Columns.Text(account), page.Limit + 1), statement => statement.Id);
    }

    public async Task<Result<BillingStatement>> GetAsync(Caller caller, string id, CancellationToken cancel) =>
        await database.FindAsync($"SELECT s.body {Mine} AND s.id = $2", Read, cancel, Columns.Texts(caller.Lineages(See)), id) is { } statement ? statement : Failure.NotFound("statement", id);

    /// <summary>All of a month, some at a time: they may be many.</summary>
    public async IAsyncEnumerable<BillingStatement> ExportAsync(Caller caller, Month month, [EnumeratorCancellation] CancellationToken cancel)
    {
        for (var after = "";;)
        {
            var some = await database.QueryAsync($"SELECT s.body {Mine} AND s.month = $2 AND s.id > $3 ORDER BY s.id LIMIT $4", Read, cancel, Columns.Texts(caller.Lineages(See)), month.First, after, AtOnce);
            foreach (var statement in some) yield return statement;
            if (some.Count < AtOnce) yield break;
            after = some[^1].Id!;
        }
    }

    private static BillingStatement Read(Npgsql.NpgsqlDataReader row) => JsonSerializer.Deserialize(row.GetString(0), ApiJson.Default.BillingStatement)!;
}
