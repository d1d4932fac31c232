using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>Forgets the records of instances terminated and volumes deleted more than an hour ago, addresses that have rested, old idempotency keys, and traffic of more than a year ago. The event log keeps their history.</summary>
public sealed class InstancePurge(Database database, TimeProvider clock, ILogger<InstancePurge> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(5), Kept = TimeSpan.FromHours(1), KeysKept = TimeSpan.FromDays(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        do
        {
            try
            {
                await PurgeAsync(stoppingToken);
            }
            catch (Npgsql.NpgsqlException e)
            {
                InstanceLog.PurgeFailed(log, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    public async Task PurgeAsync(CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        await database.ExecuteAsync("DELETE FROM instances WHERE terminated_at < $1", cancel, now - Kept);
        await database.ExecuteAsync("DELETE FROM volumes WHERE deleted_at < $1", cancel, now - Kept);
        await database.ExecuteAsync("DELETE FROM idempotency_keys WHERE created_at < $1", cancel, now - KeysKept);
        // They have rested long enough; a row more or less makes no difference to who may have them.
        await database.ExecuteAsync("DELETE FROM subnet_addresses WHERE released_at < $1", cancel, now - Kept);
        await database.ExecuteAsync("DELETE FROM resting_addresses WHERE released_at < $1", cancel, now - Kept);
        await database.ExecuteAsync("DELETE FROM interface_traffic_hours WHERE hour < $1", cancel, now - Interfaces.TrafficRecords.Kept);
        await database.ExecuteAsync("DELETE FROM console_sessions WHERE expires_at < $1 AND NOT connected", cancel, now);
    }
}

internal static partial class InstanceLog
{
    [LoggerMessage(2001, LogLevel.Warning, "Old records could not be removed; the next try is in five minutes.")]
    public static partial void PurgeFailed(ILogger logger, Exception exception);
}
