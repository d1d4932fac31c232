using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Switches;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Switches;

/// <summary>Goal: ports of switches become and stay what operators ask, whatever the switch does. Method: a switch that speaks the protocol, and misbehaves as told.</summary>
public sealed class SwitchTests
{
    private const string Port = "ge-0/0/1";

    private static async Task<(TestCloud Cloud, TestClient Admin)> StartAsync(FakeSwitch device, string token = FakeSwitch.Token, string? authority = null)
    {
        var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        await admin.PostAsync<Switch>("/switches", new { name = "sw1", url = device.Url, token, authority = authority ?? device.Authority });
        return (cloud, admin);
    }

    private static Task<SwitchPort> AccessAsync(TestClient admin, int vlan) => admin.PutAsync<SwitchPort>("/switches/sw1/ports", new { name = Port, mode = "access", accessVlan = vlan });

    private static async Task<SwitchPort> WantedAsync(TestClient admin) => Assert.Single((await admin.GetAsync<Switch>("/switches/sw1")).Ports);

    private static Task AppliedAsync(TestClient admin) => Wait.UntilAsync(async () => (await WantedAsync(admin)).State == "applied", what: "the port is as wanted");

    private static Task FailsAsync(TestClient admin, string problem) =>
        Wait.UntilAsync(async () => (await WantedAsync(admin)) is { State: "pending", Problem: { } text } && text.Contains(problem, StringComparison.Ordinal), what: problem);

    private static Task SoonAsync(TestCloud cloud) => cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE switch_ports SET next_look_at = NULL", default);

    [Fact]
    public async Task A_port_becomes_what_is_asked_and_is_put_right_when_it_was_changed()
    {
        await using var device = await FakeSwitch.StartAsync(Port, "ge-0/0/2");
        var (cloud, admin) = await StartAsync(device);
        await using var _ = cloud;
        Assert.Equal(("access", 120, "pending"), ((await AccessAsync(admin, 120)) is var asked ? (asked.Mode, asked.AccessVlan, asked.State) : default));
        await AppliedAsync(admin);
        Assert.Equal(("access", 120), (device.Ports[Port].Mode, device.Ports[Port].Access));
        // Ports nobody asked anything of are left alone.
        Assert.Equal("none", device.Ports["ge-0/0/2"].Mode);
        Assert.Equal(1, device.Orders);
        // The same again is no change, and no order.
        await AccessAsync(admin, 120);
        await SoonAsync(cloud);
        var seen = await admin.GetAsync<SeenSwitch>("/switches/sw1/ports");
        Assert.Equal([Port, "ge-0/0/2"], seen.Ports.Select(port => port.Name));
        Assert.Equal((120, 120), (seen.Ports[0].AccessVlan!.Value, seen.Ports[0].Wanted!.AccessVlan!.Value));
        Assert.Null(seen.Ports[1].Wanted);

        await admin.PutAsync<SwitchPort>("/switches/sw1/ports", new { name = Port, mode = "trunk", trunkVlans = new[] { "105-110", "100-104", "7" } });
        await AppliedAsync(admin);
        Assert.Equal(("trunk", "7,100-110"), (device.Ports[Port].Mode, string.Join(",", device.Ports[Port].Trunk)));
        Assert.Equal(2, device.Orders);
        // Somebody changes it by hand.
        device.Ports[Port] = ("access", 1, []);
        await SoonAsync(cloud);
        await Wait.UntilAsync(() => Task.FromResult(device.Ports[Port].Mode == "trunk"), what: "the port is put right");
        await admin.PutAsync<SwitchPort>("/switches/sw1/ports", new { name = Port, mode = "none" });
        await AppliedAsync(admin);
        Assert.Equal("none", device.Ports[Port].Mode);
        // A switch that is forgotten stays as it is.
        device.Ports[Port] = ("access", 9, []);
        var orders = device.Orders;
        using var gone = await admin.SendAsync(HttpMethod.Delete, "/switches/sw1");
        Assert.True(gone.IsSuccessStatusCode);
        await cloud.Services.GetRequiredService<SwitchController>().LookAsync(default);
        Assert.Equal((9, orders), (device.Ports[Port].Access!.Value, device.Orders));
    }

