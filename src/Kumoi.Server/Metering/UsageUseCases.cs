using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Metering;

/// <summary>What accounts used, how it came about, and computing it again.</summary>
public sealed class UsageUseCases(Database database, UsageStore store, EventStore log, EventLog events, TimeProvider clock)
{
    private const int SpansMax = 1000;

    // Reports by the hour are read by people; longer times are exported.
    private static readonly TimeSpan HoursMost = TimeSpan.FromDays(31), Kept = Interfaces.TrafficRecords.Kept;

    /// <summary>The query of a request: the month of UTC up to now, unless it says otherwise.</summary>
    public Result<UsageQuery> Read(Call call)
    {
        var (since, until) = (call.Time("since"), call.Time("until"));
        if ((since.Failure ?? until.Failure) is { } failure) return failure;
        var now = clock.GetUtcNow();
        var by = (call.Query("by") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (by.Except(["hour", "day", "resource"]).Any() || by.Contains("hour") && by.Contains("day")) return Failure.Invalid("by", "one-of", "hour, day, resource");
        if (call.Query("meter") is { } meter && !Meters.All.Contains(meter)) return Failure.Invalid("meter", "one-of", string.Join(", ", Meters.All));
        var query = new UsageQuery(Whole(since.Value ?? new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero)), Whole(until.Value ?? now.AddHours(1)), call.Query("meter"), call.Query("resource"), by.FirstOrDefault(b => b != "resource"), by.Contains("resource"));
        return query.Until <= query.Since ? Failure.Invalid("until", "after", "since") : query;
    }

    public async Task<Result<Usage>> ListAsync(Caller caller, UsageQuery query, CancellationToken cancel)
    {
        if (query.By == "hour" && query.Until - query.Since > HoursMost) return Failure.Invalid("since", "usage-too-long", (int)HoursMost.TotalDays);
        var items = await store.ListAsync(caller.AccountId, query, cancel);
        return items.Count > UsageStore.RowsMax ? new Failure("usage-too-much", 409, UsageStore.RowsMax) : new Usage(query.Since, query.Until, await store.ComputedUntilAsync(cancel), items);
    }

    /// <summary>What all use of a resource is computed from.</summary>
    public async Task<Result<Page<UsageSpan>>> SpansAsync(Caller caller, string key, CancellationToken cancel)
    {
        if (await store.ResourceAsync(caller.AccountId, key, cancel) is not { } resource) return Failure.NotFound("resource", key);
        var spans = await store.SpansAsync(caller.AccountId, resource, SpansMax, cancel);
        var told = (await log.FindAsync(caller.AccountId, spans.SelectMany(s => new[] { s.Begun, s.Ended }).OfType<string>().Distinct(), cancel)).ToDictionary(e => e.Id);
        return new Page<UsageSpan>([.. spans.Select(s => s.Span with { Begun = s.Begun is { } begun ? told.GetValueOrDefault(begun) : null, Ended = s.Ended is { } ended ? told.GetValueOrDefault(ended) : null })], null);
    }

    /// <summary>Computes recorded hours of all accounts again. Statements that were issued stay as they are.</summary>
    public async Task<Result<RecomputedUsage>> RecomputeAsync(Caller caller, RecomputeUsage asked, CancellationToken cancel)
    {
        var oldest = Whole(clock.GetUtcNow() - Kept).AddHours(1);
        if (asked.Since < oldest) return Failure.Invalid("since", "not-before", oldest);
        return await database.TransactionAsync<RecomputedUsage>(async transaction =>
        {
            var (computed, _, _) = await UsageStore.ProgressAsync(transaction, default, cancel);
            // Hours before the first record have no partition, and nothing that could be put right.
            var first = await transaction.FindAsync("SELECT min(hour) FROM usage_records", row => row.TimeOrNull(0), cancel) ?? computed;
            var (since, until) = (Whole(asked.Since), asked.Until is { } end && end < computed ? Whole(end) : computed);
            if (since < first) since = first;
            var changed = since < until ? await UsageStore.ComputeAsync(transaction, since, until, cancel) : 0;
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "usage.recompute", new Subject("usage", "usage", "usage"), cancel, FormattableString.Invariant($"{since:u} – {until:u}: {changed}"));
            return new RecomputedUsage(since, until, changed);
        }, cancel);
    }

    private static DateTimeOffset Whole(DateTimeOffset time) => new(time.UtcDateTime.Date.AddHours(time.UtcDateTime.Hour), TimeSpan.Zero);
}
