using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Alerts;

/// <summary>
/// Makes alerts what the records say: each kind by itself, in one transaction with its events. It is told nothing of what changed and reads everything each time, so a look that is repeated,
/// cut off or done by two servers at once makes no alert twice and loses none.
/// </summary>
public sealed class AlertWatch(Database database, AlertStore store, EventLog events)
{
    // What was long ago is in the log.
    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(90);

    public async Task LookAsync(DateTimeOffset now, CancellationToken cancel)
    {
        foreach (var kind in AlertKinds.All) await database.TransactionAsync<Done>(transaction => SettleAsync(transaction, kind, now, cancel), cancel);
        await store.ForgetAsync(now - KeptFor, cancel);
    }

    private async Task<Result<Done>> SettleAsync(Transaction transaction, AlertKind kind, DateTimeOffset now, CancellationToken cancel)
    {
        var seen = await store.SightAsync(transaction, kind, cancel);
        var known = await store.KnownAsync(transaction, kind.Name, now - AlertPlanner.FlapTime, cancel);
        var plan = AlertPlanner.Plan(seen, known, now);
        if (plan is { Raise.Count: 0, Reopen.Count: 0, Refresh.Count: 0, Resolve.Count: 0 }) return new Done();
        var operators = await transaction.FindAsync("SELECT id FROM accounts WHERE kind = 'operator'", row => row.GetString(0), cancel);
        var told = new List<NewEvent>();
        if (plan.Raise.Count > 0)
        {
            var made = await store.RaiseAsync(transaction, kind.Name, plan.Raise, now, cancel);
            told.AddRange(plan.Raise.Where(s => made.ContainsKey(s.Subject.Id)).Select(s => Raised(made[s.Subject.Id], s)));
        }
        if (plan.Reopen.Count > 0)
        {
            var done = (await store.ReopenAsync(transaction, plan.Reopen, now, cancel)).ToHashSet();
            told.AddRange(plan.Reopen.Where(one => done.Contains(one.Alert.Id)).Select(one => Raised(one.Alert.Id, one.Seen)));
        }
        if (plan.Refresh.Count > 0) await store.RefreshAsync(transaction, plan.Refresh, now, cancel);
        if (plan.Resolve.Count > 0)
        {
            var done = (await store.ResolveAsync(transaction, plan.Resolve, now, cancel)).ToHashSet();
            told.AddRange(plan.Resolve.Where(alert => done.Contains(alert.Id)).Select(alert => new NewEvent(alert.AccountId ?? operators!, EventActor.System, "alert.resolve", new Subject("alert", alert.Id, alert.ResourceName), kind.Name)));
        }
        await events.WriteAsync(transaction, told, cancel);
        return new Done();

        NewEvent Raised(string id, Sighting sighting) => new(sighting.AccountId ?? operators!, EventActor.System, "alert.raise", new Subject("alert", id, sighting.Subject.Name),
            $"{kind.Name}: {AlertText.Message("en", kind.Name, sighting.Subject.Name, AlertStore.Arguments(sighting.Arguments))}");
    }
}
