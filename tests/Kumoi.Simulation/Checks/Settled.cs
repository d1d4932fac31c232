using Kumoi.Agent.Instances;
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
        foreach (var id in cloud.Records.Forgotten.Keys)
            foreach (var host in cloud.Hosts)
                if (host.Guests.ContainsKey(id) && !cloud.Records.Hosts[host.Id].Strays.Contains(id)) return $"{host.Name} has not told of the stray {id}.";
        foreach (var ((hostId, id), incarnation) in cloud.Records.Former) return $"{hostId} has not said that nothing is left of {id} of incarnation {incarnation}.";
        return null;
    }

    private static string? Missing(Cloud cloud, VolumeRow row)
    {
        if (row.Gone) return null;
        var host = cloud.Hosts.First(host => host.Id == row.HostId);
        if (row.ObservedGeneration < row.Generation) return "was not acted on";
        if (row.Desired == Kumoi.Api.Agent.VolumeDesire.Deleted) return "is not deleted";
        if (row.DetachedGeneration is not null) return $"is not let go by {row.InstanceId}";
        if (row.MadeGib < row.SizeGib || host.Volumes.GetValueOrDefault(row.Id) < row.SizeGib) return "is too small";
        if (host.Guests.Any(guest => guest.Key != row.InstanceId && guest.Value.Process?.Drives?.Any(drive => drive.Id == row.Id) == true)) return $"is not with {row.InstanceId ?? "nobody"} alone";
        if (row.InstanceId is not { } id || host.Guests.GetValueOrDefault(id)?.Process is not { State: RunState.Running } process) return null;
        return process.Drives!.FirstOrDefault(drive => drive.Id == row.Id) is not { } drive ? $"is not in {id}" : drive.SizeBytes < row.SizeGib * Kumoi.Agent.Volumes.VolumeSizes.Gib ? $"is too small in {id}" : null;
    }

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
