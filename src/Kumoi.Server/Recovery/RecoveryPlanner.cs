using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Placement;

namespace Kumoi.Server.Recovery;

/// <summary>An instance on a host that is lost or is to be emptied.</summary>
/// <param name="Recovery"><c>wait</c> or <c>restart</c>.</param>
/// <param name="Storage">The shared storage that holds its disk; null: only its host has it.</param>
/// <param name="Running">A guest may be running there.</param>
public sealed record AffectedInstance(string Id, string Name, string Desired, string Recovery, int Priority, string? Storage, bool Running, Capacity Size, string? ZoneId = null)
{
    /// <summary>It can be run by another host, and its owner wants that.</summary>
    public bool Movable => Recovery == "restart" && Storage is not null;
}

/// <summary>What is to become of one instance: another host, or a wait whose reason is told.</summary>
/// <param name="Candidates">Hosts to try in order; empty: it stays.</param>
/// <param name="Reason">A stable word, and <paramref name="Message"/> the sentence for its owner.</param>
public sealed record RecoveryStep(AffectedInstance Instance, IReadOnlyList<HostView> Candidates, string Reason, string Message);

/// <summary>
/// Decides what becomes of the instances of a host: pure. A host that is only unreachable keeps all of them; one that is down gives
/// up those that may move, the most important first; one in maintenance those that may move and do not run.
/// </summary>
public static class RecoveryPlanner
{
    // So many hosts are tried for one instance before it is left to the next round.
    private const int CandidatesMax = 8;

    public static IReadOnlyList<RecoveryStep> Plan(HostView host, IEnumerable<AffectedInstance> instances, IReadOnlyCollection<HostView> hosts)
    {
        var room = hosts.Where(other => other.Id != host.Id).ToDictionary(other => other.Id);
        var steps = new List<RecoveryStep>();
        foreach (var instance in instances.OrderByDescending(i => i.Priority).ThenBy(i => i.Id, StringComparer.Ordinal))
        {
            var (moves, reason, message) = Judge(host, instance);
            if (!moves)
            {
                if (reason.Length > 0) steps.Add(new RecoveryStep(instance, [], reason, message));
                continue;
            }
            var request = new PlacementRequest(instance.Size.Vcpus, instance.Size.MemoryMib, instance.Size.DiskGib, instance.ZoneId, instance.Storage);
            var choice = Placement.Placement.Choose(room.Values, request, CandidatesMax);
            if (choice.Candidates.Count == 0)
            {
                steps.Add(new RecoveryStep(instance, [], "no-capacity", $"Host {host.Name} is {Word(host)}, and no other host has both its storage and room; it is tried again as soon as one has."));
                continue;
            }
            var first = choice.Candidates[0];
            room[first.Id] = first.With(request);
            steps.Add(new RecoveryStep(instance, choice.Candidates, reason, message));
        }
        return steps;
    }

    private static string Word(HostView host) => host.State == HostStates.Down ? "down" : "in maintenance";

    private static (bool Moves, string Reason, string Message) Judge(HostView host, AffectedInstance instance) => (host.State, host.Maintenance) switch
    {
        (HostStates.Down, _) when instance.Movable => (true, "host-down", $"Host {host.Name} is down; the instance was given to another host."),
        (HostStates.Down, _) when instance.Storage is null => (false, "host-down", $"Host {host.Name} is down and has the only disk; the instance waits for the host to return."),
        (HostStates.Down, _) => (false, "host-down", $"Host {host.Name} is down; the instance is not marked to be restarted elsewhere and waits for the host to return."),
        (HostStates.Unreachable, _) => (false, "host-unreachable", $"Host {host.Name} does not report. The guest may well be running; what was asked is done when the host is back."),
        (_, true) when instance.Movable && !instance.Running => (true, "host-maintenance", $"Host {host.Name} is being emptied for maintenance; the instance was given to another host."),
        (_, true) when instance.Movable => (false, "host-maintenance", $"Host {host.Name} is being emptied for maintenance; the instance moves to another host as soon as it is stopped."),
        (_, true) when instance.Storage is null => (false, "host-maintenance", $"Host {host.Name} is being emptied for maintenance, but has the only disk; the instance stays."),
        (_, true) => (false, "host-maintenance", $"Host {host.Name} is being emptied for maintenance; the instance is not marked to be restarted elsewhere and stays."),
        _ => (false, "", ""),
    };
}
