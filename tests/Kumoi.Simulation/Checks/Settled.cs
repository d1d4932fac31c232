using Kumoi.Agent.Instances;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Kumoi.Simulation.Model;

namespace Kumoi.Simulation.Checks;

/// <summary>Once nothing goes wrong any more, every record comes true.</summary>
internal static class Settled
{
    /// <summary>What is not yet as its record says; null if nothing is.</summary>
    public static string? Missing(Cloud cloud)
    {
        foreach (var host in cloud.Records.Hosts.Values)
            if (host.State != "up") return $"{host.Name} is {host.State}.";
        foreach (var row in cloud.Records.Instances.Values)
            if (Missing(cloud, row) is { } missing) return $"{row.Record.Id} {missing}: {row.Record}.";
        foreach (var volume in cloud.Records.Volumes.Values)
            if (Missing(cloud, volume) is { } missing) return $"{volume.Id} {missing}.";
        foreach (var snapshot in cloud.Records.Snapshots.Values)
            if (Missing(cloud, snapshot) is { } missing) return $"{snapshot.Id} of {snapshot.VolumeId} {missing}.";
        foreach (var backup in cloud.Records.Backups.Values)
            if (backup.IsCreating || backup.IsDeleting) return $"{backup.Id} of {backup.VolumeId} is not {(backup.IsCreating ? "made" : "deleted")}.";
        foreach (var id in cloud.Backups.Files.Keys.Concat(cloud.Backups.Begun))
            if (!cloud.Records.Backups.ContainsKey(id) && !cloud.Records.BackupsForgotten.Contains(id)) return $"{id} is left, and recorded no more.";
        foreach (var id in cloud.Records.Forgotten.Keys)
            foreach (var host in cloud.Hosts)
                if (host.Guests.ContainsKey(id) && !cloud.Records.Hosts[host.Id].Strays.Contains(id)) return $"{host.Name} has not told of the stray {id}.";
        foreach (var ((hostId, id), incarnation) in cloud.Records.Former) return $"{hostId} has not said that nothing is left of {id} of incarnation {incarnation}.";
        return null;
    }

    private static string? Missing(Cloud cloud, VolumeRow row)
    {
        if (row.Lost && !cloud.Records.Hosts[row.HostId].StrayVolumes.Contains(row.Id)) return "was lost with its host, and has not been told to be found";
        if (row.Gone) return null;
        var host = cloud.Hosts.First(host => host.Id == row.HostId);
        if (row.MovingTo is not null) return $"is not moved to {row.MovingTo}";
        if (row.ObservedGeneration < row.Generation) return "was not acted on";
        if (row.Desired == VolumeDesire.Deleted) return !cloud.Records.SnapshotsOf(row.Id).Any() ? "is not deleted" : host.Volumes.ContainsKey(row.Id) ? "is not removed" : null;
        if (row.DetachedGeneration is not null) return $"is not let go by {row.InstanceId}";
        if (row.MadeGib < row.SizeGib || host.Volumes.GetValueOrDefault(row.Id) < row.SizeGib) return "is too small";
        if (row.IsRestoring) return $"is not put back to {row.RestoreSnapshotId}";
        if (host.Exports.ContainsKey(row.Id) != row.Exported) return $"is given or not, and should be: {row.Exported}";
        return Missing(cloud, row, row.InstanceId is { } id ? cloud.Records.Instances[id] : null);
    }

    /// <summary>That guest has it who should, and nobody else.</summary>
    private static string? Missing(Cloud cloud, VolumeRow row, InstanceRow? holder)
    {
        foreach (var host in cloud.Hosts)
            if (host.Guests.Any(guest => (guest.Key != holder?.Record.Id || host.Id != holder.Record.HostId) && guest.Value.Process?.Drives?.Any(drive => drive.Id == row.Id) == true)) return $"is not with {row.InstanceId ?? "nobody"} alone";
        if (holder is null) return null;
        var own = cloud.Hosts.First(host => host.Id == holder.Record.HostId);
        if (own.Guests.GetValueOrDefault(holder.Record.Id) is not { Process: { State: RunState.Running } process } guest) return null;
        if (process.Drives!.FirstOrDefault(drive => drive.Id == row.Id) is not { } drive || drive.Remote != row.Exported) return $"is not in {holder.Record.Id}";
        if (drive.Remote && guest.Connected(cloud, own, row.Id) is null) return $"cannot be reached by {holder.Record.Id}";
        return drive.SizeBytes < row.SizeGib * VolumeSizes.Gib ? $"is too small in {holder.Record.Id}" : null;
    }

    private static string? Missing(Cloud cloud, SnapshotRow row) =>
        row.Desired == VolumeDesire.Deleted ? "is not deleted" : !row.Taken ? "is not taken" : row.Internal && !cloud.Records.IsNeeded(row) ? "is not let go" : null;

    private static string? Missing(Cloud cloud, InstanceRow row)
    {
        var record = row.Record;
        if (row.TerminatedAt is not null) return null;
        if (record.ObservedGeneration < record.Generation) return "was not acted on";
        var own = cloud.Hosts.First(host => host.Id == record.HostId);
        foreach (var host in cloud.Hosts)
            if (host != own && host.Guests.ContainsKey(record.Id)) return $"is still on {host.Name}";
        var process = own.Guests.GetValueOrDefault(record.Id)?.Process;
        return record.Desired switch
        {
            "running" => process is not { State: RunState.Running } || process.Incarnation != record.Incarnation || process.BootEpoch < record.BootEpoch ? $"does not run ({process})"
                : record.Power != "running" ? "is not recorded as running" : null,
            "stopped" => process is not null ? "still runs" : record.Power != "stopped" ? "is not recorded as stopped" : null,
            _ => "is not terminated",
        };
    }
}
