using FsCheck;
using FsCheck.Fluent;
using Kumoi.Api;
using Kumoi.Server.Placement;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Placement;

public sealed class PlacementTests
{
    private static HostView View(string id, int memory = 1000, int used = 0, string state = "up", bool schedulable = true, string zone = "z1") =>
        new(id, id, zone, state, schedulable, new Capacity(8, memory, 100), new Capacity(0, used, 0));

    [Fact]
    public void The_emptiest_host_comes_first_and_equals_are_ordered_by_id() => Assert.Equal(
        ["c", "a", "b"], Server.Placement.Placement.Choose([View("b", used: 500), View("a", used: 500), View("c", used: 100)], new PlacementRequest(1, 100, 1, null)).Candidates.Select(h => h.Id));

    [Fact]
    public void Each_host_turned_away_is_counted_once_at_the_first_filter_it_fails()
    {
        var choice = Server.Placement.Placement.Choose(
            [View("a", zone: "z2"), View("b", state: "unreachable"), View("c", schedulable: false), View("d", used: 950), View("e", used: 960)], new PlacementRequest(1, 100, 1, "z1"));
        Assert.Empty(choice.Candidates);
        Assert.Equal(["zone 1", "up 1", "schedulable 1", "memory 2"], choice.Rejections.Select(r => $"{r.Filter} {r.Hosts}"));
    }

    [Fact]
    public void Pools_and_labels_turn_hosts_away_before_anything_else_is_told_of_them()
    {
        HostPoolView open = new("hp-1", "default", true, new HashSet<string>()), gold = new("hp-2", "gold", false, new HashSet<string> { "a-1" }), silver = new("hp-3", "silver", false, new HashSet<string> { "a-2", "a-1" });
        var ssd = LabelSet.Of(new Dictionary<string, string> { ["disk"] = "ssd", ["gpu"] = "" });
        HostView[] hosts = [View("a") with { Pool = open }, View("b") with { Pool = gold, Labels = ssd }, View("c", zone: "z2") with { Pool = silver, Labels = ssd }];
        string Try(PlacementRequest request)
        {
            var choice = Server.Placement.Placement.Choose(hosts, request);
            return string.Join(' ', choice.Candidates.Select(host => host.Id).Concat(choice.Rejections.Select(r => $"{r.Filter}:{r.Hosts}")));
        }
        PlacementRequest Of(string account) => new(1, 100, 1, null, Pools: HostPoolView.Given([open, gold, silver], account));
        var disk = LabelSet.Of(new Dictionary<string, string> { ["disk"] = "ssd" });
        Assert.Equal(("a b c", "a c", "a"), (Try(Of("a-1")), Try(Of("a-2")), Try(Of("a-3"))));
        Assert.Equal("b", Try(Of("a-1") with { HostPool = new Ref("hp-2", "gold") }));
        Assert.Equal("host-pool:2 host-pool-account:1", Try(Of("a-3") with { HostPool = new Ref("hp-2", "gold") }));
        Assert.Equal("c", Try(Of("a-2") with { Labels = disk }));
        Assert.Equal("host-pool-account:2 labels:1", Try(Of("a-3") with { Labels = disk }));
        Assert.Equal("host-pool-account:1 zone:1 labels:1", Try(Of("a-2") with { ZoneId = "z1", Labels = disk }));
        // Requests of accounts without pools of their own are one request.
        Assert.Equal(Of("a-3"), Of("a-4"));
        Assert.Equal(Of("a-3") with { Labels = disk }, Of("a-3") with { Labels = LabelSet.Read("{\"disk\": \"ssd\"}") });
    }

    [Fact]
    public void Labels_of_two_are_all_of_both_unless_they_clash()
    {
        LabelSet Of(params (string Key, string Value)[] labels) => LabelSet.Of(labels.ToDictionary(label => label.Key, label => label.Value));
        Assert.Equal(Of(("a", "1"), ("b", "2")), Of(("b", "2")).With(Of(("a", "1"), ("b", "2"))));
        Assert.Null(Of(("a", "1"), ("b", "2")).With(Of(("b", ""))));
        Assert.Equal(("b", null), (Of(("a", "1"), ("b", "2")).Clash(Of(("b", "3"))), Of(("a", "1")).Clash(Of(("b", "3")))));
        // No value can pass for another label.
        Assert.NotEqual(Of(("a", "1 b=2")), Of(("a", "1"), ("b", "2")));
    }

