using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Recovery;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Recovery;

/// <summary>Hosts that fall silent: what is said of them, and what becomes of their instances.</summary>
public sealed class RecoveryTests
{
    private static readonly TimeSpan Watched = TimeSpan.FromHours(1);

    private static T Get<T>(TestCloud cloud) where T : class => (T)cloud.Services.GetService(typeof(T))!;

    private static async Task SilenceAsync(TestCloud cloud, string host, int seconds)
    {
        await Get<Database>(cloud).ExecuteAsync("UPDATE hosts SET heard_at = clock_timestamp() - make_interval(secs => $2) WHERE name = $1", default, host, (double)seconds);
        await Get<HostWatch>(cloud).LookAsync(Watched, default);
        await Get<RecoveryController>(cloud).LookAsync(default);
    }

    private static HostFacts Shared(string name) => FakeHost.Facts(name) with { Storage = "nfs-1" };

    private static async Task<Scene> SharedSceneAsync()
    {
        var scene = await Scene.StartAsync();
        // The scene's first host keeps disks of its own; the storage is known from the first report on.
        await scene.Host.ReportAsFactsAsync(Shared("host-1"));
        return scene;
    }

    [Theory]
    [InlineData("up", 29, 3600, "up")]
    [InlineData("up", 30, 3600, "unreachable")]
    [InlineData("unreachable", 89, 3600, "unreachable")]
    [InlineData("unreachable", 90, 3600, "down")]
    [InlineData("up", 90, 3600, "down")]
    [InlineData("down", 0, 0, "down")]
    [InlineData("up", 3600, 29, "up")]
    [InlineData("unreachable", 3600, 89, "unreachable")]
    [InlineData("unreachable", 3600, 0, "unreachable")]
    public void Silence_counts_as_far_as_somebody_listened(string state, int silence, int watched, string next) =>
        Assert.Equal(next, HostStates.Next(state, TimeSpan.FromSeconds(silence), TimeSpan.FromSeconds(watched), 10));

    [Theory]
    [InlineData(10, null, 10)]
    [InlineData(10, 60, 10)]
    [InlineData(10, 61, 11)]
    [InlineData(10, 180, 30)]
    [InlineData(30, 60, 30)]
    [InlineData(10, int.MaxValue - 5, 300)]
    public void A_lease_granted_before_is_waited_for_though_the_heartbeat_is_shorter_now(int granted, int? lease, int judged) => Assert.Equal(judged, HostStates.Judged(granted, lease));

