using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Hosts;

/// <summary>
/// Marks hosts that have fallen silent (<see cref="HostStates"/>). Silence counts only while this server has had the database: a host
/// that nobody could record is not silent, and a cloud that was switched off wakes up without an alarm.
/// </summary>
public sealed class HostWatch(Database database, EventLog events, ServerOptions options, Recovery.RecoveryBell recovery, TimeProvider clock, ILogger<HostWatch> log) : BackgroundService
{
    private long _watchedSince = clock.GetTimestamp(), _lookedAt = clock.GetTimestamp();

    /// <summary>How long this server has been watching without a gap; nothing if it is behind with its looks.</summary>
    public TimeSpan Watched => IsHeld ? TimeSpan.Zero : clock.GetElapsedTime(Interlocked.Read(ref _watchedSince));

    // This process was held (stopped, swapped out, a clock that stood still), or the database holds it: what it thinks of the time before is worth nothing.
    private bool IsHeld => clock.GetElapsedTime(Interlocked.Read(ref _lookedAt)) > Period * 3;

    // A tenth of the shortest limit of silence, so that it is kept to a tenth.
    private TimeSpan Period => TimeSpan.FromSeconds((options.HeartbeatSeconds ?? HostStates.HeartbeatSeconds(0)) * HostStates.UnreachableBeats / 10.0);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (IsHeld) Interlocked.Exchange(ref _watchedSince, clock.GetTimestamp());
                await LookAsync(clock.GetElapsedTime(Interlocked.Read(ref _watchedSince)), stoppingToken);
            }
            catch (NpgsqlException e)
            {
                HostLog.WatchFailed(log, e.Message);
                Interlocked.Exchange(ref _watchedSince, clock.GetTimestamp());
            }
            Interlocked.Exchange(ref _lookedAt, clock.GetTimestamp());
        }
    }

    private sealed record Silent(string Id, string Name, string Account, string State, TimeSpan Silence, int Beat, bool Maintenance);

    /// <summary>Looks at all hosts once.</summary>
    /// <param name="watched">How long this server has been watching without a gap.</param>
    public async Task LookAsync(TimeSpan watched, CancellationToken cancel)
    {
        var silent = await database.QueryAsync(
            """
            SELECT id, name, account_id, state, clock_timestamp() - heard_at, heartbeat_seconds, maintenance FROM hosts
            WHERE state <> 'down' AND heard_at < clock_timestamp() - make_interval(secs => heartbeat_seconds * $1::int) ORDER BY id
            """,
            r => new Silent(r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetFieldValue<TimeSpan>(4), r.GetInt32(5), r.GetBoolean(6)), cancel, HostStates.UnreachableBeats);
        foreach (var host in silent)
            if (HostStates.Next(host.State, host.Silence, watched, host.Beat) is var next && next != host.State)
                await database.TransactionAsync<Done>(transaction => MarkAsync(transaction, host, next, cancel), cancel);
    }

    private async Task<Result<Done>> MarkAsync(Transaction transaction, Silent host, string next, CancellationToken cancel)
    {
        // Guarded by what was read: a report in between keeps the host up.
        var marked = await transaction.ExecuteAsync(
            """
            UPDATE hosts SET state = $2, fenced_at = CASE WHEN $2 = 'down' THEN clock_timestamp() END, fenced_by = CASE WHEN $2 = 'down' THEN 'lease' END
            WHERE id = $1 AND state = $3 AND heard_at < clock_timestamp() - make_interval(secs => heartbeat_seconds * $4::int)
            """, cancel, host.Id, next, host.State, HostStates.BeatsMissed(next));
        if (marked == 0) return new Done();
        var seconds = (int)host.Silence.TotalSeconds;
        var message = next == HostStates.Down
            ? $"No report for {seconds} seconds: the lease of its movable guests is over, and they have ended. Those that cannot move wait for the host."
            : $"No report for {seconds} seconds. Its guests may well be running; nothing is done to them.";
        await events.WriteAsync(transaction, host.Account, EventActor.System, "host." + next, new Subject("host", host.Id, host.Name), cancel, message);
        transaction.AfterCommit(recovery.Ring);
        return new Done();
    }
}

internal static partial class HostLog
{
    [LoggerMessage(3001, LogLevel.Warning, "Silent hosts could not be looked for, and the time until now does not count as silence: {Message}")]
    public static partial void WatchFailed(ILogger logger, string message);

    [LoggerMessage(3003, LogLevel.Warning, "What hosts' reports tell was not taken in by {Observer}; it is told again: {Message}")]
    public static partial void ObserverFailed(ILogger logger, string observer, string message);

    [LoggerMessage(3002, LogLevel.Warning, "Hosts whose wake-up was missed could not be looked for; the next try is in two seconds: {Message}")]
    public static partial void RevisionsFailed(ILogger logger, string message);
}
