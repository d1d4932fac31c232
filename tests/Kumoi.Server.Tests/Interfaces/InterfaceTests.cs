using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Interfaces;

public sealed class InterfaceTests
{
    private static async Task<Scene> SceneAsync()
    {
        var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "lab", subnets = new[] { new { cidr = "10.1.0.0/24" }, new { cidr = "fd00:1::/64" } } });
        return scene;
    }

    [Fact]
    public async Task An_instance_has_interfaces_in_several_networks_with_the_addresses_asked_for()
    {
        await using var scene = await SceneAsync();
        var instance = await scene.Tenant.PostAsync<Instance>("/instances", new
        {
            name = "a", flavor = "small", image = "tiny", interfaces = new object[] { new { network = "default" }, new { network = "lab", address = "10.1.0.77", address6 = "fd00:1::77", securityGroups = Array.Empty<string>() } },
        });
        Assert.Equal([("default", 0), ("lab", 1)], instance.Interfaces.Select(face => (face.Network.Name, face.Index)));
        Assert.Equal(("10.1.0.77", "fd00:1::77"), (instance.Interfaces[1].Address, instance.Interfaces[1].Address6));
        Assert.NotNull(instance.Interfaces[0].FloatingAddress);
        Assert.Null(instance.Interfaces[1].FloatingAddress);
        Assert.Empty(instance.Interfaces[1].SecurityGroups);
        Assert.Equal(System.Text.Json.JsonSerializer.Serialize(instance, ApiJson.Default.Instance),
            System.Text.Json.JsonSerializer.Serialize(await scene.Tenant.GetAsync<Instance>("/instances/a"), ApiJson.Default.Instance));
        var taken = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "b", flavor = "small", image = "tiny", interfaces = new[] { new { network = "lab", address = "10.1.0.77" } } });
        Assert.Equal(("interfaces[0].address", "address-taken"), (taken.Errors![0].Field, taken.Errors[0].Rule));
    }

    [Theory]
    [InlineData("10.1.0.0", "reserved-address")]
    [InlineData("10.1.0.1", "reserved-address")]
    [InlineData("10.1.0.255", "reserved-address")]
    [InlineData("10.2.0.5", "not-in-subnets")]
    [InlineData("10.1.5", "ip-address")]
    public async Task Addresses_that_nobody_can_have_are_refused(string address, string rule)
    {
        await using var scene = await SceneAsync();
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "b", flavor = "small", image = "tiny", interfaces = new[] { new { network = "lab", address } } });
        Assert.Equal(("interfaces[0].address", rule), (refused.Errors![0].Field, refused.Errors[0].Rule));
    }

    [Fact]
    public async Task An_interface_taken_away_keeps_its_address_until_the_host_has_said_it_is_gone()
    {
        await using var scene = await SceneAsync();
        var instance = await scene.LaunchAsync("a");
        Assert.Equal("last-interface", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, $"/interfaces/{instance.Interfaces[0].Id}")).Code);
        var attached = await scene.Tenant.PostAsync<Interface>("/interfaces", new { instance = "a", network = "lab", address = "10.1.0.9" });
        Assert.Equal((1, "attached"), (attached.Index, attached.State));
        Assert.Equal(2, Assert.Single((await scene.Host.DesiredAsync())!.Instances).Interfaces.Count);
        var running = FakeHost.Obeyed(Assert.Single((await scene.Host.DesiredAsync())!.Instances));
        await scene.Host.ReportAsync(running with { Interfaces = [instance.Interfaces[0].Id, attached.Id] });

        Assert.Equal("detaching", (await scene.Tenant.DeleteAsync<Interface>($"/interfaces/{attached.Id}")).State);
        var desired = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default))!;
        Assert.Single(Assert.Single(desired.Document!.Instances).Interfaces);
        Assert.DoesNotContain("lab", desired.Document.Networks.Select(n => n.Name));
        // Of the generation before, and of a host that does not tell: neither says that it is gone.
        await scene.Host.ReportAsync(running with { Interfaces = [instance.Interfaces[0].Id] });
        await scene.Host.ReportAsync(running with { Generation = 3 });
        await scene.Tenant.FailAsync(400, HttpMethod.Post, "/interfaces", new { instance = "a", network = "lab", address = "10.1.0.9" });
        await scene.Host.ReportAsync(running with { Generation = 3, Interfaces = [instance.Interfaces[0].Id] });
        await scene.Tenant.FailAsync(404, HttpMethod.Get, $"/interfaces/{attached.Id}");
        Assert.Single((await scene.Tenant.GetAsync<Instance>("/instances/a")).Interfaces);
        // Asked for by name it is given out at once; by itself it rests.
        Assert.Equal("10.1.0.2", (await scene.Tenant.PostAsync<Interface>("/interfaces", new { instance = "a", network = "lab" })).Address);
        Assert.Contains("interface.detached", (await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={attached.Id}")).Items.Select(e => e.Action));
    }

    [Fact]
    public async Task A_secondary_address_moves_between_guests_when_it_is_told_to()
    {
        await using var scene = await SceneAsync();
        var (a, b) = (await scene.LaunchAsync("a"), await scene.LaunchAsync("b"));
        var (first, second) = (a.Interfaces[0].Id, b.Interfaces[0].Id);
        var held = await scene.Tenant.PutAsync<Interface>($"/interfaces/{first}", new { secondaryAddresses = new[] { "10.0.0.200" }, allowedRanges = new[] { "172.16.0.0/16", "fd00:9::/64" } });
        Assert.Equal(["10.0.0.200"], held.SecondaryAddresses);
        var told = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default))!;
        var desired = told.Document!.Instances.SelectMany(i => i.Interfaces).Single(i => i.Id == first);
        Assert.Equal([new DesiredAddress(a.Interfaces[0].Subnet.Id, "10.0.0.200", false)], desired.Further!);
        Assert.Equal(["172.16.0.0/16", "fd00:9::/64"], desired.Allowed!.Order(StringComparer.Ordinal));
        Assert.Contains("10.0.0.200", Assert.Single(Assert.Single(told.Peers).Hosts!).Guests);
        Assert.Contains("10.0.0.200", Assert.Single(Assert.Single(told.Peers).Groups).Addresses);

        var elsewhere = await scene.Tenant.FailAsync(400, HttpMethod.Put, $"/interfaces/{second}", new { secondaryAddresses = new[] { "10.0.0.200" } });
        Assert.Equal("address-elsewhere", elsewhere.Errors![0].Rule);
        await scene.Tenant.PutAsync<Interface>($"/interfaces/{second}", new { secondaryAddresses = new[] { "10.0.0.200" }, move = true });
        Assert.Empty((await scene.Tenant.GetAsync<Interface>($"/interfaces/{first}")).SecondaryAddresses);
        // First addresses are never taken over.
        Assert.Equal("address-taken", (await scene.Tenant.FailAsync(400, HttpMethod.Put, $"/interfaces/{second}", new { secondaryAddresses = new[] { a.Interfaces[0].Address }, move = true })).Errors![0].Rule);
        foreach (var range in (string[])["0.0.0.0/0", "10.0.0.0/7", "127.0.0.0/8", "169.254.0.0/24", "10.0.0.1/24"])
            await scene.Tenant.FailAsync(400, HttpMethod.Put, $"/interfaces/{second}", new { allowedRanges = new[] { range } });
    }

    [Fact]
    public async Task Only_operators_name_the_host_and_launches_of_many_ask_for_no_address()
    {
        await using var scene = await SceneAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        await scene.Tenant.FailAsync(403, HttpMethod.Post, "/instances", new { name = "a", flavor = "small", image = "tiny", host = "host-2" });
        foreach (var host in (string[])["host-2", "host-1", "host-2"])
            Assert.Equal(host, (await scene.Admin.PostAsync<Instance>("/instances", new { name = $"on-{Guid.NewGuid():n}", flavor = "tiny", image = "tiny", host })).Host.Name);
        Assert.Equal("host", (await scene.Admin.FailAsync(400, HttpMethod.Post, "/instances", new { name = "x", flavor = "tiny", image = "tiny", host = "host-9" })).Errors![0].Field);
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances",
            new { name = "m", flavor = "small", image = "tiny", count = 2, network = "lab", interfaces = new[] { new { network = "lab", address = "10.1.0.5" } } });
        Assert.Equal(["one-instance-only", "network-or-interfaces"], refused.Errors!.Select(e => e.Rule).OrderDescending());
    }

    [Fact]
    public async Task A_small_subnet_gives_resting_addresses_out_when_there_is_nothing_else()
    {
        await using var scene = await Scene.StartAsync(memoryMib: 65536);
        await scene.Admin.PostAsync<Flavor>("/flavors", new { name = "nano", vcpus = 1, memoryMib = 64, diskGib = 1, rateMbps = 100 });
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "small", subnets = new[] { new { cidr = "10.9.0.0/28" } } });
        Task<Instance> LaunchAsync(string name) => scene.Tenant.PostAsync<Instance>("/instances", new { name, flavor = "nano", image = "tiny", network = "small", floating = false });
        for (var i = 0; i < 12; i++) Assert.Equal($"10.9.0.{i + 2}", (await LaunchAsync($"n{i}")).Interfaces[0].Address);
        await scene.Tenant.DeleteAsync<Instance>("/instances/n3");
        await scene.Host.ObeyAsync();
        var last = await LaunchAsync("last");
        // The one that was never given out comes before the one that rests.
        Assert.Equal(("10.9.0.14", null, 100), (last.Interfaces[0].Address, last.Interfaces[0].FloatingAddress, last.Interfaces[0].RateMbps));
        Assert.Equal("10.9.0.5", (await LaunchAsync("again")).Interfaces[0].Address);
        Assert.Equal("addresses-exhausted", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "more", flavor = "nano", image = "tiny", network = "small" })).Code);
    }

    [Fact]
    public async Task Addresses_that_have_rested_are_forgotten_and_those_of_guests_are_not()
    {
        await using var scene = await SceneAsync();
        await scene.LaunchAsync("a");
        await scene.LaunchAsync("b");
        await scene.Tenant.DeleteAsync<Instance>("/instances/a");
        await scene.Host.ObeyAsync();
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        var purge = scene.Cloud.Services.GetRequiredService<InstancePurge>();
        Task<List<long>> CountsAsync() => database.QueryAsync("SELECT count(*) FROM subnet_addresses UNION ALL SELECT count(*) FROM resting_addresses", row => row.GetInt64(0), default);
        await purge.PurgeAsync(default);
        Assert.Equal([2, 1], await CountsAsync());
        await database.ExecuteAsync("UPDATE subnet_addresses SET released_at = released_at - interval '2 hours' WHERE released_at IS NOT NULL", default);
        await database.ExecuteAsync("UPDATE resting_addresses SET released_at = released_at - interval '2 hours'", default);
        await purge.PurgeAsync(default);
        Assert.Equal([1, 0], await CountsAsync());
    }

    [Fact]
    public async Task A_subnet_that_goes_takes_the_routes_by_it_along_and_hosts_hear_of_it()
    {
        await using var scene = await SceneAsync();
        await scene.Tenant.PostAsync<Subnet>("/subnets", new { network = "lab", name = "extra", cidr = "10.5.0.0/24" });
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "a", flavor = "small", image = "tiny", network = "lab" });
        var attached = await scene.Tenant.PostAsync<Interface>("/interfaces", new { instance = "a", network = "lab", subnet = "extra" });
        Assert.Equal("10.5.0.2", attached.Address);
        await scene.Tenant.PostAsync<NetworkRoute>("/networks/lab/routes", new { destination = "172.16.0.0/16", via = "10.5.0.2" });
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/subnets/extra")).Code);
        await scene.Tenant.DeleteAsync<Interface>($"/interfaces/{attached.Id}");
        var running = FakeHost.Obeyed(Assert.Single((await scene.Host.DesiredAsync())!.Instances));
        await scene.Host.ReportAsync(running with { Interfaces = [] });
        var before = (await scene.Host.DesiredAsync())!;
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/subnets/extra")) { }
        var after = Assert.Single((await scene.Host.DesiredAsync(before.Revision))!.Networks);
        Assert.Equal((2, 0), (after.Subnets.Count, after.Routes!.Count));
    }
}
