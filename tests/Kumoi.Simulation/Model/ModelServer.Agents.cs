using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Simulation.Model;

/// <summary>What agents call.</summary>
internal sealed partial class ModelServer
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    /// <summary>The document if it is another than <paramref name="after"/>, waiting for that; null if it stays as it is.</summary>
    public async Task<DesiredDocument?> DesiredAsync(string hostId, long after, TimeSpan wait)
    {
        var bell = new Doorbell(Clock);
        var bells = _bells.TryGetValue(hostId, out var known) ? known : _bells[hostId] = [];
        bells.Add(bell);
        try
        {
            var began = Clock.GetTimestamp();
            for (; ; )
            {
                await HopAsync();
                if (Read(() => Records.Hosts[hostId].Revision) != after)
                {
                    await HopAsync();
                    var document = Read(() => Documents.Of(Records, hostId));
                    _cloud.Trace.Note(Name, $"tells {Records.Hosts[hostId].Name} of revision {document.Revision} after {after}");
                    return document;
                }
                var left = wait - Clock.GetElapsedTime(began);
                if (left <= TimeSpan.Zero) return null;
                await bell.WaitAsync(left < LookInterval ? left : LookInterval, CancellationToken.None);
            }
        }
        finally
        {
            bells.Remove(bell);
        }
    }

    /// <summary>Takes in a report: the heartbeat first, then what is seen of each instance.</summary>
    public async Task<ReportAnswer> ObserveAsync(string hostId, ObservedReport report)
    {
        _cloud.Trace.Note(Name, $"hears {Records.Hosts[hostId].Name} at revision {report.DesiredRevision}, full: {report.Full}, departed: {report.Departed?.Count ?? 0}");
        var heartbeat = await CommitAsync(() => Hear(hostId, report), _ => []);
        foreach (var seen in report.Instances)
        {
            // Most of a full report says what is known already: that takes no transaction.
            if (Read(() => Judge(hostId, seen)) is null) continue;
            await CommitAsync(() => Apply(hostId, seen), rings => rings);
        }
        await ObserveVolumesAsync(hostId, report);
        await ObserveBackupsAsync(hostId, report);
        return new ReportAnswer(heartbeat, (int)HostStates.Lease(heartbeat).TotalSeconds);
    }

    private int Hear(string hostId, ObservedReport report)
    {
        var host = Records.Hosts[hostId];
        (host.HeardAt, host.HeartbeatSeconds, host.ReportedRevision) = (Records.Now, HostStates.Judged(_heartbeat, report.LeaseSeconds), report.DesiredRevision);
        if (host.State != HostStates.Up)
        {
            (host.State, host.Fenced) = (HostStates.Up, false);
            foreach (var row in Records.OnHost(hostId)) row.Notice = "";
            _cloud.Trace.Note(Name, $"finds {host.Name} up");
        }
        if (report.DesiredRevision == host.Revision) host.Strays = report.Strays;
        if (report is { Full: true, StrayVolumes: { } volumes }) host.StrayVolumes = [.. volumes.Select(volume => volume.Id)];
        foreach (var former in report.Departed ?? [])
            if (Records.Former.TryGetValue((hostId, former.Id), out var incarnation) && incarnation <= former.Incarnation) Records.Former.Remove((hostId, former.Id));
        return _heartbeat;
    }

    private Observation? Judge(string hostId, ObservedInstance seen) =>
        Records.Instances.TryGetValue(seen.Id, out var row) && row.TerminatedAt is null ? Observations.Judge(row.Record, hostId, seen) : null;

    private string[] Apply(string hostId, ObservedInstance seen)
    {
        if (Judge(hostId, seen) is not { } observation) return [];
        var row = Records.Instances[seen.Id];
        var before = row.Record;
        _cloud.Trace.Note(Name, $"observes {seen.Id} {seen.Power} of generation {seen.Generation}, incarnation {seen.Incarnation}");
        Write(row, observation.After);
        if (observation.Terminated) GiveBack(row, observation.GivenBack);
        return row.Record.Generation > before.Generation || observation.Terminated ? Touch(hostId) : [];
    }

    private void GiveBack(InstanceRow row, Capacity room)
    {
        (row.TerminatedAt, row.AddressReleased) = (Clock.GetUtcNow(), true);
        foreach (var volume in VolumesOf(row.Record.Id))
        {
            if (volume.Exported) Touch(volume.HostId);
            SetFree(volume);
            (volume.Generation, volume.Attachments) = (volume.Generation + 1, volume.Attachments + 1);
        }
        var host = Records.Hosts[row.Record.HostId];
        host.Allocated = host.Allocated.Less(room);
    }

    private string[] Touch(string hostId)
    {
        Records.Hosts[hostId].Revision++;
        return [hostId];
    }

    private static void Write(InstanceRow row, InstanceRecord after)
    {
        if (after.Generation != row.Record.Generation || after.Incarnation != row.Record.Incarnation) row.History.Add(after);
        row.Record = after;
    }
}
