using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Instances;

public sealed class InstanceLifeTests
{
    private static async Task<string[]> ActionsAsync(Scene scene, string id) =>
        [.. (await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={id}")).Items.Select(e => e.Action).Reverse()];

    [Fact]
    public async Task An_instance_lives_from_launch_to_termination()
    {
        await using var scene = await Scene.StartAsync();
        var before = (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated;
        var instance = await scene.LaunchAsync("web-1");
        Assert.Equal(("pending", "running", "198.18.0.2"), (instance.State, instance.Desired, instance.Interfaces[0].FloatingAddress));
        Assert.Equal(before.MemoryMib + 256, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.MemoryMib);

        var desired = (await scene.Host.DesiredAsync())!;
        var own = Assert.Single(desired.Instances);
        Assert.Equal((instance.Id, "web-1", 1, 1), (own.Id, own.Hostname, own.BootEpoch, own.Incarnation));
        Assert.Equal(instance.Interfaces[0].Address, Assert.Single(own.Interfaces).Address);
        Assert.Equal(scene.Image.Sha256, Assert.Single(desired.Images).Sha256);

        async Task<Instance> AfterAsync(Task<Instance> change, string state)
        {
            await change;
            var waiting = scene.Tenant.GetAsync<Instance>($"/instances/web-1?wait={state}&timeout=20");
            await scene.Host.ObeyAsync();
            return await waiting;
        }
        await AfterAsync(Task.FromResult(instance), "running");
        await AfterAsync(scene.Tenant.PostAsync<Instance>("/instances/web-1/stop"), "stopped");
        var started = await AfterAsync(scene.Tenant.PostAsync<Instance>("/instances/web-1/start"), "running");
        Assert.Equal(instance.Interfaces[0].Address, started.Interfaces[0].Address);
        var rebooted = await AfterAsync(scene.Tenant.PostAsync<Instance>("/instances/web-1/reboot"), "running");
        Assert.Equal(2, rebooted.BootEpoch);
        var shutting = await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        Assert.Equal("shutting-down", shutting.State);
        await scene.Host.ObeyAsync();
        var gone = await scene.Tenant.GetAsync<Instance>($"/instances/{instance.Id}?wait=terminated&timeout=20");
        Assert.Equal("terminated", gone.State);

        Assert.Equal(before, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items);
        Assert.Single((await scene.Tenant.GetAsync<Page<Instance>>("/instances?state=terminated")).Items);
        await scene.Tenant.FailAsync(404, HttpMethod.Get, "/instances/web-1");
        Assert.Empty((await scene.Host.DesiredAsync())!.Instances);
        Assert.Equal(
            ["instance.launch", "instance.running", "instance.stop", "instance.stopped", "instance.start", "instance.running", "instance.reboot", "instance.rebooted", "instance.terminate", "instance.terminated"],
            await ActionsAsync(scene, instance.Id));
    }

    [Fact]
    public async Task Reports_that_are_late_repeated_or_of_another_placement_change_nothing()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web-1");
        var own = (await scene.Host.DesiredAsync())!.Instances[0];
        var running = FakeHost.Obeyed(own);
        for (var i = 0; i < 3; i++) await scene.Host.ReportAsync(running);
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/stop");
        await scene.Host.ObeyAsync();
        // Late: the guest was running, before the stop was obeyed.
        await scene.Host.ReportAsync(running);
        Assert.Equal("stopped", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State);
        await scene.Host.ReportAsync(running with { Incarnation = 2, Generation = 2 }, running with { Generation = 99 });
        Assert.Equal("stopped", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State);
        // Absent without having been told to terminate is no termination.
        await scene.Host.ReportAsync(running with { Power = PowerState.Absent, Generation = 2, StartedAt = null, BootEpoch = 0 });
        Assert.Null((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).TerminatedAt);
        Assert.Equal(["instance.launch", "instance.running", "instance.stop", "instance.stopped"], await ActionsAsync(scene, instance.Id));
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        await other.ReportAsync(running with { Generation = 2 });
        Assert.NotEqual("running", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State);
    }

    [Fact]
    public async Task A_lost_guest_a_guest_that_switches_itself_off_and_a_condition_become_events()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web-1");
        var own = (await scene.Host.DesiredAsync())!.Instances[0];
        var running = FakeHost.Obeyed(own);
        await scene.Host.ReportAsync(running);
        await scene.Host.ReportAsync(running with { StartedAt = running.StartedAt!.Value.AddMinutes(1) });
        await scene.Host.ReportAsync(running with { Power = PowerState.Stopped, StartedAt = null, BootEpoch = 0, Generation = 1, Conditions = [new Condition("StartFailed", "disk-full", "The disk is full.", DateTimeOffset.UnixEpoch, null)] });
        Assert.Equal("The disk is full.", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Conditions.Single().Message);
        await scene.Host.ReportAsync(running);
        await scene.Host.ReportAsync(running with { Power = PowerState.Shutdown });
        Assert.Equal("stopped", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Desired);
        Assert.Equal("stopped", (await scene.Host.DesiredAsync())!.Instances[0].Desired);
        await scene.Host.ObeyAsync();
        Assert.Equal("stopped", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State);
        Assert.Equal(
            ["instance.launch", "instance.running", "instance.restarted", "instance.lost", "instance.running", "instance.guest-shutdown", "instance.stopped"], await ActionsAsync(scene, instance.Id));
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web-1");
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "web-1", flavor = "small", image = "tiny" })).Code);
        Assert.Equal("not-running", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances/web-1/console", new { kind = "serial" })).Code);
        Assert.Equal("wait-timeout", (await scene.Tenant.FailAsync(408, HttpMethod.Get, "/instances/web-1?wait=running&timeout=1")).Code);
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/stop");
        Assert.Equal("not-running", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances/web-1/reboot")).Code);
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        Assert.Equal("being-terminated", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances/web-1/start")).Code);
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
    }

    [Fact]
    public async Task What_is_in_use_names_its_users_when_it_is_to_be_removed()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<SecurityGroup>("/security-groups", new { name = "web" });
        await scene.Tenant.PostAsync<SecurityGroup>("/security-groups", new { name = "db", rules = new[] { new { protocol = "tcp", fromPort = 5432, group = "web" } } });
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", image = "tiny", securityGroups = new[] { "web" } });
        foreach (var path in (string[])["/networks/default", "/subnets/default", "/security-groups/web"])
            Assert.Contains("web-1", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, path)).UsedBy!.Select(u => u.Name));
        Assert.Contains("db", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/security-groups/web")).UsedBy!.Select(u => u.Name));
        foreach (var path in (string[])["/images/tiny", "/hosts/host-1", "/accounts/acme"])
            Assert.Contains("web-1", (await scene.Admin.FailAsync(409, HttpMethod.Delete, path)).UsedBy!.Select(u => u.Name));
        Assert.Contains("host-1", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/zones/default")).UsedBy!.Select(u => u.Name));
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyAsync();
        foreach (var path in (string[])["/security-groups/db", "/security-groups/web", "/networks/default"]) Assert.Equal(204, (int)(await scene.Tenant.SendAsync(HttpMethod.Delete, path)).StatusCode);
        foreach (var path in (string[])["/images/tiny", "/accounts/acme", "/hosts/host-1", "/zones/default"]) Assert.Equal(204, (int)(await scene.Admin.SendAsync(HttpMethod.Delete, path)).StatusCode);
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, await scene.Host.ReportAsync());
    }

    [Fact]
    public async Task A_guest_that_goes_down_for_a_reboot_has_not_switched_itself_off()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web-1");
        await scene.Host.ObeyAsync();
        var running = FakeHost.Obeyed((await scene.Host.DesiredAsync())!.Instances[0]);
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/reboot");
        // The host is at it: the old process is off, the new one not yet started, and the generation not yet done.
        await scene.Host.ReportAsync(running with { Power = PowerState.Shutdown });
        Assert.Equal("running", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Desired);
        await scene.Host.ObeyAsync();
        Assert.Equal(("running", 2), (await scene.Tenant.GetAsync<Instance>("/instances/web-1")) is var back ? (back.State, back.BootEpoch) : default);
        // Now it is the guest's own doing.
        var own = FakeHost.Obeyed((await scene.Host.DesiredAsync())!.Instances[0]);
        await scene.Host.ReportAsync(own with { Power = PowerState.Shutdown });
        Assert.Equal("stopped", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Desired);
    }

    [Fact]
    public async Task A_change_at_one_server_reaches_a_host_that_asks_another_whose_bell_did_not_ring()
    {
        await using var scene = await Scene.StartAsync();
        // A second server over the same records. Neither may have heard of the other yet, so that nobody is told: then looking finds it.
        await using var second = await TestCloud.StartAsync(options => scene.Cloud.Options with { Listen = options.Listen, AgentListen = options.AgentListen });
        var client = second.Anonymous();
        client.Http.DefaultRequestHeaders.Authorization = scene.Tenant.Http.DefaultRequestHeaders.Authorization;
        var revision = (await scene.Host.DesiredAsync())!.Revision;
        var waiting = scene.Host.DesiredAsync(revision, 20);
        await client.PostAsync<Instance>("/instances", new { name = "elsewhere", flavor = "tiny", image = "tiny" });
        Assert.Equal("elsewhere", (await waiting)!.Instances.Single().Name);
    }

    [Fact]
    public async Task A_silent_host_is_unreachable_and_takes_nothing_new_but_loses_nothing()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web-1");
        await scene.Host.ObeyAsync();
        var database = (Server.Platform.Postgres.Database)scene.Cloud.Services.GetService(typeof(Server.Platform.Postgres.Database))!;
        await database.ExecuteAsync("UPDATE hosts SET heard_at = heard_at - interval '40 seconds'", default);
        await ((Server.Hosts.HostWatch)scene.Cloud.Services.GetService(typeof(Server.Hosts.HostWatch))!).LookAsync(TimeSpan.FromHours(1), default);
        Assert.Equal("unreachable", (await scene.Admin.GetAsync<Host>("/hosts/host-1")).State);
        Assert.Equal("running", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State);
        var refused = await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "web-2", flavor = "tiny", image = "tiny" });
        Assert.Equal(("insufficient-capacity", "up", 1), (refused.Code, refused.Reasons![0].Filter, refused.Reasons![0].Hosts));
        await scene.Host.ObeyAsync();
        Assert.Equal("up", (await scene.Admin.GetAsync<Host>("/hosts/host-1")).State);
    }
}
