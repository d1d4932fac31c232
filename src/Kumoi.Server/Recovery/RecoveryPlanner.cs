using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Placement;

namespace Kumoi.Server.Recovery;

/// <summary>An instance on a host that is lost or is to be emptied.</summary>
/// <param name="Recovery"><c>wait</c> or <c>restart</c>.</param>
/// <param name="Storage">The shared storage that holds its disk; null: only its host has it.</param>
/// <param name="Running">A guest may be running there.</param>
/// <param name="Group">Its placement group, with all members of it wherever they are; null: none.</param>
/// <param name="SegmentDevices">As <see cref="PlacementRequest"/> has them.</param>
/// <param name="Networked">All of its disks are given to it by other hosts, which can give them to any host of the zone.</param>
/// <param name="HostPool">The pool that it asked for; null: any of its account's.</param>
/// <param name="Pools">As <see cref="PlacementRequest"/> has them.</param>
/// <param name="Labels">What its hosts must have; null: nothing.</param>
public sealed record AffectedInstance(
    string Id, string Name, string Desired, string Recovery, int Priority, string? Storage, bool Running, Capacity Size, string? ZoneId = null, GroupView? Group = null, string SegmentDevices = "", bool Networked = false,
    Ref? HostPool = null, string? Pools = null, LabelSet? Labels = null)
{
    /// <summary>Only its host has its disk.</summary>
    public bool IsFixed => Storage is null && !Networked;

    /// <summary>It can be run by another host, and its owner wants that.</summary>
    public bool Movable => Recovery == "restart" && !IsFixed;
}

/// <summary>What is to become of an instance, or of those of an affinity group, which move together: another host, or a wait whose reason is told.</summary>
/// <param name="Candidates">Hosts to try in order; empty: they stay.</param>
/// <param name="Reason">A stable word, and <paramref name="Message"/> the sentence for their owner.</param>
public sealed record RecoveryStep(IReadOnlyList<AffectedInstance> Instances, IReadOnlyList<HostView> Candidates, string Reason, string Message);

/// <summary>
/// Decides what becomes of the instances of a host: pure. A host that is only unreachable keeps all of them; one that is down gives
/// up those that may move, the most important first; one in maintenance those that may move and do not run. What a placement group
/// demands holds here as at launch.
/// </summary>
public static class RecoveryPlanner
{
    // So many hosts are tried for one instance before it is left to the next round.
    private const int CandidatesMax = 8;

    public static IReadOnlyList<RecoveryStep> Plan(HostView host, IEnumerable<AffectedInstance> instances, IReadOnlyCollection<HostView> hosts)
    {
        // Made when something moves: a data centre that is dark has thousands of hosts whose instances only wait.
        Dictionary<string, HostView>? others = null;
        Dictionary<string, HostView> Room() => others ??= hosts.Where(other => other.Id != host.Id).ToDictionary(other => other.Id);
        // Where members of groups are once the steps so far are taken.
        var groups = new Dictionary<string, GroupView>();
        var steps = new List<RecoveryStep>();
        foreach (var together in Together(instances))
        {
            var judged = together.ConvertAll(instance => (Instance: instance, Verdict: Judge(host, instance)));
            steps.AddRange(judged.Where(one => !one.Verdict.Moves && one.Verdict.Reason.Length > 0).Select(one => new RecoveryStep([one.Instance], [], one.Verdict.Reason, one.Verdict.Message)));
            var moving = judged.FindAll(one => one.Verdict.Moves);
            if (moving.Count == 0) continue;
            var group = moving[0].Instance.Group is { } seen ? groups.GetValueOrDefault(seen.Id, seen).Leaving(host.Id) : null;
            var needs = moving.ConvertAll(one => Needs(one.Instance, group));
            if (Anchor(judged, group) is { } anchor)
            {
                Wait($"Host {host.Name} is {Word(host)}, and the affinity group {group!.Name} keeps the instance together with {anchor}, which does not move.");
                continue;
            }
            // No host can be in two pools, or have two values of one label: launched while their host was, they wait.
            if (Common(moving) is not (var pool, var labels))
            {
                Wait($"Host {host.Name} is {Word(host)}, and the instances of the affinity group {group!.Name} ask for host pools or labels that no host can have together.");
                continue;
            }
            var all = needs.Aggregate((sum, one) => sum with
            {
                Vcpus = sum.Vcpus + one.Vcpus, MemoryMib = sum.MemoryMib + one.MemoryMib, DiskGib = sum.DiskGib + one.DiskGib,
                SegmentDevices = PlacementRequest.Devices(sum.SegmentDevices.Split(',').Concat(one.SegmentDevices.Split(',')).Where(device => device.Length > 0)),
            }) with { HostPool = pool, Labels = labels };
            var choice = Placement.Placement.Choose(Room().Values, all, CandidatesMax);
            if (choice.Candidates.Count > 0)
            {
                var first = choice.Candidates[0];
                Room()[first.Id] = first.With(all);
                if (group is not null) groups[group.Id] = moving.Aggregate(groups.GetValueOrDefault(group.Id, moving[0].Instance.Group!), (view, _) => view.With(first.Id));
                steps.Add(new RecoveryStep([.. moving.Select(one => one.Instance)], choice.Candidates, moving[0].Verdict.Reason, moving[0].Verdict.Message));
            }
            else if (group is not null && Placement.Placement.Choose(Room().Values, all with { Group = null }, 1).Candidates.Count > 0)
                Wait($"Host {host.Name} is {Word(host)}, and the {group.Policy} group {group.Name} admits no other host that has both its storage and room; it is tried again as soon as one does.");
            else if (choice.Rejections.Any(rejection => rejection.Filter is "host-pool" or "host-pool-account" or "labels") && Placement.Placement.Choose(Room().Values, all with { Group = null, HostPool = null, Pools = null, Labels = null }, 1).Candidates.Count > 0)
                Wait($"Host {host.Name} is {Word(host)}, and no other host that is in a host pool for the instance, and has its labels, has both its storage and room; it is tried again as soon as one has.", "host-pool");
            else if (moving.Count > 1)
                Wait($"Host {host.Name} is {Word(host)}, and no other host has both the storage and room for all {moving.Count} instances of the affinity group {group!.Name}; it is tried again as soon as one has.");
            else
                steps.Add(new RecoveryStep([moving[0].Instance], [], "no-capacity", $"Host {host.Name} is {Word(host)}, and no other host has both its storage and room; it is tried again as soon as one has."));

            void Wait(string message, string reason = "placement-group") => steps.AddRange(moving.Select(one => new RecoveryStep([one.Instance], [], reason, message)));
        }
        return steps;
    }

