using FsCheck;
using FsCheck.Fluent;
using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Recovery;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Recovery;

/// <summary>Goal: an instance that moves stays where its group's policy allows, and its owner is told when that keeps it.</summary>
public sealed class GroupRecoveryTests
{
    private static HostView View(string name, string state = "up", int memory = 1000, bool maintenance = false) =>
        new(name, name, "z1", state, true, new Capacity(8, memory, 100), new Capacity(0, 0, 0), "nfs-1", maintenance);

    private static AffectedInstance One(string name, GroupView group, bool movable = true, bool running = true) =>
        new(name, name, "running", movable ? "restart" : "wait", 0, "nfs-1", running, new Capacity(1, 400, 1), "z1", group);

    private static GroupView Group(string policy, params string[] hosts) => new("pg-1", "web", policy, hosts.GroupBy(h => h).ToDictionary(h => h.Key, h => h.Count()));

    private static string[] Plan(HostView host, AffectedInstance[] instances, params HostView[] others) =>
        [.. RecoveryPlanner.Plan(host, instances, [host, .. others]).Select(step => $"{string.Join('+', step.Instances.Select(i => i.Name))}: {step.Reason} {string.Join(' ', step.Candidates.Select(c => c.Id))}".Trim())];

    [Fact]
    public void An_anti_affinity_group_keeps_the_second_of_two_that_could_only_share_a_host()
    {
        var group = Group("anti-affinity", "a", "b");
        Assert.Equal(["x: host-down c"], Plan(View("a", "down"), [One("x", group)], View("b"), View("c")));
        Assert.Equal(["x: placement-group"], Plan(View("a", "down"), [One("x", group)], View("b")));
        // Without room anywhere it is not the group that keeps it.
        Assert.Equal(["x: no-capacity"], Plan(View("a", "down"), [One("x", group)], View("b", memory: 100)));
    }

    [Fact]
    public void Those_of_an_affinity_group_move_together_or_stay_together()
    {
        var group = Group("affinity", "a", "a");
        Assert.Equal(["x+y: host-down c"], Plan(View("a", "down"), [One("x", group), One("y", group)], View("b", memory: 700), View("c")));
        Assert.Equal(["x: placement-group", "y: placement-group"], Plan(View("a", "down"), [One("x", group), One("y", group)], View("b", memory: 700)));
        Assert.Equal(["y: host-down", "x: placement-group"], Plan(View("a", "down"), [One("x", group), One("y", group, movable: false)], View("b")));
        Assert.Equal(["y: host-maintenance", "x: placement-group"], Plan(View("a", maintenance: true), [One("x", group, running: false), One("y", group)], View("b")));
        Assert.Equal(["x: host-unreachable", "y: host-unreachable"], Plan(View("a", "unreachable"), [One("x", group), One("y", group)], View("b")));
    }

    [Theory]
    [InlineData("soft-affinity", "x: host-down b c", "y: host-down b c")]
    [InlineData("soft-anti-affinity", "x: host-down c b", "y: host-down b c")]
    public void Soft_policies_order_the_hosts_and_keep_nobody(string policy, string first, string second) =>
        Assert.Equal([first, second], Plan(View("a", "down"), [One("x", Group(policy, "a", "a", "b")), One("y", Group(policy, "a", "a", "b"))], View("b"), View("c")));

    /// <summary>Goal: no plan breaks a hard policy. Method: members of two groups, anywhere their policies admit, on hosts with little room; lose a host, and put everything where the plan puts it first.</summary>
    [Fact]
    public void No_plan_breaks_a_hard_policy() => Prop.ForAll(
        Gen.Choose(1, 5).ArrayOf(12 + 12 + 6).ToArbitrary(), drawn =>
        {
            var (places, movable, room) = (drawn[..12], drawn[12..24].Select(n => n > 1).ToArray(), drawn[24..].Select(n => n * 300).ToArray());
            var hosts = Enumerable.Range(1, 6).Select(i => View($"h{i}", i == 1 ? "down" : "up", room[i - 1])).ToArray();
            // The first six are in an anti-affinity group, unless the host they drew has one of it; the others are in an affinity group, which is where the first of them is.
            var on = places.Select((place, i) => (Name: $"i{i:00}", Host: i < 6 ? $"h{place}" : $"h{places[6]}", Policy: i < 6 ? "anti-affinity" : "affinity", Movable: movable[i]))
                .GroupBy(one => one.Policy == "affinity" ? (one.Name, "") : (one.Host, one.Policy)).Select(one => one.First()).ToDictionary(one => one.Name);
            var groups = on.Values.GroupBy(one => one.Policy).ToDictionary(g => g.Key, g => new GroupView(g.Key, g.Key, g.Key, g.GroupBy(one => one.Host).ToDictionary(h => h.Key, h => h.Count())));
            var lost = on.Values.Where(one => one.Host == "h1").Select(one => One(one.Name, groups[one.Policy], one.Movable)).ToArray();
            var steps = RecoveryPlanner.Plan(hosts[0], lost, hosts);
            foreach (var step in steps.Where(step => step.Candidates.Count > 0))
                foreach (var moved in step.Instances) on[moved.Id] = on[moved.Id] with { Host = step.Candidates[0].Id };
            var (spread, together) = (on.Values.Where(one => one.Policy == "anti-affinity").ToList(), on.Values.Where(one => one.Policy == "affinity"));
            return steps.Sum(step => step.Instances.Count) == lost.Length && spread.DistinctBy(one => one.Host).Count() == spread.Count && together.DistinctBy(one => one.Host).Count() == 1
                && steps.Where(step => step.Candidates.Count > 0).All(step => step.Instances.All(one => one.Movable));
        }).QuickCheckThrowOnFailure();

