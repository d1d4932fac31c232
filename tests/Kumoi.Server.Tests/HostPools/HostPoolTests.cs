using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.HostPools;

/// <summary>The life of host pools, who sees what of them, and what their hosts offer.</summary>
public sealed class HostPoolTests
{
    [Fact]
    public async Task A_pool_is_made_changed_refused_while_in_use_and_removed_after()
    {
        await using var scene = await Scene.StartAsync();
        var pool = await scene.Admin.PostAsync<HostPool>("/host-pools", new { name = "gold", description = "Fast ones", cpuOvercommit = 2, accounts = new[] { "acme" } });
        Assert.Equal(("gold", "Fast ones", 2.0, 1.0, 0), (pool.Name, pool.Description, pool.CpuOvercommit, pool.MemoryOvercommit, pool.Hosts!.Value));
        Assert.False(pool.AllAccounts);
        Assert.Equal(["acme"], pool.Accounts!.Select(account => account.Name));
        Assert.Equal("name-taken", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/host-pools", new { name = "gold" })).Code);
        var host = await scene.Admin.PutAsync<Host>("/hosts/host-1", new { hostPool = "gold" });
        Assert.Equal((new Ref(pool.Id, "gold"), 4, 2), (host.HostPool, host.Capacity.Vcpus, host.Physical!.Vcpus));
        Assert.Equal(("in-use", "host-1"), await InUseAsync());
        await scene.Admin.PutAsync<Host>("/hosts/host-1", new { hostPool = "default" });
        var instance = await PoolScene.LaunchAsync(scene.Tenant, "a", "default");
        Assert.Equal("default", instance.HostPool!.Name);
        Assert.Equal("host-pool-default", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/host-pools/default")).Code);
        using var gone = await scene.Admin.SendAsync(HttpMethod.Delete, "/host-pools/gold");
        Assert.Equal(204, (int)gone.StatusCode);
        Assert.Equal(["host-pool.delete", "host-pool.create"], (await scene.Admin.GetAsync<Page<Event>>($"/events?resource={pool.Id}")).Items.Select(e => e.Action));
        Assert.Equal(["From gold to default.", "From default to gold."], (await scene.Admin.GetAsync<Page<Event>>($"/events?resource={host.Id}&action=host.set-pool")).Items.Select(e => e.Message));

        async Task<(string, string)> InUseAsync()
        {
            var problem = await scene.Admin.FailAsync(409, HttpMethod.Delete, "/host-pools/gold");
            return (problem.Code, problem.UsedBy!.Single().Name);
        }
    }

    [Fact]
    public async Task An_ended_instance_keeps_no_pool_from_being_removed_and_a_living_one_does()
    {
        await using var pools = await PoolScene.StartAsync();
        var instance = await PoolScene.LaunchAsync(pools.Acme, "a", "gold");
        Assert.Equal("host-2", instance.Host.Name);
        await pools.Admin.PutAsync<Host>("/hosts/host-2", new { hostPool = "default" });
        Assert.Equal(["a"], (await pools.Admin.FailAsync(409, HttpMethod.Delete, "/host-pools/gold")).UsedBy!.Select(user => user.Name));
        await pools.Database.ExecuteAsync("UPDATE instances SET desired = 'terminated', terminated_at = now() WHERE id = $1", default, instance.Id);
        using var gone = await pools.Admin.SendAsync(HttpMethod.Delete, "/host-pools/gold");
        Assert.Equal(204, (int)gone.StatusCode);
    }

    [Fact]
    public async Task Wrong_input_is_refused_with_its_field()
    {
        await using var scene = await Scene.StartAsync();
        var broken = await scene.Admin.FailAsync(400, HttpMethod.Post, "/host-pools", new { name = "i-19a3f2b4c5d6e7f80", cpuOvercommit = 0.5, memoryOvercommit = 17, description = new string('a', 256) });
        Assert.Equal(["cpuOvercommit between", "description too-long", "memoryOvercommit between", "name name-is-id"], broken.Errors!.Select(e => $"{e.Field} {e.Rule}").Order());
        Assert.Equal("accounts[1]", (await scene.Admin.FailAsync(400, HttpMethod.Post, "/host-pools", new { name = "gold", accounts = new[] { "acme", "nobody" } })).Errors!.Single().Field);
        Assert.Equal("hostPool", (await scene.Admin.FailAsync(400, HttpMethod.Put, "/hosts/host-1", new { hostPool = "none" })).Errors!.Single().Field);
        Assert.Equal("hostPool", (await scene.Admin.FailAsync(400, HttpMethod.Post, "/hosts/join-tokens", new { hostPool = "none" })).Errors!.Single().Field);
        Assert.Equal("labels", (await scene.Admin.FailAsync(400, HttpMethod.Put, "/hosts/host-1", new { labels = new Dictionary<string, string> { ["a=b"] = "c" } })).Errors!.Single().Field);
        Assert.Equal("account", (await scene.Admin.FailAsync(400, HttpMethod.Post, "/host-pools/default/give", new { account = "nobody" })).Errors!.Single().Field);
        Assert.Equal("host-pool-for-all", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/host-pools/default/take", new { account = "acme" })).Code);
        Assert.Equal("not-found", (await scene.Admin.FailAsync(404, HttpMethod.Put, "/host-pools/none", new { description = "" })).Code);
        Assert.Equal("hostPool", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "a", flavor = "tiny", image = "tiny", hostPool = "none" })).Errors!.Single().Field);
    }

