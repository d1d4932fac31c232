using Kumoi.Api;
using Kumoi.Server.Placement;
using Xunit;

namespace Kumoi.Server.Tests.Placement;

/// <summary>What the policies of groups make of a choice, without a database.</summary>
public sealed class GroupTests
{
    private static HostView View(string id, int used = 0, string? storage = null) => new(id, id, "z1", "up", true, new Capacity(8, 1000, 100), new Capacity(0, used, 0), storage);

    private static GroupView Group(string policy, params (string Host, int Count)[] members) => new("pg-1", "web", policy, members.ToDictionary(m => m.Host, m => m.Count));

    private static PlacementChoice Choose(GroupView group, params HostView[] hosts) => Server.Placement.Placement.Choose(hosts, new PlacementRequest(1, 100, 1, "z1", Group: group));

    // Of three hosts c is the emptiest, a the fullest; what the group has where decides first.
    [Theory]
    [InlineData("affinity", "", "c b a")]
    [InlineData("affinity", "a", "a")]
    [InlineData("anti-affinity", "", "c b a")]
    [InlineData("anti-affinity", "c", "b a")]
    [InlineData("anti-affinity", "a b", "c")]
    [InlineData("anti-affinity", "a b c", "")]
    [InlineData("soft-affinity", "a", "a c b")]
    [InlineData("soft-affinity", "a b b", "b a c")]
    [InlineData("soft-anti-affinity", "c", "b a c")]
    [InlineData("soft-anti-affinity", "a b c c", "b a c")]
    public void The_policy_says_who_may_and_who_rather(string policy, string members, string order)
    {
        var counts = members.Split(' ', StringSplitOptions.RemoveEmptyEntries).GroupBy(host => host).Select(host => (host.Key, host.Count())).ToArray();
        Assert.Equal(order, string.Join(' ', Choose(Group(policy, counts), View("a", 500), View("b", 300), View("c")).Candidates.Select(host => host.Id)));
    }

    [Fact]
    public void Hosts_turned_away_by_the_group_are_counted_and_the_group_is_named()
    {
        var spread = Choose(Group("anti-affinity", ("a", 1), ("b", 1)), View("a"), View("b"), View("c", used: 950));
        Assert.Equal(["anti-affinity 2 web", "memory 1 100"], spread.Rejections.Select(r => $"{r.Filter} {r.Hosts} {r.Arguments[0]}"));
        var near = Choose(Group("affinity", ("c", 1)), View("a"), View("b"), View("c", used: 950));
        Assert.Equal(["affinity 2 web", "memory 1 100"], near.Rejections.Select(r => $"{r.Filter} {r.Hosts} {r.Arguments[0]}"));
    }

    [Fact]
    public void Shared_storage_for_an_instance_that_should_move_comes_before_a_soft_wish() => Assert.Equal(
        ["shared", "own"],
        Server.Placement.Placement.Choose([View("own"), View("shared", used: 500, storage: "nfs-1")],
            new PlacementRequest(1, 100, 1, null, Movable: true, Group: Group("soft-anti-affinity", ("shared", 50)))).Candidates.Select(host => host.Id));
}