    [Fact]
    public async Task An_instance_marked_for_it_is_restarted_elsewhere_once_its_host_is_down_and_not_before()
    {
        await using var scene = await SharedSceneAsync();
        var instance = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", image = "tiny", recovery = "restart" });
        Assert.True(instance.Movable);
        await scene.Host.ObeyAsync();
        Assert.True((await scene.Host.DesiredAsync())!.Instances.Single().Movable);
        using var second = await FakeHost.JoinAsync(scene.Cloud, Shared("host-2"));
        var before = (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated;

        await SilenceAsync(scene.Cloud, "host-1", 40);
        Assert.Equal("unreachable", (await scene.Admin.GetAsync<Host>("/hosts/host-1")).State);
        var waiting = await scene.Tenant.GetAsync<Instance>("/instances/web-1");
        Assert.Equal(("host-1", "running", "host-unreachable"), (waiting.Host.Name, waiting.State, waiting.Conditions.Single().Reason));

        await SilenceAsync(scene.Cloud, "host-1", 95);
        var down = await scene.Admin.GetAsync<Host>("/hosts/host-1");
        Assert.Equal(("down", "lease", 0), (down.State, down.FencedBy, down.Instances));
        Assert.NotNull(down.FencedAt);
        var moved = await scene.Tenant.GetAsync<Instance>("/instances/web-1");
        Assert.Equal(("host-2", "pending"), (moved.Host.Name, moved.State));
        Assert.Equal(instance.Interfaces[0].Address, moved.Interfaces[0].Address);
        var there = (await second.DesiredAsync())!.Instances.Single();
        Assert.Equal((instance.Id, 2), (there.Id, there.Incarnation));
        await second.ObeyAsync();
        Assert.Equal("running", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State);
        Assert.Equal(before.MemoryMib, (await scene.Admin.GetAsync<Host>("/hosts/host-2")).Allocated.MemoryMib);
        Assert.Equal(0, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.MemoryMib);
        var history = (await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={instance.Id}&action=instance.recover")).Items.Single();
        Assert.Contains("Host host-1 is down", history.Message, StringComparison.Ordinal);

        // The old host returns with the old copy: what it says of it does not count, and it is told that the placement is over, until it has ended it.
        await scene.Host.ReportAsync(FakeHost.Obeyed(there) with { Incarnation = 1, Power = PowerState.Stopped });
        Assert.Equal("running", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State);
        Assert.Equal("up", (await scene.Admin.GetAsync<Host>("/hosts/host-1")).State);
        var returned = (await scene.Host.DesiredAsync())!;
        Assert.Empty(returned.Instances);
        Assert.Equal(new FormerInstance(instance.Id, 1), returned.Former.Single());
        await scene.Host.ReportDepartedAsync(new FormerInstance(instance.Id, 1));
        Assert.Empty((await scene.Host.DesiredAsync())!.Former);
    }

    [Fact]
    public async Task What_cannot_move_waits_for_its_host_and_says_so_and_the_notice_goes_when_it_is_back()
    {
        await using var scene = await Scene.StartAsync();
        using var second = await FakeHost.JoinAsync(scene.Cloud, Shared("host-2"));
        await scene.Admin.SendAsync(HttpMethod.Put, "/hosts/host-2", new { schedulable = false });
        // Marked, but its only disk is on the host's own storage; and one that is not marked at all.
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "marked", flavor = "tiny", image = "tiny", recovery = "restart" });
        await scene.LaunchAsync("plain");
        await scene.Host.ObeyAsync();
        await scene.Admin.SendAsync(HttpMethod.Put, "/hosts/host-2", new { schedulable = true });
        await SilenceAsync(scene.Cloud, "host-1", 95);
        foreach (var name in (string[])["marked", "plain"])
        {
            var instance = await scene.Tenant.GetAsync<Instance>($"/instances/{name}");
            Assert.Equal(("host-1", "host-down"), (instance.Host.Name, instance.Conditions.Single().Reason));
            Assert.Contains("waits for the host", instance.Conditions[0].Message, StringComparison.Ordinal);
        }
        await scene.Host.ObeyAsync();
        Assert.Empty((await scene.Tenant.GetAsync<Instance>("/instances/marked")).Conditions);
        Assert.Equal("running", (await scene.Tenant.GetAsync<Instance>("/instances/marked")).State);
    }