    /// <summary>The most important first; those of an affinity group with the most important of them.</summary>
    private static IEnumerable<List<AffectedInstance>> Together(IEnumerable<AffectedInstance> instances) => instances
        .OrderByDescending(i => i.Priority).ThenBy(i => i.Id, StringComparer.Ordinal)
        .GroupBy(i => i.Group is { Policy: PlacementPolicies.Affinity } group ? group.Id : i.Id).Select(together => together.ToList());

    private static PlacementRequest Needs(AffectedInstance instance, GroupView? group) =>
        new(instance.Size.Vcpus, instance.Size.MemoryMib, instance.Size.DiskGib, instance.ZoneId, instance.Storage, false, group, SegmentDevices: instance.SegmentDevices, HostPool: instance.HostPool, Pools: instance.Pools, Labels: instance.Labels);

    /// <summary>The pool and the labels that all of them ask for; null if no host can be both.</summary>
    private static (Ref? Pool, LabelSet? Labels)? Common(List<(AffectedInstance Instance, (bool, string, string) Verdict)> moving)
    {
        var pools = moving.Select(one => one.Instance.HostPool).OfType<Ref>().DistinctBy(pool => pool.Id).ToList();
        LabelSet? labels = LabelSet.None;
        foreach (var (instance, _) in moving) labels = labels?.With(instance.Labels ?? LabelSet.None);
        return pools.Count > 1 || labels is null ? null : (pools.FirstOrDefault(), labels);
    }

    /// <summary>A member of the affinity group that does not move, or has its disk elsewhere than the first: then none moves.</summary>
    private static string? Anchor(List<(AffectedInstance Instance, (bool Moves, string, string) Verdict)> judged, GroupView? group) => group?.Policy != PlacementPolicies.Affinity ? null
        : judged.Where(one => !one.Verdict.Moves || one.Instance.Storage != judged[0].Instance.Storage).Select(one => one.Instance.Name).FirstOrDefault();

    private static string Word(HostView host) => host.State == HostStates.Down ? "down" : "in maintenance";

    private static (bool Moves, string Reason, string Message) Judge(HostView host, AffectedInstance instance) => (host.State, host.Maintenance) switch
    {
        (HostStates.Down, _) when instance.Movable => (true, "host-down", $"Host {host.Name} is down; the instance was given to another host."),
        (HostStates.Down, _) when instance.IsFixed => (false, "host-down", $"Host {host.Name} is down and has the only disk; the instance waits for the host to return."),
        (HostStates.Down, _) => (false, "host-down", $"Host {host.Name} is down; the instance is not marked to be restarted elsewhere and waits for the host to return."),
        (HostStates.Unreachable, _) => (false, "host-unreachable", $"Host {host.Name} does not report. The guest may well be running; what was asked is done when the host is back."),
        (_, true) when instance.Movable && !instance.Running => (true, "host-maintenance", $"Host {host.Name} is being emptied for maintenance; the instance was given to another host."),
        (_, true) when instance.Movable => (false, "host-maintenance", $"Host {host.Name} is being emptied for maintenance; the instance moves to another host as soon as it is stopped."),
        (_, true) when instance.IsFixed => (false, "host-maintenance", $"Host {host.Name} is being emptied for maintenance, but has the only disk; the instance stays."),
        (_, true) => (false, "host-maintenance", $"Host {host.Name} is being emptied for maintenance; the instance is not marked to be restarted elsewhere and stays."),
        _ => (false, "", ""),
    };
}
