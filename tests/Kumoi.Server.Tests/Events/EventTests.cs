using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Events;

public sealed class EventTests
{
    [Fact]
    public async Task The_log_says_who_did_what_from_where()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        using var response = await tenant.SendAsync(HttpMethod.Post, "/networks", new { name = "n1" });
        var network = System.Text.Json.JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), ApiJson.Default.Network)!;
        var item = Assert.Single((await tenant.GetAsync<Page<Event>>($"/events?resource={network.Id}")).Items);
        Assert.Equal(("network.create", "user", "acme-admin", "127.0.0.1", response.Headers.GetValues("X-Request-Id").Single()), (item.Action, item.Actor.Kind, item.Actor.Name, item.SourceAddress, item.RequestId));
        Assert.Empty((await tenant.GetAsync<Page<Event>>($"/events?until=2020-01-01T00:00:00Z")).Items);
        Assert.Equal("time", (await tenant.FailAsync(400, HttpMethod.Get, "/events?since=yesterday")).Errors![0].Rule);
    }

    [Fact]
    public async Task A_follower_sees_each_event_once_also_when_it_comes_back()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var stranger = await cloud.TenantAsync("stranger");
        using var first = await FollowAsync(tenant, null);
        await tenant.PostAsync<Network>("/networks", new { name = "a" });
        await stranger.PostAsync<Network>("/networks", new { name = "x" });
        await tenant.PostAsync<Network>("/networks", new { name = "b" });
        var seen = await first.TakeAsync(2);
        Assert.Equal(["a", "b"], seen.Select(e => e.Name));
        await tenant.PostAsync<Network>("/networks", new { name = "c" });
        using var second = await FollowAsync(tenant, seen[0].Id);
        Assert.Equal(["b", "c"], (await second.TakeAsync(2)).Select(e => e.Name));
    }

    [Fact]
    public async Task An_event_whose_transaction_commits_late_is_not_passed_over()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var account = (await tenant.GetAsync<User>("/users/me")).Account.Id;
        using var follower = await FollowAsync(tenant, null);
        await using var source = Npgsql.NpgsqlDataSource.Create(cloud.Options.ConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        await using var slow = await connection.BeginTransactionAsync();
        await using (var insert = new Npgsql.NpgsqlCommand(
            $"INSERT INTO events (id, at, account_id, actor_kind, action, resource_type, resource_id, resource_name) VALUES ('ev-00000000000000001', now(), '{account}', 'system', 'x', 'network', 'n', 'slow')", connection))
            await insert.ExecuteNonQueryAsync();
        await tenant.PostAsync<Network>("/networks", new { name = "quick" });
        await slow.CommitAsync();
        Assert.Equal(["slow", "quick"], (await follower.TakeAsync(2)).Select(e => e.Name));
    }

    [Fact]
    public async Task Transactions_are_told_in_the_order_of_their_numbers_also_where_these_get_longer()
    {
        await using var cloud = await TestCloud.StartAsync();
        await using var source = Npgsql.NpgsqlDataSource.Create(cloud.Options.ConnectionString);
        await using (var insert = source.CreateCommand(
            "INSERT INTO events (id, at, xid, account_id, actor_kind, action, resource_type, resource_id, resource_name) SELECT 'ev-' || n, now(), n::text::xid8, 'a-1', 'system', 'x', 'network', 'n', 'n' FROM generate_series(95, 104) n"))
            await insert.ExecuteNonQueryAsync();
        var store = cloud.Services.GetRequiredService<EventStore>();
        var (position, seen) = (new EventPosition(0, ""), new List<string>());
        while (await store.FollowAsync("a-1", [], position, 3, default) is { Count: > 0 } more)
        {
            seen.AddRange(more.Select(one => one.Event.Id));
            position = more[^1].At;
        }
        Assert.Equal(Enumerable.Range(95, 10).Select(n => $"ev-{n}"), seen);
    }

    private static async Task<Follower> FollowAsync(TestClient client, string? last)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events/stream");
        if (last is not null) request.Headers.Add("Last-Event-ID", last);
        var response = await client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(": hello", await reader.ReadLineAsync());
        return new Follower(response, reader);
    }

    private sealed class Follower(HttpResponseMessage response, StreamReader reader) : IDisposable
    {
        /// <summary>Of networks: a stream begins below the oldest transaction that runs anywhere in PostgreSQL, so a login of a moment ago may be in it.</summary>
        public async Task<List<(string Id, string Name)>> TakeAsync(int count)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            var taken = new List<(string, string)>();
            while (taken.Count < count)
            {
                var line = await reader.ReadLineAsync(limit.Token);
                if (line?.StartsWith("data: ", StringComparison.Ordinal) != true) continue;
                var item = System.Text.Json.JsonSerializer.Deserialize(line["data: ".Length..], ApiJson.Default.Event)!;
                if (item.Resource.Type == "network") taken.Add((item.Id, item.Resource.Name));
            }
            return taken;
        }

        public void Dispose()
        {
            reader.Dispose();
            response.Dispose();
        }
    }
}
