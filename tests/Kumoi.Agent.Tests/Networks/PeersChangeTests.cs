using Kumoi.Agent.Control;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Goal: news of a network's peers has only that network looked at, and any other news everything. Method: documents as the link puts them together.</summary>
public sealed class PeersChangeTests
{
    private const string Second = "net-19a3f2b4c5d6e7f99";
    private readonly Peers _peers = new(true);

    private static DesiredDocument Records(long revision)
    {
        var one = Samples.Document(revision, null, [], Samples.Instance(1, "running"));
        return one with { Networks = [one.Networks[0] with { Names = [] }, one.Networks[0] with { Id = Second, Names = [] }] };
    }

    private static NetworkPeers PeersOf(string network, long revision, params string[] names) =>
        new(network, revision, [.. names.Select((name, i) => new DesiredName(name, $"10.0.0.{i + 10}"))], []);

    private DesiredDocument Take(DesiredDocument? document, params NetworkPeers[] peers) => _peers.Take(new DesiredAnswer(document, peers))!;

    [Fact]
    public void Peers_of_one_network_concern_that_network()
    {
        var first = Take(Records(1), PeersOf(Samples.Network, 1, "a"), PeersOf(Second, 1, "b"));
        Assert.Null(PeersChange.Between(null, first));
        var second = Take(null, PeersOf(Second, 2, "b", "c"));
        Assert.Equal([Second], PeersChange.Between(first, second)!);
        Assert.Equal(["b", "c"], second.Networks[1].Names.Select(name => name.Name));
        // The last one leaves.
        var third = Take(null, PeersOf(Second, 3));
        Assert.Equal([Second], PeersChange.Between(second, third)!);
    }

    [Fact]
    public void A_new_document_concerns_everything_whatever_it_says()
    {
        var first = Take(Records(1), PeersOf(Samples.Network, 1, "a"));
        Assert.Null(PeersChange.Between(first, Take(Records(2))));
        Assert.Null(PeersChange.Between(first, Take(Records(1), PeersOf(Samples.Network, 2, "a"))));
    }
}
