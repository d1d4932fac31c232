using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Power;
using Kumoi.Server.Recovery;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Kumoi.Server.Tests.Power;

/// <summary>
/// Goal: the power of a lost host is cut, and of no other; and nothing starts elsewhere before the controller has said that it is off.
/// Method: hosts that fall silent, and controllers that do what the test says.
/// </summary>
public sealed class PowerFenceTests
{
    private static readonly TimeSpan Watched = TimeSpan.FromHours(1);

    private sealed class Machines : IAsyncDisposable
    {
        private readonly List<FakeHost> _hosts = [];

        // Long, so that hosts which the test lets be silent for a while are not taken for lost on a slow machine.
        public const int BeatSeconds = 60;

        public required Scene Scene { get; init; }

        public FakePower Power { get; } = new();

        private Database Database => Scene.Cloud.Services.GetRequiredService<Database>();

        /// <summary>A loop of a server of its own, as after a restart; the cloud's own loops have not watched for long enough to do anything.</summary>
        public PowerFence Fence()
        {
            var services = Scene.Cloud.Services;
            T Get<T>() where T : notnull => services.GetRequiredService<T>();
            return new PowerFence(Get<Database>(), Get<Leases>(), Get<HostWatch>(), Get<PowerControllers>(), Get<RecoveryController>(), Get<RecoveryBell>(), Get<EventLog>(), new ImpatientClock(), NullLogger<PowerFence>.Instance);
        }

