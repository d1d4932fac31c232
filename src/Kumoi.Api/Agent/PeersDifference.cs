namespace Kumoi.Api.Agent;

/// <summary>
/// Peers of a network as what has changed: one guest more in a network of thousands is a line for each of its hosts. Pure; the order of names,
/// groups, hosts and addresses means nothing.
/// </summary>
public static class PeersDifference
{
    /// <summary>What makes <paramref name="after"/> of <paramref name="before"/>, of the same network.</summary>
    public static NetworkPeers Between(NetworkPeers before, NetworkPeers after)
    {
        var (hadGroups, hasGroups) = (Pairs(before.Groups), Pairs(after.Groups));
        var (hadHosts, hasHosts) = (Pairs(before.Hosts ?? []), Pairs(after.Hosts ?? []));
        return after with
        {
            Names = [.. after.Names.Except(before.Names)], Groups = Groups(hasGroups.Except(hadGroups)), Hosts = Hosts(hasHosts.Except(hadHosts)), Since = before.Revision,
            Gone = new PeersGone([.. before.Names.Except(after.Names)], Groups(hadGroups.Except(hasGroups)), Hosts(hadHosts.Except(hasHosts))),
        };
    }

    /// <summary>The whole, of what a host has and a difference that builds on it.</summary>
    public static NetworkPeers Apply(NetworkPeers has, NetworkPeers difference)
    {
        var gone = difference.Gone ?? new PeersGone([], [], []);
        return difference with
        {
            Names = [.. has.Names.Except(gone.Names).Union(difference.Names)],
            Groups = Groups(Pairs(has.Groups).Except(Pairs(gone.Groups)).Union(Pairs(difference.Groups))),
            Hosts = Hosts(Pairs(has.Hosts ?? []).Except(Pairs(gone.Hosts)).Union(Pairs(difference.Hosts ?? []))), Since = null, Gone = null,
        };
    }

    private static IEnumerable<(string, string)> Pairs(IReadOnlyList<GroupMembers> groups) => groups.SelectMany(group => group.Addresses.Select(address => (group.GroupId, address)));

    // A host without guests is not there: nothing is sent to it.
    private static IEnumerable<(string, string)> Pairs(IReadOnlyList<NetworkHost> hosts) => hosts.SelectMany(host => host.Guests.Select(guest => (host.Address, guest)));

    private static GroupMembers[] Groups(IEnumerable<(string Group, string Address)> pairs) =>
        [.. pairs.GroupBy(pair => pair.Group, pair => pair.Address).Select(group => new GroupMembers(group.Key, [.. group]))];

    private static NetworkHost[] Hosts(IEnumerable<(string Host, string Guest)> pairs) =>
        [.. pairs.GroupBy(pair => pair.Host, pair => pair.Guest).Select(host => new NetworkHost(host.Key, [.. host]))];
}
