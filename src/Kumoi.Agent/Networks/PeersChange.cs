using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>
/// What a new document changes. Most often it is only who else is in one of the networks; then the host's other networks and its instances
/// need no look: a launch in a network of a hundred hosts is news for each of them.
/// </summary>
public static class PeersChange
{
    /// <summary>The networks whose names, members or hosts have changed, and those linked to them, if nothing else has; null if anything may have.</summary>
    public static IReadOnlyList<string>? Between(DesiredDocument? before, DesiredDocument after)
    {
        // The link puts peers together with the records it has, so these are the same objects then.
        if (before is null || !ReferenceEquals(before.Instances, after.Instances)) return null;
        var names = before.Networks.DistinctBy(network => network.Id).ToDictionary(network => network.Id, network => network.Names);
        var changed = after.Networks.Where(network => !ReferenceEquals(names.GetValueOrDefault(network.Id), network.Names)).Select(network => network.Id).ToHashSet();
        return [.. after.Networks.Where(network => changed.Contains(network.Id) || changed.Any(id => DocumentNetworks.IsLinked(network, id))).Select(network => network.Id)];
    }
}
