using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Recovery;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Hosts;

/// <summary>Hosts that will not come back, and what was on them.</summary>
public sealed class LostHostTests
{
    // A long heartbeat, so that hosts which the test lets be silent for a while are not taken for lost on a slow machine.
    private static async Task<Scene> StartAsync()
    {
        var scene = await Scene.StartAsync(configure: options => options with { HeartbeatSeconds = 60 });
        await scene.Host.ReportAsync();
        return scene;
    }

    private static async Task<FakeHost> JoinAsync(Scene scene, HostFacts facts)
    {
        var host = await FakeHost.JoinAsync(scene.Cloud, facts);
        await host.ReportAsync();
        return host;
    }

    private static async Task SilenceAsync(TestCloud cloud, string host)
    {
        await cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET heard_at = clock_timestamp() - interval '240 seconds' WHERE name = $1", default, host);
        await cloud.Services.GetRequiredService<HostWatch>().LookAsync(TimeSpan.FromHours(1), default);
    }

    [Fact]
    public async Task A_lost_host_takes_its_instances_along_and_everything_of_them_is_given_back()
    {
        await using var scene = await StartAsync();
        var other = await scene.Cloud.TenantAsync("other");
        var first = await scene.LaunchAsync("web-1");
        var second = await other.PostAsync<Instance>("/instances", new { name = "db", flavor = "small", image = "tiny" });
        await scene.Host.ObeyAsync();
        // Its owner wants it gone, and only the dead host could say that it is.
        await scene.LaunchAsync("leaving");
        await scene.Host.ObeyAsync();
        await scene.Tenant.DeleteAsync<Instance>("/instances/leaving");
        using var living = await JoinAsync(scene, FakeHost.Facts("host-2"));
        await scene.Admin.SendAsync(HttpMethod.Put, "/hosts/host-1", new { schedulable = false });
        var elsewhere = await scene.LaunchAsync("web-2");
        Assert.Equal("host-2", elsewhere.Host.Name);
        var group = await scene.Tenant.PostAsync<SecurityGroup>("/security-groups", new { name = "web" });
        await scene.Tenant.SendAsync(HttpMethod.Put, "/instances/web-1/security-groups", new { securityGroups = new[] { "web" } });
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/security-groups/web")).Code);
        var network = first.Interfaces[0].Network.Id;
        var peers = (await living.DesiredAsync())!.Networks.Single(n => n.Id == network).PeersRevision;

        Assert.Equal("in-use", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/hosts/host-1")).Code);
        var notDown = await scene.Admin.FailAsync(409, HttpMethod.Delete, "/hosts/host-1?lost=true");
        Assert.Equal("host-not-down", notDown.Code);
        Assert.Contains("kumoi host fence host-1", notDown.Detail, StringComparison.Ordinal);
        await SilenceAsync(scene.Cloud, "host-1");
        Assert.Equal("host-not-down", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/hosts/host-1?lost=true")).Code);
        await scene.Admin.PostAsync<Host>("/hosts/host-1/fence");
        Assert.Equal("invalid-request", (await scene.Admin.FailAsync(400, HttpMethod.Delete, "/hosts/host-1?lost=yes")).Code);
        Assert.Equal("in-use", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/hosts/host-1")).Code);
        Assert.Equal(204, (int)(await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")).StatusCode);

        Assert.Equal(["host-2"], (await scene.Admin.GetAsync<Page<Host>>("/hosts")).Items.Select(h => h.Name));
        Assert.Equal(["web-2"], (await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items.Select(i => i.Name));
        Assert.Empty((await other.GetAsync<Page<Instance>>("/instances")).Items);
        // Each owner reads it in the own log; what was asked for before is not told as asked again.
        var told = (await other.GetAsync<Page<Event>>($"/events?resource={second.Id}&action=instance.terminate")).Items.Single();
        Assert.Equal("Host host-1 was removed as lost, and the only disk with it.", told.Message);
        Assert.Equal("admin", told.Actor.Name);
        Assert.Single((await other.GetAsync<Page<Event>>($"/events?resource={second.Id}&action=instance.terminated")).Items);
        Assert.Single((await scene.Tenant.GetAsync<Page<Event>>("/events?resource=leaving&action=instance.terminate")).Items);
        Assert.Single((await scene.Tenant.GetAsync<Page<Event>>("/events?resource=leaving&action=instance.terminated")).Items);
        Assert.Contains("3 instances", (await scene.Admin.GetAsync<Page<Event>>("/events?action=host.delete")).Items.Single().Message, StringComparison.Ordinal);
        // Addresses, floating addresses, groups, room: nothing is held by what is gone, and the others of the network hear of it.
        Assert.Equal(204, (int)(await scene.Tenant.SendAsync(HttpMethod.Delete, $"/security-groups/{group.Id}")).StatusCode);
        Assert.Equal(1, await scene.Cloud.Services.GetRequiredService<Database>().FindAsync("SELECT count(*)::int FROM floating_addresses", row => row.GetInt32(0), default));
        Assert.True((await living.DesiredAsync())!.Networks.Single(n => n.Id == network).PeersRevision > peers);
        var findings = (await scene.Admin.GetAsync<DoctorReport>("/doctor")).Findings;
        Assert.All(findings.Where(f => f.Check is "counters" or "addresses"), f => Assert.Equal("ok", f.Severity));
        Assert.Equal(elsewhere.MemoryMib, (await scene.Admin.GetAsync<Host>("/hosts/host-2")).Allocated.MemoryMib);

        // The machine returns: it is nobody, and hears of nothing that it could take for an order to destroy.
        Assert.Equal(HttpStatusCode.Unauthorized, await scene.Host.ReportAsync(new ObservedInstance(first.Id, 1, 1, PowerState.Running, 1, DateTimeOffset.UnixEpoch, [])));
        Assert.Equal(HttpStatusCode.Unauthorized, (await Assert.ThrowsAsync<HttpRequestException>(() => scene.Host.DesiredAsync())).StatusCode);
    }

    [Fact]
    public async Task Instances_whose_disks_survive_are_not_ended_with_the_host()
    {
        await using var scene = await StartAsync();
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Storage = "nfs-1" });
        foreach (var (name, recovery) in new[] { ("moves", "restart"), ("waits", "wait"), ("leaving", "wait") })
            await scene.Tenant.PostAsync<Instance>("/instances", new { name, flavor = "tiny", image = "tiny", recovery });
        await scene.Host.ObeyAsync();
        await scene.Tenant.DeleteAsync<Instance>("/instances/leaving");
        await SilenceAsync(scene.Cloud, "host-1");
        await scene.Admin.PostAsync<Host>("/hosts/host-1/fence");
        async Task<IEnumerable<string>> RefusedAsync()
        {
            var refused = await scene.Admin.FailAsync(409, HttpMethod.Delete, "/hosts/host-1?lost=true");
            Assert.Equal("instances-survive", refused.Code);
            return refused.UsedBy!.Select(used => used.Name);
        }
        Assert.Equal(["moves", "waits"], await RefusedAsync());
        using var second = await JoinAsync(scene, FakeHost.Facts("host-2") with { Storage = "nfs-1" });
        await scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal(["waits"], await RefusedAsync());
        await scene.Tenant.PutAsync<Instance>("/instances/waits/recovery", new { recovery = "restart" });
        await scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal(204, (int)(await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")).StatusCode);
        Assert.Equal(["moves", "waits"], (await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items.Select(i => i.Name).Order());
    }

    [Fact]
    public async Task An_operators_word_frees_what_a_lease_did_not_know()
    {
        await using var scene = await StartAsync();
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Storage = "nfs-1" });
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", image = "tiny" });
        await scene.Host.ObeyAsync();
        await scene.Tenant.PutAsync<Instance>("/instances/web-1/recovery", new { recovery = "restart" });
        using var second = await JoinAsync(scene, FakeHost.Facts("host-2") with { Storage = "nfs-1" });
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = clock_timestamp(), fenced_by = 'lease', heard_at = clock_timestamp() - interval '570 seconds' WHERE name = 'host-1'", default);
        await scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal("host-1", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Host.Name);
        Assert.Equal("operator", (await scene.Admin.PostAsync<Host>("/hosts/host-1/fence")).FencedBy);
        await scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal("host-2", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Host.Name);
    }
}
