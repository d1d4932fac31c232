using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Placement;

namespace Kumoi.Server.Explanations;

/// <summary>Explains a host: pure.</summary>
public static class HostExplanation
{
    /// <param name="movable">So many of its instances are restarted elsewhere when it is lost.</param>
    public static Findings Of(ExplainedHost sight, int movable)
    {
        var host = sight.Host;
        return new Findings(new Subject("host", host.Id, host.Name), host.State, new Sentence("host-" + host.State, host.Name))
        {
            ObservedAt = sight.HeardAt,
            Desired = [Asked(sight)],
            Observed = [.. Observed(sight)],
            WaitingFor = [.. WaitingFor(sight)],
            Next = [Next(sight, movable)],
            Placement =
            [
                new Sentence("host-room", host.Allocated.Vcpus, host.Capacity.Vcpus, host.Allocated.MemoryMib, host.Capacity.MemoryMib, host.Allocated.DiskGib, host.Capacity.DiskGib),
                new Sentence("host-in-pool", host.HostPool.Name, host.Physical?.Vcpus ?? host.Capacity.Vcpus, host.Physical?.MemoryMib ?? host.Capacity.MemoryMib),
                .. host.Labels.Count == 0 ? Array.Empty<Sentence>() : [new Sentence("host-labels", LabelSet.Of(host.Labels).ToString())],
                new Sentence(host.State != HostStates.Up ? "host-takes-none-silent" : host.Maintenance ? "host-takes-none-maintenance" : host.Schedulable ? "host-takes" : "host-takes-none-disabled"),
            ],
            Recovery = [new Sentence("host-movable", movable, host.Instances), host.Storage is { } storage ? new Sentence("host-shared-storage", storage) : new Sentence("host-own-storage")],
            Conditions = host.Conditions,
        };
    }

    /// <summary>What is known of the host's reports and of what it was told: for the host and for what runs on it.</summary>
    public static IEnumerable<Sentence> Reports(ExplainedHost sight)
    {
        yield return new Sentence("host-reported-" + sight.Host.State, sight.Host.Name, sight.SilentSeconds, sight.Host.HeartbeatSeconds) { Since = sight.HeardAt };
        if (sight.SeenRevision is { } seen) yield return new Sentence(seen == sight.Revision ? "revision-seen" : "revision-behind", sight.Host.Name, sight.Revision, seen);
        else yield return new Sentence("revision-unknown", sight.Host.Name, sight.Revision);
    }

    private static Sentence Asked(ExplainedHost sight) => new(sight.Host.Maintenance ? "host-asked-maintenance" : sight.Host.Schedulable ? "host-asked-use" : "host-asked-no-new");

    private static IEnumerable<Sentence> Observed(ExplainedHost sight)
    {
        foreach (var sentence in Reports(sight)) yield return sentence;
        yield return new Sentence("host-runs", sight.Host.AgentVersion, sight.Host.Hypervisor, sight.Host.Accelerator, sight.Host.Instances);
        if (sight.Host.Strays.Count > 0) yield return new Sentence("host-strays", sight.Host.Strays.Count, string.Join(", ", sight.Host.Strays.Take(5)));
    }

    private static IEnumerable<Sentence> WaitingFor(ExplainedHost sight)
    {
        var host = sight.Host;
        if (host.State == HostStates.Unreachable) yield return new Sentence("waits-host-unreachable", host.Name, sight.SilentSeconds) { Since = sight.HeardAt };
        else if (host.State == HostStates.Down) yield return new Sentence("host-waits-return", host.Name, host.FencedBy ?? "-") { Since = host.FencedAt };
        else if (sight.Behind) yield return new Sentence("waits-revision", host.Name, sight.SeenRevision!, sight.Revision);
        else if (host.Maintenance && host.Instances > 0) yield return new Sentence("host-waits-empty", host.Instances);
    }

    private static Sentence Next(ExplainedHost sight, int movable) => sight.Host.State switch
    {
        HostStates.Unreachable => new Sentence("host-next-down", sight.Host.Name, movable) { At = sight.DownAt },
        HostStates.Down => new Sentence("next-return", sight.Host.Name),
        _ => new Sentence("next-report", sight.Host.Name, sight.Host.HeartbeatSeconds) { At = sight.HeardAt.AddSeconds(sight.Host.HeartbeatSeconds) },
    };
}
