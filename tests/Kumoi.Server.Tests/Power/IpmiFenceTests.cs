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

/// <summary>The real <c>ipmitool</c> and a controller that speaks IPMI, in what they are for.</summary>
public sealed class IpmiFenceTests
{
    [Fact]
    public async Task A_lost_host_is_switched_off_through_its_controller()
    {
        using var simulator = IpmiSimulator.Start();
        // A long heartbeat, so that the other host is not taken for lost on a slow machine.
        await using var scene = await Scene.StartAsync(configure: options => options with { HeartbeatSeconds = 60 });
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Storage = "nfs-1" });
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", image = "tiny", recovery = "restart" });
        await scene.Host.ObeyAsync();
        using var second = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2") with { Storage = "nfs-1" });
        await second.ReportAsync();
        await scene.Admin.PutAsync<Host>("/hosts/host-1/power", new { driver = "ipmi", address = simulator.Address, user = IpmiSimulator.User, password = IpmiSimulator.Password });
        await Wait.UntilAsync(async () => (await scene.Admin.GetAsync<HostPower>("/hosts/host-1/power")) is { State: "on", Problem: null }, what: "the simulator's first answer");

        var services = scene.Cloud.Services;
        T Get<T>() where T : notnull => services.GetRequiredService<T>();
        await Get<Database>().ExecuteAsync("UPDATE hosts SET heard_at = clock_timestamp() - interval '366 seconds' WHERE name = 'host-1'", default);
        await Get<HostWatch>().LookAsync(TimeSpan.FromHours(1), default);
        using var fence = new PowerFence(Get<Database>(), Get<Leases>(), Get<HostWatch>(), Get<PowerControllers>(), Get<RecoveryController>(), Get<RecoveryBell>(), Get<EventLog>(), new ImpatientClock(), NullLogger<PowerFence>.Instance);
        await fence.LookAsync(TimeSpan.FromHours(1), default);
        Assert.False(simulator.IsOn);
        var down = await scene.Admin.GetAsync<Host>("/hosts/host-1");
        Assert.Equal(("down", "power", "off", null), (down.State, down.FencedBy, down.Power!.State, down.Power.Problem));
        await Get<RecoveryController>().LookAsync(default);
        Assert.Equal("host-2", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Host.Name);
    }
}
