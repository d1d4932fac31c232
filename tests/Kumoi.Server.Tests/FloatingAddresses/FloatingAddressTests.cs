using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.FloatingAddresses;

public sealed class FloatingAddressTests
{
    private static async Task<string?> ToldAsync(FakeHost host, string instance) =>
        (await host.DesiredAsync())!.Instances.SingleOrDefault(i => i.Name == instance)?.Interfaces[0].FloatingAddress;

    [Fact]
    public async Task An_address_is_taken_led_to_a_guest_moved_to_another_hosts_and_given_back()
    {
        await using var scene = await Scene.StartAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        async Task<Instance> LaunchAsync(string name, string host)
        {
            using var response = await scene.Admin.SendAsync(HttpMethod.Post, "/instances", new { name, flavor = "small", image = "tiny", floating = false, host }, ("Kumoi-Account", "acme"));
            return System.Text.Json.JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), ApiJson.Default.Instance)!;
        }
        var (a, b) = (await LaunchAsync("a", "host-1"), await LaunchAsync("b", "host-2"));
        Assert.Null(a.Interfaces[0].FloatingAddress);
        var address = (await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { description = "web" }));
        Assert.Equal(("default", true, null), (address.Pool!.Name, address.Kept, address.Instance));
        await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{address.Address}/associate", new { instance = "a" });
        Assert.Equal(address.Address, await ToldAsync(scene.Host, "a"));
        var there = await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { instance = "b" });
        Assert.Equal(("address-associated", "a"), (there.Code, there.UsedBy![0].Name));
        await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{address.Address}/associate", new { @interface = b.Interfaces[0].Id, move = true });
        Assert.Null(await ToldAsync(scene.Host, "a"));
        Assert.Equal(address.Address, await ToldAsync(other, "b"));
        var second = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        Assert.Equal("interface-has-address", (await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/floating-addresses/{second.Id}/associate", new { instance = "b" })).Code);
        // The end of the guest leaves the account its address.
        await scene.Tenant.DeleteAsync<Instance>("/instances/b");
        await other.ObeyAsync();
        Assert.Null((await scene.Tenant.GetAsync<FloatingAddress>($"/floating-addresses/{address.Id}")).Instance);
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, $"/floating-addresses/{address.Id}")) { }
        await scene.Tenant.FailAsync(404, HttpMethod.Get, $"/floating-addresses/{address.Id}");
        // It rests: the next one is another.
        Assert.NotEqual(address.Address, (await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { })).Address);
    }

    [Fact]
    public async Task An_address_that_came_with_a_guest_goes_with_it_unless_the_account_takes_it()
    {
        await using var scene = await Scene.StartAsync();
        var (a, b) = (await scene.LaunchAsync("a"), await scene.LaunchAsync("b"));
        Assert.Equal([false, false], (await scene.Tenant.GetAsync<Page<FloatingAddress>>("/floating-addresses")).Items.Select(f => f.Kept));
        Assert.True((await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{b.Interfaces[0].FloatingAddress}/disassociate")).Kept);
        await scene.Tenant.DeleteAsync<Instance>("/instances/a");
        await scene.Tenant.DeleteAsync<Instance>("/instances/b");
        await scene.Host.ObeyAsync();
        Assert.Equal([b.Interfaces[0].FloatingAddress], (await scene.Tenant.GetAsync<Page<FloatingAddress>>("/floating-addresses")).Items.Select(f => f.Address));
    }

    [Fact]
    public async Task An_address_that_came_with_a_guest_makes_way_for_one_that_the_account_keeps()
    {
        await using var scene = await Scene.StartAsync();
        var a = await scene.LaunchAsync("a");
        var own = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{own.Address}/associate", new { instance = "a" });
        Assert.Equal(own.Address, await ToldAsync(scene.Host, "a"));
        await scene.Tenant.FailAsync(404, HttpMethod.Get, $"/floating-addresses/{a.Interfaces[0].FloatingAddress}");
    }

    [Fact]
    public async Task A_server_of_the_version_before_that_ends_a_guest_leaves_the_account_its_address()
    {
        await using var scene = await Scene.StartAsync();
        var a = await scene.LaunchAsync("a");
        await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{a.Interfaces[0].FloatingAddress}/disassociate");
        await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{a.Interfaces[0].FloatingAddress}/associate", new { instance = "a" });
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("UPDATE interfaces SET released_at = now() WHERE id = $1 AND released_at IS NULL", default, a.Interfaces[0].Id);
        await database.ExecuteAsync("DELETE FROM floating_addresses WHERE interface_id = $1", default, a.Interfaces[0].Id);
        Assert.Null(Assert.Single((await scene.Tenant.GetAsync<Page<FloatingAddress>>("/floating-addresses")).Items).Interface);
        Assert.Equal([true], await database.QueryAsync("SELECT released_at IS NOT NULL FROM subnet_addresses", row => row.GetBoolean(0), default));
        // What it writes is held too: an address of somebody is refused as one that is taken.
        var b = await scene.LaunchAsync("b");
        var same = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => database.ExecuteAsync(
            "INSERT INTO interfaces (id, account_id, instance_id, network_id, subnet_id, device_index, mac_address, address) SELECT 'eni-x', account_id, instance_id, network_id, subnet_id, 5, '02:00:00:00:00:01', address FROM interfaces WHERE id = $1",
            default, b.Interfaces[0].Id));
        Assert.Equal(Npgsql.PostgresErrorCodes.UniqueViolation, same.SqlState);
    }

    [Fact]
    public async Task Pools_are_given_to_some_exclude_and_reserve_and_say_when_they_are_empty()
    {
        await using var scene = await Scene.StartAsync();
        var stranger = await scene.Cloud.TenantAsync("stranger");
        var pool = await scene.Admin.PostAsync<AddressPool>("/address-pools", new
        {
            name = "office", ranges = new[] { "203.0.113.0/28" }, excluded = new[] { "203.0.113.8/29" }, reserved = new object[] { new { address = "203.0.113.2", account = "stranger" }, new { address = "203.0.113.3" } },
            accounts = new[] { "acme", "stranger" },
        });
        Assert.Equal((0, 6), (pool.Used, pool.Free));
        Task<FloatingAddress> TakeAsync(TestClient client, object body) => client.PostAsync<FloatingAddress>("/floating-addresses", body);
        Assert.Equal(["203.0.113.4", "203.0.113.5", "203.0.113.6", "203.0.113.7"],
            new[] { await TakeAsync(scene.Tenant, new { pool = "office" }), await TakeAsync(scene.Tenant, new { pool = "office" }), await TakeAsync(scene.Tenant, new { pool = "office" }), await TakeAsync(scene.Tenant, new { pool = "office" }) }.Select(f => f.Address));
        Assert.Equal("pool-exhausted", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/floating-addresses", new { pool = "office" })).Code);
        Assert.Equal("not-in-pools", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/floating-addresses", new { address = "203.0.113.2" })).Errors![0].Rule);
        Assert.Equal("203.0.113.2", (await TakeAsync(stranger, new { address = "203.0.113.2" })).Address);
        Assert.Equal("203.0.113.3", (await TakeAsync(scene.Tenant, new { address = "203.0.113.3" })).Address);
        foreach (var (address, rule) in new[] { ("203.0.113.9", "not-in-pools"), ("203.0.113.15", "not-in-pools"), ("203.0.113.4", "address-taken"), ("8.8.8.8", "not-in-pools"), ("x", "ip-address") })
            Assert.Equal(rule, (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/floating-addresses", new { address })).Errors![0].Rule);
        // Not theirs: it does not exist.
        await scene.Admin.PostAsync<AddressPool>("/address-pools", new { name = "closed", ranges = new[] { "203.0.113.64/28" }, accounts = Array.Empty<string>() });
        await scene.Tenant.FailAsync(404, HttpMethod.Get, "/address-pools/closed");
        Assert.Equal("no-such", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/floating-addresses", new { pool = "closed" })).Errors![0].Rule);
        Assert.Equal(["default", "office"], (await scene.Tenant.GetAsync<Page<AddressPool>>("/address-pools")).Items.Select(p => p.Name).Order());
        // What accounts have is not taken from under them.
        Assert.Equal("in-use", (await scene.Admin.FailAsync(409, HttpMethod.Put, "/address-pools/office", new { ranges = new[] { "203.0.113.96/28" }, excluded = Array.Empty<string>(), reserved = Array.Empty<object>() })).Code);
        Assert.Equal("in-use", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/address-pools/office")).Code);
        Assert.Null((await scene.Admin.PutAsync<AddressPool>("/address-pools/office", new { allAccounts = true })).Accounts);
    }

    [Theory]
    [InlineData("198.18.5.0/24", "overlaps-pool")]
    [InlineData("198.19.0.0/24", "not-public")]
    [InlineData("224.0.1.0/24", "not-public")]
    [InlineData("203.0.113.0/31", "prefix-between")]
    [InlineData("203.0.113.1/24", "ipv4-cidr")]
    [InlineData("fd00::/64", "ipv4-cidr")]
    public async Task Ranges_that_no_pool_can_have_are_refused(string range, string rule)
    {
        await using var scene = await Scene.StartAsync();
        var refused = await scene.Admin.FailAsync(400, HttpMethod.Post, "/address-pools", new { name = "bad", ranges = new[] { range } });
        Assert.Contains(refused.Errors!, error => error.Field == "ranges[0]" && error.Rule == rule);
    }
}
