using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Metering;

/// <summary>Records each hour of use soon after it is over. Any server may; whoever has the progress locked does, and what is killed in the middle was not done.</summary>
public sealed class UsageLoop(Database database, TimeProvider clock, ILogger<UsageLoop> log) : BackgroundService
{
    // Reports of traffic come every few minutes.
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1), Late = TimeSpan.FromMinutes(6);

    // After a long standstill many hours are due; each part is kept once it is done.
    private const int HoursAtOnce = 24;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        do
        {
            try
            {
                while (await LookAsync(stoppingToken))
                {
                }
            }
            catch (Npgsql.NpgsqlException e)
            {
                MeteringLog.Failed(log, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Records what is due, up to a day of it; false if nothing was.</summary>
    public async Task<bool> LookAsync(CancellationToken cancel) => (await database.TransactionAsync<bool>(async transaction =>
    {
        var (computed, over, changed) = await UsageStore.ProgressAsync(transaction, Late, cancel);
        // A transaction that took long has changed an hour that is recorded already.
        var since = changed < computed ? Hour(changed.Value) : computed;
        var until = computed.AddHours(HoursAtOnce) < over ? computed.AddHours(HoursAtOnce) : over;
        if (since >= until) return false;
        for (var month = since; month < until; month = new DateTimeOffset(month.Year, month.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1)) await UsageStore.PartitionAsync(transaction, month, cancel);
        await UsageStore.ComputeAsync(transaction, since, until, cancel);
        await UsageStore.ComputeLateTrafficAsync(transaction, until, cancel);
        await UsageStore.ReachedAsync(transaction, until, cancel);
        return true;
    }, cancel)).Value;

    private static DateTimeOffset Hour(DateTimeOffset time) => new(time.UtcDateTime.Date.AddHours(time.UtcDateTime.Hour), TimeSpan.Zero);
}

internal static partial class MeteringLog
{
    [LoggerMessage(4101, LogLevel.Warning, "Use could not be recorded; nothing of it is lost, and the next try is in a minute.")]
    public static partial void Failed(ILogger logger, Exception exception);

    [LoggerMessage(4102, LogLevel.Warning, "Statements could not be issued; the next try is in an hour.")]
    public static partial void IssueFailed(ILogger logger, Exception exception);
}
