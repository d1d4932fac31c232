using System.Security.Cryptography;
using Kumoi.Reconcile;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Switches;

/// <summary>Rings when a port is to be looked at. A ring that is lost costs the period.</summary>
public sealed class SwitchBell(TimeProvider clock)
{
    public Doorbell Door { get; } = new(clock);

    public void Ring() => Door.Ring();
}

/// <summary>
/// Makes ports of switches what their records say: reads each, sets it if it is otherwise, and reads it back; and looks at each again now and then. One server
/// at a time does it. Ports without a record are never touched.
/// </summary>
public sealed class SwitchController(
    Leases leases, SwitchStore store, SwitchDrivers drivers, SwitchBell bell, TimeProvider clock, ILogger<SwitchController> log) : BackgroundService
{
    private const string Lease = "switches";

    // A look is short beside the lease, so that no other server starts in the middle of it; a switch that takes longer for its ports has the rest looked at the next time.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5), LeaseTime = TimeSpan.FromSeconds(90), Patience = TimeSpan.FromSeconds(30);

    // Sooner loads switches, whose management is slow; later leaves a port wrong that somebody has changed by hand.
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(10);

    // Ports looked at in one round, and switches spoken to together; each switch hears one order after the other.
    private const int AtOnce = 32, SwitchesAtOnce = 8;

    private readonly Backoff _backoff = new(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(5), new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(bell.Door, Period, async cancel =>
    {
        while (await leases.HoldAsync(Lease, LeaseTime, cancel) && await LookAsync(cancel) == AtOnce) ;
    }, Broken, stoppingToken);

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) SwitchLog.LookFailed(log, e.Message);
        else SwitchLog.Broken(log, e);
    }

    /// <summary>Looks at the ports whose time has come; how many there were.</summary>
    public async Task<int> LookAsync(CancellationToken cancel)
    {
        var due = await store.DueAsync(AtOnce, cancel);
        await Parallel.ForEachAsync(due.GroupBy(port => port.SwitchId), new ParallelOptions { MaxDegreeOfParallelism = SwitchesAtOnce, CancellationToken = cancel },
            async (ports, stop) => await TryAsync(ports.Key, [.. ports], stop));
        return due.Count;
    }

    /// <summary>Whatever one switch does, the others have their turn.</summary>
    private async Task TryAsync(string switchId, IReadOnlyList<DuePort> ports, CancellationToken cancel)
    {
        try
        {
            await LookAsync(switchId, ports, cancel);
        }
#pragma warning disable CA1031 // It is this switch's, and no other's.
        catch (Exception e) when (e is not NpgsqlException and not OperationCanceledException)
#pragma warning restore CA1031
        {
            SwitchLog.Broken(log, e);
            foreach (var port in ports) await store.KeepAsync(port, false, "The server met an error with this switch; its log tells.", clock.GetUtcNow() + _backoff.After(port.Attempts + 1), cancel);
        }
    }

    private async Task LookAsync(string switchId, IReadOnlyList<DuePort> ports, CancellationToken cancel)
    {
        var since = clock.GetTimestamp();
        var (name, target, wrong) = await store.TargetAsync(switchId, cancel);
        if (name is null) return;
        wrong ??= drivers.Find(name) is null ? $"This server has no driver {name}." : null;
        // One list for all of them; it also says whether the switch answers at all.
        var seen = wrong is null ? await drivers.Find(name)!.ListAsync(target!, cancel) : new SwitchAnswer<IReadOnlyDictionary<string, PortSetting>>(null, wrong);
        await store.KeepAsync(switchId, seen.Problem, cancel);
        foreach (var port in ports)
        {
            // Those of a switch that is this slow wait a little, or they would be the first ones again.
            var late = clock.GetElapsedTime(since) > Patience;
            var problem = late ? "The switch is slow; the port is looked at in a later round." : seen.Problem ?? (seen.Value!.TryGetValue(port.Name, out var now) ? now.Equals(port.Wanted) ? null : await SetAsync(drivers.Find(name)!, target!, port, cancel) : "The switch has no such port.");
            var kept = await store.KeepAsync(port, problem is null, problem, clock.GetUtcNow() + (problem is null ? Again : _backoff.After(port.Attempts + 1)), cancel);
            // Somebody wants it otherwise by now; what was set here may have come after what another server set.
            if (kept == 0) await store.AgainAsync(port, cancel);
        }
    }

    private static async Task<string?> SetAsync(ISwitchDriver driver, SwitchTarget target, DuePort port, CancellationToken cancel)
    {
        var answer = await driver.SetAsync(target, port.Name, port.Wanted, cancel);
        if (answer.Problem is { } problem) return problem;
        return answer.Value!.Equals(port.Wanted) ? null : "The switch took the order, and has the port otherwise.";
    }
}

internal static partial class SwitchLog
{
    [LoggerMessage(9601, LogLevel.Warning, "Switches could not be looked at; the next try is in five seconds: {Message}")]
    public static partial void LookFailed(ILogger logger, string message);

    [LoggerMessage(9602, LogLevel.Error, "Looking at switches met an error in the server")]
    public static partial void Broken(ILogger logger, Exception e);
}
