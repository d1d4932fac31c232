using Kumoi.Api;
using Kumoi.Server.Accounts;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Quotas;

/// <summary>Accounts ask for more; those who administer their domain answer.</summary>
public sealed class QuotaRequestUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    private const int TextLengthMax = 1000;

    private const string Select = "SELECT r.id, a.id, a.name, r.resource, r.asked_limit, r.reason, r.state, r.answer, r.asked_by, r.answered_by, r.created_at, r.answered_at FROM quota_requests r JOIN accounts a ON a.id = r.account_id JOIN domains d ON d.id = a.domain_id ";

    private static QuotaRequest Read(NpgsqlDataReader row) => new(row.GetString(0), new Ref(row.GetString(1), row.GetString(2)), row.GetString(3), row.GetInt64(4), row.GetString(5), row.GetString(6), row.GetString(7),
        row.GetString(8), row.TextOrNull(9), row.Time(10), row.TimeOrNull(11));

    private static readonly Permission Answer = Permission.Domain("quota-requests", "answer");

    /// <summary>Those of the account, and those that the caller may answer.</summary>
    public async Task<Result<Page<QuotaRequest>>> ListAsync(Caller caller, string? state, PageRequest page, CancellationToken cancel)
    {
        if (state is not (null or "pending" or "granted" or "refused")) return Failure.Invalid("state", "one-of", "pending, granted, refused");
        return page.Of(await database.QueryAsync(Select + $"WHERE r.id > $1 AND (r.account_id = $2 OR {DomainUseCases.Beneath("d.lineage", "$3")}) AND ($4::text IS NULL OR r.state = $4) ORDER BY r.id LIMIT $5", Read, cancel,
            page.After, caller.AccountId, Columns.Texts(caller.Lineages(Answer)), Columns.Text(state), page.Limit + 1), request => request.Id);
    }

    public async Task<Result<QuotaRequest>> CreateAsync(Caller caller, CreateQuotaRequest create, CancellationToken cancel)
    {
        Violation?[] violations =
        [
            QuotaStore.Resources.Contains(create.Resource) ? null : new Violation("resource", "one-of", string.Join(", ", QuotaStore.Resources)),
            create.Limit is < 0 or > QuotaUseCases.LimitMax ? new Violation("limit", "between", 0, QuotaUseCases.LimitMax) : null, create.Reason?.Length > TextLengthMax ? new Violation("reason", "too-long", TextLengthMax) : null,
        ];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<QuotaRequest>(async transaction =>
        {
            var id = ids.New(Ids.QuotaRequest);
            var made = await transaction.ExecuteAsync(
                "INSERT INTO quota_requests (id, account_id, resource, asked_limit, reason, asked_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, resource) WHERE state = 'pending' DO NOTHING", cancel,
                id, caller.AccountId, create.Resource, create.Limit, create.Reason ?? "", caller.UserName, clock.GetUtcNow());
            if (made == 0) return new Failure("quota-requested", 409, new Noun("quota." + create.Resource));
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "quota-request.create", new Subject("quota-request", id, create.Resource), cancel, create.Limit.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return (await transaction.FindAsync(Select + "WHERE r.id = $1", Read, cancel, id))!;
        }, cancel);
    }

    public async Task<Result<QuotaRequest>> AnswerAsync(Caller caller, string key, AnswerQuotaRequest answer, CancellationToken cancel)
    {
        if (answer.Answer?.Length > TextLengthMax) return Failure.Invalid("answer", "too-long", TextLengthMax);
        return await database.TransactionAsync<QuotaRequest>(async transaction =>
        {
            var request = await transaction.FindAsync(Select + $"WHERE r.id = $1 AND {DomainUseCases.Beneath("d.lineage", "$2")} FOR UPDATE OF r", Read, cancel, key, Columns.Texts(caller.Lineages(Answer)));
            if (request is null) return Failure.NotFound("quota-request", key);
            if (request.State != "pending") return new Failure("quota-answered", 409);
            await transaction.ExecuteAsync("UPDATE quota_requests SET state = $2, answer = $3, answered_by = $4, answered_at = $5 WHERE id = $1", cancel, key, answer.Grant ? "granted" : "refused", answer.Answer ?? "", caller.UserName, clock.GetUtcNow());
            if (answer.Grant)
            {
                await QuotaStore.LockAsync(transaction, cancel);
                await QuotaStore.SetAsync(transaction, request.Account.Id, request.Resource, request.Limit, cancel);
            }
            await events.WriteAsync(transaction, request.Account.Id, EventActor.Of(caller), answer.Grant ? "quota-request.grant" : "quota-request.refuse", new Subject("quota-request", key, request.Resource), cancel, answer.Answer);
            return (await transaction.FindAsync(Select + "WHERE r.id = $1", Read, cancel, key))!;
        }, cancel);
    }
}
