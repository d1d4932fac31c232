using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.LoadBalancers;

/// <summary>What hosts see of listeners and members, kept and added up.</summary>
public sealed class LoadBalancerSightTests
{
    private static readonly DateTimeOffset Since = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static ObservedListener Sight(LoadBalancerListener listener, long count, params string[] healths) => new(
        listener.Id, Since, count, 10 * count, 100 * count, 1000 * count,
        [.. listener.Members.Zip(healths, (member, health) => new ObservedBackend(member.Id, health, health == BackendHealth.Unhealthy ? "refused" : null, Since, count, 2 * count, 3 * count, 4 * count))]);

    private static async Task<(Scene Scene, FakeHost Other, LoadBalancer Made)> StartAsync()
    {
        var scene = await Scene.StartAsync();
        var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        foreach (var (name, host) in new[] { ("a", "host-1"), ("b", "host-2") })
        {
            using var response = await scene.Admin.SendAsync(HttpMethod.Post, "/instances", new { name, flavor = "small", image = "tiny", floating = false, host }, ("Kumoi-Account", "acme"));
            Assert.True(response.IsSuccessStatusCode);
        }
        var made = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new[] { new { port = 80 } }, members = new[] { new { instance = "a" }, new { instance = "b" } } });
        return (scene, other, made);
    }

    [Fact]
    public async Task Figures_are_added_up_and_health_is_what_all_hosts_say()
    {
        var (scene, other, made) = await StartAsync();
        await using var _ = scene;
        using var __ = other;
        var listener = made.Listeners[0];
        await scene.Host.ReportListenersAsync(false, Sight(listener, 1, BackendHealth.Healthy, BackendHealth.Unhealthy));
        await other.ReportListenersAsync(true, Sight(listener, 5, BackendHealth.Healthy, BackendHealth.Healthy));
        var seen = (await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners[0];
        Assert.Equal(new Traffic(6, 60, 600, 6000), seen.Traffic);
        Assert.Equal(("healthy", 2, 0, null), (seen.Members[0].Health, seen.Members[0].HealthyHosts, seen.Members[0].UnhealthyHosts, seen.Members[0].Reason));
        Assert.Equal(("mixed", 1, 1, "refused", Since), (seen.Members[1].Health, seen.Members[1].HealthyHosts, seen.Members[1].UnhealthyHosts, seen.Members[1].Reason, seen.Members[1].Since));
        Assert.Equal(new Traffic(6, 12, 18, 24), seen.Members[1].Traffic);
        var told = await scene.Tenant.GetAsync<Explanation>("/explain/lb1");
        Assert.Contains("balancer-mixed", told.Observed.Select(statement => statement.Reason));
        // The last that a host says counts; the others are as they were.
        await other.ReportListenersAsync(false, Sight(listener, 0, BackendHealth.Unhealthy, BackendHealth.Unhealthy));
        seen = (await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners[0];
        Assert.Equal(["mixed", "unhealthy"], seen.Members.Select(member => member.Health));
        Assert.Equal(1, seen.Traffic.Active);
        // A full report without it: the host has no part of it any more.
        await other.ReportListenersAsync(true);
        Assert.Equal(["healthy", "unhealthy"], (await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners[0].Members.Select(member => member.Health));
        // Of a host that does not report nobody knows.
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'unreachable' WHERE id = $1", default, scene.Host.Id);
        Assert.All((await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners[0].Members, member => Assert.Equal("unknown", member.Health));
    }

    [Fact]
    public async Task A_host_speaks_of_the_networks_that_it_carries_only()
    {
        var (scene, other, made) = await StartAsync();
        await using var _ = scene;
        using var __ = other;
        using var stranger = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-3"));
        var nothing = new ObservedListener("lsn-1a1fe842c555fab6b", Since, 1, 1, 1, 1, []);
        Assert.Equal(200, (int)await stranger.ReportListenersAsync(true, Sight(made.Listeners[0], 1, BackendHealth.Unhealthy, BackendHealth.Unhealthy), nothing));
        Assert.Equal(200, (int)await scene.Host.ReportListenersAsync(true, nothing, Sight(made.Listeners[0], 1, BackendHealth.Healthy, BackendHealth.Healthy)));
        Assert.All((await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners[0].Members, member => Assert.Equal(("healthy", 1), (member.Health, member.HealthyHosts)));
    }

    [Fact]
    public async Task What_makes_no_sense_is_bounded_and_never_costs_a_report()
    {
        var (scene, other, made) = await StartAsync();
        await using var _ = scene;
        using var __ = other;
        var listener = made.Listeners[0];
        var strange = new ObservedListener(listener.Id, default, -1, long.MaxValue, long.MinValue, 5,
        [
            new(listener.Members[0].Id, "splendid", "a\0b\ud83d" + new string('x', 500), DateTimeOffset.MaxValue, -5, long.MaxValue, 0, 0), new("\0", "healthy", null, Since, 0, 0, 0, 0), new(listener.Members[1].Id, "unhealthy", "no\nroute", Since, 0, 0, 0, 0),
        ]);
        Assert.Equal(200, (int)await scene.Host.ReportListenersAsync(true, strange, strange));
        Assert.Equal(200, (int)await other.ReportListenersAsync(true, strange with { Id = "\0" }, strange));
        var seen = (await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners[0];
        Assert.Equal((0, 1L << 51, 0, 10), (seen.Traffic.Active, seen.Traffic.Connections, seen.Traffic.BytesIn, seen.Traffic.BytesOut));
        Assert.Equal(("unknown", "unhealthy", "no route"), (seen.Members[0].Health, seen.Members[1].Health, seen.Members[1].Reason));
        Assert.Equal(200, LoadBalancerObservation.Bounded(strange).Members[0].Reason!.Length);
    }

    [Fact]
    public async Task A_host_without_load_balancers_costs_nothing()
    {
        await using var scene = await Scene.StartAsync();
        var observation = new LoadBalancerObservation(null!);
        // Without a database nothing can have been asked of it.
        await observation.ObserveAsync([(scene.Host.Id, new ObservedReport(true, 0, FakeHost.Facts("host-1"), [], [], []))], default);
        Assert.Equal(200, (int)await scene.Host.ReportAsync());
    }
}
