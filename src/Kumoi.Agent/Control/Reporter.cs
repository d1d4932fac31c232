using System.Collections.Concurrent;
using Kumoi.Agent.Backups;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Leases;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Control;

/// <summary>
/// Tells the server what is seen: changes as they happen, gathered for a moment; something at every beat of the heart, and everything at every
/// few. Each answer begins the host's lease anew.
/// </summary>
public sealed class Reporter(
    AgentState state, InstanceController instances, NetworkController networks, VolumeController volumes, HostLease lease, Func<HostFacts> facts, FullJitter pause, Random random,
    TimeProvider clock)
{
    /// <summary>Changes are gathered this long. Too low: a report for each step of a start; too high: people wait for what has happened.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(50);

    /// <summary>Everything is told this often, or every third beat if that is later. Too low: large reports say nothing new; too high: a lost change is missed for long.</summary>
    private static readonly TimeSpan FullPeriod = TimeSpan.FromSeconds(30);

    /// <summary>How soon to try again for a full report while guests are still being looked at for the first time.</summary>
    private static readonly TimeSpan Incomplete = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan HeartbeatMin = TimeSpan.FromSeconds(1), HeartbeatMax = TimeSpan.FromHours(1);

    private readonly Doorbell _doorbell = new(clock);
    private readonly ConcurrentDictionary<string, byte> _changed = new(), _changedListeners = new(), _changedVolumes = new(), _changedBackups = new();
    private readonly ClockWatch _clockWatch = new();

    // Until an answer says otherwise: the shortest that a server of any version asks for.
    private TimeSpan _heartbeat = TimeSpan.FromSeconds(10);
    private TimeSpan _fullAt;

    private readonly Lock _gate = new();
    private TimeSpan _nextBeat;

    private TimeSpan BeatAt
    {
        get { lock (_gate) return _nextBeat; }
        set { lock (_gate) _nextBeat = value; }
    }

    /// <summary>How often the servers want to hear of this host.</summary>
    public TimeSpan Heartbeat => _heartbeat;

    /// <summary>The last report was not answered.</summary>
    public bool Fails { get; private set; }

    /// <summary>Called with null after an answer, and with the failure when there is none.</summary>
    public Action<Exception?> Reached { get; init; } = _ => { };

    /// <summary>Told with whichever report comes next: it is never a reason for one.</summary>
    public InterfaceTraffic? Traffic { get; init; }

    /// <summary>Null if nothing is backed up here.</summary>
    public BackupController? Backups { get; init; }

    /// <summary>Called when an answer came though the lease had been over.</summary>
    public Action Returned { get; init; } = () => { };

    /// <summary>Load balancers' listeners: those with these ids, or all; null if the host has none to tell of.</summary>
    public Func<IReadOnlySet<string>?, IReadOnlyList<ObservedListener>>? Listeners { get; set; }

    /// <summary>The images that the host has.</summary>
    public Func<ObservedImages>? Images { get; set; }

    private volatile bool _imagesChanged;

    /// <summary>The images that the host has are others.</summary>
    public void RingImages()
    {
        _imagesChanged = true;
        _doorbell.Ring();
    }

    /// <summary>Uptime, not time of day: a clock that is set must not stop the heart.</summary>
    private TimeSpan Now => clock.GetElapsedTime(0);

    public void Ring(string instanceId)
    {
        _changed[instanceId] = 0;
        _doorbell.Ring();
    }

    public void RingListener(string listenerId)
    {
        _changedListeners[listenerId] = 0;
        _doorbell.Ring();
    }

    public void RingVolume(string volumeId)
    {
        _changedVolumes[volumeId] = 0;
        _doorbell.Ring();
    }

    public void RingBackup(string backupId)
    {
        _changedBackups[backupId] = 0;
        _doorbell.Ring();
    }

    /// <summary>A question failed: the next report comes after this wait at the latest, and finds out whether the server is there.</summary>
    public void Probe(TimeSpan wait)
    {
        lock (_gate)
        {
            var at = Now + wait;
            if (at >= _nextBeat) return;
            _nextBeat = at;
        }
        _doorbell.Ring();
    }

    /// <summary>Reports once and waits for the answer, or until it is known that there is none.</summary>
    public async Task AskOnceAsync(IServerLink link, TimeSpan limit, CancellationToken stop)
    {
        using var limiter = new CancellationTokenSource(limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limiter.Token, stop);
        try
        {
            await SendAsync(link, false, both.Token);
        }
        catch (IOException e)
        {
            Reached(e);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // No answer in time; the loop goes on asking.
        }
    }

    public async Task RunAsync(IServerLink link, CancellationToken stop)
    {
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (Now >= BeatAt || !_changed.IsEmpty || !_changedListeners.IsEmpty || !_changedVolumes.IsEmpty || !_changedBackups.IsEmpty || _imagesChanged)
                {
                    await BeatAsync(link, stop);
                    failures = 0;
                    Fails = false;
                }
                // In whole milliseconds, as timers cut off parts of one.
                var rest = TimeSpan.FromMilliseconds(Math.Ceiling((BeatAt - Now).TotalMilliseconds));
                if (rest > TimeSpan.Zero && await _doorbell.WaitAsync(rest, stop)) await Task.Delay(Gather, clock, stop);
            }
            catch (IOException e)
            {
                Fails = true;
                Reached(e);
                // Nothing is lost by a failed report: the next full one says all of it.
                (BeatAt, _fullAt) = (Now, Now);
                await Task.Delay(pause.After(++failures, _heartbeat), clock, stop);
            }
        }
    }

    private async Task BeatAsync(IServerLink link, CancellationToken stop)
    {
        var began = Now;
        var wantFull = began >= _fullAt;
        var full = await SendAsync(link, wantFull, stop);
        if (full) _fullAt = began + (_heartbeat * 3 > FullPeriod ? _heartbeat * 3 : FullPeriod);
        // Up to a fifth sooner or later each time, so that hosts that were started together do not go on together.
        BeatAt = began + (wantFull && !full ? Incomplete : _heartbeat * (0.8 + 0.4 * random.NextDouble()));
    }

    /// <summary>True if everything was told. Right after a start some guests have not been looked at, and a full report without
    /// them would say that they are gone.</summary>
    private async Task<bool> SendAsync(IServerLink link, bool wantFull, CancellationToken stop)
    {
        var document = state.Document;
        var seen = instances.Observed();
        var full = wantFull && document is not null && seen.Count == document.Instances.Count(instance => !instance.IsOwn()) && volumes.HasSeen(document);
        var changed = _changed.Keys.ToArray();
        foreach (var id in changed) _changed.TryRemove(id, out _);
        var told = wantFull ? seen : [.. changed.Select(instances.Observed).OfType<ObservedInstance>()];
        var strays = document is null ? [] : instances.Strays().Concat(networks.Strays).Concat(volumes.Strays).ToArray();
        var departed = instances.Departed();
        var report = new ObservedReport(full, document?.Revision ?? 0, facts(), told, strays, [.. networks.Conditions, .. volumes.Conditions, .. Backups?.Conditions ?? [], .. _clockWatch.Conditions], departed.Count == 0 ? null : departed,
            (int)Math.Ceiling(Math.Max(0, lease.Rest.TotalSeconds)), ListenersFor(full), Traffic?.Untold(), networks.TellVpns(wantFull), VolumesFor(wantFull), full ? volumes.Stores : null, full ? volumes.StrayVolumes : null, ImagesFor(full), BackupsFor(wantFull), full ? Backups?.Places : null);
        var (sentAt, sent) = (lease.Now, clock.GetUtcNow());
        try
        {
            var answer = await link.ReportAsync(report, stop);
            if (answer.At is { } server) _clockWatch.Answered(server, sent, clock.GetUtcNow());
            var heartbeat = TimeSpan.FromSeconds(answer.HeartbeatSeconds);
            _heartbeat = heartbeat < HeartbeatMin ? HeartbeatMin : heartbeat > HeartbeatMax ? HeartbeatMax : heartbeat;
            if (lease.Answered(PlantedBugs.Has(PlantedBug.LeaseCountsFromReceipt) ? lease.Now : sentAt, answer)) Returned();
            Reached(null);
            if (report.Traffic is { } traffic) Traffic!.Told(traffic);
            return full;
        }
        catch (DatabaseAwayException)
        {
            lease.DatabaseAway(sentAt);
            throw;
        }
    }

    private ObservedImages? ImagesFor(bool full)
    {
        var changed = _imagesChanged;
        _imagesChanged = false;
        return full || changed ? Images?.Invoke() : null;
    }

    private IReadOnlyList<ObservedVolume>? VolumesFor(bool all)
    {
        var changed = _changedVolumes.Keys.ToHashSet();
        foreach (var id in changed) _changedVolumes.TryRemove(id, out _);
        return (all ? volumes.Observed(null) : changed.Count > 0 ? volumes.Observed(changed) : []) is { Count: > 0 } told ? told : null;
    }

    private IReadOnlyList<ObservedBackup>? BackupsFor(bool all)
    {
        var changed = _changedBackups.Keys.ToHashSet();
        foreach (var id in changed) _changedBackups.TryRemove(id, out _);
        return (all ? Backups?.Observed(null) : changed.Count > 0 ? Backups?.Observed(changed) : null) is { Count: > 0 } told ? told : null;
    }

    private IReadOnlyList<ObservedListener>? ListenersFor(bool full)
    {
        var changed = _changedListeners.Keys.ToHashSet();
        foreach (var id in changed) _changedListeners.TryRemove(id, out _);
        return Listeners is not { } listeners ? null : full ? listeners(null) : changed.Count > 0 ? listeners(changed) : null;
    }
}
