using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Events;

/// <summary>How long the cloud keeps its log.</summary>
public sealed class EventRetentions(Database database, EventLog events)
{
    private const int MonthsMax = 1200;

    /// <summary>Null: for ever, also if nothing says how long.</summary>
    public static Task<int?> MonthsAsync(IQueries queries, CancellationToken cancel) => queries.FindAsync("SELECT months FROM event_retention", row => row.IntOrNull(0), cancel);

    public async Task<Result<EventRetention>> GetAsync(CancellationToken cancel) => new EventRetention(await MonthsAsync(database, cancel));

    public async Task<Result<EventRetention>> UpdateAsync(Caller caller, UpdateEventRetention update, CancellationToken cancel)
    {
        if (update.Months is < 1 or > MonthsMax) return Failure.Invalid("months", "between", 1, MonthsMax);
        return await database.TransactionAsync<EventRetention>(async transaction =>
        {
            var changed = await transaction.ExecuteAsync("UPDATE event_retention SET months = $1 WHERE months IS DISTINCT FROM $1", cancel, Columns.Integer(update.Months));
            if (changed > 0)
                await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "cloud.keep-events", new Subject("account", caller.AccountId, caller.AccountName), cancel, update.Months is { } months ? $"For {months} months." : "For ever.");
            return new EventRetention(update.Months);
        }, cancel);
    }
}
