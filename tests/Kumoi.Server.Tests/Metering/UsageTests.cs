using System.Globalization;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Metering;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Metering;

/// <summary>
/// Goal: what accounts are charged for is what they had, no second more or less, and each of it is led back to who did what. Method: the real
/// database notes changes; the tests move what was noted into the past, and compare hours with sums made another way.
/// </summary>
public sealed class UsageTests
{
    private static Database Db(Scene scene) => scene.Cloud.Services.GetRequiredService<Database>();

    private static Task<List<(string Meter, string Attribute, decimal Quantity, bool Open)>> SpansAsync(Scene scene, string resource) => Db(scene).QueryAsync(
        "SELECT meter, attribute, quantity, ended_at IS NULL FROM usage_spans WHERE resource_id = $1 ORDER BY number", row => (row.GetString(0), row.GetString(1), row.GetDecimal(2), row.GetBoolean(3)), default, resource);

    /// <summary>Everything noted so far happened so long ago.</summary>
    internal static async Task AgeAsync(Scene scene, TimeSpan by)
    {
        await Db(scene).ExecuteAsync("UPDATE usage_spans SET begun_at = begun_at - $1::interval, ended_at = ended_at - $1::interval", default, by);
        await Db(scene).ExecuteAsync("UPDATE usage_progress SET computed_until = date_trunc('hour', computed_until - $1::interval, 'UTC')", default, by);
    }

    internal static async Task ComputeAsync(Scene scene)
    {
        while (await scene.Cloud.Services.GetRequiredService<UsageLoop>().LookAsync(default))
        {
        }
        Assert.Equal(0, await scene.Cloud.Services.GetRequiredService<UsageStore>().WrongAsync(TimeSpan.FromDays(40), default));
    }

    private static async Task<decimal> TotalAsync(TestClient client, string query) => (await client.GetAsync<Usage>("/usage?" + query)).Items.Sum(i => i.Quantity);

