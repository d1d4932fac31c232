using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Kumoi.Agent.Control;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Goal: a host that is told differences knows the same as one that is told everything. Method: random histories of a network.</summary>
public sealed class PeersDifferenceProperties
{
    /// <summary>A guest at a time: its name, address, host and group, of which there are few, so that they meet.</summary>
    private static readonly Gen<(int Guest, int Host, int Group)[]> Look =
        Gen.Choose(0, 6).SelectMany(guest => Gen.Choose(1, 3).SelectMany(host => Gen.Choose(0, 2).Select(group => (guest, host, group)))).ArrayOf()
            .Select(guests => guests.DistinctBy(one => one.Item1).Select(one => (one.Item1, one.Item2, one.Item3)).ToArray());

    private static NetworkPeers Peers(long revision, (int Guest, int Host, int Group)[] guests) => new(
        Samples.Network, revision, [.. guests.Select(one => new DesiredName($"guest-{one.Guest}", Address(one.Guest)))],
        [.. guests.Where(one => one.Group > 0).GroupBy(one => one.Group).Select(group => new GroupMembers($"sg-{group.Key}", [.. group.Select(one => Address(one.Guest))]))],
        [.. guests.GroupBy(one => one.Host).Select(host => new NetworkHost($"10.9.0.{host.Key}", [.. host.Select(one => Address(one.Guest))]))]);

    private static string Address(int guest) => $"10.0.0.{guest + 10}";

    private static string Text(NetworkPeers peers) => string.Join('\n', peers.Names.Select(name => $"{name.Name} {name.Address}")
        .Concat(peers.Groups.SelectMany(group => group.Addresses.Select(address => $"{group.GroupId} {address}")))
        .Concat((peers.Hosts ?? []).SelectMany(host => host.Guests.Select(guest => $"{host.Address} {guest}"))).Order(StringComparer.Ordinal));

    [Fact]
    public void Differences_lead_to_the_same_as_everything() => FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Arb.From(Look.ArrayOf()), history =>
    {
        var (told, revision) = (Peers(1, []), 1L);
        foreach (var guests in history)
        {
            var now = Peers(++revision, guests);
            told = PeersDifference.Apply(told, PeersDifference.Between(told, now));
            if (Text(told) != Text(now) || told.Revision != revision || told.Since is not null) return false;
        }
        return true;
    }));

    [Fact]
    public void One_guest_more_is_one_line_however_many_there_are()
    {
        var many = Enumerable.Range(0, 1000).Select(i => (i, i % 50, 1)).ToArray();
        var difference = PeersDifference.Between(Peers(1, many), Peers(2, [.. many, (1000, 7, 1)]));
        Assert.Equal((1, 1, 1), (difference.Names.Count, difference.Groups.Single().Addresses.Count, difference.Hosts!.Single().Guests.Count));
        Assert.Equal((0, 0, 0), (difference.Gone!.Names.Count, difference.Gone.Groups.Count, difference.Gone.Hosts.Count));
    }

    [Fact]
    public void What_builds_on_something_unknown_is_asked_for_anew_and_the_known_stays_in_force()
    {
        var peers = new Peers(true);
        var records = Samples.Document(1, null, [], Samples.Instance(1, "running"));
        records = records with { Networks = [records.Networks[0] with { Names = [] }] };
        peers.Take(new DesiredAnswer(records, [Peers(1, [(1, 1, 1)])]));
        var (second, third) = (Peers(2, [(1, 1, 1), (2, 2, 1)]), Peers(3, [(2, 2, 1)]));
        var after = peers.Take(new DesiredAnswer(null, [PeersDifference.Between(second, third)]))!;
        Assert.Equal(["guest-1"], after.Networks[0].Names.Select(name => name.Name));
        Assert.Equal(-1, peers.Revisions[Samples.Network]);
        // Several that build on each other come in one answer.
        peers.Take(new DesiredAnswer(null, [Peers(1, [(1, 1, 1)])]));
        after = peers.Take(new DesiredAnswer(null, [PeersDifference.Between(Peers(1, [(1, 1, 1)]), second), PeersDifference.Between(second, third)]))!;
        Assert.Equal(["guest-2"], after.Networks[0].Names.Select(name => name.Name));
        Assert.Equal(3, peers.Revisions[Samples.Network]);
    }

    [Fact]
    public void Who_has_no_use_for_peers_reads_their_revisions_of_the_same_answer()
    {
        var (first, second) = (Peers(1, [(1, 1, 1)]), Peers(2, [(1, 1, 1), (2, 2, 1)]));
        var written = JsonSerializer.SerializeToUtf8Bytes(new DesiredAnswer(Samples.Document(1, null, [], Samples.Instance(1, "running")), [first, PeersDifference.Between(first, second)]), ApiJson.Default.DesiredAnswer);
        var told = JsonSerializer.Deserialize(written, ApiJson.Default.DesiredRevisions)!;
        Assert.Equal([new PeersRevision(Samples.Network, 1), new PeersRevision(Samples.Network, 2, 1)], told.Peers);
        Assert.Equal(1, told.Document!.Revision);
    }
}
