using Kumoi.Api.Agent;

namespace Kumoi.Agent.Control;

/// <summary>
/// Completes documents with who is in each network, which servers tell apart because it is the same for every host of a network: asked
/// for once for each revision, and kept.
/// </summary>
public sealed class Peers
{
    private Dictionary<string, (long Asked, NetworkPeers Peers)> _known = [];

    /// <summary>The document with names and members filled in. Not to be called twice at a time.</summary>
    public async Task<DesiredDocument> CompleteAsync(DesiredDocument document, IServerLink link, CancellationToken cancel)
    {
        // A server that puts them into the document says no revision.
        if (document.Networks.All(network => network.PeersRevision == 0)) return document;
        var known = new Dictionary<string, (long Asked, NetworkPeers Peers)>();
        foreach (var network in document.Networks)
            known[network.Id] = _known.TryGetValue(network.Id, out var kept) && kept.Asked == network.PeersRevision ? kept
                : (network.PeersRevision, await link.PeersAsync(network.Id, network.PeersRevision, cancel));
        _known = known;
        var members = known.Values.SelectMany(k => k.Peers.Groups.SelectMany(group => group.Addresses.Select(address => (group.GroupId, Member: new DesiredMember(k.Peers.NetworkId, address)))))
            .ToLookup(m => m.GroupId, m => m.Member);
        return document with
        {
            Networks = [.. document.Networks.Select(network => network with { Names = known[network.Id].Peers.Names })],
            SecurityGroups = [.. document.SecurityGroups.Select(group => group with { Members = [.. members[group.Id]] })],
        };
    }
}
