using Kumoi.Api;
using Kumoi.Server.Recovery;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.HostPools;

/// <summary>Goal: no instance comes to a host of a pool that is not its account's, by whatever way and whatever changes meanwhile; and whoever is refused hears why.</summary>
public sealed class HostPoolPlacementTests
{
    private static async Task<string> ReasonsAsync(TestClient client, string key) => string.Join(' ', (await client.GetAsync<Explanation>("/explain/" + key)).Placement.Select(statement => statement.Reason));

    [Fact]
    public async Task Each_account_comes_to_its_own_hosts_and_to_those_for_all_and_to_no_others()
    {
        await using var pools = await PoolScene.StartAsync(memoryMib: 1280);
        await pools.Admin.PostAsync<HostPool>("/host-pools", new { name = "silver", accounts = new[] { "other" } });
        await pools.JoinAsync("host-3", "silver", 1280);
        Assert.Equal("host-2", (await PoolScene.LaunchAsync(pools.Acme, "a", "gold")).Host.Name);
        Assert.Equal("host-3", (await PoolScene.LaunchAsync(pools.Other, "b", "silver")).Host.Name);
        Assert.Equal("host-1", (await PoolScene.LaunchAsync(pools.Other, "c", "default")).Host.Name);
        // Without asking, any that is its account's: host-1 has room for nine, host-2 for nine.
        for (var i = 0; i < 18; i++) Assert.NotEqual("host-3", (await PoolScene.LaunchAsync(pools.Acme, $"a-{i}")).Host.Name);
        Assert.Equal(["insufficient-capacity", "host-pool-account 1", "memory 2"], await PoolScene.RefusedAsync(pools.Acme));
        Assert.Equal(["insufficient-capacity", "host-pool 2", "memory 1"], await PoolScene.RefusedAsync(pools.Acme, "gold"));
        // Whoever runs the cloud is an account like others when it comes to that.
        Assert.Equal("host-pool-account", (await pools.Admin.FailAsync(409, HttpMethod.Post, "/instances", new { name = "x", flavor = "tiny", image = "tiny", host = "host-2" })).Reasons!.Last().Filter);
        var japanese = await pools.Other.FailAsync(409, HttpMethod.Post, "/instances", new { name = "x", flavor = "large", image = "tiny", hostPool = "silver" }, ("Accept-Language", "ja"));
        Assert.Equal("2 台のホストはホストプール silver にありません", japanese.Reasons![0].Message);
        Assert.Equal("placed-spread placed-host-pool", await ReasonsAsync(pools.Acme, "a"));
    }

    /// <summary>Method: a trigger at the end of each transaction, when all that was committed before is seen, notes every instance that is where it may not be.</summary>
    [Theory]
    [InlineData("the pool is taken away and given again")]
    [InlineData("the host changes its pool")]
    public async Task Of_launches_at_once_none_comes_to_a_host_that_is_not_its_accounts_when_it_is_committed(string meanwhile)
    {
        await using var pools = await PoolScene.StartAsync(memoryMib: 1 << 20);
        await pools.Admin.PutAsync<HostPool>("/host-pools/default", new { cpuOvercommit = 64 });
        await pools.Admin.PutAsync<HostPool>("/host-pools/gold", new { cpuOvercommit = 64 });
        await pools.Admin.PostAsync<HostPool>("/host-pools", new { name = "silver", accounts = new[] { "other" }, cpuOvercommit = 64 });
        await pools.Database.ExecuteAsync(
            """
            CREATE TABLE misplaced (instance text);
            CREATE FUNCTION note_misplaced() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO misplaced SELECT NEW.id FROM hosts h JOIN host_pools p ON p.id = h.host_pool_id
                WHERE h.id = NEW.host_id AND NOT p.all_accounts AND NOT EXISTS (SELECT 1 FROM host_pool_accounts x WHERE x.host_pool_id = p.id AND x.account_id = NEW.account_id);
                RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER note_misplaced AFTER INSERT ON instances DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_misplaced();
            """, default);
        var launches = Enumerable.Range(0, 64).Select(async i =>
        {
            using var answer = await (i % 4 == 0 ? pools.Other : pools.Acme).SendAsync(HttpMethod.Post, "/instances", new { name = $"n{i}", flavor = "tiny", image = "tiny", network = "default", floating = false });
            return (int)answer.StatusCode;
        }).ToArray();
        var changes = 0;
        do
        {
            if (meanwhile == "the host changes its pool") await pools.Admin.PutAsync<Host>("/hosts/host-2", new { hostPool = changes % 2 == 0 ? "silver" : "gold" });
            else await pools.Admin.PostAsync<HostPool>("/host-pools/gold/" + (changes % 2 == 0 ? "take" : "give"), new { account = "acme" });
            changes++;
        }
        while (!launches.All(launch => launch.IsCompleted));
        // The pool default has room for all of them.
        Assert.All(await Task.WhenAll(launches), status => Assert.True(status is 201 or 409, $"{status}"));
        Assert.Equal(0, await pools.Database.FindAsync("SELECT count(*)::int FROM misplaced", row => row.GetInt32(0), default));
        Assert.True(changes > 1, "Nothing was changed while launches were under way.");
        Assert.NotEqual(0, await pools.Database.FindAsync("SELECT count(*)::int FROM instances", row => row.GetInt32(0), default));
    }

