using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

/// <summary>Snapshots: what users ask, and what becomes of those that nobody needs any more.</summary>
internal sealed partial class ModelServer
{
    private const int SnapshotsMost = 5;

    private bool CanBeTaken(VolumeRow volume) => volume is { Gone: false, Desired: VolumeDesire.Present, MadeGib: not null, IsRestoring: false, MovingTo: null, MoveOf: null } && Records.SnapshotsOf(volume.Id).Count() < SnapshotsMost;

    private string[] Snapshot(VolumeRow volume)
    {
        AskSnapshot(volume, null, isInternal: false);
        return [volume.HostId];
    }

    private SnapshotRow AskSnapshot(VolumeRow volume, string? group, bool isInternal)
    {
        var id = $"snap-19a3f2b4c5d6e{++Records.Numbered:x4}";
        var snapshot = new SnapshotRow { Id = id, VolumeId = volume.Id, Group = group is "" ? id : group, Internal = isInternal, AskedGeneration = ++volume.Generation, AskedMoment = _cloud.NextMoment(), Attachment = volume.Attachments };
        Records.Snapshots.Add(id, snapshot);
        return snapshot;
    }

    /// <summary>One of each volume of the instance, all or none.</summary>
    private string[] SnapshotAll(InstanceRow row)
    {
        var volumes = VolumesOf(row.Record.Id).Where(volume => volume.DetachedGeneration is null).OrderBy(volume => volume.Slot).ToArray();
        if (volumes.Length == 0 || !volumes.All(CanBeTaken)) return [];
        var group = "";
        foreach (var volume in volumes) group = AskSnapshot(volume, group, isInternal: false).Group!;
        return [.. volumes.Select(volume => volume.HostId)];
    }

    /// <summary>A volume of nobody's, or of an instance that is stopped, which is not started until it is done.</summary>
    private string[] Restore(InstanceRow row)
    {
        var some = Records.Snapshots.Values.Where(snapshot => snapshot is { IsAvailable: true, Internal: false }).Select(snapshot => (Snapshot: snapshot, Volume: Records.Volumes[snapshot.VolumeId]))
            .Where(one => one.Volume.Desired == VolumeDesire.Present && (one.Volume.InstanceId is null || (one.Volume.InstanceId == row.Record.Id && IsStopped(row)))).ToArray();
        if (some.Length == 0) return [];
        var (snapshot, volume) = _cloud.Dice.Of(some);
        // Records that were lost do not remember the last number: it is later than all before.
        (volume.RestoreSnapshotId, volume.RestoreNumber, volume.Generation) = (snapshot.Id, _cloud.NextMoment(), volume.Generation + 1);
        return [volume.HostId];
    }

    private string[] DeleteSnapshot()
    {
        var some = Records.Snapshots.Values.Where(snapshot => snapshot is { Desired: VolumeDesire.Present, Internal: false } && !IsUsed(snapshot)).ToArray();
        return some.Length == 0 ? [] : [Delete(_cloud.Dice.Of(some))];
    }

    /// <summary>A volume is being filled from it, or put back to it.</summary>
    private bool IsUsed(SnapshotRow snapshot) =>
        Records.IsNeeded(snapshot) || Records.Volumes[snapshot.VolumeId] is { Desired: VolumeDesire.Present, IsRestoring: true } volume && volume.RestoreSnapshotId == snapshot.Id;

    private string Delete(SnapshotRow snapshot)
    {
        var volume = Records.Volumes[snapshot.VolumeId];
        (snapshot.Desired, snapshot.DeletedGeneration) = (VolumeDesire.Deleted, ++volume.Generation);
        return volume.HostId;
    }

    private IEnumerable<SnapshotRow> Unneeded() => Records.Snapshots.Values.Where(snapshot => snapshot is { Internal: true, Desired: VolumeDesire.Present } && !Records.IsNeeded(snapshot));

    /// <summary>Lets those snapshots go that were only there for something else, and looks after what servers that were killed have left.</summary>
    private async Task SettleAsync()
    {
        for (; ; )
        {
            await Task.Delay(SettlePeriod, Clock);
            try
            {
                if (Read(() => Records.Backups.Count + Records.Schedules.Count > 0 || Unneeded().Any())) await CommitAsync(KeepSchedules, rings => rings);
            }
            catch (DatabaseGoneException)
            {
                // The next look will tell.
            }
        }
    }

    private static readonly TimeSpan SettlePeriod = TimeSpan.FromSeconds(5);
}
