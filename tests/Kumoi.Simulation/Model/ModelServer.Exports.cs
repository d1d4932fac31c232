using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

/// <summary>Volumes that their hosts give to instances of other hosts.</summary>
internal sealed partial class ModelServer
{
    /// <summary>Gives a volume anew: whoever had it before is cut off by that.</summary>
    private static void Give(VolumeRow volume) =>
        (volume.Exported, volume.HasExportKey, volume.ExportPort, volume.ExportIncarnation) = (true, true, null, volume.ExportIncarnation + 1);

    private VolumeRow? GivenBy(string hostId, ObservedVolume seen) =>
        Records.Volumes.GetValueOrDefault(seen.Id) is { Gone: false, Exported: true, MovingTo: null } row && row.HostId == hostId && row.Incarnation == seen.Incarnation ? row : null;

    private static bool IsUp(VolumeRow row, ObservedVolume seen) => row.HasExportKey && seen.Export is { } export && export.Incarnation == row.ExportIncarnation && row.ExportPort != export.Port;

    private static bool HasEnded(VolumeRow row, ObservedVolume seen) => !row.HasExportKey && seen.Export is null && seen.Generation >= row.Generation && row.DetachedGeneration is not null;

    private bool IsGivingNews(string hostId, ObservedVolume seen) => GivenBy(hostId, seen) is { } row && (IsUp(row, seen) || HasEnded(row, seen));

    private string[] TakeInGiving(string hostId, ObservedVolume seen)
    {
        if (!IsGivingNews(hostId, seen)) return [];
        var volume = Records.Volumes[seen.Id];
        var instance = Records.Instances[volume.InstanceId!];
        if (IsUp(volume, seen))
        {
            volume.ExportPort = seen.Export!.Port;
            return Touch(instance.Record.HostId);
        }
        SetFree(volume);
        volume.Generation++;
        CountFixed(instance);
        return [.. Touch(instance.Record.HostId), .. Touch(hostId)];
    }

    /// <summary>What an instance's move to another host is for its volumes: that of its new host is that host's own to attach, the others are given to it by theirs.</summary>
    private string[] MoveVolumes(InstanceRow row)
    {
        string[] left = [.. VolumesOf(row.Record.Id).SelectMany(CancelMove)];
        foreach (var volume in VolumesOf(row.Record.Id))
        {
            volume.Generation++;
            if (volume.HostId != row.Record.HostId) Give(volume);
            else (volume.Incarnation, volume.ObservedGeneration, volume.Exported, volume.HasExportKey, volume.ExportPort) = (volume.Incarnation + 1, 0, false, false, null);
        }
        row.FixedVolumes = VolumesOf(row.Record.Id).Count(volume => !volume.Exported);
        return [.. VolumesOf(row.Record.Id).Select(volume => volume.HostId).Concat(left).Distinct().SelectMany(Touch)];
    }
}