    [Fact]
    public async Task What_runs_in_a_pool_that_is_taken_away_goes_on_and_says_so_and_is_found_by_the_doctor()
    {
        await using var pools = await PoolScene.StartAsync();
        var instance = await PoolScene.LaunchAsync(pools.Acme, "a", "gold");
        await pools.Admin.PostAsync<HostPool>("/host-pools/gold/take", new { account = "acme" });
        Assert.Equal("host-2", (await pools.Acme.GetAsync<Instance>("/instances/a")).Host.Name);
        Assert.Equal("placed-spread placed-host-pool placed-pool-taken", await ReasonsAsync(pools.Acme, "a"));
        await pools.Acme.PostAsync<Instance>("/instances/a/stop");
        await pools.Acme.PostAsync<Instance>("/instances/a/start");
        Assert.Equal("no-such", (await pools.Acme.FailAsync(400, HttpMethod.Post, "/instances", new { name = "b", flavor = "tiny", image = "tiny", hostPool = "gold" })).Errors!.Single().Rule);
        var finding = (await pools.Admin.GetAsync<DoctorReport>("/doctor")).Findings.Single(found => found.Code == "host-pool-foreign");
        Assert.Equal(("warning", "host-2", "The host pool gold is not for the account acme, which has 1 instance(s) on its host host-2."), (finding.Severity, finding.Subject, finding.Message));
        await pools.Admin.PutAsync<HostPool>("/host-pools/gold", new { allAccounts = true });
        Assert.DoesNotContain((await pools.Admin.GetAsync<DoctorReport>("/doctor")).Findings, found => found.Code == "host-pool-foreign");
        await pools.Admin.PutAsync<Host>("/hosts/host-2", new { hostPool = "default" });
        Assert.Equal("placed-spread placed-host-pool placed-pool-left", await ReasonsAsync(pools.Acme, instance.Id));
    }