    [Fact]
    public async Task A_guest_is_charged_as_allocated_while_it_is_there_and_as_running_while_it_runs()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web");
        Assert.Equal([("instance.allocated", "small", 1m, true)], await SpansAsync(scene, instance.Id));
        await scene.Host.ObeyAsync();
        Assert.Equal([("instance.allocated", "small", 1m, true), ("instance.running", "small", 1m, true)], await SpansAsync(scene, instance.Id));
        await scene.Tenant.PostAsync<Instance>("/instances/web/stop");
        await scene.Host.ObeyAsync();
        Assert.Equal([("instance.allocated", "small", 1m, true), ("instance.running", "small", 1m, false)], await SpansAsync(scene, instance.Id));
        await scene.Tenant.PutAsync<Instance>("/instances/web", new { flavor = "medium" });
        await scene.Tenant.DeleteAsync<Instance>("/instances/web");
        await scene.Host.ObeyAsync();
        var spans = await SpansAsync(scene, instance.Id);
        Assert.Equal([("instance.allocated", "small", 1m, false), ("instance.running", "small", 1m, false), ("instance.allocated", "medium", 1m, false)], spans);
        // Each is led back to who did what, also when the record is long gone.
        await Db(scene).ExecuteAsync("DELETE FROM instances WHERE id = $1", default, instance.Id);
        var told = (await scene.Tenant.GetAsync<Page<UsageSpan>>("/usage/web/spans")).Items;
        Assert.Equal(["instance.launch", "instance.terminate"], [told[^1].Begun!.Action, told[0].Ended!.Action]);
        Assert.Equal(("acme-admin", "acme-admin"), (told[^1].Begun!.Actor.Name, told[0].Ended!.Actor.Name));
        Assert.All(told, span => Assert.True(span.Begun is not null && span.Ended is not null));
        var stranger = await scene.Cloud.TenantAsync("stranger");
        await stranger.FailAsync(404, HttpMethod.Get, "/usage/web/spans");
        await stranger.FailAsync(404, HttpMethod.Get, $"/usage/{instance.Id}/spans");
    }

    [Fact]
    public async Task Each_thing_that_is_charged_is_noted_from_its_beginning_to_its_end()
    {
        await using var scene = await Scene.StartAsync();
        var tenant = scene.Tenant;
        await scene.Host.ReportStoresAsync(new Api.Agent.ObservedStore("st-00000000000000001", "local", "directory", false, true, 100, 1));
        var made = new (string Meter, string Id, string Delete, decimal Quantity)[]
        {
            ("volume.allocated", (await tenant.PostAsync<Volume>("/volumes", new { name = "v", sizeGib = 3 })).Id, "/volumes/v", 3), ("network.allocated", (await tenant.PostAsync<Network>("/networks", new { name = "n" })).Id, "/networks/n", 1),
            ("router.allocated", (await tenant.PostAsync<Router>("/routers", new { name = "r" })).Id, "/routers/r", 1), ("floating-address.allocated", (await tenant.PostAsync<FloatingAddress>("/floating-addresses", new { })).Id, "/floating-addresses/{0}", 1),
            ("load-balancer.allocated", (await tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "b", network = "default", listeners = new[] { new { port = 80 } } })).Id, "/load-balancers/b", 1),
            ("vpn.allocated", (await tenant.PostAsync<Vpn>("/vpns", new { name = "p", network = "default" })).Id, "/vpns/p", 1),
        };
        foreach (var (meter, id, delete, quantity) in made)
        {
            Assert.Equal([(meter, "", quantity, true)], await SpansAsync(scene, id));
            using var answer = await tenant.SendAsync(HttpMethod.Delete, string.Format(CultureInfo.InvariantCulture, delete, id));
            Assert.True(answer.IsSuccessStatusCode, delete);
            Assert.Equal([(meter, "", quantity, false)], await SpansAsync(scene, id));
        }
        // An image is charged when it is there, and what grows from then on for more.
        Assert.Equal([("image.stored", "", 1m, true)], await SpansAsync(scene, scene.Image.Id));
        var volume = await tenant.PostAsync<Volume>("/volumes", new { name = "grows", sizeGib = 1 });
        using (var resized = await tenant.SendAsync(HttpMethod.Put, "/volumes/grows", new { sizeGib = 5 })) Assert.True(resized.IsSuccessStatusCode, await resized.Content.ReadAsStringAsync());
        Assert.Equal([("volume.allocated", "", 1m, false), ("volume.allocated", "", 5m, true)], await SpansAsync(scene, volume.Id));
    }

    [Fact]
    public async Task Hours_are_what_the_spans_say_to_the_second_and_come_out_the_same_again()
    {
        await using var scene = await Scene.StartAsync();
        var account = (await scene.Tenant.GetAsync<Self>("/users/me")).Account.Id;
        var begin = new DateTimeOffset(DateTime.UtcNow.Date.AddDays(-1), TimeSpan.Zero);
        await Db(scene).ExecuteAsync("UPDATE usage_progress SET computed_until = $1", default, begin.AddHours(-1));
        // 90 minutes and a half second over three hours, then a larger one to now, and one of no length.
        await AddAsync(begin.AddMinutes(50), begin.AddMinutes(140).AddSeconds(0.5), 2);
        await AddAsync(begin.AddMinutes(140).AddSeconds(0.5), null, 7);
        await AddAsync(begin.AddHours(5), begin.AddHours(5), 100, "volume.allocated");
        await ComputeAsync(scene);
        var hours = (await scene.Tenant.GetAsync<Usage>($"/usage?by=hour,resource&meter=load-balancer.allocated&since={begin:s}Z&until={begin.AddHours(4):s}Z")).Items;
        Assert.Equal([7m, 2 * (20 * 60 + 0.5m) / 3600 + 7 * (40 * 60 - 0.5m) / 3600, 2m, 2 * 10m / 60], hours.Select(h => h.Quantity), (a, b) => Math.Abs(a - b) < 0.00000001m);
        Assert.Equal("x", hours[0].Resource!.Name);
        Assert.Equal(hours.Sum(h => h.Quantity), await TotalAsync(scene.Tenant, $"since={begin:s}Z&until={begin.AddHours(4):s}Z&meter=load-balancer.allocated"));
        // What is damaged is found, and put right by computing it again, which changes nothing else.
        var xids = await XidsAsync();
        await Db(scene).ExecuteAsync("UPDATE usage_records SET quantity = quantity + 1 WHERE hour = $1 AND account_id = $2", default, begin.AddHours(1), account);
        await Db(scene).ExecuteAsync("DELETE FROM usage_records WHERE hour = $1 AND account_id = $2", default, begin.AddHours(2), account);
        Assert.Equal(2, await scene.Cloud.Services.GetRequiredService<UsageStore>().WrongAsync(TimeSpan.FromDays(40), default));
        Assert.Contains("usage-wrong", (await scene.Admin.GetAsync<DoctorReport>("/doctor")).Findings.Select(f => f.Code));
        Assert.Equal(2, (await scene.Admin.PostAsync<RecomputedUsage>("/usage/recompute", new { since = begin })).Changed);
        Assert.Equal(0, (await scene.Admin.PostAsync<RecomputedUsage>("/usage/recompute", new { since = begin })).Changed);
        Assert.Equal(0, await scene.Cloud.Services.GetRequiredService<UsageStore>().WrongAsync(TimeSpan.FromDays(40), default));
        Assert.Equal(2, (await XidsAsync()).Except(xids).Count());
        // A transaction that took long has changed hours that were recorded: they are put right by themselves.
        await AddAsync(begin.AddHours(10), begin.AddHours(12), 1, "vpn.allocated");
        await AddAsync(DateTimeOffset.UtcNow.AddHours(-1), null, 1, "router.allocated");
        await Db(scene).ExecuteAsync("UPDATE usage_progress SET computed_until = computed_until - interval '1 hour'", default);
        await ComputeAsync(scene);
        Assert.Equal(2m, await TotalAsync(scene.Tenant, $"since={begin:s}Z&meter=vpn.allocated"));

        Task<int> AddAsync(DateTimeOffset since, DateTimeOffset? until, decimal quantity, string meter = "load-balancer.allocated") => Db(scene).ExecuteAsync(
            "INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at, ended_at, ended_xid) VALUES ($1, 'load-balancer', 'x', 'x', $2, '', $3, $4, $5, CASE WHEN $5 IS NOT NULL THEN pg_current_xact_id() END)",
            default, account, meter, quantity, since, Columns.TimeValue(until));
        Task<List<string>> XidsAsync() => Db(scene).QueryAsync("SELECT hour::text || meter || xid::text FROM usage_records WHERE account_id = $1", row => row.GetString(0), default, account);
    }

    [Fact]
    public async Task Traffic_is_counted_by_instance_also_when_it_is_told_late()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web");
        await scene.Host.ObeyAsync();
        await AgeAsync(scene, TimeSpan.FromHours(6));
        var hour = new DateTimeOffset(DateTime.UtcNow.Date.AddHours(DateTime.UtcNow.Hour - 3), TimeSpan.Zero);
        await TrafficAsync(hour, 3L << 30, 1L << 29);
        await ComputeAsync(scene);
        Assert.Equal((3m, 0.5m), (await TotalAsync(scene.Tenant, Since("traffic.out")), await TotalAsync(scene.Tenant, Since("traffic.in"))));
        await TrafficAsync(hour.AddHours(1), 1L << 30, 0);
        await Db(scene).ExecuteAsync("UPDATE usage_progress SET computed_until = computed_until - interval '1 hour'", default);
        await ComputeAsync(scene);
        Assert.Equal(4m, await TotalAsync(scene.Tenant, Since("traffic.out")));
        Assert.Equal("web", (await scene.Tenant.GetAsync<Usage>("/usage?by=resource&" + Since("traffic.out"))).Items.Single().Resource!.Name);

        string Since(string meter) => $"meter={meter}&since={hour.AddHours(-2):s}Z";
        Task<int> TrafficAsync(DateTimeOffset at, long sent, long received) => Db(scene).ExecuteAsync(
            "INSERT INTO interface_traffic_hours (account_id, interface_id, hour, instance_id, network_id, bytes_sent, bytes_received, packets_sent, packets_received) SELECT account_id, id, $2, instance_id, network_id, $3, $4, 1, 1 FROM interfaces WHERE instance_id = $1",
            default, instance.Id, at, sent, received);
    }

    [Fact]
    public async Task Two_servers_record_each_hour_once()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web");
        await AgeAsync(scene, TimeSpan.FromDays(5));
        var loop = scene.Cloud.Services.GetRequiredService<UsageLoop>();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            while (await loop.LookAsync(default))
            {
            }
        }));
        await ComputeAsync(scene);
        var since = DateTimeOffset.UtcNow.AddDays(-6);
        var total = await TotalAsync(scene.Tenant, $"meter=instance.allocated&since={since:s}Z");
        var used = await Db(scene).FindAsync("SELECT (extract(epoch FROM p.computed_until - s.begun_at) / 3600)::numeric FROM usage_spans s, usage_progress p WHERE s.meter = 'instance.allocated'", row => row.GetDecimal(0), default);
        Assert.True(Math.Abs(total - used) < 0.000001m && total > 100, $"{total} {used}");
    }

    [Fact]
    public async Task Hours_are_handed_over_once_each_and_again_when_they_are_put_right()
    {
        await using var sink = await Subscriptions.WebhookSink.StartAsync();
        await using var scene = await Scene.StartAsync(configure: Subscriptions.DeliveryScene.Open);
        await scene.Tenant.PostAsync<SubscriptionSecret>("/subscriptions", new { name = "books", kind = "webhook", url = sink.Url, content = "usage", actions = new[] { "router.*" } });
        await scene.Tenant.PostAsync<Router>("/routers", new { name = "mine" });
        await (await scene.Cloud.TenantAsync("stranger")).PostAsync<Router>("/routers", new { name = "theirs" });
        await AgeAsync(scene, TimeSpan.FromHours(200));
        await ComputeAsync(scene);
        var computed = (await scene.Tenant.GetAsync<Usage>("/usage")).ComputedUntil;
        List<UsageRecord> Told() => [.. sink.Requests.SelectMany(r => r.Json.GetProperty("data").GetProperty("usage").EnumerateArray()).Select(item => item.Deserialize(ApiJson.Default.UsageRecord)!)];
        await Wait.UntilAsync(() => Task.FromResult(Told().Exists(r => r.Hour == computed.AddHours(-1))), what: "the last hour is told");
        Assert.All(Told(), record => Assert.Equal(("router.allocated", "mine"), (record.Meter, record.ResourceName)));
        Assert.Equal(await TotalAsync(scene.Tenant, $"meter=router.allocated&since={computed.AddDays(-20):s}Z"), Told().Sum(r => r.Quantity));
        Assert.Equal(Told().Count, Told().Select(r => r.Hour).Distinct().Count());
        await Db(scene).ExecuteAsync("UPDATE usage_records SET quantity = 5 WHERE hour = $1", default, computed.AddHours(-1));
        Assert.NotEqual(0, (await scene.Admin.PostAsync<RecomputedUsage>("/usage/recompute", new { since = computed.AddHours(-2) })).Changed);
        var before = Told().Count;
        await Wait.UntilAsync(() => Task.FromResult(Told().Count > before || Told()[^1].Hour == computed.AddHours(-1) && Told().Count(r => r.Hour == computed.AddHours(-1)) == 2), what: "it is told again");
        Assert.Equal(1, Told()[^1].Quantity);
    }

    [Fact]
    public async Task Exports_have_every_hour_and_names_are_no_formulas()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "=cmd(\"x\"),1" });
        await AgeAsync(scene, TimeSpan.FromHours(30));
        await ComputeAsync(scene);
        var since = $"since={DateTimeOffset.UtcNow.AddDays(-3):s}Z";
        var csv = (await (await scene.Tenant.SendAsync(HttpMethod.Get, "/usage/export?format=csv&" + since)).Content.ReadAsStringAsync()).TrimEnd().Split("\r\n");
        Assert.Equal("hour,account,meter,attribute,unit,resource_type,resource_id,resource_name,quantity", csv[0]);
        Assert.Contains(csv, line => line.Contains(",\"'=cmd(\"\"x\"\"),1\",", StringComparison.Ordinal));
        var lines = (await (await scene.Tenant.SendAsync(HttpMethod.Get, "/usage/export?" + since)).Content.ReadAsStringAsync()).TrimEnd().Split('\n').Select(line => JsonSerializer.Deserialize(line, ApiJson.Default.UsageRecord)!).ToList();
        Assert.Equal(csv.Length - 1, lines.Count);
        Assert.Equal(await TotalAsync(scene.Tenant, since), lines.Sum(line => line.Quantity));
        Assert.Equal("invalid-request", (await scene.Tenant.FailAsync(400, HttpMethod.Get, "/usage/export?format=xml")).Code);
        foreach (var wrong in (string[])["by=week", "by=hour,day", "meter=x", "since=x", "by=hour&since=2020-01-01T00:00:00Z", "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z"]) await scene.Tenant.FailAsync(400, HttpMethod.Get, "/usage?" + wrong);
        // The stranger's is empty.
        Assert.DoesNotContain((await (await scene.Cloud.TenantAsync("stranger")).GetAsync<Usage>("/usage?by=resource&" + since)).Items, item => item.Resource!.Name.Contains("cmd", StringComparison.Ordinal));
    }
}
