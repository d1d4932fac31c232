using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;

namespace Kumoi.Simulation.Model;

internal enum VolumeRequest
{
    Attach,
    Detach,
    Grow,
    Delete,
    Snapshot,
    SnapshotInstance,
    Restore,
    DeleteSnapshot,
    BeginWithSnapshot,
    Copy,
    BackUp,
    BackUpAnew,
    Schedule,
    DeleteBackup,
    RestoreBackup,
    Recover,
    Move,
    CancelMove,
}

/// <summary>Volumes: what users ask.</summary>
internal sealed partial class ModelServer
{
    private const int SizeMost = 8, SlotsMost = 3, VolumesMost = 6;

    /// <summary>Does something for a volume that the instance has, or could have. Nothing happens if there is none of which it can be asked.</summary>
    public Task<bool> ChangeVolumeAsync(VolumeRequest request, string instanceId)
    {
        string[] rings = [];
        return CommitAsync(() => ChangeVolume(request, instanceId, out rings), _ => rings);
    }

    private bool ChangeVolume(VolumeRequest request, string instanceId, out string[] rings)
    {
        rings = [];
        if (Records.Instances.GetValueOrDefault(instanceId) is not { TerminatedAt: null } row || row.Record.Desired == "terminated") return false;
        rings = request switch
        {
            VolumeRequest.Attach => Attach(row),
            VolumeRequest.Detach => Detach(row),
            VolumeRequest.Grow => Pick(volume => volume.SizeGib < SizeMost) is { } small ? Grow(small) : [],
            VolumeRequest.Delete => Pick(volume => volume.InstanceId is null) is { } free ? Delete(free) : [],
            VolumeRequest.Snapshot => Pick(CanBeTaken) is { } volume ? Snapshot(volume) : [],
            VolumeRequest.SnapshotInstance => SnapshotAll(row),
            VolumeRequest.Restore => Restore(row),
            VolumeRequest.DeleteSnapshot => DeleteSnapshot(),
            VolumeRequest.BeginWithSnapshot => BeginWithSnapshot(),
            VolumeRequest.Copy => Pick(CanBeTaken) is { } source ? Copy(source) : [],
            VolumeRequest.DeleteBackup => DeleteBackup(),
            VolumeRequest.RestoreBackup => RestoreBackup(),
            VolumeRequest.Recover => Recover(),
            VolumeRequest.Move => Move(row),
            VolumeRequest.CancelMove => Records.Volumes.Values.FirstOrDefault(volume => volume.MovingTo is not null) is { } moving ? CancelMove(moving) : [],
            VolumeRequest.Schedule => Pick(_ => true) is { } often ? Schedule(often) : [],
            _ => Pick(CanBeBackedUp) is { } kept ? BackUp(kept, request == VolumeRequest.BackUp, null) : [],
        };
        if (rings.Length == 0) return false;
        foreach (var hostId in rings.Distinct()) Touch(hostId);
        _cloud.Trace.Note(Name, $"{request} of a volume for {instanceId}");
        return true;
    }

    /// <summary>Some volume that is to stay, of all hosts'.</summary>
    private VolumeRow? Pick(Func<VolumeRow, bool> wanted) =>
        Records.Volumes.Values.Where(volume => volume is { Gone: false, Desired: VolumeDesire.Present, MovingTo: null, MoveOf: null } && wanted(volume)).ToArray() is { Length: > 0 } some ? _cloud.Dice.Of(some) : null;

    private VolumeRow[] VolumesOf(string instanceId) => [.. Records.Volumes.Values.Where(volume => volume.InstanceId == instanceId)];

    /// <summary>A volume that is free, or a new one. It is made where its first guest is, and goes to guests of other hosts over the network.</summary>
    private string[] Attach(InstanceRow row)
    {
        var (host, attached) = (row.Record.HostId, VolumesOf(row.Record.Id));
        if (attached.Length == SlotsMost) return [];
        if (Pick(volume => volume is { InstanceId: null, IsRestoring: false, IsFilling: false } && (volume.HostId == host || !IsSource(volume))) is not { } volume)
        {
            if (Records.Volumes.Values.Count(volume => !volume.Gone) >= VolumesMost) return [];
            volume = NewVolume(host, null);
        }
        (volume.InstanceId, volume.Slot) = (row.Record.Id, Enumerable.Range(1, SlotsMost).First(slot => attached.All(other => other.Slot != slot)));
        volume.Generation++;
        volume.Attachments++;
        if (volume.HostId != host) Give(volume);
        return Ask(row, [volume.HostId]);
    }

