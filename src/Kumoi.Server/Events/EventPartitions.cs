using System.Globalization;
using System.Text.RegularExpressions;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Events;

/// <summary>Makes the log's monthly partitions ahead of time, and drops those that are older than the cloud keeps them. What is in the rest partition stays.</summary>
public sealed partial class EventPartitions(Database database, EventLog events, TimeProvider clock, ILogger<EventPartitions> log) : BackgroundService
{
    // Any fixed number that nothing else of Kumoi uses as an advisory lock: one server drops at a time.
    private const long Lock = 0x6b756d6f6b;

    // The whole log waits while a month is dropped; behind a reader that does not end, it is left for the next time.
    private const string LockTimeout = "2s";

    // A clock that is far from the database's would make young events old ones.
    private static readonly TimeSpan ClocksApartMax = TimeSpan.FromDays(1), Period = TimeSpan.FromHours(6);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await EnsureAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                EventLogMessages.PartitionFailed(log, e);
            }
            try
            {
                await DropAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                EventLogMessages.DropFailed(log, e.Message);
            }
        }
    }

    /// <summary>This month's and the next one's partition. Run before the first event is written, so that the rest partition stays empty.</summary>
    public async Task EnsureAsync(CancellationToken cancel)
    {
        var month = Month(clock.GetUtcNow());
        foreach (var start in new[] { month, month.AddMonths(1) })
            await database.ExecuteAsync(string.Create(CultureInfo.InvariantCulture,
                $"CREATE TABLE IF NOT EXISTS events_{start:yyyy_MM} PARTITION OF events FOR VALUES FROM ('{start:yyyy-MM-dd}+00') TO ('{start.AddMonths(1):yyyy-MM-dd}+00')"), cancel);
    }

    /// <summary>Drops the months of which every event is older than the cloud keeps them, each with an event that says so.</summary>
    public async Task DropAsync(CancellationToken cancel)
    {
        if (await EventRetentions.MonthsAsync(database, cancel) is not { } months) return;
        var now = clock.GetUtcNow();
        var apart = now - await database.FindAsync("SELECT clock_timestamp()", row => row.Time(0), cancel);
        if (apart.Duration() > ClocksApartMax)
        {
            EventLogMessages.ClocksApart(log, apart);
            return;
        }
        var keepFrom = now.AddMonths(-months);
        var partitions = await database.QueryAsync("SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'events'::regclass ORDER BY c.relname", row => row.GetString(0), cancel);
        foreach (var (name, start) in partitions.Select(name => (name, Start: StartOf(name))))
            if (start?.AddMonths(1) <= keepFrom) await database.TransactionAsync<Done>(transaction => DropAsync(transaction, name, start.Value, months, cancel), cancel);
    }

    private async Task<Result<Done>> DropAsync(Transaction transaction, string name, DateTimeOffset start, int months, CancellationToken cancel)
    {
        await transaction.ExecuteAsync($"SET LOCAL lock_timeout = '{LockTimeout}'", cancel);
        if (!await transaction.FindAsync("SELECT pg_try_advisory_xact_lock($1)", row => row.GetBoolean(0), cancel, Lock)) return new Done();
        // Another server may have dropped it, or somebody may have chosen to keep more.
        if (await EventRetentions.MonthsAsync(transaction, cancel) != months || await transaction.FindAsync("SELECT to_regclass($1) IS NULL", row => row.GetBoolean(0), cancel, name)) return new Done();
        var account = (await transaction.FindAsync("SELECT id, name FROM accounts WHERE kind = 'operator'", row => new Api.Ref(row.GetString(0), row.GetString(1)), cancel))!;
        await transaction.ExecuteAsync($"DROP TABLE {name}", cancel);
        await events.WriteAsync(transaction, account.Id, EventActor.System, "cloud.drop-events", new Subject("account", account.Id, account.Name), cancel,
            string.Create(CultureInfo.InvariantCulture, $"The events of {start:yyyy-MM} are gone: {months} months are kept."));
        return new Done();
    }

    private static DateTimeOffset Month(DateTimeOffset time) => new(time.Year, time.Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The first day of a month's partition; null of any other.</summary>
    private static DateTimeOffset? StartOf(string name) =>
        Monthly().IsMatch(name) && DateTimeOffset.TryParseExact(name["events_".Length..], "yyyy_MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var start) ? start : null;

    [GeneratedRegex(@"^events_\d{4}_\d{2}\z")]
    private static partial Regex Monthly();
}

internal static partial class EventLogMessages
{
    [LoggerMessage(1001, LogLevel.Warning, "The next month's partition of the event log could not be made; events go to the rest partition until it can.")]
    public static partial void PartitionFailed(ILogger logger, Exception exception);

    [LoggerMessage(1002, LogLevel.Warning, "Months of the event log that are to go could not be dropped; the next try is in six hours: {Message}")]
    public static partial void DropFailed(ILogger logger, string message);

    [LoggerMessage(1003, LogLevel.Warning, "The clock of this server is {Apart} from the database's: nothing of the event log is dropped until they agree.")]
    public static partial void ClocksApart(ILogger logger, TimeSpan apart);
}