        /// <summary>A cloud of hosts with shared storage and controllers, and a movable instance that runs on the first.</summary>
        public static async Task<Machines> StartAsync(int hosts = 3)
        {
            var machines = new Machines { Scene = await Scene.StartAsync(configure: options => options with { HeartbeatSeconds = BeatSeconds }) };
            var scene = machines.Scene;
            scene.Cloud.Services.GetRequiredService<PowerDrivers>().Add(machines.Power);
            await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Storage = "nfs-1" });
            await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", image = "tiny", recovery = "restart" });
            await scene.Host.ObeyAsync();
            for (var i = 2; i <= hosts; i++) await machines.JoinAsync($"host-{i}");
            for (var i = 1; i <= hosts; i++) await scene.Admin.PutAsync<Host>($"/hosts/host-{i}/power", new { driver = "ipmi", address = $"bmc-{i}", user = "fencer", password = "secret" });
            // As if the cloud had asked them just now: it does not ask again while the test runs.
            await machines.Database.ExecuteAsync("UPDATE host_power SET checked_at = clock_timestamp()", default);
            return machines;
        }

        public async Task JoinAsync(string name)
        {
            var host = await FakeHost.JoinAsync(Scene.Cloud, FakeHost.Facts(name) with { Storage = "nfs-1" });
            _hosts.Add(host);
            await host.ReportAsync();
        }

        public async Task SilenceAsync(double beats, params string[] hosts)
        {
            foreach (var host in hosts) await Database.ExecuteAsync("UPDATE hosts SET heard_at = clock_timestamp() - make_interval(secs => $2) WHERE name = $1", default, host, beats * BeatSeconds);
            await Scene.Cloud.Services.GetRequiredService<HostWatch>().LookAsync(Watched, default);
        }

        public Task<Host> HostAsync(string name) => Scene.Admin.GetAsync<Host>("/hosts/" + name);

        public async Task<string> PlaceAsync()
        {
            await Scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
            return (await Scene.Tenant.GetAsync<Instance>("/instances/web-1")).Host.Name;
        }

        public async Task<int> EventsAsync(string action) => (await Scene.Admin.GetAsync<Page<Event>>("/events?action=" + action)).Items.Count;

        public async ValueTask DisposeAsync()
        {
            foreach (var host in _hosts) host.Dispose();
            await Scene.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_lost_host_is_switched_off_and_its_instances_go_on_elsewhere()
    {
        await using var machines = await Machines.StartAsync();
        await machines.SilenceAsync(5.9, "host-1");
        await machines.Fence().LookAsync(Watched, default);
        Assert.Empty(machines.Power.Orders);
        Assert.Equal(("unreachable", "host-1"), ((await machines.HostAsync("host-1")).State, await machines.PlaceAsync()));

        await machines.SilenceAsync(6.1, "host-1");
        await machines.Fence().LookAsync(Watched, default);
        Assert.Equal(["bmc-1 off"], machines.Power.Orders);
        var down = await machines.HostAsync("host-1");
        Assert.Equal(("down", "power", "off"), (down.State, down.FencedBy, down.Power!.State));
        Assert.NotEqual("host-1", await machines.PlaceAsync());
        Assert.Equal((1, 1), (await machines.EventsAsync("host.power-off"), await machines.EventsAsync("host.fence")));
        // Not switched on again by itself; an operator does, and the host that reports is up.
        await machines.Scene.Admin.PostAsync<HostPower>("/hosts/host-1/power/on");
        await machines.Scene.Host.ReportAsync();
        var back = await machines.HostAsync("host-1");
        Assert.Equal(("up", null, "on"), (back.State, back.FencedBy, back.Power!.State));
    }

    [Fact]
    public async Task All_that_may_move_moves_though_the_host_never_heard_that_it_may()
    {
        await using var machines = await Machines.StartAsync();
        // Its host reports a revision before this mark: a fence by lease would leave it there.
        await machines.Scene.Tenant.PutAsync<Instance>("/instances/web-1/recovery", new { recovery = "restart", priority = 5 });
        await machines.SilenceAsync(6.1, "host-1");
        await machines.Fence().LookAsync(Watched, default);
        Assert.NotEqual("host-1", await machines.PlaceAsync());
    }

    [Fact]
    public async Task A_host_that_is_heard_before_the_cut_keeps_its_power()
    {
        await using var machines = await Machines.StartAsync();
        await machines.SilenceAsync(6.1, "host-1");
        machines.Power.OnStatus = address =>
        {
            // While the controller is asked, the report arrives.
            if (address == "bmc-1") machines.Scene.Host.ReportAsync().GetAwaiter().GetResult();
            return null;
        };
        await machines.Fence().LookAsync(Watched, default);
        Assert.Empty(machines.Power.Orders);
        Assert.Equal(("up", "host-1"), ((await machines.HostAsync("host-1")).State, await machines.PlaceAsync()));
        Assert.Equal(0, await machines.EventsAsync("host.power-off"));
    }

    [Fact]
    public async Task A_host_that_is_heard_after_the_cut_is_not_called_down()
    {
        await using var machines = await Machines.StartAsync();
        await machines.SilenceAsync(6.1, "host-1");
        machines.Power.OnSwitch = _ =>
        {
            machines.Scene.Host.ReportAsync().GetAwaiter().GetResult();
            return null;
        };
        await machines.Fence().LookAsync(Watched, default);
        Assert.Equal(["bmc-1 off"], machines.Power.Orders);
        Assert.Equal(("up", null, "host-1"), ((await machines.HostAsync("host-1")).State, (await machines.HostAsync("host-1")).FencedBy, await machines.PlaceAsync()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_controller_that_fails_is_told_and_the_lease_decides_as_without_it(bool deaf)
    {
        await using var machines = await Machines.StartAsync();
        if (deaf) machines.Power.OnStatus = _ => "The controller bmc-1 did not answer as it should: nobody there";
        else machines.Power.OnSwitch = _ => "The controller bmc-1 did not answer as it should: not allowed";
        await machines.SilenceAsync(6.1, "host-1");
        await machines.Fence().LookAsync(Watched, default);
        await machines.Fence().LookAsync(Watched, default);
        var host = await machines.HostAsync("host-1");
        Assert.Equal(("unreachable", "power-controller", "host-1"), (host.State, host.Conditions.Single().Reason, await machines.PlaceAsync()));
        Assert.Equal(host.Conditions.Single().Message, host.Power!.Problem);
        Assert.Contains(deaf ? "nobody there" : "not allowed", host.Power.Problem, StringComparison.Ordinal);
        // Told once, however often it is tried.
        Assert.Equal(deaf ? 0 : 1, await machines.EventsAsync("host.power-off"));
        Assert.Contains("host-condition", (await machines.Scene.Admin.GetAsync<DoctorReport>("/doctor")).Findings.Where(f => f.Subject == "host-1").Select(f => f.Code));
        await machines.SilenceAsync(9.1, "host-1");
        Assert.Equal(("down", "lease"), ((await machines.HostAsync("host-1")).State, (await machines.HostAsync("host-1")).FencedBy));
        Assert.NotEqual("host-1", await machines.PlaceAsync());
    }

    [Fact]
    public async Task A_machine_that_stays_on_or_comes_on_again_is_not_called_down()
    {
        await using var machines = await Machines.StartAsync();
        await machines.SilenceAsync(6.1, "host-1");
        var asked = 0;
        // On, off for one look, and on from then on: somebody has it restarted.
        machines.Power.OnStatus = address =>
        {
            machines.Power.States[address] = ++asked == 2 ? PowerStates.Off : PowerStates.On;
            return null;
        };
        await machines.Fence().LookAsync(Watched, default);
        Assert.Equal(("unreachable", "host-1"), ((await machines.HostAsync("host-1")).State, await machines.PlaceAsync()));
        Assert.Equal(7, asked);
    }

    [Fact]
    public async Task A_machine_that_is_off_already_is_called_down_without_an_order()
    {
        await using var machines = await Machines.StartAsync();
        machines.Power.States["bmc-1"] = PowerStates.Off;
        await machines.SilenceAsync(6.1, "host-1");
        await machines.Fence().LookAsync(Watched, default);
        Assert.Empty(machines.Power.Orders);
        Assert.Equal(("down", "power"), ((await machines.HostAsync("host-1")).State, (await machines.HostAsync("host-1")).FencedBy));
        Assert.Equal((0, 1), (await machines.EventsAsync("host.power-off"), await machines.EventsAsync("host.fence")));
    }

    [Fact]
    public async Task A_server_killed_between_the_order_and_the_record_leaves_it_to_the_next_one()
    {
        await using var machines = await Machines.StartAsync();
        await machines.SilenceAsync(6.1, "host-1");
        using var killed = new CancellationTokenSource();
        var asked = 0;
        machines.Power.OnStatus = _ =>
        {
            if (++asked == 2) killed.Cancel();
            return null;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => machines.Fence().LookAsync(Watched, killed.Token));
        Assert.Equal(["bmc-1 off"], machines.Power.Orders);
        Assert.Equal(("unreachable", "host-1"), ((await machines.HostAsync("host-1")).State, await machines.PlaceAsync()));

        await machines.Fence().LookAsync(Watched, default);
        Assert.Equal(["bmc-1 off"], machines.Power.Orders);
        Assert.Equal(("down", "power"), ((await machines.HostAsync("host-1")).State, (await machines.HostAsync("host-1")).FencedBy));
        Assert.NotEqual("host-1", await machines.PlaceAsync());
        Assert.Equal((1, 1), (await machines.EventsAsync("host.power-off"), await machines.EventsAsync("host.fence")));
    }

    [Fact]
    public async Task When_more_than_a_third_is_silent_nobodys_power_is_cut_and_a_notice_says_so_until_it_is_over()
    {
        await using var machines = await Machines.StartAsync(hosts: 5);
        await machines.SilenceAsync(6.1, "host-1", "host-2");
        await machines.Fence().LookAsync(Watched, default);
        Assert.Empty(machines.Power.Orders);
        var held = (await machines.HostAsync("host-1")).Conditions.Single();
        Assert.Equal("too-many-silent", held.Reason);
        Assert.Contains("2 of the 5 hosts of zone default", held.Message, StringComparison.Ordinal);
        // It has nothing that could move: it would not be cut in any case.
        Assert.Empty((await machines.HostAsync("host-2")).Conditions);
        // A sixth host in the zone: two are a third now, and not more.
        await machines.JoinAsync("host-6");
        await machines.Fence().LookAsync(Watched, default);
        Assert.Equal(["bmc-1 off"], machines.Power.Orders);
        Assert.Empty((await machines.HostAsync("host-1")).Conditions);
        Assert.Equal(("down", "unreachable"), ((await machines.HostAsync("host-1")).State, (await machines.HostAsync("host-2")).State));
    }

    [Fact]
    public async Task Nothing_is_cut_for_nothing()
    {
        await using var machines = await Machines.StartAsync(hosts: 2);
        // Nobody else has room for it.
        await machines.Scene.Admin.SendAsync(HttpMethod.Put, "/hosts/host-2", new { schedulable = false });
        await machines.SilenceAsync(6.1, "host-1");
        await machines.Fence().LookAsync(Watched, default);
        Assert.Empty(machines.Power.Orders);
        // This server has not watched for long enough itself.
        await machines.Scene.Admin.SendAsync(HttpMethod.Put, "/hosts/host-2", new { schedulable = true });
        await machines.Fence().LookAsync(TimeSpan.FromSeconds(5.9 * Machines.BeatSeconds), default);
        Assert.Empty(machines.Power.Orders);
        // What it could save is not wanted any more.
        await machines.Scene.Tenant.PostAsync<Instance>("/instances/web-1/stop");
        await machines.Fence().LookAsync(Watched, default);
        Assert.Empty(machines.Power.Orders);
        await machines.Scene.Tenant.PostAsync<Instance>("/instances/web-1/start");
        await machines.Fence().LookAsync(Watched, default);
        Assert.Equal(["bmc-1 off"], machines.Power.Orders);
    }
}