    [Fact]
    public async Task A_switch_that_fails_is_asked_until_it_has_it()
    {
        await using var device = await FakeSwitch.StartAsync(Port);
        var (cloud, admin) = await StartAsync(device);
        await using var _ = cloud;
        foreach (var (vlan, fail, problem) in new (int, Action, string)[]
        {
            (101, () => device.Unavailable = 1, "503: the management card starts"), (102, () => device.HalfApplied = 1, "500: commit failed"), (103, () => device.Ignored = 1, "has the port otherwise"),
        })
        {
            fail();
            await AccessAsync(admin, vlan);
            await FailsAsync(admin, problem);
            await SoonAsync(cloud);
            await AppliedAsync(admin);
            Assert.Equal(("access", vlan), (device.Ports[Port].Mode, device.Ports[Port].Access));
        }
        // An answer that was lost is no failure where the port is right.
        device.AnswersLost = 1;
        await AccessAsync(admin, 104);
        await AppliedAsync(admin);
        Assert.Equal(104, device.Ports[Port].Access);
        Assert.Null((await WantedAsync(admin)).Problem);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"ports\":null}")]
    [InlineData("{\"ports\":[null]}")]
    [InlineData("{\"ports\":[{\"name\":\"xe-0/0/1\",\"mode\":\"trunk\",\"accessVlan\":null,\"trunkVlans\":[null]}]}")]
    [InlineData("[")]
    public async Task An_answer_that_is_none_is_this_switch_s_problem_and_no_other_s(string answer)
    {
        await using var device = await FakeSwitch.StartAsync(Port);
        await using var sound = await FakeSwitch.StartAsync(Port);
        var (cloud, admin) = await StartAsync(device);
        await using var _ = cloud;
        device.Nonsense = answer;
        await AccessAsync(admin, 101);
        await FailsAsync(admin, "could not be understood");
        Assert.Equal("switch-failed", (await admin.FailAsync(502, HttpMethod.Get, "/switches/sw1/ports")).Code);
        await admin.PostAsync<Switch>("/switches", new { name = "sw2", url = sound.Url, token = FakeSwitch.Token, authority = sound.Authority });
        await admin.PutAsync<SwitchPort>("/switches/sw2/ports", new { name = Port, mode = "access", accessVlan = 102 });
        await Wait.UntilAsync(() => Task.FromResult(sound.Ports[Port].Access == 102), what: "the other switch has its order");
        device.Nonsense = null;
        await SoonAsync(cloud);
        await AppliedAsync(admin);
    }

    [Fact]
    public async Task What_keeps_a_switch_from_being_spoken_to_is_told()
    {
        await using var device = await FakeSwitch.StartAsync(Port);
        await using var other = await FakeSwitch.StartAsync();
        foreach (var (token, authority, problem) in new[] { ("wrong", device.Authority, "does not take the token"), (FakeSwitch.Token, other.Authority, "certificate is not one that is trusted") })
        {
            var (cloud, admin) = await StartAsync(device, token, authority);
            await using var _ = cloud;
            await AccessAsync(admin, 120);
            await FailsAsync(admin, problem);
            Assert.Contains(problem, (await admin.GetAsync<Switch>("/switches/sw1")).Problem!, StringComparison.Ordinal);
            var failed = await admin.FailAsync(502, HttpMethod.Get, "/switches/sw1/ports");
            Assert.Equal("switch-failed", failed.Code);
            Assert.Contains(problem, failed.Detail!, StringComparison.Ordinal);
        }
        Assert.Equal("none", device.Ports[Port].Mode);
        var (last, operators) = await StartAsync(device);
        await using var end = last;
        await operators.PutAsync<SwitchPort>("/switches/sw1/ports", new { name = "xe-9", mode = "none" });
        await FailsAsync(operators, "no such port");
    }

    [Fact]
    public async Task A_switch_that_does_not_answer_is_given_up()
    {
        await using var device = await FakeSwitch.StartAsync(Port);
        device.Delay = TimeSpan.FromMinutes(5);
        var answer = await new RestSwitchDriver(new Hurry()).ListAsync(new SwitchTarget(new Uri(device.Url), FakeSwitch.Token, device.Authority), default);
        Assert.Contains("did not answer within 10 seconds", answer.Problem!, StringComparison.Ordinal);
        device.Delay = TimeSpan.FromMilliseconds(200);
        Assert.Null((await new RestSwitchDriver(TimeProvider.System).ListAsync(new SwitchTarget(new Uri(device.Url), FakeSwitch.Token, device.Authority), default)).Problem);
    }

    [Fact]
    public async Task The_token_is_kept_encrypted_and_told_to_nobody()
    {
        await using var device = await FakeSwitch.StartAsync(Port);
        var (cloud, admin) = await StartAsync(device);
        await using var _ = cloud;
        var kept = await cloud.Services.GetRequiredService<Database>().FindAsync("SELECT encode(encrypted_token, 'escape') FROM switches", row => row.GetString(0), default);
        Assert.DoesNotContain(FakeSwitch.Token, kept!, StringComparison.Ordinal);
        foreach (var path in new[] { "/switches", "/switches/sw1", "/events" })
            Assert.DoesNotContain(FakeSwitch.Token, await (await admin.SendAsync(HttpMethod.Get, path)).Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://sw1/", "t", null, "url", "https-url")]
    [InlineData("https://user@sw1/", "t", null, "url", "https-url")]
    [InlineData("sw1", "t", null, "url", "https-url")]
    [InlineData("https://sw1/", "", null, "token", "bearer-token")]
    [InlineData("https://sw1/", "a b", null, "token", "bearer-token")]
    [InlineData("https://sw1/", "t", "no PEM", "authority", "authority-pem")]
    public async Task Switches_that_cannot_be_are_refused_by_field(string url, string token, string? authority, string field, string rule)
    {
        await using var cloud = await TestCloud.StartAsync();
        var problem = await (await cloud.LoginAsync()).FailAsync(400, HttpMethod.Post, "/switches", new { name = "sw1", url, token, authority });
        Assert.Equal((field, rule), (problem.Errors![0].Field, problem.Errors[0].Rule));
    }

    [Theory]
    [InlineData("a b", "none", null, null, "name", "port-name")]
    [InlineData("p1", "open", null, null, "mode", "one-of")]
    [InlineData("p1", "access", null, null, "accessVlan", "required")]
    [InlineData("p1", "access", 4095, null, "accessVlan", "between")]
    [InlineData("p1", "none", 5, null, "accessVlan", "only-with-mode")]
    [InlineData("p1", "trunk", null, null, "trunkVlans", "required")]
    [InlineData("p1", "none", null, "5", "trunkVlans", "only-with-mode")]
    [InlineData("p1", "trunk", null, "9-5", "trunkVlans[0]", "vlans")]
    public async Task Settings_that_cannot_be_are_refused_by_field(string name, string mode, int? accessVlan, string? trunk, string field, string rule)
    {
        await using var device = await FakeSwitch.StartAsync(Port);
        var (cloud, admin) = await StartAsync(device);
        await using var _ = cloud;
        var problem = await admin.FailAsync(400, HttpMethod.Put, "/switches/sw1/ports", new { name, mode, accessVlan, trunkVlans = trunk is null ? null : new[] { trunk } });
        Assert.Equal((field, rule), (problem.Errors![0].Field, problem.Errors[0].Rule));
    }

    [Fact]
    public async Task Only_operators_have_to_do_with_switches()
    {
        await using var device = await FakeSwitch.StartAsync(Port);
        var (cloud, admin) = await StartAsync(device);
        await using var _ = cloud;
        var tenant = await cloud.TenantAsync("acme");
        foreach (var (method, path) in new[] { (HttpMethod.Get, "/switches"), (HttpMethod.Post, "/switches"), (HttpMethod.Get, "/switches/sw1"), (HttpMethod.Delete, "/switches/sw1"), (HttpMethod.Get, "/switches/sw1/ports"), (HttpMethod.Put, "/switches/sw1/ports") })
            Assert.Equal("forbidden", (await tenant.FailAsync(403, method, path, method == HttpMethod.Get ? null : new { })).Code);
        Assert.Equal("name-taken", (await admin.FailAsync(409, HttpMethod.Post, "/switches", new { name = "sw1", url = device.Url, token = "t" })).Code);
    }

    /// <summary>Time whose timers end at once.</summary>
    private sealed class Hurry : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => System.CreateTimer(callback, state, dueTime / 50, period);
    }
}