    [Fact]
    public async Task Labels_that_flavors_and_instances_require_decide_and_are_told()
    {
        await using var pools = await PoolScene.StartAsync();
        await pools.Admin.PutAsync<Host>("/hosts/host-2", new { labels = new { disk = "ssd", gpu = "" } });
        var flavor = await pools.Admin.PostAsync<Flavor>("/flavors", new { name = "fast", vcpus = 1, memoryMib = 128, diskGib = 1, requiredLabels = new { disk = "ssd" } });
        Assert.Equal("ssd", flavor.RequiredLabels["disk"]);
        for (var i = 0; i < 3; i++) Assert.Equal("host-2", (await PoolScene.LaunchAsync(pools.Acme, $"a-{i}", requiredLabels: new { disk = "ssd", gpu = "" })).Host.Name);
        var fast = await PoolScene.LaunchAsync(pools.Acme, "fast", requiredLabels: new { gpu = "" }, flavor: "fast");
        Assert.Equal(("host-2", "disk=ssd gpu="), (fast.Host.Name, string.Join(' ', fast.RequiredLabels.OrderBy(label => label.Key).Select(label => $"{label.Key}={label.Value}"))));
        Assert.Equal(fast.RequiredLabels, (await pools.Acme.GetAsync<Instance>("/instances/fast")).RequiredLabels);
        Assert.Equal(["insufficient-capacity", "labels 2"], await PoolScene.RefusedAsync(pools.Acme, requiredLabels: new { disk = "nvme" }));
        Assert.Equal(["insufficient-capacity", "host-pool-account 1", "labels 1"], await PoolScene.RefusedAsync(pools.Other, flavor: "fast"));
        var clash = (await pools.Acme.FailAsync(400, HttpMethod.Post, "/instances", new { name = "x", flavor = "fast", image = "tiny", requiredLabels = new { disk = "nvme" } })).Errors!.Single();
        Assert.Equal(("requiredLabels.disk", "must be ssd: the flavor fast requires that"), (clash.Field, clash.Message));
        await pools.Acme.FailAsync(400, HttpMethod.Post, "/instances", new { name = "x", flavor = "tiny", image = "tiny", requiredLabels = new Dictionary<string, string?> { ["a"] = null } });

        // A change of the flavor stays on the host, which must be one for it.
        await PoolScene.LaunchAsync(pools.Acme, "plain", "default");
        await pools.Acme.PostAsync<Instance>("/instances/plain/stop");
        await pools.Scene.Host.ObeyAsync();
        Assert.Equal("labels", (await pools.Acme.FailAsync(409, HttpMethod.Put, "/instances/plain", new { flavor = "fast" })).Reasons!.Single().Filter);
        await pools.Admin.PutAsync<Host>("/hosts/host-1", new { labels = new { disk = "ssd" } });
        Assert.Equal("ssd", (await pools.Acme.PutAsync<Instance>("/instances/plain", new { flavor = "fast" })).RequiredLabels["disk"]);

        await pools.Admin.PutAsync<Host>("/hosts/host-2", new { labels = new Dictionary<string, string?> { ["disk"] = null } });
        Assert.Equal("placed-spread placed-labels placed-labels-lost", await ReasonsAsync(pools.Acme, "fast"));
        Assert.Equal(["gpu"], (await pools.Admin.GetAsync<Host>("/hosts/host-2")).Labels.Keys);
        Assert.Equal(["disk removed.", "disk=ssd, gpu=."], (await pools.Admin.GetAsync<Page<Event>>($"/events?resource={fast.Host.Id}&action=host.label")).Items.Select(e => e.Message));
        Assert.Equal("host-1", (await PoolScene.LaunchAsync(pools.Other, "theirs", flavor: "fast")).Host.Name);
        Assert.Equal("host-in-pool host-labels", string.Join(' ', (await pools.Admin.GetAsync<Explanation>("/explain/host-1")).Placement.Select(s => s.Reason).Where(reason => reason is "host-in-pool" or "host-labels")));
    }

    [Fact]
    public async Task Groups_hold_within_pools()
    {
        await using var pools = await PoolScene.StartAsync();
        await pools.JoinAsync("host-3", "gold");
        await pools.Acme.PostAsync<PlacementGroup>("/placement-groups", new { name = "apart", policy = "anti-affinity" });
        await pools.Acme.PostAsync<PlacementGroup>("/placement-groups", new { name = "together", policy = "affinity" });
        string[] apart = [(await PoolScene.LaunchAsync(pools.Acme, "a", "gold", placementGroup: "apart")).Host.Name, (await PoolScene.LaunchAsync(pools.Acme, "b", "gold", placementGroup: "apart")).Host.Name];
        Assert.Equal(["host-2", "host-3"], apart.Order());
        Assert.Equal(["insufficient-capacity", "host-pool 1", "anti-affinity 2"], await PoolScene.RefusedAsync(pools.Acme, "gold", placementGroup: "apart"));
        Assert.Equal("host-1", (await PoolScene.LaunchAsync(pools.Acme, "c", placementGroup: "apart")).Host.Name);
        var first = await PoolScene.LaunchAsync(pools.Acme, "d", "gold", placementGroup: "together");
        Assert.Equal(first.Host, (await PoolScene.LaunchAsync(pools.Acme, "e", placementGroup: "together")).Host);
        Assert.Equal(["insufficient-capacity", "host-pool 2", "affinity 1"], await PoolScene.RefusedAsync(pools.Acme, "default", placementGroup: "together"));
    }

