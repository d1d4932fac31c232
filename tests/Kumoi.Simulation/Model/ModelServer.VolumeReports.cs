using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

/// <summary>Volumes: what hosts say of them. One transaction for each thing that is news, in the order of the servers' observers.</summary>
internal sealed partial class ModelServer
{
    private async Task ObserveVolumesAsync(string hostId, ObservedReport report)
    {
        foreach (var seen in report.Volumes ?? [])
            if (Read(() => Judged(hostId, seen) is { } row && IsNews(row, seen))) await CommitAsync(() => TakeIn(hostId, seen), rings => rings);
        foreach (var seen in report.Volumes ?? [])
            if (Read(() => Judged(hostId, seen) is { } row && (New(row, seen).Any() || Vanished(row, seen).Any()))) await CommitAsync(() => TakeInSnapshots(hostId, seen), rings => rings);
        foreach (var seen in report.Instances.Where(seen => seen.Volumes is not null))
            if (Read(() => LetGo(hostId, seen).Any())) await CommitAsync(() => LetGo(hostId, seen).ToArray().SelectMany(Free).ToArray(), rings => rings);
        foreach (var seen in report.Volumes ?? [])
            if (Read(() => IsGivingNews(hostId, seen))) await CommitAsync(() => TakeInGiving(hostId, seen), rings => rings);
        await ObserveMovesAsync(hostId, report);
    }

    /// <summary>The row, if the report is of its present placement and not older than what is known.</summary>
    private VolumeRow? Judged(string hostId, ObservedVolume seen) =>
        Records.Volumes.GetValueOrDefault(seen.Id) is { Gone: false } row && row.HostId == hostId && row.Incarnation == seen.Incarnation && seen.Generation >= row.ObservedGeneration && seen.Generation <= row.Generation ? row : null;

    private static int? MadeOf(VolumeRow row, ObservedVolume seen) => row.Desired == VolumeDesire.Deleted ? seen.SizeGib : seen.SizeGib ?? row.MadeGib;

    private static long RestoredOf(VolumeRow row, ObservedVolume seen) => Math.Max(row.RestoredNumber, Math.Min(seen.Restored, row.RestoreNumber));

    private static bool IsNews(VolumeRow row, ObservedVolume seen) => (row.ObservedGeneration, row.MadeGib, row.RestoredNumber) != (seen.Generation, MadeOf(row, seen), RestoredOf(row, seen));

    private string[] TakeIn(string hostId, ObservedVolume seen)
    {
        if (Judged(hostId, seen) is not { } row || !IsNews(row, seen)) return [];
        var (wasMade, wasRestoring, grown) = (row.MadeGib is not null, row.IsRestoring, row.Exported && row.MadeGib != seen.SizeGib);
        (row.ObservedGeneration, row.MadeGib, row.RestoredNumber) = (seen.Generation, MadeOf(row, seen), RestoredOf(row, seen));
        row.Gone = row.Desired == VolumeDesire.Deleted && !Records.SnapshotsOf(row.Id).Any() && seen.SizeGib is null && seen.Generation >= row.Generation;
        if (!wasMade && row is { MadeGib: not null, Desired: VolumeDesire.Present }) _cloud.Checks.AfterMake(row);
        if (wasRestoring && row is { IsRestoring: false, Desired: VolumeDesire.Present }) _cloud.Checks.AfterRestore(row);
        // One that is given a volume by another host hears how large it is.
        return [.. row.Gone ? Touch(hostId) : [], .. grown && row.InstanceId is { } holder ? Touch(Records.Instances[holder].Record.HostId) : []];
    }

    private IEnumerable<SnapshotRow> New(VolumeRow row, ObservedVolume seen) => Records.SnapshotsOf(row.Id).Where(snapshot => !snapshot.Taken && seen.Snapshots?.Any(one => one.Id == snapshot.Id) == true);

    private IEnumerable<SnapshotRow> Vanished(VolumeRow row, ObservedVolume seen) => seen.Snapshots is null ? []
        : Records.SnapshotsOf(row.Id).Where(snapshot => snapshot.Desired == VolumeDesire.Deleted && seen.Generation >= snapshot.DeletedGeneration && !seen.Snapshots.Any(one => one.Id == snapshot.Id));

    /// <summary>A volume that was kept for the last of them only goes, too.</summary>
    private string[] TakeInSnapshots(string hostId, ObservedVolume seen)
    {
        if (Judged(hostId, seen) is not { } row) return [];
        foreach (var snapshot in New(row, seen).ToArray())
        {
            snapshot.Taken = true;
            if (snapshot.IsAvailable) _cloud.Checks.AfterTaking(row, snapshot);
        }
        var gone = Vanished(row, seen).ToArray();
        foreach (var snapshot in gone)
        {
            Records.Snapshots.Remove(snapshot.Id);
            Records.SnapshotsGone.Add(snapshot.Id);
        }
        if (gone.Length == 0 || row.Desired != VolumeDesire.Deleted || Records.SnapshotsOf(row.Id).Any()) return [];
        row.Generation++;
        return Touch(hostId);
    }

    /// <summary>Volumes that were taken from an instance, and that its host says its guest has let go.</summary>
    private IEnumerable<VolumeRow> LetGo(string hostId, ObservedInstance seen) =>
        Records.Instances.GetValueOrDefault(seen.Id) is not { } row || row.Record.HostId != hostId || row.Record.Incarnation != seen.Incarnation ? []
            : VolumesOf(seen.Id).Where(volume => !(volume is { Exported: true, HasExportKey: false }) && volume.DetachedGeneration <= seen.Generation && !seen.Volumes!.Contains(volume.Id));

    /// <summary>One that another host gives is free when that has ended.</summary>
    private string[] Free(VolumeRow volume)
    {
        if (volume.Exported)
        {
            (volume.HasExportKey, volume.Generation) = (false, volume.Generation + 1);
            return Touch(volume.HostId);
        }
        var row = Records.Instances[volume.InstanceId!];
        SetFree(volume);
        CountFixed(row);
        return Touch(row.Record.HostId);
    }

    private void SetFree(VolumeRow volume)
    {
        _cloud.Checks.BeforeFree(volume);
        (volume.InstanceId, volume.Slot, volume.DetachedGeneration, volume.Exported, volume.HasExportKey, volume.ExportPort) = (null, 0, null, false, false, null);
    }
}
