using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Power;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Power;

/// <summary>Power controllers as operators manage them.</summary>
public sealed class PowerRouteTests
{
    private static readonly object Good = new { driver = "ipmi", address = "192.0.2.7", user = "fencer", password = "s3cret-of-bmc" };

    [Fact]
    public async Task A_controller_is_set_shown_and_cleared_and_its_password_never_told()
    {
        await using var scene = await Scene.StartAsync();
        var power = new FakePower();
        scene.Cloud.Services.GetRequiredService<PowerDrivers>().Add(power);
        Assert.Null((await scene.Admin.GetAsync<Host>("/hosts/host-1")).Power);
        Assert.Equal("no-power-controller", (await scene.Admin.FailAsync(409, HttpMethod.Get, "/hosts/host-1/power")).Code);
        var set = await scene.Admin.PutAsync<Host>("/hosts/host-1/power", Good);
        Assert.Equal(("ipmi", "192.0.2.7", "fencer"), (set.Power!.Driver, set.Power.Address, set.Power.User));
        var asked = await scene.Admin.GetAsync<HostPower>("/hosts/host-1/power");
        Assert.Equal(("on", null), (asked.State, asked.Problem));
        Assert.NotNull(asked.CheckedAt);

        foreach (var path in (string[])["/hosts", "/hosts/host-1", "/hosts/host-1/power", "/events"])
            Assert.DoesNotContain("s3cret", await (await scene.Admin.SendAsync(HttpMethod.Get, path)).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var kept = await scene.Cloud.Services.GetRequiredService<Database>().FindAsync("SELECT encrypted_password FROM host_power", row => row.GetFieldValue<byte[]>(0), default);
        Assert.Equal(-1, kept.AsSpan().IndexOf("s3cret"u8));

        Assert.Equal(204, (int)(await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1/power")).StatusCode);
        Assert.Equal(204, (int)(await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1/power")).StatusCode);
        Assert.Null((await scene.Admin.GetAsync<Host>("/hosts/host-1")).Power);
        var actions = (await scene.Admin.GetAsync<Page<Event>>("/events?limit=3")).Items.Select(e => e.Action).ToList();
        Assert.Equal(["host.clear-power", "host.set-power"], actions.Where(a => a.EndsWith("power", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_password_is_good_for_its_host_only()
    {
        await using var scene = await Scene.StartAsync();
        scene.Cloud.Services.GetRequiredService<PowerDrivers>().Add(new FakePower());
        using var second = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        foreach (var host in (string[])["host-1", "host-2"]) await scene.Admin.PutAsync<Host>($"/hosts/{host}/power", Good);
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync(
            "UPDATE host_power SET encrypted_password = (SELECT encrypted_password FROM host_power p JOIN hosts h ON h.id = p.host_id WHERE h.name = 'host-1')", default);
        Assert.Null((await scene.Admin.GetAsync<HostPower>("/hosts/host-1/power")).Problem);
        Assert.Contains("cannot be read", (await scene.Admin.GetAsync<HostPower>("/hosts/host-2/power")).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redfish", "192.0.2.7", "u", "p", "driver")]
    [InlineData("ipmi", "-x", "u", "p", "address")]
    [InlineData("ipmi", "2001:db8::7", "u", "p", "address")]
    [InlineData("ipmi", "192.0.2.7", "", "p", "user")]
    [InlineData("ipmi", "192.0.2.7", "a-user-of-17-char", "p", "user")]
    [InlineData("ipmi", "192.0.2.7", "u", "", "password")]
    [InlineData("ipmi", "192.0.2.7", "u", "more-than-twenty-bytes", "password")]
    public async Task What_could_never_work_is_refused_with_the_field(string driver, string address, string user, string password, string field)
    {
        await using var scene = await Scene.StartAsync();
        var refused = await scene.Admin.FailAsync(400, HttpMethod.Put, "/hosts/host-1/power", new { driver, address, user, password });
        Assert.Equal(field, refused.Errors!.Single().Field);
    }

    [Fact]
    public async Task Power_is_switched_off_only_where_nothing_is_in_service()
    {
        await using var scene = await Scene.StartAsync();
        var power = new FakePower();
        scene.Cloud.Services.GetRequiredService<PowerDrivers>().Add(power);
        await scene.LaunchAsync("web-1");
        await scene.Host.ObeyAsync();
        Assert.Equal("no-power-controller", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/hosts/host-1/power/off")).Code);
        await scene.Admin.PutAsync<Host>("/hosts/host-1/power", Good);
        Assert.Equal("host-in-service", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/hosts/host-1/power/off")).Code);
        await scene.Admin.SendAsync(HttpMethod.Put, "/hosts/host-1", new { maintenance = true });
        Assert.Contains("(1)", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/hosts/host-1/power/off")).Title, StringComparison.Ordinal);
        Assert.Empty(power.Orders);
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyAsync();
        Assert.Equal("off", (await scene.Admin.PostAsync<HostPower>("/hosts/host-1/power/off")).State);
        Assert.Equal("on", (await scene.Admin.PostAsync<HostPower>("/hosts/host-1/power/on")).State);
        Assert.Equal(["192.0.2.7 off", "192.0.2.7 on"], power.Orders);
        power.OnSwitch = _ => "It is stuck.";
        var stuck = await scene.Admin.FailAsync(502, HttpMethod.Post, "/hosts/host-1/power/on");
        Assert.Equal(("power-controller", "It is stuck."), (stuck.Code, stuck.Detail));
    }

    [Fact]
    public async Task Controllers_are_asked_now_and_then_and_a_missing_program_is_told_of()
    {
        await using var scene = await Scene.StartAsync();
        var power = new FakePower { MissingProgram = "ipmitool" };
        scene.Cloud.Services.GetRequiredService<PowerDrivers>().Add(power);
        async Task<Finding?> FoundAsync() => (await scene.Admin.GetAsync<DoctorReport>("/doctor")).Findings.SingleOrDefault(f => f.Check == "power");
        Assert.Null(await FoundAsync());
        await scene.Admin.PutAsync<Host>("/hosts/host-1/power", Good);
        Assert.Equal(("warning", "power-program-missing"), (await FoundAsync()) is { } found ? (found.Severity, found.Code) : default);
        var watch = scene.Cloud.Services.GetRequiredService<PowerWatch>();
        await watch.LookAsync(default);
        await Wait.UntilAsync(async () => (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Power!.State == "on");
        Assert.Equal(0, await watch.LookAsync(default));
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE host_power SET checked_at = checked_at - interval '11 minutes'", default);
        power.OnStatus = _ => "Nobody there.";
        await watch.LookAsync(default);
        await Wait.UntilAsync(async () => (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Power is { State: "on", Problem: "Nobody there." });
    }
}
