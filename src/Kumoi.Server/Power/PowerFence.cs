using System.Text.Json;
using Kumoi.Api;
using Kumoi.Reconcile;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Recovery;
using Npgsql;

namespace Kumoi.Server.Power;

/// <summary>
/// Switches off hosts that are silent (<see cref="PowerPlanner"/>), and calls them down when their controllers say that they are off. On
/// the server that recovers lost hosts. Killed at any point, the next look begins by asking the controller, and goes on from its answer.
/// </summary>
public sealed class PowerFence(
    Database database, Leases leases, HostWatch watch, PowerControllers controllers, RecoveryController recovery, RecoveryBell bell, EventLog events, TimeProvider clock, ILogger<PowerFence> log)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2), LeaseTime = TimeSpan.FromSeconds(15);

    // Switched off at the same time. Fewer: a rack takes longer than its leases; more: as many processes at once on the server.
    private const int AtOnce = 16;

    // A machine takes a moment to lose its power, and a controller to notice. Twice off, so that the moment of a restart is not taken for the end.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);
    private const int LooksMax = 6;

    // That the host was silent a moment ago is worth this much; a process that was held in between looks again.
    private static readonly TimeSpan GuardLife = TimeSpan.FromSeconds(3);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(new Doorbell(clock), Period, async cancel =>
    {
        if (await leases.HoldAsync(RecoveryController.Lease, LeaseTime, cancel)) await LookAsync(watch.Watched, cancel);
    }, Broken, stoppingToken);

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) PowerLog.FenceFailed(log, e.Message);
        else PowerLog.Broken(log, e);
    }

    /// <summary>Looks at every silent host that has a controller.</summary>
    /// <param name="watched">How long this server has been watching without a gap.</param>
    public async Task LookAsync(TimeSpan watched, CancellationToken cancel)
    {
        var silent = await SilentAsync(cancel);
        var zones = silent.Count == 0 ? [] : (await ZonesAsync(cancel)).ToDictionary(zone => zone.Id);
        // A host that is gone since the first look may have been its zone's last.
        var judged = silent.Where(host => zones.ContainsKey(host.ZoneId)).Select(host => (Host: host, Decision: PowerPlanner.Judge(host, zones[host.ZoneId], watched))).ToList();
        await NoticeAsync(judged.Where(j => j.Decision == PowerDecision.Hold).Select(j => j.Host), zones, cancel);
        await Parallel.ForEachAsync(judged.Where(j => j.Decision == PowerDecision.Cut).Select(j => j.Host), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel },
            async (host, stop) => await FenceAsync(host, stop));
    }

    private Task<List<SilentHost>> SilentAsync(CancellationToken cancel) => database.QueryAsync(
        """
        SELECT h.id, h.name, h.zone_id, h.heard_at, clock_timestamp() - h.heard_at, h.heartbeat_seconds,
               EXISTS (SELECT 1 FROM instances v WHERE v.host_id = h.id AND v.terminated_at IS NULL AND v.recovery = 'restart' AND v.storage IS NOT NULL AND v.desired = 'running')
        FROM hosts h JOIN host_power p ON p.host_id = h.id WHERE h.state = 'unreachable' AND h.heard_at < clock_timestamp() - make_interval(secs => h.heartbeat_seconds * $1::int) ORDER BY h.id
        """, r => new SilentHost(r.GetString(0), r.GetString(1), r.GetString(2), r.Time(3), r.GetFieldValue<TimeSpan>(4), r.GetInt32(5), r.GetBoolean(6)), cancel, HostStates.PowerBeats);

    private Task<List<ZoneSilence>> ZonesAsync(CancellationToken cancel) => database.QueryAsync(
        """
        SELECT z.id, z.name, count(*) FILTER (WHERE h.state = 'down' OR h.heard_at < clock_timestamp() - make_interval(secs => h.heartbeat_seconds * $1::int))::int, count(*)::int
        FROM hosts h JOIN zones z ON z.id = h.zone_id WHERE h.state <> 'down' OR h.fenced_at > clock_timestamp() - $2 GROUP BY z.id, z.name
        """, r => new ZoneSilence(r.GetString(0), r.GetString(1), r.GetInt32(2), r.GetInt32(3)), cancel, HostStates.UnreachableBeats, PowerPlanner.Together);

    /// <summary>Tells why the power of some is not cut, and stops telling it of the others.</summary>
    private async Task NoticeAsync(IEnumerable<SilentHost> held, Dictionary<string, ZoneSilence> zones, CancellationToken cancel)
    {
        var byZone = held.GroupBy(host => host.ZoneId).ToList();
        await database.ExecuteAsync("UPDATE host_power SET notices = '[]' WHERE notices <> '[]' AND host_id <> ALL($1)", cancel, Columns.Texts(byZone.SelectMany(g => g).Select(host => host.Id)));
        foreach (var zone in byZone)
        {
            var (silent, all) = (zones[zone.Key].Silent, zones[zone.Key].Hosts);
            var notice = new Condition("Power", "too-many-silent", $"{silent} of the {all} hosts of zone {zones[zone.Key].Name} are silent at once, which looks like a fault of the network: no host's power is cut. Leases are waited for.", clock.GetUtcNow(), null);
            if (await database.ExecuteAsync("UPDATE host_power SET notices = $2 WHERE host_id = ANY($1) AND notices -> 0 ->> 'message' IS DISTINCT FROM $3", cancel,
                Columns.Texts(zone.Select(host => host.Id)), Columns.Json([notice]), notice.Message) > 0) PowerLog.Held(log, silent, all, zones[zone.Key].Name);
        }
    }

    private async Task FenceAsync(SilentHost host, CancellationToken cancel)
    {
        // Those that run and cannot move die with the machine: not for nothing.
        if (!await recovery.WouldMoveAsync(host.Id, cancel)) return;
        if (await controllers.AskAsync(host.Id, cancel) is not { State: { } state }) return;
        if (state == PowerStates.On)
        {
            var guarded = clock.GetTimestamp();
            if (!(await database.TransactionAsync<bool>(transaction => SetOutAsync(transaction, host, cancel), cancel)).Value) return;
            if (await controllers.SwitchAsync(host.Id, on: false, () => clock.GetElapsedTime(guarded) < GuardLife, cancel) is not { Problem: null }) return;
            PowerLog.Cut(log, host.Name, (int)host.Silence.TotalSeconds);
        }
        for (int looks = 0, off = 0; looks < LooksMax; looks++)
        {
            await Task.Delay(Pause, clock, cancel);
            off = await controllers.AskAsync(host.Id, cancel) is { State: PowerStates.Off } ? off + 1 : 0;
            if (off < 2) continue;
            if ((await database.TransactionAsync<bool>(transaction => RecordAsync(transaction, host, cancel), cancel)).Value) PowerLog.Fenced(log, host.Name);
            return;
        }
    }

    /// <summary>False if the host was heard meanwhile. The log is told once for each silence, before anything is done that cannot be taken back.</summary>
    private async Task<Result<bool>> SetOutAsync(Transaction transaction, SilentHost host, CancellationToken cancel)
    {
        if (await AccountOfSilentAsync(transaction, host, cancel) is not { } account) return false;
        if (await transaction.ExecuteAsync("UPDATE host_power SET cut_at = clock_timestamp() WHERE host_id = $1 AND (cut_at IS NULL OR cut_at < $2)", cancel, host.Id, host.HeardAt) == 1)
            await events.WriteAsync(transaction, account, EventActor.System, "host.power-off", new Subject("host", host.Id, host.Name), cancel,
                $"No report for {(int)host.Silence.TotalSeconds} seconds, and it has instances that can run elsewhere: its power is cut through its controller.");
        return true;
    }

    private async Task<Result<bool>> RecordAsync(Transaction transaction, SilentHost host, CancellationToken cancel)
    {
        if (await AccountOfSilentAsync(transaction, host, cancel) is not { } account) return false;
        await transaction.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = clock_timestamp(), fenced_by = 'power' WHERE id = $1", cancel, host.Id);
        await events.WriteAsync(transaction, account, EventActor.System, "host.fence", new Subject("host", host.Id, host.Name), cancel,
            "Its power controller has said twice that the machine is off: none of its guests runs.");
        transaction.AfterCommit(bell.Ring);
        return true;
    }

    /// <summary>Null if the host was heard meanwhile, or is gone. Locked: a report waits until this is decided, and then undoes it.</summary>
    private static Task<string?> AccountOfSilentAsync(Transaction transaction, SilentHost host, CancellationToken cancel) => transaction.FindAsync(
        "SELECT account_id FROM hosts WHERE id = $1 AND heard_at = $2 AND (state = 'unreachable' OR state = 'down' AND fenced_by = 'lease') FOR UPDATE", row => row.GetString(0), cancel, host.Id, host.HeardAt);
}

internal static partial class PowerLog
{
    [LoggerMessage(3201, LogLevel.Warning, "Silent hosts' power could not be looked at; it is tried again in two seconds: {Message}")]
    public static partial void FenceFailed(ILogger logger, string message);

    [LoggerMessage(3202, LogLevel.Warning, "{Silent} of {Hosts} hosts of zone {Zone} are silent at once; no host's power is cut")]
    public static partial void Held(ILogger logger, int silent, int hosts, string zone);

    [LoggerMessage(3203, LogLevel.Warning, "The power of host {Host} was cut after {Seconds} s without a report")]
    public static partial void Cut(ILogger logger, string host, int seconds);

    [LoggerMessage(3204, LogLevel.Information, "Host {Host} is off, and down")]
    public static partial void Fenced(ILogger logger, string host);

    [LoggerMessage(3205, LogLevel.Warning, "Power controllers could not be asked; it is tried again in ten seconds: {Message}")]
    public static partial void WatchFailed(ILogger logger, string message);

    [LoggerMessage(3206, LogLevel.Error, "Looking at hosts' power failed unexpectedly")]
    public static partial void Broken(ILogger logger, Exception exception);
}
