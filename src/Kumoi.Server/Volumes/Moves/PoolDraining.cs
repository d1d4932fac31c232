using Kumoi.Reconcile;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>Empties pools: begins the moves that can be made now, a few at a time, and looks again at the rest every few seconds. Ends moves, too, that a server which was killed had not ended.</summary>
public sealed class PoolDraining(Leases leases, Database database, MoveUseCases moves, MoveObservation ends, TimeProvider clock, ILogger<PoolDraining> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5), LeaseTime = TimeSpan.FromSeconds(60);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(new Doorbell(clock), Period, async cancel =>
    {
        if (await leases.HoldAsync("drains", LeaseTime, cancel)) await LookAsync(cancel);
    }, Broken, stoppingToken);

    public async Task LookAsync(CancellationToken cancel)
    {
        await ends.FinishAsync(cancel);
        foreach (var (pool, to) in await DrainRecords.PoolsAsync(database, cancel)) await LookAsync(pool, to, cancel);
    }

    private async Task LookAsync(string poolId, string to, CancellationToken cancel)
    {
        var plan = DrainPlanner.Plan(await DrainRecords.VolumesAsync(database, poolId, cancel));
        var (starts, waits) = (plan.Starts, plan.Wait.ToList());
        foreach (var volume in plan.Try)
        {
            if (starts == 0) break;
            var moved = await database.TransactionAsync<string>(transaction => moves.AskAsync(transaction, EventActor.System, volume.AccountId, volume.Id, to, null, cancel), cancel);
            if (moved.Failure is null) starts--;
            else waits.Add((volume.Id, ReasonOf(moved.Failure)));
        }
        if (waits.Count > 0) await DrainRecords.NoteAsync(database, poolId, waits, cancel);
    }

    /// <summary>A pool that the volume's account may not use is, to that, none.</summary>
    private static string ReasonOf(Failure failure) => failure.Violations.Count > 0 ? "pool-not-usable" : failure.Code;

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) MoveLog.DrainFailed(log, e.Message);
        else MoveLog.DrainBroken(log, e);
    }
}

internal static partial class MoveLog
{
    [LoggerMessage(9731, LogLevel.Warning, "Pools that are emptied could not be looked at; the next try is in five seconds: {Message}")]
    public static partial void DrainFailed(ILogger logger, string message);

    [LoggerMessage(9732, LogLevel.Error, "Looking at pools that are emptied met an error in the server")]
    public static partial void DrainBroken(ILogger logger, Exception e);
}
