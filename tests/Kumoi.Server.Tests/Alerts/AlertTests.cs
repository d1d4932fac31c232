using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Alerts;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Alerts;

/// <summary>Alerts through the API: raised and taken back by what the records say.</summary>
public sealed class AlertTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private const string Standing = """[{"type": "Instance", "reason": "not-answering", "message": "It does not answer.", "since": "2026-01-01T00:00:00Z", "nextTryAt": null}]""";

    private static async Task<IReadOnlyList<Alert>> ListAsync(TestClient client, string query = "", string path = "/alerts") => (await client.GetAsync<Page<Alert>>(path + query)).Items;

    [Fact]
    public async Task Receivers_that_fail_and_use_that_is_not_recorded_are_told()
    {
        await using var cloud = await TestCloud.StartAsync();
        await cloud.LeadAlertsAsync();
        var (admin, tenant) = (await cloud.LoginAsync(), await cloud.TenantAsync("acme"));
        var database = cloud.Services.GetRequiredService<Server.Platform.Postgres.Database>();
        await tenant.PostAsync<SubscriptionSecret>("/subscriptions", new { name = "hook", kind = "webhook", url = "https://hooks.example.org/", actions = new[] { "never.happens" } });
        await cloud.WatchAsync(Now);
        Assert.Empty(await ListAsync(tenant));
        await database.ExecuteAsync("UPDATE subscriptions SET state = 'disabled', reason = 'The receiver wants no more: gone', failures = 0, failing_since = NULL", default);
        await database.ExecuteAsync("UPDATE usage_progress SET computed_until = computed_until - interval '5 hours'", default);
        await cloud.WatchAsync(Now);
        var told = Assert.Single(await ListAsync(tenant));
        Assert.Equal(("subscription.failing", "hook"), (told.Kind, told.Resource.Name));
        Assert.Contains("gone", told.Message, StringComparison.Ordinal);
        Assert.Equal("usage.late", Assert.Single(await ListAsync(admin, path: "/cloud-alerts")).Kind);
        await tenant.PutAsync<Subscription>("/subscriptions/hook", new { enabled = true });
        await cloud.WatchAsync(Now);
        Assert.Equal("resolved", (await tenant.GetAsync<Alert>($"/alerts/{told.Id}")).State);
    }

    [Fact]
    public async Task One_that_comes_back_is_the_same_and_stays_acknowledged()
    {
        await using var cloud = await TestCloud.StartAsync();
        await cloud.LeadAlertsAsync();
        var (admin, tenant) = (await cloud.LoginAsync(), await cloud.TenantAsync("acme"));
        await cloud.WatchAsync(Now);
        Assert.Empty(await ListAsync(tenant));
        await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["placement-groups"] = 1 } });
        await tenant.PostAsync<PlacementGroup>("/placement-groups", new { name = "g", policy = "affinity" });
        await cloud.WatchAsync(Now);
        await cloud.WatchAsync(Now);
        var raised = Assert.Single(await ListAsync(tenant));
        Assert.Equal(("quota.near", "warning", "open", 1, "placement-groups"), (raised.Kind, raised.Severity, raised.State, raised.Count, raised.Resource.Name));
        Assert.Equal("acme has 1 of the 1 that it may have: placement groups.", raised.Message);
        Assert.Contains("kumoi quota request placement-groups", raised.Action, StringComparison.Ordinal);
        using (var japanese = await tenant.SendAsync(HttpMethod.Get, $"/alerts/{raised.Id}", null, ("Accept-Language", "ja"))) Assert.Contains("上限 1 に近づいています", await japanese.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        var acknowledged = await tenant.PostAsync<Alert>($"/alerts/{raised.Id}/acknowledge", new { note = "asked for more" });
        Assert.Equal(("acknowledged", "acme-admin", "asked for more"), (acknowledged.State, acknowledged.Acknowledgement!.By, acknowledged.Acknowledgement.Note));
        await tenant.PostAsync<Alert>($"/alerts/{raised.Id}/acknowledge", new { });
        await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["placement-groups"] = 2 } });
        await cloud.WatchAsync(Now.AddMinutes(2));
        var resolved = await tenant.GetAsync<Alert>($"/alerts/{raised.Id}");
        Assert.Equal("resolved", resolved.State);
        Assert.Equal("alert-resolved", (await tenant.FailAsync(409, HttpMethod.Post, $"/alerts/{raised.Id}/acknowledge", new { })).Code);
        Assert.Empty(await ListAsync(tenant, "?state=unresolved"));

        await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["placement-groups"] = 1 } });
        await cloud.WatchAsync(Now.AddMinutes(11));
        var again = Assert.Single(await ListAsync(tenant, "?state=unresolved"));
        Assert.Equal((raised.Id, "acknowledged", 2), (again.Id, again.State, again.Count));
        Assert.Equal("open", (await tenant.PostAsync<Alert>($"/alerts/{raised.Id}/unacknowledge")).State);

        // Later it is another one.
        await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["placement-groups"] = null } });
        await cloud.WatchAsync(Now.AddMinutes(20));
        await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["placement-groups"] = 1 } });
        await cloud.WatchAsync(Now.AddMinutes(31));
        Assert.Equal(["open", "resolved"], (await ListAsync(tenant)).Select(a => a.State));
        Assert.Equal(["alert.raise", "alert.resolve", "alert.unacknowledge", "alert.raise", "alert.resolve", "alert.acknowledge", "alert.raise"],
            (await tenant.GetAsync<Page<Event>>("/events?resource=placement-groups")).Items.Select(e => e.Action));

        foreach (var (query, field) in new[] { ("state=wrong", "state"), ("severity=wrong", "severity"), ("kind=wrong", "kind") })
            Assert.Equal(field, Assert.Single((await tenant.FailAsync(400, HttpMethod.Get, "/alerts?" + query)).Errors!).Field);
        Assert.Equal("too-long", Assert.Single((await tenant.FailAsync(400, HttpMethod.Post, $"/alerts/{raised.Id}/acknowledge", new { note = new string('x', 1001) })).Errors!).Rule);
        // Pages.
        var page = await tenant.GetAsync<Page<Alert>>("/alerts?limit=1");
        Assert.Equal("resolved", Assert.Single((await tenant.GetAsync<Page<Alert>>($"/alerts?limit=1&cursor={page.Next}")).Items).State);
    }

    [Fact]
    public async Task Alerts_are_their_accounts_and_the_clouds_are_the_operators()
    {
        await using var scene = await Scene.StartAsync(configure: options => options with { HeartbeatSeconds = 60 });
        var cloud = scene.Cloud;
        await cloud.LeadAlertsAsync();
        var other = await cloud.TenantAsync("other");
        var reader = await cloud.TenantAsync("acme-too", "reader");
        var instance = await scene.LaunchAsync("web-1");
        await scene.Host.ObeyAsync();
        await cloud.Database().ExecuteAsync("UPDATE hosts SET state = 'unreachable'", default);
        await cloud.WatchAsync(Now);
        var ofCloud = Assert.Single(await ListAsync(scene.Admin, path: "/cloud-alerts"));
        Assert.Equal(("host.unreachable", "warning", "host-1"), (ofCloud.Kind, ofCloud.Severity, ofCloud.Resource.Name));
        var mine = Assert.Single(await ListAsync(scene.Tenant));
        Assert.Equal(("instance.unreachable", instance.Id, "host-1"), (mine.Kind, mine.Resource.Id, mine.Cause!.Name));
        Assert.Empty(await ListAsync(other));
        foreach (var client in new[] { scene.Tenant, other, reader })
        {
            Assert.Equal("forbidden", (await client.FailAsync(403, HttpMethod.Get, "/cloud-alerts")).Code);
            Assert.Equal("forbidden", (await client.FailAsync(403, HttpMethod.Post, $"/cloud-alerts/{ofCloud.Id}/acknowledge", new { })).Code);
            Assert.Equal("not-found", (await client.FailAsync(404, HttpMethod.Get, $"/alerts/{ofCloud.Id}")).Code);
        }
        Assert.Equal("not-found", (await other.FailAsync(404, HttpMethod.Get, $"/alerts/{mine.Id}")).Code);
        Assert.Equal("not-found", (await other.FailAsync(404, HttpMethod.Post, $"/alerts/{mine.Id}/acknowledge", new { })).Code);
        Assert.Equal("forbidden", (await reader.FailAsync(403, HttpMethod.Post, $"/alerts/{mine.Id}/acknowledge", new { })).Code);
        // Nor is an account's alert the cloud's.
        Assert.Equal("not-found", (await scene.Admin.FailAsync(404, HttpMethod.Get, $"/cloud-alerts/{mine.Id}")).Code);
        await scene.Admin.PostAsync<Alert>($"/cloud-alerts/{ofCloud.Id}/acknowledge", new { note = "on the way" });

        // It becomes worse: the one goes, the other comes, and the instance's matters more.
        await cloud.Database().ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = clock_timestamp(), fenced_by = 'lease'", default);
        await cloud.WatchAsync(Now.AddSeconds(10));
        Assert.Equal([("host.down", "open"), ("host.unreachable", "resolved")], (await ListAsync(scene.Admin, path: "/cloud-alerts")).Select(a => (a.Kind, a.State)));
        Assert.Equal("critical", Assert.Single(await ListAsync(scene.Tenant)).Severity);
        // Who takes a host out of service knows.
        await cloud.Database().ExecuteAsync("UPDATE hosts SET maintenance = true", default);
        await cloud.WatchAsync(Now.AddSeconds(20));
        Assert.Empty(await ListAsync(scene.Admin, "?state=unresolved", "/cloud-alerts"));
        // What is deleted takes its alerts along.
        await cloud.Database().ExecuteAsync("UPDATE instances SET desired = 'terminated', terminated_at = clock_timestamp()", default);
        await cloud.WatchAsync(Now.AddSeconds(30));
        Assert.Empty(await ListAsync(scene.Tenant, "?state=unresolved"));
    }

    [Fact]
    public async Task Each_kind_is_found_in_the_records()
    {
        await using var scene = await Scene.StartAsync(configure: options => options with { HeartbeatSeconds = 60 });
        var (cloud, db) = (scene.Cloud, scene.Cloud.Database());
        await cloud.LeadAlertsAsync();
        var host = (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Id;
        await scene.Host.ReportBackupPlacesAsync([new ObservedStore("st-00000000000000001", "local", "directory", false, true, 100, 81)], new ObservedBackupPlace("st-000000000000000b0", "backups", false, 100, 96));
        await scene.LaunchAsync("web-1");
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1 });
        await scene.Tenant.PostAsync<Volume>("/volumes/data/attach", new { instance = "web-1" });
        await scene.Host.ObeyWithVolumesAsync();
        var failed = await scene.Tenant.PostAsync<Backup>("/volumes/data/backups", new { name = "failed" });
        await db.ExecuteAsync("UPDATE backups SET failed = true", default);
        var damaged = await scene.Tenant.PostAsync<Backup>("/volumes/data/backups", new { name = "damaged" });
        await db.ExecuteAsync("UPDATE backups SET sha256 = repeat('0', 64), taken_at = now(), consistency = 'crash', damaged = 'Its bytes are not what they were.' WHERE id = $1", default, damaged.Id);
        // One that is still being made holds up the schedules.
        await scene.Tenant.PostAsync<Backup>("/volumes/data/backups", new { name = "slow" });
        foreach (var name in (string[])["failing", "late"]) await scene.Tenant.PostAsync<BackupSchedule>("/backup-schedules", new { name, volume = "data", everyMinutes = 1000, keep = 1 });
        await Wait.UntilAsync(() => db.FindAsync("SELECT bool_and(conditions <> '[]') FROM backup_schedules", row => row.GetBoolean(0), default), what: "the schedules wait for the backup before");
        await db.ExecuteAsync("UPDATE backup_schedules SET next_at = now() + interval '1 day', conditions = '[{\"reason\": \"backup-not-reached\", \"message\": \"x\"}]' WHERE name = 'failing'", default);
        await db.ExecuteAsync("UPDATE backup_schedules SET next_at = now() - interval '20 minutes' WHERE name = 'late'", default);
        await scene.Tenant.PostAsync<Image>("/images", new { name = "wrong" });
        await db.ExecuteAsync("UPDATE images SET state = 'failed', conditions = '[{\"reason\": \"source\", \"message\": \"x\"}]' WHERE name = 'wrong'", default);
        await db.ExecuteAsync("UPDATE hosts SET conditions = $1", default, Server.Platform.Postgres.Columns.Json(Standing));
        await db.ExecuteAsync("UPDATE instances SET conditions = $1", default, Server.Platform.Postgres.Columns.Json(Standing));
        await db.ExecuteAsync("UPDATE volumes SET conditions = $1", default, Server.Platform.Postgres.Columns.Json(Standing));
        await db.ExecuteAsync("INSERT INTO host_power (host_id, account_id, driver, address, user_name, encrypted_password) SELECT id, account_id, 'ipmi', '127.0.0.1', 'x', '' FROM hosts", default);
        await db.ExecuteAsync("INSERT INTO switches (id, account_id, name, driver, url, encrypted_token, created_at) SELECT 'sw-00000000000000001', account_id, 'leaf', 'rest', 'https://127.0.0.1:1/', '', now() FROM hosts", default);
        await db.ExecuteAsync("INSERT INTO servers (id, name, agent_url, version, started_at, seen_at) VALUES ('srv-gone', 'gone', 'https://gone.example:8481', '0', now(), now() - interval '2 minutes')", default);
        foreach (var state in (string[])["unreachable", "down"])
            await db.CopyAsync("hosts", host, 1, ("id", $"'h-{(state == "down" ? 'd' : 'e')}0000000000000000'"), ("name", $"'{state}'"), ("certificate_serial", $"'{state}'"), ("state", $"'{state}'"), ("fenced_at", "now()"), ("fenced_by", "'lease'"), ("conditions", "'[]'"));
        await scene.Tenant.PostAsync<SubscriptionSecret>("/subscriptions", new { name = "hook", kind = "webhook", url = "https://hooks.example.org/", actions = new[] { "never.happens" } });
        await db.ExecuteAsync("UPDATE subscriptions SET state = 'disabled', reason = 'It has failed for 3 days: x'", default);
        await db.ExecuteAsync("UPDATE usage_progress SET computed_until = computed_until - interval '5 hours'", default);
        await scene.LaunchAsync("web-2");
        await db.ExecuteAsync("UPDATE instances SET host_id = (SELECT id FROM hosts WHERE name = 'down') WHERE name = 'web-2'", default);
        await scene.Admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["volumes"] = 1 } });

        // Others look at power controllers and switches all the time, and find other errors than those written down here.
        await Wait.UntilAsync(async () =>
        {
            await db.ExecuteAsync("UPDATE host_power SET conditions = $1", default, Server.Platform.Postgres.Columns.Json(Standing));
            await db.ExecuteAsync("UPDATE switches SET conditions = $1", default, Server.Platform.Postgres.Columns.Json(Standing));
            await cloud.WatchAsync(Now);
            return (await ListAsync(scene.Admin, "?state=open", "/cloud-alerts")).Select(a => a.Kind).Intersect(["host.power-failing", "switch.failing"]).Count() == 2;
        }, what: "power controllers and switches are looked at");
        var all = (await ListAsync(scene.Tenant)).Concat(await ListAsync(scene.Admin, path: "/cloud-alerts")).ToList();
        Assert.Empty(AlertKinds.Names.Except(all.Select(a => a.Kind)));
        Alert One(string kind) => all.Single(a => a.Kind == kind);
        Assert.Equal(("warning", "critical"), (One("pool.filling").Severity, One("backup-store.filling").Severity));
        Assert.Contains("81 of 100 GiB", One("pool.filling").Message, StringComparison.Ordinal);
        Assert.Equal((failed.Id, damaged.Id), (One("backup.failed").Resource.Id, One("backup.damaged").Resource.Id));
        Assert.Equal(("failing", "late"), (One("backup-schedule.failing").Resource.Name, One("backup-schedule.late").Resource.Name));
        Assert.Equal("web-1", One("instance.failing").Resource.Name);
        Assert.Equal(("web-2", "down"), (One("instance.unreachable").Resource.Name, One("instance.unreachable").Cause!.Name));
        Assert.All(all, alert => Assert.DoesNotContain(alert.Message, char.IsControl));
        // A moment is no alert, but what ends again and again is one at once.
        await db.ExecuteAsync("UPDATE instances SET conditions = jsonb_set(conditions, '{0,since}', to_jsonb(now())) WHERE name = 'web-1'", default);
        await cloud.WatchAsync(Now);
        Assert.DoesNotContain(await ListAsync(scene.Tenant, "?state=open"), a => a.Kind == "instance.failing");
        await db.ExecuteAsync("UPDATE instances SET conditions = jsonb_set(conditions, '{0,reason}', '\"process-lost\"') WHERE name = 'web-1'", default);
        await cloud.WatchAsync(Now);
        Assert.Contains(await ListAsync(scene.Tenant, "?state=open"), a => a.Kind == "instance.failing");
    }

    [Fact]
    public async Task Two_servers_that_look_at_once_make_one_alert_and_one_event()
    {
        await using var first = await TestCloud.StartAsync();
        await using var second = await TestCloud.StartAsync(options => first.Options with { Listen = options.Listen, AgentListen = options.AgentListen, AgentUrl = options.AgentUrl });
        await first.LeadAlertsAsync();
        var (admin, tenant) = (await first.LoginAsync(), await first.TenantAsync("acme"));
        await tenant.PostAsync<PlacementGroup>("/placement-groups", new { name = "g", policy = "affinity" });
        for (var round = 0; round < 5; round++)
        {
            var (now, limit) = (Now.AddSeconds(10 * round), round % 2 == 0 ? 1 : (long?)null);
            await admin.PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["placement-groups"] = limit } });
            await Task.WhenAll(Enumerable.Range(0, 4).Select(i => (i % 2 == 0 ? first : second).WatchAsync(now)));
        }
        Assert.Equal(3, Assert.Single(await ListAsync(tenant)).Count);
        Assert.Equal(5, (await tenant.GetAsync<Page<Event>>("/events?resource=placement-groups")).Items.Count);
    }
}