    [Fact]
    public void Without_any_host_the_answer_says_so() => Assert.Equal("none", Assert.Single(Server.Placement.Placement.Choose([], new PlacementRequest(1, 1, 1, null)).Rejections).Filter);

    [Fact]
    public void Every_host_is_either_a_candidate_with_room_or_counted_as_turned_away() => Prop.ForAll(
        Gen.Choose(0, 2000).Two().Select(pair => View($"h{pair.Item1}-{pair.Item2}", memory: pair.Item1, used: pair.Item2)).ListOf().ToArbitrary(), hosts =>
        {
            var request = new PlacementRequest(1, 100, 1, null);
            var choice = Server.Placement.Placement.Choose([.. hosts], request);
            return choice.Candidates.All(h => h.Allocated.MemoryMib + 100 <= h.Capacity.MemoryMib)
                && (choice.Candidates.Count > 0 || hosts.Count == 0 || choice.Rejections.Sum(r => r.Hosts) == hosts.Count);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Launches_at_once_never_take_more_than_there_is_nor_share_an_address()
    {
        await using var scene = await Scene.StartAsync(memoryMib: 128 * 10);
        var results = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            using var response = await scene.Tenant.SendAsync(HttpMethod.Post, "/instances", new { name = $"n{i}", flavor = "tiny", image = "tiny" });
            return (int)response.StatusCode;
        }));
        Assert.Equal(10, results.Count(status => status == 201));
        Assert.Equal(14, results.Count(status => status == 409));
        var instances = (await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items;
        Assert.Equal(10, instances.Select(i => i.Interfaces[0].Address).Distinct().Count());
        Assert.Equal(10, instances.Select(i => i.Interfaces[0].FloatingAddress).Distinct().Count());
        var host = await scene.Admin.GetAsync<Host>("/hosts/host-1");
        Assert.Equal((1280, 10), (host.Allocated.MemoryMib, host.Instances));
        var problem = await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "more", flavor = "tiny", image = "tiny" }, ("Accept-Language", "ja"));
        Assert.Equal(("insufficient-capacity", "1 台のホストは空きメモリが 128 MiB 未満です"), (problem.Code, problem.Reasons![0].Message));
        // A launch of several is all or nothing.
        await scene.Tenant.DeleteAsync<Instance>("/instances/" + instances[0].Id);
        await scene.Host.ObeyAsync();
        await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "pair", flavor = "tiny", image = "tiny", count = 2 });
        Assert.Equal(9, (await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items.Count);
        Assert.Equal(128 * 9, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.MemoryMib);
    }

    [Fact]
    public async Task A_full_subnet_answers_clearly_and_freed_addresses_come_back()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "small", subnets = new[] { new { cidr = "10.5.0.0/28" } } });
        var body = new { name = "n", flavor = "tiny", image = "tiny", network = "small", count = 13 };
        await scene.Tenant.SendAsync(HttpMethod.Post, "/instances", body);
        var all = (await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items;
        Assert.Equal(13, all.Count);
        Assert.Equal(0, (await scene.Tenant.GetAsync<Page<Subnet>>("/subnets?network=small")).Items[0].FreeAddresses);
        Assert.Equal("addresses-exhausted", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "x", flavor = "tiny", image = "tiny", network = "small" })).Code);
        await scene.Tenant.DeleteAsync<Instance>("/instances/n-3");
        await scene.Host.ObeyAsync();
        var again = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "x", flavor = "tiny", image = "tiny", network = "small" });
        Assert.Equal(all.Single(i => i.Name == "n-3").Interfaces[0].Address, again.Interfaces[0].Address);
    }
}
