using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Kumoi.Server.Tests.Events;

public sealed class EventListTests
{
    [Fact]
    public async Task The_log_is_asked_by_pattern_actor_kind_of_resource_and_request()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        using var made = await tenant.SendAsync(HttpMethod.Post, "/networks", new { name = "n1" });
        var request = made.Headers.GetValues("X-Request-Id").Single();
        await tenant.PostAsync<SecurityGroup>("/security-groups", new { name = "g1" });
        using (await tenant.SendAsync(HttpMethod.Delete, "/networks/n1"))
        {
        }
        async Task<string> ActionsAsync(string query) => string.Join(' ', (await tenant.GetAsync<Page<Event>>("/events?" + query)).Items.Select(e => e.Action));
        Assert.Equal("network.delete network.create", await ActionsAsync("action=network.*"));
        Assert.Equal("network.delete", await ActionsAsync("action=*.delete"));
        Assert.Equal("network.delete security-group.create", await ActionsAsync("action=*.delete&action=security-group.create"));
        Assert.Equal("security-group.create", await ActionsAsync("resourceType=security-group&actor=acme-admin"));
        Assert.Equal("network.create", await ActionsAsync("requestId=" + request));
        Assert.Equal("", await ActionsAsync("actor=nobody"));
        Assert.Equal("action-pattern", (await tenant.FailAsync(400, HttpMethod.Get, "/events?action=network.%25")).Errors![0].Rule);
        Assert.Equal("one-of", (await tenant.FailAsync(400, HttpMethod.Get, "/events?scope=all")).Errors![0].Rule);
    }

    [Fact]
    public async Task Operators_read_the_log_of_the_whole_cloud_page_by_page()
    {
        await using var cloud = await TestCloud.StartAsync();
        var (acme, other, admin) = (await cloud.TenantAsync("acme"), await cloud.TenantAsync("other"), await cloud.LoginAsync());
        for (var i = 0; i < 5; i++)
        {
            await acme.PostAsync<Network>("/networks", new { name = $"a{i}" });
            await other.PostAsync<Network>("/networks", new { name = $"b{i}" });
        }
        var seen = new List<string>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await admin.GetAsync<Page<Event>>("/events?scope=cloud&action=network.create&limit=3" + (cursor.Length > 0 ? "&cursor=" + cursor : ""));
            seen.AddRange(page.Items.Select(e => e.Resource.Name));
            cursor = page.Next;
        }
        Assert.Equal(["b4", "a4", "b3", "a3", "b2", "a2", "b1", "a1", "b0", "a0"], seen);
        foreach (var path in (string[])["/events?scope=cloud", "/events/export?scope=cloud", "/events/stream?scope=cloud"]) Assert.Equal("forbidden", (await acme.FailAsync(403, HttpMethod.Get, path)).Code);
        Assert.Empty((await admin.GetAsync<Page<Event>>("/events?action=network.create")).Items);
    }

    [Fact]
    public async Task The_log_is_written_out_whole_and_oldest_first()
    {
        await using var cloud = await TestCloud.StartAsync();
        var (tenant, stranger) = (await cloud.TenantAsync("acme"), await cloud.TenantAsync("stranger"));
        await stranger.PostAsync<Network>("/networks", new { name = "theirs" });
        var account = (await tenant.GetAsync<User>("/users/me")).Account.Id;
        // More than is read at a time.
        await cloud.Services.GetRequiredService<Database>().ExecuteAsync(
            $"INSERT INTO events (id, at, account_id, actor_kind, action, resource_type, resource_id, resource_name) SELECT 'ev-' || lpad(to_hex(n), 17, '0'), now() - interval '1 hour' + n * interval '1 ms', '{account}', 'system', 'x.many', 'network', 'n' || n, 'n' || n FROM generate_series(1, 2500) n", default);
        await tenant.PostAsync<Network>("/networks", new { name = "last" });
        foreach (var (client, scope) in new[] { (tenant, "account"), (await cloud.LoginAsync(), "cloud") })
        {
            using var lines = await client.SendAsync(HttpMethod.Get, $"/events/export?scope={scope}&resourceType=network&since={Uri.EscapeDataString(DateTimeOffset.UtcNow.AddHours(-2).ToString("O"))}");
            Assert.Equal("application/jsonl", lines.Content.Headers.ContentType!.MediaType);
            var events = (await lines.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize(line, ApiJson.Default.Event)!).Where(e => e.AccountId == account).ToList();
            Assert.Equal(Enumerable.Range(1, 2500).Select(n => $"n{n}").Append("last"), events.Select(e => e.Resource.Name));
        }
        using var none = await tenant.SendAsync(HttpMethod.Get, "/events/export?until=2020-01-01T00:00:00Z");
        Assert.Equal("", await none.Content.ReadAsStringAsync());
        Assert.Equal("one-of", (await tenant.FailAsync(400, HttpMethod.Get, "/events/export?format=xlsx")).Errors![0].Rule);
    }

    [Fact]
    public async Task A_table_is_no_program_for_a_spreadsheet()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        await tenant.PostAsync<Network>("/networks", new { name = "=HYPERLINK(\"198.51.100.1\",\"x\")" });
        await tenant.PostAsync<Network>("/networks", new { name = "a, \"b\"" });
        using var table = await tenant.SendAsync(HttpMethod.Get, "/events/export?format=csv&action=network.create");
        Assert.Equal(("text/csv", "events.csv"), (table.Content.Headers.ContentType!.MediaType, table.Content.Headers.ContentDisposition!.FileName!.Trim('"')));
        var rows = (await table.Content.ReadAsStringAsync()).Split("\r\n");
        Assert.StartsWith("id,at,accountId,", rows[0], StringComparison.Ordinal);
        Assert.Contains(",\"'=HYPERLINK(\"\"198.51.100.1\"\",\"\"x\"\")\",", rows[1], StringComparison.Ordinal);
        Assert.Contains(",\"a, \"\"b\"\"\",", rows[2], StringComparison.Ordinal);
        Assert.Equal(["", "a", "'+1", "'-1", "'@a", "'\t=1", "'＝1", "\"a,\"\"b\"\"\""], new[] { null, "a", "+1", "-1", "@a", "\t=1", "＝1", "a,\"b\"" }.Select(Csv.Cell));
    }

    [Fact]
    public async Task Months_that_are_older_than_the_cloud_keeps_them_go_and_the_log_says_so()
    {
        await using var cloud = await TestCloud.StartAsync();
        var (admin, tenant) = (await cloud.LoginAsync(), await cloud.TenantAsync("acme"));
        Assert.Equal(24, (await tenant.GetAsync<EventRetention>("/events/retention")).Months);
        Assert.Equal("forbidden", (await tenant.FailAsync(403, HttpMethod.Put, "/events/retention", new { months = 1 })).Code);
        Assert.Equal("between", (await admin.FailAsync(400, HttpMethod.Put, "/events/retention", new { months = 0 })).Errors![0].Rule);
        var (database, log) = (cloud.Services.GetRequiredService<Database>(), cloud.Services.GetRequiredService<EventLog>());
        var now = DateTimeOffset.UtcNow;
        var month = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
        // As if the cloud had run then.
        foreach (var ago in (int[])[30, 26, 25, 24, 12])
        {
            await At(month.AddMonths(-ago)).EnsureAsync(default);
            await EventAsync(month.AddMonths(-ago).AddDays(3), $"old-{ago}");
        }
        await EventAsync(month.AddMonths(-100), "rest");
        await At(now).DropAsync(default);
        Assert.Equal(["old-12", "old-24", "rest"], (await KeptAsync()).Order(StringComparer.Ordinal));
        var said = (await admin.GetAsync<Page<Event>>("/events?action=cloud.drop-events")).Items;
        Assert.NotEmpty(said);
        Assert.Contains(said, e => e.Message == $"The events of {month.AddMonths(-25):yyyy-MM} are gone: 24 months are kept.");
        // Twice is once.
        await At(now).DropAsync(default);
        Assert.Equal(said.Count, (await admin.GetAsync<Page<Event>>("/events?action=cloud.drop-events")).Items.Count);
        // A clock that is wrong drops nothing.
        await At(now.AddYears(30)).DropAsync(default);
        Assert.Equal(3, (await KeptAsync()).Count);
        // For ever; then for six months.
        Assert.Null((await admin.PutAsync<EventRetention>("/events/retention", new { })).Months);
        await At(now).DropAsync(default);
        Assert.Equal(3, (await KeptAsync()).Count);
        Assert.Equal(6, (await admin.PutAsync<EventRetention>("/events/retention", new { months = 6 })).Months);
        await At(now).DropAsync(default);
        Assert.Equal(["rest"], await KeptAsync());
        Assert.Equal(["For 6 months.", "For ever."], (await admin.GetAsync<Page<Event>>("/events?action=cloud.keep-events")).Items.Select(e => e.Message));

        EventPartitions At(DateTimeOffset time) => new(database, log, new FixedClock(time), NullLogger<EventPartitions>.Instance);
        Task EventAsync(DateTimeOffset time, string name) => database.ExecuteAsync(
            "INSERT INTO events (id, at, account_id, actor_kind, action, resource_type, resource_id, resource_name) VALUES ('ev-' || md5($2), $1, 'a', 'system', 'x.old', 'network', 'n', $2)", default, time, name);
        Task<List<string>> KeptAsync() => database.QueryAsync("SELECT resource_name FROM events WHERE action = 'x.old'", row => row.GetString(0), default);
    }

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