    [Fact]
    public async Task The_most_important_get_the_room_that_is_left_and_the_others_say_that_there_is_none()
    {
        await using var scene = await SharedSceneAsync();
        foreach (var (name, priority) in new[] { ("low", 1), ("high", 900), ("middle", 50) })
            await scene.Tenant.PostAsync<Instance>("/instances", new { name, flavor = "tiny", image = "tiny", recovery = "restart", recoveryPriority = priority });
        await scene.Host.ObeyAsync();
        using var second = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2", memoryMib: 256) with { Storage = "nfs-1" });
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-3") with { Storage = "nfs-2" });
        await SilenceAsync(scene.Cloud, "host-1", 95);
        var list = (await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items.ToDictionary(i => i.Name);
        var room = 256 / list["high"].MemoryMib;
        Assert.Equal("host-2", list["high"].Host.Name);
        Assert.Equal(room >= 2 ? "host-2" : "host-1", list["middle"].Host.Name);
        Assert.Equal(("host-1", "no-capacity"), (list["low"].Host.Name, list["low"].Conditions.Single().Reason));
        // Room appears: the next look takes it.
        using var third = await FakeHost.JoinAsync(scene.Cloud, Shared("host-4"));
        await Get<RecoveryController>(scene.Cloud).LookAsync(default);
        Assert.Equal("host-4", (await scene.Tenant.GetAsync<Instance>("/instances/low")).Host.Name);
    }

    [Fact]
    public async Task A_host_in_maintenance_gives_up_what_is_stopped_and_never_stops_anything_itself()
    {
        await using var scene = await SharedSceneAsync();
        foreach (var name in (string[])["runs", "stopped"]) await scene.Tenant.PostAsync<Instance>("/instances", new { name, flavor = "tiny", image = "tiny", recovery = "restart" });
        await scene.Host.ObeyAsync();
        await scene.Tenant.PostAsync<Instance>("/instances/stopped/stop");
        await scene.Host.ObeyAsync();
        using var second = await FakeHost.JoinAsync(scene.Cloud, Shared("host-2"));
        using var answer = await scene.Admin.SendAsync(HttpMethod.Put, "/hosts/host-1", new { maintenance = true });
        Assert.Equal(200, (int)answer.StatusCode);
        await Get<RecoveryController>(scene.Cloud).LookAsync(default);
        var stopped = await scene.Tenant.GetAsync<Instance>("/instances/stopped");
        Assert.Equal(("host-2", "stopped"), (stopped.Host.Name, stopped.State));
        var runs = await scene.Tenant.GetAsync<Instance>("/instances/runs");
        Assert.Equal(("host-1", "running", "running", "host-maintenance"), (runs.Host.Name, runs.State, runs.Desired, runs.Conditions.Single().Reason));
        Assert.Equal("running", (await scene.Host.DesiredAsync())!.Instances.Single().Desired);
        Assert.Equal("host-2", (await scene.LaunchAsync("new")).Host.Name);
        await scene.Tenant.PostAsync<Instance>("/instances/runs/stop");
        await scene.Host.ObeyAsync();
        await Get<RecoveryController>(scene.Cloud).LookAsync(default);
        Assert.Equal("host-2", (await scene.Tenant.GetAsync<Instance>("/instances/runs")).Host.Name);
        Assert.Equal(0, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Instances);
    }

    [Fact]
    public async Task An_operators_word_fences_a_silent_host_and_not_one_that_reports()
    {
        await using var scene = await SharedSceneAsync();
        var instance = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", image = "tiny", recovery = "restart" });
        using var second = await FakeHost.JoinAsync(scene.Cloud, Shared("host-2"));
        Assert.Equal("host-reports", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/hosts/host-1/fence")).Code);
        await SilenceAsync(scene.Cloud, "host-1", 40);
        Assert.Equal(("down", "operator"), (await scene.Admin.PostAsync<Host>("/hosts/host-1/fence")) is var fenced ? (fenced.State, fenced.FencedBy) : default);
        await Get<RecoveryController>(scene.Cloud).LookAsync(default);
        Assert.Equal("host-2", (await scene.Tenant.GetAsync<Instance>($"/instances/{instance.Id}")).Host.Name);
    }

    [Fact]
    public async Task A_lost_host_whose_instances_only_wait_is_looked_at_again_when_it_has_changed()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web-1");
        await scene.Host.ObeyAsync();
        var database = Get<Database>(scene.Cloud);
        await SilenceAsync(scene.Cloud, "host-1", 95);
        Assert.Equal("host-down", await ReasonAsync());
        await database.ExecuteAsync("UPDATE instances SET notices = '[]'", default);
        await Get<RecoveryController>(scene.Cloud).LookAsync(default);
        Assert.Null(await ReasonAsync());
        await database.ExecuteAsync("UPDATE hosts SET revision = revision + 1 WHERE name = 'host-1'", default);
        await Get<RecoveryController>(scene.Cloud).LookAsync(default);
        Assert.Equal("host-down", await ReasonAsync());
        // Back, and lost again: the notice went meanwhile.
        await scene.Host.ReportAsync();
        Assert.Null(await ReasonAsync());
        await SilenceAsync(scene.Cloud, "host-1", 95);
        Assert.Equal("host-down", await ReasonAsync());

        async Task<string?> ReasonAsync() => (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Conditions.FirstOrDefault(condition => condition.Type == "Host")?.Reason;
    }

    [Fact]
    public async Task Maintenance_of_a_lost_host_that_begins_and_ends_takes_no_notice_away()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web-1");
        await SilenceAsync(scene.Cloud, "host-1", 200);
        Assert.NotEmpty((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Conditions);
        var database = Get<Database>(scene.Cloud);
        // As if no server had looked between the two.
        await database.ExecuteAsync("UPDATE hosts SET maintenance = true", default);
        await scene.Admin.PutAsync<Host>("/hosts/host-1", new { maintenance = false });
        await Get<RecoveryController>(scene.Cloud).LookAsync(default);
        Assert.NotEmpty((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Conditions);
    }
}
