using Kumoi.Api.Agent;

namespace Kumoi.Agent.Control;

/// <summary>
/// Puts documents together with who is in each network, which servers tell apart because it is the same for every host of a network, and
/// changes more often than what this host should have.
/// </summary>
/// <param name="keeps">False for hosts that have no use for names and members (simulated ones): only revisions are kept.</param>
public sealed class Peers(bool keeps)
{
    private volatile IReadOnlyDictionary<string, NetworkPeers> _known = new Dictionary<string, NetworkPeers>();
    private DesiredDocument? _document;

    private const long Unknown = -1;

    public bool Keeps => keeps;

    /// <summary>The revisions that are known, by network.</summary>
    public IReadOnlyDictionary<string, long> Revisions => _known.ToDictionary(known => known.Key, known => known.Value.Revision);

    /// <summary>The document as it is with this answer; null if there is none yet. Not to be called twice at a time.</summary>
    public DesiredDocument? Take(DesiredAnswer answer)
    {
        var document = answer.Document ?? _document;
        if (document is null) return null;
        _document = document;
        var known = document.Networks.Where(network => _known.ContainsKey(network.Id)).ToDictionary(network => network.Id, network => _known[network.Id]);
        foreach (var told in answer.Peers.Where(peers => document.Networks.Any(network => network.Id == peers.NetworkId)))
        {
            if (told.Since is null) known[told.NetworkId] = told;
            else if (known.TryGetValue(told.NetworkId, out var has) && has.Revision == told.Since) known[told.NetworkId] = keeps ? PeersDifference.Apply(has, told) : told;
            // It does not build on what is known: all of it is asked for anew, and what is known stays in force until then.
            else if (has is not null) known[told.NetworkId] = has with { Revision = Unknown };
        }
        _known = known;
        var members = known.Values.SelectMany(peers => peers.Groups.SelectMany(group => group.Addresses.Select(address => (group.GroupId, Member: new DesiredMember(peers.NetworkId, address)))))
            .ToLookup(m => m.GroupId, m => m.Member);
        return document with
        {
            Networks = [.. document.Networks.Select(network => With(network, known.GetValueOrDefault(network.Id)))],
            SecurityGroups = [.. document.SecurityGroups.Select(group => group with { Members = [.. group.Members, .. members[group.Id]] })],
        };
    }

    private static DesiredNetwork With(DesiredNetwork network, NetworkPeers? peers) =>
        peers is null ? network : network with { Names = peers.Names, Hosts = peers.Hosts };
}
