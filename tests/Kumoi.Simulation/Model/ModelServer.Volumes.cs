using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

internal enum VolumeRequest
{
    Attach,
    Detach,
    Grow,
    Delete,
}

/// <summary>Volumes: what users ask, and what hosts say of them.</summary>
internal sealed partial class ModelServer
{
    private const int SizeMost = 8, SlotsMost = 3;

    /// <summary>Attaches a free volume to the instance, or a new one; detaches, grows or deletes one that is on its host. Nothing happens if there is none.</summary>
    public Task<bool> ChangeVolumeAsync(VolumeRequest request, string instanceId) => CommitAsync(() => ChangeVolume(request, instanceId), changed => changed ? [Records.Instances[instanceId].Record.HostId] : []);

    private bool ChangeVolume(VolumeRequest request, string instanceId)
    {
        if (Records.Instances.GetValueOrDefault(instanceId) is not { TerminatedAt: null } row || row.Record.Desired == "terminated") return false;
        var host = row.Record.HostId;
        var own = Records.Volumes.Values.Where(volume => volume.HostId == host && !volume.Gone && volume.Desired == VolumeDesire.Present).ToArray();
        var attached = own.Where(volume => volume.InstanceId == instanceId).ToArray();
        switch (request)
        {
            case VolumeRequest.Attach:
                // One on its host's own store would keep it from moving.
                if (row.Movable || attached.Length == SlotsMost) return false;
                var volume = own.FirstOrDefault(volume => volume.InstanceId is null) ?? NewVolume(host);
                (volume.InstanceId, volume.Slot) = (instanceId, Enumerable.Range(1, SlotsMost).First(slot => attached.All(other => other.Slot != slot)));
                Write(row, row.Record with { Generation = row.Record.Generation + 1 });
                break;
            case VolumeRequest.Detach:
                if (attached.FirstOrDefault(volume => volume.DetachedGeneration is null) is not { } leaving) return false;
                leaving.DetachedGeneration = row.Record.Generation + 1;
                Write(row, row.Record with { Generation = row.Record.Generation + 1 });
                break;
            case VolumeRequest.Grow:
                if (own.FirstOrDefault(volume => volume.SizeGib < SizeMost) is not { } small) return false;
                (small.SizeGib, small.Generation) = (small.SizeGib + 1, small.Generation + 1);
                break;
            default:
                if (own.FirstOrDefault(volume => volume.InstanceId is null) is not { } free) return false;
                (free.Desired, free.Generation) = (VolumeDesire.Deleted, free.Generation + 1);
                break;
        }
        Touch(host);
        _cloud.Trace.Note(Name, $"{request} of a volume for {instanceId}");
        return true;
    }

    private VolumeRow NewVolume(string host)
    {
        var volume = new VolumeRow { Id = $"vol-19a3f2b4c5d6e{Records.Volumes.Count + 1:x4}", HostId = host, SizeGib = 1 };
        Records.Volumes.Add(volume.Id, volume);
        return volume;
    }

    private static bool IsNews(VolumeRow row, string hostId, ObservedVolume seen) =>
        row.HostId == hostId && !row.Gone && seen.Generation >= row.ObservedGeneration && seen.Generation <= row.Generation && (row.ObservedGeneration, row.MadeGib) != (seen.Generation, seen.SizeGib);

    private async Task ObserveVolumesAsync(string hostId, ObservedReport report)
    {
        foreach (var seen in report.Volumes ?? [])
            if (Read(() => Records.Volumes.TryGetValue(seen.Id, out var row) && IsNews(row, hostId, seen))) await CommitAsync(() => TakeIn(hostId, seen), rings => rings);
        foreach (var seen in report.Instances.Where(seen => seen.Volumes is not null))
            if (Read(() => Freed(hostId, seen).Any())) await CommitAsync(() => Free(hostId, seen), rings => rings);
    }

    private string[] TakeIn(string hostId, ObservedVolume seen)
    {
        var row = Records.Volumes[seen.Id];
        if (!IsNews(row, hostId, seen)) return [];
        (row.ObservedGeneration, row.MadeGib) = (seen.Generation, seen.SizeGib);
        row.Gone = row.Desired == VolumeDesire.Deleted && seen.SizeGib is null && seen.Generation == row.Generation;
        return row.Gone ? Touch(hostId) : [];
    }

    private IEnumerable<VolumeRow> Freed(string hostId, ObservedInstance seen) => Records.Volumes.Values.Where(volume =>
        volume.HostId == hostId && volume.InstanceId == seen.Id && volume.DetachedGeneration <= seen.Generation && Records.Instances[seen.Id].Record.Incarnation == seen.Incarnation && !seen.Volumes!.Contains(volume.Id));

    private string[] Free(string hostId, ObservedInstance seen)
    {
        var freed = Freed(hostId, seen).ToArray();
        foreach (var volume in freed) Free(volume);
        return freed.Length > 0 ? Touch(hostId) : [];
    }

    private void Free(VolumeRow volume)
    {
        _cloud.Checks.BeforeFree(volume);
        (volume.InstanceId, volume.Slot, volume.DetachedGeneration) = (null, 0, null);
    }
}