    /// <summary>Has an instance's host act, which is to know from then on whether it may move.</summary>
    private string[] Ask(InstanceRow row, IEnumerable<string> others)
    {
        Write(row, row.Record with { Generation = row.Record.Generation + 1 });
        CountFixed(row);
        return [row.Record.HostId, .. others];
    }

    private void CountFixed(InstanceRow row)
    {
        row.FixedVolumes = VolumesOf(row.Record.Id).Count(volume => !volume.Exported);
        // The revision that its host's document has at the end of the transaction.
        row.RecoveryRevision = Records.Hosts[row.Record.HostId].Revision + 1;
    }

    /// <summary>It is being copied, or filled from a snapshot of it.</summary>
    private bool IsSource(VolumeRow volume) => Records.Volumes.Values.Any(other => other.IsFilling && other.Source?.VolumeId == volume.Id);

    private string[] Detach(InstanceRow row)
    {
        if (VolumesOf(row.Record.Id).FirstOrDefault(volume => volume is { DetachedGeneration: null, MovingTo: null }) is not { } leaving) return [];
        leaving.DetachedGeneration = row.Record.Generation + 1;
        leaving.Generation++;
        leaving.Attachments++;
        return Ask(row, []);
    }

    private static string[] Grow(VolumeRow volume)
    {
        (volume.SizeGib, volume.Generation) = (volume.SizeGib + 1, volume.Generation + 1);
        return [volume.HostId];
    }

    /// <summary>It is kept for its snapshots, if it has some.</summary>
    private static string[] Delete(VolumeRow volume)
    {
        (volume.Desired, volume.Generation) = (VolumeDesire.Deleted, volume.Generation + 1);
        return [volume.HostId];
    }

    private VolumeRow NewVolume(string host, SnapshotRow? origin)
    {
        var volume = new VolumeRow
        {
            Id = $"vol-19a3f2b4c5d6e{++Records.Numbered:x4}", HostId = host, SizeGib = origin is null ? 1 : Records.Volumes[origin.VolumeId].SizeGib, OfImage = origin is null && _cloud.Dice.OneIn(4),
            Source = origin is null ? null : new SnapshotSource(origin.VolumeId, origin.Id),
        };
        Records.Volumes.Add(volume.Id, volume);
        return volume;
    }

    /// <summary>A volume that begins with a snapshot is made where that is.</summary>
    private string[] BeginWithSnapshot()
    {
        if (Records.Volumes.Values.Count(volume => !volume.Gone) >= VolumesMost) return [];
        var some = Records.Snapshots.Values.Where(snapshot => snapshot is { Desired: VolumeDesire.Present, Internal: false } && IsUp(Records.Volumes[snapshot.VolumeId])).ToArray();
        if (some.Length == 0) return [];
        var origin = _cloud.Dice.Of(some);
        return [NewVolume(Records.Volumes[origin.VolumeId].HostId, origin).HostId];
    }

    /// <summary>Takes back a volume that was lost with its host, and that this has found again.</summary>
    private string[] Recover()
    {
        if (Records.Hosts.Values.SelectMany(host => host.StrayVolumes).Select(id => Records.Volumes.GetValueOrDefault(id)).FirstOrDefault(row => row is { Lost: true }) is not { } lost) return [];
        Records.Volumes[lost.Id] = new VolumeRow { Id = lost.Id, HostId = lost.HostId, SizeGib = lost.SizeGib, MadeGib = lost.SizeGib };
        return [lost.HostId];
    }

    private bool IsUp(VolumeRow volume) => Records.Hosts[volume.HostId].State == HostStates.Up;

    /// <summary>With a snapshot of now, which goes when the copy is made.</summary>
    private string[] Copy(VolumeRow source)
    {
        if (!IsUp(source) || Records.Volumes.Values.Count(volume => !volume.Gone) >= VolumesMost) return [];
        return [NewVolume(source.HostId, AskSnapshot(source, null, isInternal: true)).HostId];
    }

    private static bool IsStopped(InstanceRow row) =>
        InstanceStates.Of(row.Record.Desired, row.Record.Power, row.Record.Generation, row.Record.ObservedGeneration, row.TerminatedAt is not null) == InstanceStates.Stopped;
}
