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

/// <summary>The real <c>ipmitool</c> against a simulated controller that speaks IPMI for real, on the loopback.</summary>
public sealed class IpmiDriverTests
{
    private static PowerTarget Target(IpmiSimulator simulator, string user = IpmiSimulator.User, string password = IpmiSimulator.Password) => new(simulator.Address, user, password);

    [Fact]
    public async Task Power_is_read_and_switched_and_an_order_may_be_repeated()
    {
        using var simulator = IpmiSimulator.Start();
        var driver = new IpmiDriver(TimeProvider.System);
        Assert.Null(driver.MissingProgram);
        await Wait.UntilAsync(async () => await driver.StatusAsync(Target(simulator), default) == new PowerAnswer("on", null), what: "the simulator's first answer");
        Assert.Equal(new PowerAnswer(null, null), await driver.SwitchAsync(Target(simulator), on: false, default));
        Assert.False(simulator.IsOn);
        Assert.Equal(new PowerAnswer("off", null), await driver.StatusAsync(Target(simulator), default));
        Assert.Equal(new PowerAnswer(null, null), await driver.SwitchAsync(Target(simulator), on: false, default));
        Assert.Equal(new PowerAnswer(null, null), await driver.SwitchAsync(Target(simulator), on: true, default));
        Assert.Equal(new PowerAnswer("on", null), await driver.StatusAsync(Target(simulator), default));
        Assert.Equal(["power 0", "power 0", "power 1"], simulator.Orders);

        // What cannot be done is told, without the password, and nothing is switched.
        foreach (var target in (PowerTarget[])[Target(simulator, password: "wrong-one"), Target(simulator, user: "nobody")])
        {
            var refused = await driver.SwitchAsync(target, on: false, default);
            Assert.Contains(simulator.Address, refused.Problem, StringComparison.Ordinal);
            Assert.DoesNotContain(target.Password, refused.Problem, StringComparison.Ordinal);
            Assert.NotNull((await driver.StatusAsync(target, default)).Problem);
        }
        Assert.True(simulator.IsOn);
        simulator.Stop();
        var silent = await driver.StatusAsync(Target(simulator), default);
        Assert.Equal((null, true), (silent.State, silent.Problem is { Length: > 0 }));
    }

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

    [Fact]
    public async Task The_password_is_on_no_command_line()
    {
        // A controller that never answers holds the program for seconds: long enough to look at it.
        var driver = new IpmiDriver(TimeProvider.System);
        var address = $"127.0.0.1:{IpmiSimulator.FreePort()}";
        var asking = driver.StatusAsync(new PowerTarget(address, IpmiSimulator.User, IpmiSimulator.Password), default);
        string[] Lines() => [.. Directory.GetDirectories("/proc").Select(process => Path.Combine(process, "cmdline")).Select(Read).Where(line => line.StartsWith("ipmitool", StringComparison.Ordinal) && line.Contains(address.Split(':')[1], StringComparison.Ordinal))];
        static string Read(string file)
        {
            try
            {
                return File.ReadAllText(file).Replace('\0', ' ');
            }
            catch (IOException)
            {
                return "";
            }
            catch (UnauthorizedAccessException)
            {
                return "";
            }
        }
        await Wait.UntilAsync(() => Task.FromResult(Lines().Length > 0 || asking.IsCompleted), what: "ipmitool among the processes");
        var line = Assert.Single(Lines());
        Assert.Contains("-L OPERATOR -E", line, StringComparison.Ordinal);
        Assert.DoesNotContain(IpmiSimulator.Password, line, StringComparison.Ordinal);
        Assert.NotNull((await asking).Problem);
    }
}