    private static async Task<(Scene Scene, FakeHost[] Hosts)> SceneAsync(int hosts, string policy)
    {
        var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Storage = "nfs-1" });
        var others = new List<FakeHost>();
        for (var i = 2; i <= hosts; i++) others.Add(await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts($"host-{i}") with { Storage = "nfs-1" }));
        await scene.Tenant.PostAsync<PlacementGroup>("/placement-groups", new { name = "web", policy });
        return (scene, [scene.Host, .. others]);
    }

    private static Task<Instance> LaunchAsync(Scene scene, string name, string recovery = "restart") =>
        scene.Tenant.PostAsync<Instance>("/instances", new { name, flavor = "tiny", image = "tiny", recovery, placementGroup = "web" });

    private static async Task LoseAsync(Scene scene, string host)
    {
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET heard_at = clock_timestamp() - interval '95 s' WHERE name = $1", default, host);
        await scene.Cloud.Services.GetRequiredService<HostWatch>().LookAsync(TimeSpan.FromHours(1), default);
        await scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
    }

    private static Task<Instance> GetAsync(Scene scene, string name) => scene.Tenant.GetAsync<Instance>($"/instances/{name}");

    [Fact]
    public async Task An_anti_affinity_group_makes_an_instance_wait_until_a_host_without_a_member_joins()
    {
        var (scene, hosts) = await SceneAsync(2, "anti-affinity");
        await using var _ = scene;
        var first = await LaunchAsync(scene, "web-1");
        var second = await LaunchAsync(scene, "web-2");
        Assert.NotEqual(first.Host.Name, second.Host.Name);
        foreach (var host in hosts) await host.ObeyAsync();

        await LoseAsync(scene, first.Host.Name);
        var waiting = await GetAsync(scene, "web-1");
        Assert.Equal((first.Host.Name, "placement-group"), (waiting.Host.Name, waiting.Conditions.Single().Reason));
        Assert.Contains("the anti-affinity group web admits no other host", waiting.Conditions[0].Message, StringComparison.Ordinal);
        var why = await scene.Tenant.GetAsync<Explanation>("/explain/web-1");
        Assert.Equal(["waits-capacity", "filter.anti-affinity"], why.WaitingFor.Select(s => s.Reason));
        Assert.Contains("placed-anti-affinity", why.Placement.Select(s => s.Reason));
        Assert.Equal("Its placement group keeps it where it is.", why.Conditions.Single().Message);

        using var third = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-3") with { Storage = "nfs-1" });
        await scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal("host-3", (await GetAsync(scene, "web-1")).Host.Name);
        Array.ForEach(hosts[1..], host => host.Dispose());
    }

    [Fact]
    public async Task An_affinity_group_moves_as_one()
    {
        var (scene, hosts) = await SceneAsync(3, "affinity");
        await using var _ = scene;
        var lost = (await LaunchAsync(scene, "web-1")).Host.Name;
        await LaunchAsync(scene, "web-2");
        await hosts.Single(host => host.Name == lost).ObeyAsync();
        Assert.Contains("recovery-group", (await scene.Tenant.GetAsync<Explanation>("/explain/web-1")).Recovery.Select(s => s.Reason));

        await LoseAsync(scene, lost);
        var (one, two) = (await GetAsync(scene, "web-1"), await GetAsync(scene, "web-2"));
        Assert.NotEqual(lost, one.Host.Name);
        Assert.Equal(one.Host, two.Host);
        Assert.Equal((0, 0), (await scene.Admin.GetAsync<Host>($"/hosts/{lost}")) is var left ? (left.Instances, left.Allocated.MemoryMib) : default);
        Assert.Equal((2, 256), (await scene.Admin.GetAsync<Host>($"/hosts/{one.Host.Id}")) is var now ? (now.Instances, now.Allocated.MemoryMib) : default);
        Assert.Single((await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={two.Id}&action=instance.recover")).Items);
        Array.ForEach(hosts[1..], host => host.Dispose());
    }

    [Fact]
    public async Task One_that_cannot_move_keeps_its_affinity_group_with_it()
    {
        var (scene, hosts) = await SceneAsync(2, "affinity");
        await using var _ = scene;
        var lost = (await LaunchAsync(scene, "web-1")).Host.Name;
        await LaunchAsync(scene, "fixed", "wait");
        await hosts.Single(host => host.Name == lost).ObeyAsync();
        await LoseAsync(scene, lost);
        var waiting = await GetAsync(scene, "web-1");
        Assert.Equal((lost, "placement-group"), (waiting.Host.Name, waiting.Conditions.Single().Reason));
        Assert.Contains("keeps the instance together with fixed", waiting.Conditions[0].Message, StringComparison.Ordinal);
        var why = await scene.Tenant.GetAsync<Explanation>("/explain/web-1");
        Assert.Equal(["waits-group"], why.WaitingFor.Select(s => s.Reason));
        Assert.Contains("recovery-group-stays", why.Recovery.Select(s => s.Reason));

        // Once it may move too, both go.
        await scene.Tenant.PutAsync<Instance>("/instances/fixed/recovery", new { recovery = "restart" });
        await scene.Admin.SendAsync(HttpMethod.Post, $"/hosts/{lost}/fence");
        await scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal((await GetAsync(scene, "web-1")).Host, (await GetAsync(scene, "fixed")).Host);
        Array.ForEach(hosts[1..], host => host.Dispose());
    }
}
