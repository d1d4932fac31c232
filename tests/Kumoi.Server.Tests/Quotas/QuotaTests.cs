using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Quotas;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Quotas;

/// <summary>Goal: nobody gets more than allowed, however many ask together, and counters are what the records say.</summary>
public sealed class QuotaTests
{
    private static async Task<Quota> OneAsync(TestClient client, string resource, string path = "/quotas") => (await client.GetAsync<Page<Quota>>(path)).Items.Single(q => q.Resource == resource);

    private static async Task CountersAreRightAsync(TestCloud cloud) => Assert.Empty(await QuotaStore.DriftAsync(cloud.Services.GetRequiredService<Database>(), default));

    [Fact]
    public async Task A_thousand_who_ask_together_get_what_is_allowed_and_not_one_more()
    {
        const int limit = 100, asked = 1000, together = 64;
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var tenant = await cloud.TenantAsync("acme");
        await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["placement-groups"] = limit } });
        var (made, refused) = (0, 0);
        await Parallel.ForAsync(0, asked, new ParallelOptions { MaxDegreeOfParallelism = together }, async (i, _) =>
        {
            using var answer = await tenant.SendAsync(HttpMethod.Post, "/placement-groups", new { name = $"g{i}", policy = "affinity" });
            if ((int)answer.StatusCode == 201) Interlocked.Increment(ref made);
            else if ((int)answer.StatusCode == 409 && (await answer.Content.ReadAsStringAsync(CancellationToken.None)).Contains("quota-exceeded", StringComparison.Ordinal)) Interlocked.Increment(ref refused);
        });
        Assert.Equal((limit, asked - limit), (made, refused));
        Assert.Equal((limit, limit), ((int)(await OneAsync(tenant, "placement-groups")).Limit!, (int)(await OneAsync(tenant, "placement-groups")).Used));
        await CountersAreRightAsync(cloud);
    }

    [Fact]
    public async Task Launches_of_many_accounts_at_once_are_refused_one_by_one()
    {
        await using var scene = await Scene.StartAsync(memoryMib: 1 << 20);
        var other = await scene.Cloud.TenantAsync("other");
        var small = await scene.Tenant.GetAsync<Flavor>("/flavors/small");
        await scene.Admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["instances"] = 3, ["vcpus"] = 100 } });
        async Task<string?> LaunchAsync(TestClient client, string name, int count)
        {
            using var answer = await client.SendAsync(HttpMethod.Post, "/instances", new { name, flavor = "small", image = "tiny", count });
            return answer.IsSuccessStatusCode ? null : System.Text.Json.JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ApiJson.Default.Problem)!.Code;
        }
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => LaunchAsync(i % 2 == 0 ? scene.Tenant : other, $"web{i}", 1)));
        Assert.Equal(3, answers.Where((_, i) => i % 2 == 0).Count(code => code is null));
        Assert.All(answers.Where((code, i) => i % 2 == 0 && code is not null), code => Assert.Equal("quota-exceeded", code));
        Assert.All(answers.Where((_, i) => i % 2 == 1), Assert.Null);
        // All of a row, or none.
        await scene.Admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["instances"] = 5 } });
        Assert.Equal("quota-exceeded", await LaunchAsync(scene.Tenant, "row", 3));
        Assert.Null(await LaunchAsync(scene.Tenant, "row", 2));
        Assert.Equal(5 * small.Vcpus, (await OneAsync(scene.Tenant, "vcpus")).Used);
        await CountersAreRightAsync(scene.Cloud);
        // What is asked to go makes room at once.
        using (var ended = await scene.Tenant.SendAsync(HttpMethod.Delete, "/instances/row-1")) Assert.True(ended.IsSuccessStatusCode);
        Assert.Equal(4, (await OneAsync(scene.Tenant, "instances")).Used);
        Assert.Null(await LaunchAsync(scene.Tenant, "again", 1));
        await scene.Host.ObeyAsync();
        await CountersAreRightAsync(scene.Cloud);
    }

    [Fact]
    public async Task Each_thing_that_is_counted_is_counted_once_and_given_back()
    {
        await using var scene = await Scene.StartAsync();
        var tenant = scene.Tenant;
        await scene.Host.ReportStoresAsync(new Api.Agent.ObservedStore("st-00000000000000001", "local", "directory", false, true, 100, 1));
        var before = (await tenant.GetAsync<Page<Quota>>("/quotas")).Items.ToDictionary(q => q.Resource, q => q.Used);
        await scene.Admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = QuotaStore.Resources.ToDictionary(r => r, r => (long?)(before[r] + (r is "memory-mib" ? 100_000 : r is "volume-gib" or "vcpus" ? 30 : 1))) });
        var makes = new Dictionary<string, (string Path, object Body, string Delete)>
        {
            ["volumes"] = ("/volumes", new { name = "v", sizeGib = 3 }, "/volumes/v"), ["networks"] = ("/networks", new { name = "n" }, "/networks/n"), ["routers"] = ("/routers", new { name = "r" }, "/routers/r"),
            ["security-groups"] = ("/security-groups", new { name = "g" }, "/security-groups/g"), ["key-pairs"] = ("/key-pairs", new { name = "k" }, "/key-pairs/k"),
            ["placement-groups"] = ("/placement-groups", new { name = "p", policy = "affinity" }, "/placement-groups/p"), ["images"] = ("/images", new { name = "i" }, "/images/i"),
            ["load-balancers"] = ("/load-balancers", new { name = "b", network = "default", listeners = new[] { new { port = 80 } } }, "/load-balancers/b"),
            ["instances"] = ("/instances", new { name = "x", flavor = "small", image = "tiny" }, "/instances/x"),
        };
        foreach (var (resource, (path, body, delete)) in makes)
        {
            // What it takes of addresses is not what is looked at here.
            if (resource is "load-balancers" or "instances" or "security-groups") await scene.Admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["floating-addresses"] = null, ["volumes"] = null, ["volume-gib"] = null, ["security-group-rules"] = null } });
            using (var made = await tenant.SendAsync(HttpMethod.Post, path, body)) Assert.True(made.IsSuccessStatusCode, resource + await made.Content.ReadAsStringAsync());
            Assert.Equal(before[resource] + 1, (await OneAsync(tenant, resource)).Used);
            var again = System.Text.Json.JsonSerializer.SerializeToNode(body)!;
            again["name"] = "another";
            var refused = await tenant.FailAsync(409, HttpMethod.Post, path, again);
            Assert.Equal("quota-exceeded", refused.Code);
            using (var deleted = await tenant.SendAsync(HttpMethod.Delete, delete)) Assert.True(deleted.IsSuccessStatusCode, resource + await deleted.Content.ReadAsStringAsync());
            Assert.Equal(before[resource], (await OneAsync(tenant, resource)).Used);
        }
        await CountersAreRightAsync(scene.Cloud);
    }

    [Fact]
    public async Task Defaults_hold_for_those_without_a_limit_of_their_own_and_domains_share_theirs()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var early = await cloud.TenantAsync("early");
        await early.PostAsync<KeyPairCreated>("/key-pairs", new { name = "k0" });
        await admin.PutAsync<Page<QuotaDefault>>("/quota-defaults", new { limits = new Dictionary<string, long?> { ["key-pairs"] = 2 } });
        var late = await cloud.TenantAsync("late");
        await early.PostAsync<KeyPairCreated>("/key-pairs", new { name = "k1" });
        Assert.Equal("quota-exceeded", (await early.FailAsync(409, HttpMethod.Post, "/key-pairs", new { name = "k2" })).Code);
        Assert.Equal(("default", 2L, 0L), Shape(await OneAsync(late, "key-pairs")));
        await admin.PutAsync<Page<Quota>>("/accounts/late/quotas", new { limits = new Dictionary<string, long?> { ["key-pairs"] = null } });
        foreach (var i in Enumerable.Range(0, 3)) await late.PostAsync<KeyPairCreated>("/key-pairs", new { name = $"k{i}" });
        // A limit below what there is takes nothing away, and lets nothing new in.
        await admin.PutAsync<Page<Quota>>("/accounts/late/quotas", new { @default = new[] { "key-pairs" } });
        Assert.Equal(("default", 2L, 3L), Shape(await OneAsync(late, "key-pairs")));
        await late.FailAsync(409, HttpMethod.Post, "/key-pairs", new { name = "k3" });
        await late.SendAsync(HttpMethod.Delete, "/key-pairs/k0");
        await late.FailAsync(409, HttpMethod.Post, "/key-pairs", new { name = "k3" });

        await admin.PostAsync<Domain>("/domains", new { name = "reseller" });
        await admin.PostAsync<Account>("/accounts", new { name = "one", domain = "reseller" });
        await admin.PostAsync<Account>("/accounts", new { name = "two", domain = "reseller" });
        await admin.PutAsync<Page<QuotaDefault>>("/quota-defaults", new { limits = new Dictionary<string, long?> { ["key-pairs"] = null } });
        await admin.PutAsync<Page<Quota>>("/domains/reseller/quotas", new { limits = new Dictionary<string, long?> { ["key-pairs"] = 3 } });
        foreach (var (account, i) in new[] { ("one", 0), ("two", 1), ("one", 2) })
            using (var made = await admin.SendAsync(HttpMethod.Post, "/key-pairs", new { name = $"k{i}" }, ("Kumoi-Account", account))) Assert.True(made.IsSuccessStatusCode);
        Assert.Equal("quota-exceeded-domain", (await admin.FailAsync(409, HttpMethod.Post, "/key-pairs", new { name = "k9" }, ("Kumoi-Account", "two"))).Code);
        Assert.Equal(3, (await OneAsync(admin, "key-pairs", "/domains/reseller/quotas")).Used);
        var seen = Assert.Single((await OneAsync(admin, "key-pairs", "/accounts/two/quotas")).Domains!);
        Assert.Equal(("reseller", 3L, 3L), (seen.Domain.Name, seen.Limit, seen.Used));
        await CountersAreRightAsync(cloud);

        static (string, long?, long) Shape(Quota quota) => (quota.Source, quota.Limit, quota.Used);
    }

    [Fact]
    public async Task A_limit_that_is_set_while_things_are_made_counts_each_of_them()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var tenant = await cloud.TenantAsync("acme");
        using var stop = new CancellationTokenSource();
        var making = Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                using var made = await tenant.SendAsync(HttpMethod.Post, "/placement-groups", new { name = $"w{worker}-{i}", policy = "affinity" });
                Assert.True(made.IsSuccessStatusCode);
                if (i % 3 == 0) (await tenant.SendAsync(HttpMethod.Delete, $"/placement-groups/w{worker}-{i}")).Dispose();
            }
        })).ToList();
        for (var round = 0; round < 20; round++)
        {
            await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["placement-groups"] = 1_000_000 + round } });
            await CountersAreRightAsync(cloud);
            if (round % 4 == 3) await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { @default = new[] { "placement-groups" } });
        }
        await stop.CancelAsync();
        await Task.WhenAll(making);
        await CountersAreRightAsync(cloud);
    }

    [Fact]
    public async Task More_is_asked_for_and_granted_by_those_above_and_by_nobody_else()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        await admin.PostAsync<Domain>("/domains", new { name = "reseller" });
        await admin.PostAsync<Account>("/accounts", new { name = "staff", domain = "reseller" });
        await admin.PostAsync<User>("/users", new { name = "yuki", password = "tenant-password", role = "owner", account = "staff" });
        await admin.PutAsync<Membership>("/domains/reseller/members/yuki", new { role = "domain-administrator" });
        var yuki = await cloud.LoginAsync("yuki", "tenant-password");
        await yuki.PostAsync<Account>("/accounts", new { name = "customer" });
        await yuki.PostAsync<User>("/users", new { name = "kenji", password = "tenant-password", role = "owner", account = "customer" });
        var kenji = await cloud.LoginAsync("kenji", "tenant-password");
        await yuki.PutAsync<Page<Quota>>("/accounts/customer/quotas", new { limits = new Dictionary<string, long?> { ["key-pairs"] = 0 } });
        var request = await kenji.PostAsync<QuotaRequest>("/quota-requests", new { resource = "key-pairs", limit = 5, reason = "新しい担当者" });
        Assert.Equal("quota-requested", (await kenji.FailAsync(409, HttpMethod.Post, "/quota-requests", new { resource = "key-pairs", limit = 9 })).Code);
        Assert.Equal("forbidden", (await kenji.FailAsync(403, HttpMethod.Post, $"/quota-requests/{request.Id}/answer", new { grant = true })).Code);
        Assert.Equal("forbidden", (await kenji.FailAsync(403, HttpMethod.Put, "/accounts/customer/quotas", new { limits = new Dictionary<string, long?> { ["key-pairs"] = 9 } })).Code);
        var rival = await cloud.TenantAsync("rival");
        Assert.Empty((await rival.GetAsync<Page<QuotaRequest>>("/quota-requests")).Items);
        Assert.Equal(request.Id, Assert.Single((await yuki.GetAsync<Page<QuotaRequest>>("/quota-requests?state=pending")).Items).Id);
        Assert.Equal("granted", (await yuki.PostAsync<QuotaRequest>($"/quota-requests/{request.Id}/answer", new { grant = true, answer = "どうぞ" })).State);
        Assert.Equal("quota-answered", (await yuki.FailAsync(409, HttpMethod.Post, $"/quota-requests/{request.Id}/answer", new { grant = false })).Code);
        await kenji.PostAsync<KeyPairCreated>("/key-pairs", new { name = "k" });
        // Of one's own domain the limits are set above.
        Assert.Equal("quota-of-own-domain", (await yuki.FailAsync(403, HttpMethod.Put, "/domains/reseller/quotas", new { limits = new Dictionary<string, long?> { ["key-pairs"] = 99 } })).Code);
        Assert.Equal("one-of", (await yuki.FailAsync(400, HttpMethod.Put, "/accounts/customer/quotas", new { limits = new Dictionary<string, long?> { ["unicorns"] = 1 } })).Errors![0].Rule);
    }
}
