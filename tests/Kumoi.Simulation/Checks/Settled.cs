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
        foreach (var id in cloud.Records.Forgotten.Keys)
            foreach (var host in cloud.Hosts)
                if (host.Guests.ContainsKey(id) && !cloud.Records.Hosts[host.Id].Strays.Contains(id)) return $"{host.Name} has not told of the stray {id}.";
        foreach (var ((hostId, id), incarnation) in cloud.Records.Former) return $"{hostId} has not said that nothing is left of {id} of incarnation {incarnation}.";
        return null;
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
