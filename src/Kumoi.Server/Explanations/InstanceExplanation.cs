using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Explanations;

/// <summary>What is known of an instance beyond its record for the API.</summary>
/// <param name="Storage">The shared storage that holds its disk; null: only its host has it.</param>
/// <param name="AskedAt">When what is desired was last changed.</param>
/// <param name="Group">Its placement group; null: none.</param>
/// <param name="SegmentDevices">As <see cref="PlacementRequest"/> has them.</param>
/// <param name="Pools">The same.</param>
public sealed record ExplainedInstance(
    Instance Instance, string Power, int Incarnation, string? Storage, DateTimeOffset AskedAt, ExplainedGroup? Group, string SegmentDevices = "", string? Pools = null)
{
    public LabelSet Labels { get; } = LabelSet.Of(Instance.RequiredLabels);
}

/// <summary>What is known of an instance's placement group.</summary>
/// <param name="Together">The room that those take which move together: all of an affinity group, or the instance alone.</param>
/// <param name="Fixed">Names of others of an affinity group that cannot move; it keeps all the others with them.</param>
public sealed record ExplainedGroup(GroupView View, Capacity Together, IReadOnlyList<string> Fixed)
{
    public int Instances => View.Members.Values.Sum();
}

/// <summary>What is known of a host beyond placement's view of it.</summary>
/// <param name="SeenRevision">The revision of the desired document that its agent has, as far as this server knows.</param>
public sealed record ExplainedHost(Host Host, long Revision, long? SeenRevision, DateTimeOffset Now)
{
    public DateTimeOffset HeardAt => Host.LastReportAt ?? Host.CreatedAt;

    public long SilentSeconds => Math.Max(0, (long)(Now - HeardAt).TotalSeconds);

    /// <summary>When it counts as down if it stays silent.</summary>
    public DateTimeOffset DownAt => HeardAt.AddSeconds(Host.HeartbeatSeconds * HostStates.DownBeats);

    public bool Behind => SeenRevision is { } seen && seen != Revision;
}

/// <summary>Explains an instance: pure.</summary>
public static class InstanceExplanation
{
    public static Findings Of(ExplainedInstance sight, ExplainedHost host, IReadOnlyCollection<HostView> hosts)
    {
        var instance = sight.Instance;
        var subject = new Subject("instance", instance.Id, instance.Name);
        if (instance.State == InstanceStates.Terminated)
            return new Findings(subject, instance.State, new Sentence("state-terminated")) { ObservedAt = instance.TerminatedAt, Desired = [Desired(sight)] };
        var choice = Elsewhere(sight, hosts);
        return new Findings(subject, instance.State, new Sentence("state-" + instance.State))
        {
            ObservedAt = host.HeardAt,
            Desired = [Desired(sight)],
            Observed = [Guest(sight), .. HostExplanation.Reports(host)],
            WaitingFor = [.. WaitingFor(sight, host, choice)],
            Next = [.. Next(sight, host)],
            Placement = [.. Placed(sight, host), .. Bound(sight, hosts.FirstOrDefault(view => view.Id == instance.Host.Id))],
            Recovery = [.. Recovery(sight, choice)],
            Conditions = instance.Conditions,
        };
    }

    private static Sentence Desired(ExplainedInstance sight) =>
        new("desired-" + sight.Instance.Desired, sight.Instance.Generation, sight.Instance.BootEpoch) { Since = sight.AskedAt };

    private static Sentence Guest(ExplainedInstance sight) =>
        new("observed-" + sight.Power, sight.Instance.Host.Name, sight.Instance.ObservedGeneration, sight.Instance.Generation) { Since = sight.Power == "running" ? sight.Instance.StartedAt : null };

    private static bool Settled(ExplainedInstance sight) => sight.Instance.ObservedGeneration >= sight.Instance.Generation
        && sight.Instance.State is InstanceStates.Running or InstanceStates.Stopped;

    private static bool Movable(ExplainedInstance sight) => sight.Instance.Recovery == "restart" && sight.Storage is not null;

    private static IEnumerable<Sentence> WaitingFor(ExplainedInstance sight, ExplainedHost host, PlacementChoice elsewhere)
    {
        var name = host.Host.Name;
        if (host.Host.State == HostStates.Unreachable) yield return new Sentence("waits-host-unreachable", name, host.SilentSeconds) { Since = host.HeardAt };
        else if (host.Host.State == HostStates.Down && !Movable(sight)) yield return new Sentence("waits-host-down", name) { Since = host.Host.FencedAt };
        else if (host.Host.State == HostStates.Down && sight.Group is { Fixed.Count: > 0 } group) yield return new Sentence("waits-group", name, group.View.Name, string.Join(", ", group.Fixed)) { Since = host.Host.FencedAt };
        else if (host.Host.State == HostStates.Down)
        {
            yield return new Sentence(elsewhere.Candidates.Count > 0 ? "waits-move" : "waits-capacity", name) { Since = host.Host.FencedAt };
            foreach (var rejection in elsewhere.Rejections) yield return Sentence.Of(rejection);
        }
        else if (Settled(sight)) yield break;
        else if (host.Behind) yield return new Sentence("waits-revision", name, host.SeenRevision!, host.Revision) { Since = sight.AskedAt };
        else if (sight.Instance.Conditions.Count > 0) yield return new Sentence("waits-condition", name) { Since = sight.Instance.Conditions.Min(condition => condition.Since) };
        else yield return new Sentence("waits-host-works", name, sight.Instance.ObservedGeneration, sight.Instance.Generation) { Since = sight.AskedAt };
    }

