using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Metering.Tariffs;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Metering.Statements;

/// <summary>What accounts owe: computed while a month is open, kept as it was once it is issued.</summary>
public sealed class StatementUseCases(Database database, UsageStore usage, EventLog events, Ids ids, TimeProvider clock)
{
    /// <summary>So long after a month's end its statements are issued: what hosts told late is in them.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(30);

    /// <summary>The open month and those that were issued, newest first.</summary>
    public async Task<Result<Page<StatementSummary>>> ListAsync(Caller caller, CancellationToken cancel)
    {
        var issued = await StatementStore.ListAsync(database, caller.AccountId, cancel);
        var open = new List<StatementSummary>();
        // The month before may not be issued yet.
        var now = Month.Of(clock.GetUtcNow(), TimeZoneInfo.Utc);
        foreach (var month in (Month[])[now.Next, now, now.Before])
        {
            if (issued.Exists(s => s.Month == month.ToString())) continue;
            if (await FindAsync(caller.Account, month, cancel) is { } statement && statement.Since <= clock.GetUtcNow() && (statement.Lines.Count + statement.Unpriced.Count > 0 || month == now))
                open.Add(new StatementSummary(statement.Month, statement.State, statement.Currency, statement.Total, null));
        }
        return new Page<StatementSummary>([.. open, .. issued], null);
    }

    public async Task<Result<BillingStatement>> GetAsync(Caller caller, string text, CancellationToken cancel)
    {
        if (text != "current" && Month.Read(text) is null) return Failure.Invalid("month", "month");
        var utc = Month.Of(clock.GetUtcNow(), TimeZoneInfo.Utc);
        var month = Month.Read(text) ?? (await TariffStore.OfAsync(database, caller.AccountId, caller.Account.Lineage, utc, cancel) is { } tariff ? Month.Of(clock.GetUtcNow(), tariff.Zone) : utc);
        if (await StatementStore.IssuedAsync(database, caller.AccountId, month, cancel) is { } issued) return issued;
        if (month.Begins(TimeZoneInfo.Utc) > clock.GetUtcNow().AddDays(1)) return new Failure("month-not-begun", 404, month.ToString());
        return await FindAsync(caller.Account, month, cancel) is { } computed ? computed : new Failure("no-tariff", 404);
    }

    /// <summary>The statement as it would be now; null if the account has no tariff in the month.</summary>
    private async Task<BillingStatement?> FindAsync(ActingFor account, Month month, CancellationToken cancel) =>
        await TariffStore.OfAsync(database, account.Id, account.Lineage, month, cancel) is { } tariff ? await ComputeAsync(new Ref(account.Id, account.Name), tariff, month, cancel) : null;

    private async Task<BillingStatement> ComputeAsync(Ref account, TariffRecord tariff, Month month, CancellationToken cancel)
    {
        var computed = await usage.ComputedUntilAsync(cancel);
        var prices = await TariffStore.PricesAsync(database, tariff.Id, cancel);
        var (since, until) = (month.Begins(tariff.Zone), month.Next.Begins(tariff.Zone));
        var used = await StatementStore.UsedAsync(database, account.Id, StatementPlan.Changes(prices, since, until), until, cancel);
        return StatementPlan.Of(account, tariff, prices, month, used, computed);
    }

    /// <summary>Issues the statements of a month that is over, of all accounts with a tariff; those that were issued stay.</summary>
    public async Task<Result<IssuedStatements>> IssueAsync(string text, CancellationToken cancel)
    {
        if (Month.Read(text) is not { } month) return Failure.Invalid("month", "month");
        var (issued, computed, tariffs) = (0, await usage.ComputedUntilAsync(cancel), await TariffStore.ListAsync(database, cancel));
        if (tariffs.Select(tariff => month.Next.Begins(tariff.Zone)).Where(over => over > computed).ToArray() is { Length: > 0 } going) return new Failure("month-not-over", 409, month.ToString(), going.Max());
        foreach (var tariff in tariffs) issued += await IssueAsync(tariff, month, cancel);
        return new IssuedStatements(month.ToString(), issued);
    }

    /// <summary>Account by account: what is killed in the middle goes on with those that have none.</summary>
    public async Task<int> IssueAsync(TariffRecord tariff, Month month, CancellationToken cancel)
    {
        // First: from here on no price of the month changes, however long this takes.
        await StatementStore.CloseAsync(database, tariff.Id, month, cancel);
        var issued = 0;
        foreach (var account in await StatementStore.DueAsync(database, tariff, month, cancel))
        {
            var statement = await ComputeAsync(account, tariff, month, cancel) with { Id = ids.New(Ids.Statement), State = "issued", IssuedAt = clock.GetUtcNow() };
            var made = await database.TransactionAsync<bool>(async transaction =>
            {
                if (!await StatementStore.IssueAsync(transaction, statement, cancel)) return false;
                await events.WriteAsync(transaction, account.Id, EventActor.System, "statement.issue", new Subject("statement", statement.Id!, statement.Month), cancel, FormattableString.Invariant($"{statement.Total} {statement.Currency}"));
                return true;
            }, cancel);
            if (made.Value) issued++;
        }
        return issued;
    }

    /// <summary>Issues what is due of itself: the last month of each tariff, once its time of grace is over.</summary>
    public async Task IssueDueAsync(CancellationToken cancel)
    {
        var computed = await usage.ComputedUntilAsync(cancel);
        foreach (var tariff in await TariffStore.ListAsync(database, cancel))
        {
            var month = Month.Of(clock.GetUtcNow() - Grace, tariff.Zone).Before;
            if (computed >= month.Next.Begins(tariff.Zone)) await IssueAsync(tariff, month, cancel);
        }
    }
}

/// <summary>Issues statements when they are due.</summary>
public sealed class StatementLoop(StatementUseCases statements, TimeProvider clock, ILogger<StatementLoop> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        do
        {
            try
            {
                await statements.IssueDueAsync(stoppingToken);
            }
            catch (Npgsql.NpgsqlException e)
            {
                MeteringLog.IssueFailed(log, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