    [Fact]
    public async Task Accounts_see_the_pools_that_are_theirs_and_nothing_of_others()
    {
        await using var pools = await PoolScene.StartAsync();
        Assert.Equal(["default", "gold"], (await pools.Acme.GetAsync<Page<HostPool>>("/host-pools")).Items.Select(pool => pool.Name));
        Assert.Equal(["default"], (await pools.Other.GetAsync<Page<HostPool>>("/host-pools")).Items.Select(pool => pool.Name));
        await pools.Other.FailAsync(404, HttpMethod.Get, "/host-pools/gold");
        Assert.Equal("no-such", (await pools.Other.FailAsync(400, HttpMethod.Post, "/instances", new { name = "a", flavor = "tiny", image = "tiny", hostPool = "gold" })).Errors!.Single().Rule);
        // Hosts that are for all are nobody's business; a pool that is an account's alone is.
        Assert.Null((await pools.Acme.GetAsync<HostPool>("/host-pools/default")).Hosts);
        Assert.Equal((1, 16L), ((await pools.Acme.GetAsync<HostPool>("/host-pools/gold")).Hosts!.Value, (await pools.Acme.GetAsync<HostPool>("/host-pools/gold")).Capacity!.Vcpus));
        Assert.Equal(["acme", "other"], (await pools.Admin.PostAsync<HostPool>("/host-pools/gold/give", new { account = "other" })).Accounts!.Select(account => account.Name));
        var shared = await pools.Other.GetAsync<HostPool>("/host-pools/gold");
        Assert.Equal("other", shared.Accounts!.Single().Name);
        Assert.Null(shared.Allocated);
        await pools.Admin.PostAsync<HostPool>("/host-pools/gold/take", new { account = "other" });
        Assert.Equal(["host-pool.take From other.", "host-pool.give To other.", "host-pool.create "], (await pools.Admin.GetAsync<Page<Event>>($"/events?resource={shared.Id}")).Items.Select(e => $"{e.Action} {e.Message}"));
        // With its last account a pool does not become everybody's.
        using var removed = await pools.Admin.SendAsync(HttpMethod.Delete, "/accounts/acme");
        Assert.Equal(204, (int)removed.StatusCode);
        Assert.Empty((await pools.Admin.GetAsync<HostPool>("/host-pools/gold")).Accounts!);
        Assert.Equal(["insufficient-capacity", "host-pool-account 1", "vcpus 1"], await PoolScene.RefusedAsync(pools.Other, flavor: await HugeAsync(pools)));
    }