    private static IEnumerable<Sentence> Next(ExplainedInstance sight, ExplainedHost host)
    {
        foreach (var condition in sight.Instance.Conditions)
            if (condition.NextTryAt is { } at) yield return new Sentence("next-try", condition.Reason) { At = at };
        if (host.Host.State == HostStates.Unreachable) yield return new Sentence(Movable(sight) ? "next-down-moves" : "next-down-stays", host.Host.Name) { At = host.DownAt };
        else if (host.Host.State == HostStates.Down) yield return new Sentence(Movable(sight) ? "next-capacity" : "next-return", host.Host.Name);
        else yield return new Sentence("next-report", host.Host.Name, host.Host.HeartbeatSeconds) { At = host.HeardAt.AddSeconds(host.Host.HeartbeatSeconds) };
    }

    private static IEnumerable<Sentence> Placed(ExplainedInstance sight, ExplainedHost host)
    {
        var (capacity, allocated) = (host.Host.Capacity, host.Host.Allocated);
        yield return new Sentence("placed-spread", host.Host.Name, sight.Instance.Zone.Name, allocated.MemoryMib, capacity.MemoryMib);
        if (sight.Group is { } group) yield return new Sentence("placed-" + group.View.Policy, group.View.Name, group.Instances, group.View.Members.Count);
        if (sight.Incarnation > 1) yield return new Sentence("placed-moved", sight.Incarnation);
        if (host.Host.Maintenance) yield return new Sentence("placed-maintenance", host.Host.Name);
    }

    /// <summary>What of hosts it is bound to, and whether its own is still one of those. A pool that is not its account's is not named to it.</summary>
    private static IEnumerable<Sentence> Bound(ExplainedInstance sight, HostView? host)
    {
        var instance = sight.Instance;
        if (instance.HostPool is { } pool) yield return new Sentence("placed-host-pool", pool.Name);
        if (!sight.Labels.IsEmpty) yield return new Sentence("placed-labels", sight.Labels.ToString());
        if (host is null) yield break;
        if (host.Pool?.IsFor(instance.Account.Id) == false) yield return new Sentence("placed-pool-taken", host.Name);
        else if (instance.HostPool is { } asked && host.Pool?.Id != asked.Id) yield return new Sentence("placed-pool-left", host.Name, asked.Name);
        if (host.Labels?.Covers(sight.Labels) == false) yield return new Sentence("placed-labels-lost", host.Name);
    }

    /// <summary>Where it could run if its host were lost now.</summary>
    private static PlacementChoice Elsewhere(ExplainedInstance sight, IReadOnlyCollection<HostView> hosts)
    {
        var instance = sight.Instance;
        var size = sight.Group?.Together ?? new Capacity(instance.Vcpus, instance.MemoryMib, instance.DiskGib);
        return Server.Placement.Placement.Choose([.. hosts.Where(host => host.Id != instance.Host.Id)],
            new PlacementRequest(size.Vcpus, size.MemoryMib, size.DiskGib, instance.Zone.Id, sight.Storage, false, sight.Group?.View.Leaving(instance.Host.Id), SegmentDevices: sight.SegmentDevices, HostPool: instance.HostPool, Pools: sight.Pools, Labels: sight.Labels));
    }

    private static IEnumerable<Sentence> Recovery(ExplainedInstance sight, PlacementChoice elsewhere)
    {
        if (sight.Instance.Recovery != "restart") yield return new Sentence("recovery-not-marked");
        else yield return new Sentence("recovery-marked", sight.Instance.RecoveryPriority);
        if (sight.Storage is null) yield return new Sentence("recovery-own-disk", sight.Instance.Host.Name);
        if (!Movable(sight)) yield break;
        if (sight.Group is { Fixed.Count: > 0 } kept)
        {
            yield return new Sentence("recovery-group-stays", kept.View.Name, string.Join(", ", kept.Fixed));
            yield break;
        }
        if (sight.Group is { View.Policy: PlacementPolicies.Affinity, Instances: > 1 } group) yield return new Sentence("recovery-group", group.View.Name, group.Instances - 1);
        yield return elsewhere.Candidates.Count > 0 ? new Sentence("recovery-room", elsewhere.Candidates[0].Name) : new Sentence("recovery-no-room");
        foreach (var rejection in elsewhere.Rejections) yield return Sentence.Of(rejection);
    }
}