    [Fact]
    public async Task After_the_loss_of_a_host_instances_come_to_hosts_of_their_pool_and_with_their_labels_alone()
    {
        await using var pools = await PoolScene.StartAsync(storage: "nfs-1");
        await pools.JoinAsync("host-3", "gold", 1024, storage: "nfs-1");
        await pools.JoinAsync("host-4", "gold", 512, storage: "nfs-1");
        foreach (var host in (string[])["host-2", "host-4"]) await pools.Admin.PutAsync<Host>("/hosts/" + host, new { labels = new { disk = "ssd" } });
        foreach (var host in (string[])["host-3", "host-4"]) await pools.Admin.PutAsync<Host>("/hosts/" + host, new { schedulable = false });
        Assert.Equal("host-2", (await PoolScene.LaunchAsync(pools.Acme, "asked", "gold", recovery: "restart")).Host.Name);
        Assert.Equal("host-2", (await PoolScene.LaunchAsync(pools.Acme, "labelled", requiredLabels: new { disk = "ssd" }, recovery: "restart")).Host.Name);
        Assert.Equal("host-2", (await PoolScene.LaunchAsync(pools.Acme, "big", "gold", recovery: "restart", flavor: "large")).Host.Name);
        foreach (var host in (string[])["host-3", "host-4"]) await pools.Admin.PutAsync<Host>("/hosts/" + host, new { schedulable = true });
        await pools.LoseAsync("host-2");
        async Task<string> HostAsync(string name) => (await pools.Acme.GetAsync<Instance>("/instances/" + name)).Host.Name;
        // host-1 is the emptiest.
        Assert.Equal(("host-3", "host-4", "host-2"), (await HostAsync("asked"), await HostAsync("labelled"), await HostAsync("big")));
        Assert.Equal("host-pool", (await pools.Acme.GetAsync<Instance>("/instances/big")).Conditions.Single().Reason);
        // What has waited for a host of its pool goes on as soon as there is one.
        await pools.Admin.PutAsync<Host>("/hosts/host-1", new { hostPool = "gold" });
        await pools.Scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal("host-1", await HostAsync("big"));
    }

    [Fact]
    public async Task In_a_pool_that_was_taken_away_nothing_is_restarted_elsewhere_and_for_maintenance_neither()
    {
        await using var pools = await PoolScene.StartAsync(storage: "nfs-1");
        await pools.JoinAsync("host-3", "gold", 1 << 16, storage: "nfs-1");
        await pools.Admin.PutAsync<Host>("/hosts/host-3", new { schedulable = false });
        foreach (var name in (string[])["asked", "any"]) Assert.Equal("host-2", (await PoolScene.LaunchAsync(pools.Acme, name, "gold", recovery: "restart")).Host.Name);
        await pools.Database.ExecuteAsync("UPDATE instances SET host_pool_id = NULL WHERE name = 'any'", default);
        await PoolScene.LaunchAsync(pools.Other, "spare", recovery: "restart");
        await pools.Admin.PutAsync<Host>("/hosts/host-3", new { schedulable = true });
        await pools.Admin.PostAsync<HostPool>("/host-pools/gold/take", new { account = "acme" });
        await pools.LoseAsync("host-2");
        Assert.Equal(("host-2", "host-1"), ((await pools.Acme.GetAsync<Instance>("/instances/asked")).Host.Name, (await pools.Acme.GetAsync<Instance>("/instances/any")).Host.Name));
        var explained = await pools.Acme.GetAsync<Explanation>("/explain/asked");
        Assert.Contains("filter.host-pool-account", explained.WaitingFor.Select(statement => statement.Reason));

        // host-3 has the most room, and is not for it.
        await pools.Other.PostAsync<Instance>("/instances/spare/stop");
        await pools.Scene.Host.ObeyAsync();
        await pools.Admin.PutAsync<Host>("/hosts/host-1", new { maintenance = true });
        await pools.Scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal(("host-1", "host-pool"), ((await pools.Other.GetAsync<Instance>("/instances/spare")).Host.Name, (await pools.Other.GetAsync<Instance>("/instances/spare")).Conditions.Single().Reason));
        await pools.Admin.PostAsync<HostPool>("/host-pools/gold/give", new { account = "other" });
        await pools.Scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
        Assert.Equal("host-3", (await pools.Other.GetAsync<Instance>("/instances/spare")).Host.Name);
    }
}