    private static async Task<string> HugeAsync(PoolScene pools) => (await pools.Admin.PostAsync<Flavor>("/flavors", new { name = "huge", vcpus = 100, memoryMib = 128, diskGib = 1 })).Name;

    [Fact]
    public async Task Overcommit_fills_hosts_exactly_and_going_back_ends_nothing()
    {
        await using var scene = await Scene.StartAsync(memoryMib: 1280);
        await scene.Admin.PutAsync<HostPool>("/host-pools/default", new { memoryOvercommit = 1.5 });
        var offered = await scene.Admin.GetAsync<Host>("/hosts/host-1");
        Assert.Equal((1920, 1280, 16, 2), (offered.Capacity.MemoryMib, offered.Physical!.MemoryMib, offered.Capacity.Vcpus, offered.Physical.Vcpus));
        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            using var answer = await scene.Tenant.SendAsync(HttpMethod.Post, "/instances", new { name = $"n{i}", flavor = "tiny", image = "tiny" });
            return (int)answer.StatusCode;
        }));
        Assert.Equal((15, 9), (answers.Count(status => status == 201), answers.Count(status => status == 409)));
        // What the host reports is what it has, and what it offers stays.
        await scene.Host.ObeyAsync();
        await scene.Admin.PutAsync<HostPool>("/host-pools/default", new { memoryOvercommit = 1 });
        var back = await scene.Admin.GetAsync<Host>("/hosts/host-1");
        Assert.Equal((1280, 1920, 15), (back.Capacity.MemoryMib, back.Allocated.MemoryMib, back.Instances));
        Assert.Equal(["insufficient-capacity", "memory 1"], await PoolScene.RefusedAsync(scene.Tenant));
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1", vcpus: 4, memoryMib: 4096));
        Assert.Equal((4096, 32), ((await scene.Admin.GetAsync<Host>("/hosts/host-1")).Capacity.MemoryMib, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Capacity.Vcpus));
        await scene.Admin.PutAsync<HostPool>("/host-pools/default", new { cpuOvercommit = 1.5 });
        Assert.Equal(6, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Capacity.Vcpus);
        Assert.Equal(["insufficient-capacity", "vcpus 1"], await PoolScene.RefusedAsync(scene.Tenant));
        // A server of the version before writes what it knows of; the next report puts it right.
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET vcpus = 32, memory_mib = 1", default);
        await scene.Host.ReportAsync();
        Assert.Equal(new Capacity(6, 4096, 100), (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Capacity);
    }

    [Fact]
    public async Task A_host_joins_the_pool_of_its_token_and_offers_what_that_gives()
    {
        await using var pools = await PoolScene.StartAsync();
        await pools.Admin.PutAsync<HostPool>("/host-pools/gold", new { cpuOvercommit = 1, memoryOvercommit = 2 });
        await pools.JoinAsync("host-3", "gold", 1000);
        var host = await pools.Admin.GetAsync<Host>("/hosts/host-3");
        Assert.Equal(("gold", new Capacity(2, 2000, 100), new Capacity(2, 1000, 100)), (host.HostPool.Name, host.Capacity, host.Physical));
        // A token is worth nothing once its pool is gone.
        await pools.Admin.PostAsync<HostPool>("/host-pools", new { name = "short" });
        var token = await pools.Admin.PostAsync<JoinToken>("/hosts/join-tokens", new { hostPool = "short" });
        using var gone = await pools.Admin.SendAsync(HttpMethod.Delete, "/host-pools/short");
        await Assert.ThrowsAsync<HttpRequestException>(() => FakeHost.JoinAsync(pools.Scene.Cloud.AgentUrl, token.Token, FakeHost.Facts("host-4")));
    }
}
