using Kumoi.Reconcile;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Recovery;
using Npgsql;

namespace Kumoi.Server.Power;

/// <summary>Asks every power controller now and then, so that one that has stopped answering is known before it is needed.</summary>
public sealed class PowerWatch(Database database, Leases leases, PowerControllers controllers, TimeProvider clock, ILogger<PowerWatch> log) : BackgroundService
{
    // A new controller is asked within the period. Each is asked again after a while: sooner loads controllers, which are slow; later leaves a dead one unknown.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10), Again = TimeSpan.FromMinutes(10), LeaseTime = TimeSpan.FromSeconds(15);

    // As many processes at once on the server; a dead controller holds one for seconds.
    private const int AtOnce = 8;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(new Doorbell(clock), Period, async cancel =>
    {
        while (await leases.HoldAsync(RecoveryController.Lease, LeaseTime, cancel) && await LookAsync(cancel) == AtOnce) ;
    }, Broken, stoppingToken);

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) PowerLog.WatchFailed(log, e.Message);
        else PowerLog.Broken(log, e);
    }

    /// <summary>Asks those that have not been asked for the longest time; returns how many.</summary>
    public async Task<int> LookAsync(CancellationToken cancel)
    {
        var due = await database.QueryAsync(
            "SELECT host_id FROM host_power WHERE checked_at IS NULL OR checked_at < clock_timestamp() - $1 ORDER BY checked_at NULLS FIRST LIMIT $2", row => row.GetString(0), cancel, Again, AtOnce);
        await Task.WhenAll(due.Select(host => controllers.AskAsync(host, cancel)));
        return due.Count;
    }
}
