using Kumoi.Reconcile;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Backups;

/// <summary>Looks at backups now and then, whatever rang: what a server that was killed had not come to, and what waits for hosts that are down.</summary>
public sealed class BackupLoop(Leases leases, Database database, HostRevisions hosts, Schedules.BackupScheduler scheduler, TimeProvider clock, ILogger<BackupLoop> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5), LeaseTime = TimeSpan.FromSeconds(60);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(new Doorbell(clock), Period, async cancel =>
    {
        if (await leases.HoldAsync("backups", LeaseTime, cancel)) await LookAsync(cancel);
    }, Broken, stoppingToken);

    public async Task LookAsync(CancellationToken cancel)
    {
        await database.TransactionAsync<Done>(async transaction =>
        {
            await BackupOffers.SettleAsync(transaction, hosts, clock.GetUtcNow(), cancel);
            return new Done();
        }, cancel);
        await scheduler.LookAsync(cancel);
    }

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) BackupLog.LookFailed(log, e.Message);
        else BackupLog.Broken(log, e);
    }
}

internal static partial class BackupLog
{
    [LoggerMessage(9801, LogLevel.Warning, "Backups could not be looked at; the next try is in five seconds: {Message}")]
    public static partial void LookFailed(ILogger logger, string message);

    [LoggerMessage(9802, LogLevel.Error, "Looking at backups met an error in the server")]
    public static partial void Broken(ILogger logger, Exception e);
}
