using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Hosts;

/// <summary>Who is in a network: told to every host of it and to no other, apart from the document.</summary>
public sealed class PeersTests
{
    private static IReadOnlyDictionary<string, long> Has(DesiredAnswer answer) => answer.Peers.ToDictionary(p => p.NetworkId, p => p.Revision);

    [Fact]
    public async Task Hosts_hear_of_guests_elsewhere_in_their_networks_without_a_new_document()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("first");
        var told = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default))!;
        var peers = Assert.Single(told.Peers);
        Assert.Equal(["first"], peers.Names.Select(n => n.Name));
        Assert.Equal(told.Document!.Networks.Single().Id, peers.NetworkId);
        Assert.Contains(peers.Groups, g => g.Addresses.SequenceEqual([told.Document.Instances.Single().Interfaces.Single().Address]));

        using var second = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        await scene.Admin.SendAsync(HttpMethod.Put, "/hosts/host-1", new { schedulable = false });
        var waiting = scene.Host.AskAsync(told.Document.Revision, 20, Has(told), default);
        await scene.LaunchAsync("second");
        var news = (await waiting)!;
        Assert.Null(news.Document);
        Assert.Equal(["first", "second"], news.Peers.Single().Names.Select(n => n.Name).Order(StringComparer.Ordinal));
        Assert.Null(await scene.Host.AskAsync(told.Document.Revision, 0, Has(news), default));
    }

    [Fact]
    public async Task A_host_hears_nothing_of_networks_in_which_it_has_no_instance()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("secret");
        var own = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default))!;
        using var stranger = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        var document = (await stranger.AskAsync(-1, 0, new Dictionary<string, long> { [own.Peers[0].NetworkId] = 0 }, default))!;
        Assert.Empty(document.Peers);
        Assert.Null(await stranger.AskAsync(document.Document!.Revision, 0, new Dictionary<string, long> { [own.Peers[0].NetworkId] = 0 }, default));
    }

    [Fact]
    public async Task Changed_members_of_a_group_are_told()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("one");
        var before = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default))!;
        using var changed = await scene.Tenant.SendAsync(HttpMethod.Put, "/instances/one/security-groups", new { securityGroups = Array.Empty<string>() });
        changed.EnsureSuccessStatusCode();
        var after = (await scene.Host.AskAsync(before.Document!.Revision, 20, Has(before), default))!;
        Assert.Empty(after.Document!.Instances.Single().Interfaces.Single().SecurityGroupIds);
        Assert.Empty(after.Peers.Single().Groups);
    }

    [Fact]
    public async Task A_host_that_understands_differences_is_told_what_is_new_and_another_everything()
    {
        await using var scene = await Scene.StartAsync();
        for (var i = 0; i < 5; i++) await scene.LaunchAsync($"guest-{i}");
        var told = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default, differences: true))!;
        Assert.Null(told.Peers.Single().Since);
        Assert.Equal(["127.0.0.1"], told.Peers.Single().Hosts!.Select(host => host.Address));
        await scene.LaunchAsync("guest-5");
        await scene.LaunchAsync("guest-6");
        var known = told.Peers.Single();
        var news = (await scene.Host.AskAsync(told.Document!.Revision, 0, Has(told), default, differences: true))!;
        foreach (var step in news.Peers)
        {
            Assert.Equal(known.Revision, step.Since);
            known = PeersDifference.Apply(known, step);
        }
        var all = (await scene.Host.AskAsync(told.Document!.Revision, 0, Has(told), default))!.Peers.Single();
        Assert.Null(all.Since);
        Assert.Equal(7, all.Names.Count);
        Assert.Equal(all.Names.ToHashSet(), known.Names.ToHashSet());
        Assert.Equal(all.Hosts!.Single().Guests.ToHashSet(), known.Hosts!.Single().Guests.ToHashSet());
        Assert.Equal(all.Groups.Single().Addresses.ToHashSet(), known.Groups.Single().Addresses.ToHashSet());
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(1, 500)]
    [InlineData(4, 200)]
    [InlineData(1000, 200)]
    public void The_line_is_slower_while_changes_are_asked_for_and_never_stands(int changes, int hosts) => Assert.Equal(hosts, PeersBell.RateAt(changes));

    [Fact]
    public void Differences_are_kept_until_they_are_longer_than_everything()
    {
        NetworkPeers At(long revision) => new("net-1", revision, [.. Enumerable.Range(0, 20).Select(i => new DesiredName($"a{i}", "10.0.0.1")), new DesiredName($"b{revision}", "10.0.0.2")], []);
        var written = PeersWritten.Of(At(1));
        for (var revision = 2; revision <= 100; revision++) written = written.Next(At(revision));
        Assert.Equal(100, written.Revision);
        Assert.Same(written.All, Assert.Single(written.Since(null)));
        Assert.Same(written.All, Assert.Single(written.Since(1)));
        Assert.Equal(2, written.Since(98).Count);
        Assert.InRange(written.Steps.Sum(step => step.Json.Length), 1, written.All.Length);
        Assert.Same(written, written.Next(At(100)));
        // A database that was restored from a backup.
        Assert.Empty(written.Next(At(50)).Steps);
    }
}
