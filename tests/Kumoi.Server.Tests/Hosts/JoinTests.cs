using System.Net.Http.Json;
using Kumoi.Agent;
using Kumoi.Agent.Control;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Kumoi.Server.Tests.Hosts;

/// <summary>Goal: a host whose join was answered and which never got the answer joins all the same, and nobody else takes its name.</summary>
public sealed class JoinTests
{
    private static async Task<string> TokenAsync(TestCloud cloud) => (await (await cloud.LoginAsync()).PostAsync<JoinToken>("/hosts/join-tokens", new { })).Token;

    private static async Task<HttpResponseMessage> JoinAsync(TestCloud cloud, string token, string key, string name)
    {
        using var http = FakeHost.Client(cloud, null);
        return await http.PostAsJsonAsync("/agent/v1/join", new JoinRequest(token, Identity.RequestFor(key), FakeHost.Facts(name)), ApiJson.Default.JoinRequest);
    }

    private static async Task<JoinAnswer> AcceptedAsync(HttpResponseMessage response)
    {
        Assert.Equal(200, (int)response.StatusCode);
        return (await response.Content.ReadFromJsonAsync(ApiJson.Default.JoinAnswer))!;
    }

    [Fact]
    public async Task The_same_token_and_key_get_the_same_host_again_and_others_are_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        var (token, key) = (await TokenAsync(cloud), Identity.NewKey().PrivateKey);
        var lost = await AcceptedAsync(await JoinAsync(cloud, token, key, "host-1"));
        var again = await AcceptedAsync(await JoinAsync(cloud, token, key, "host-1"));
        Assert.Equal(lost.HostId, again.HostId);
        Assert.NotEqual(lost.Certificate, again.Certificate);
        // The token is spent, the name taken: neither another key nor another token goes further.
        Assert.Equal(401, (int)(await JoinAsync(cloud, token, Identity.NewKey().PrivateKey, "host-1")).StatusCode);
        Assert.Equal(401, (int)(await JoinAsync(cloud, token, key, "host-2")).StatusCode);
        Assert.Equal(409, (int)(await JoinAsync(cloud, await TokenAsync(cloud), Identity.NewKey().PrivateKey, "host-1")).StatusCode);
        Assert.Equal(409, (int)(await JoinAsync(cloud, await TokenAsync(cloud), key, "host-1")).StatusCode);
        var admin = await cloud.LoginAsync();
        Assert.Equal(lost.HostId, Assert.Single((await admin.GetAsync<Page<Host>>("/hosts")).Items).Id);
        Assert.Single((await admin.GetAsync<Page<Event>>($"/events?resource={lost.HostId}")).Items, e => e.Action == "host.join");
    }

    [Theory]
    [InlineData("local")]
    [InlineData("fast")]
    public async Task Hosts_that_join_an_empty_cloud_at_the_same_moment_make_one_default_pool(string others)
    {
        await using var cloud = await TestCloud.StartAsync();
        var key = Identity.NewKey().PrivateKey;
        var request = new JoinRequest(await TokenAsync(cloud), Identity.RequestFor(key), FakeHost.Facts("host-1"), [new ObservedStore("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 1, true)]);
        await using var holder = new NpgsqlConnection(cloud.Options.ConnectionString);
        await holder.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand("INSERT INTO pools (id, name, driver, shared, is_default, created_at) VALUES ('spl-00000000000000001', $1, 'directory', false, true, now())", holder, transaction) { Parameters = { new() { Value = others } } })
            await insert.ExecuteNonQueryAsync();
        using var http = FakeHost.Client(cloud, null);
        var joining = http.PostAsJsonAsync("/agent/v1/join", request, ApiJson.Default.JoinRequest);
        await Wait.UntilAsync(async () => await cloud.Services.GetRequiredService<Kumoi.Server.Platform.Postgres.Database>().FindAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", row => row.GetInt64(0), default) == 1, 30, "the join waits for the other host's");
        await transaction.CommitAsync();
        await AcceptedAsync(await joining);
        var pools = (await (await cloud.LoginAsync()).GetAsync<Page<Pool>>("/pools")).Items;
        Assert.Equal(new[] { others, "local" }.Distinct().Order(), pools.Select(p => p.Name).Order());
        Assert.Equal(others, Assert.Single(pools, p => p.Default).Name);
        Assert.Equal("host-1", Assert.Single(Assert.Single(pools.Single(p => p.Name == "local").Stores!).Hosts).Name);
    }

    [Fact]
    public async Task A_forgotten_host_does_not_come_back_with_a_token_that_is_spent()
    {
        await using var cloud = await TestCloud.StartAsync();
        var (token, key) = (await TokenAsync(cloud), Identity.NewKey().PrivateKey);
        await AcceptedAsync(await JoinAsync(cloud, token, key, "host-1"));
        Assert.Equal(204, (int)(await (await cloud.LoginAsync()).SendAsync(HttpMethod.Delete, "/hosts/host-1")).StatusCode);
        Assert.Equal(401, (int)(await JoinAsync(cloud, token, key, "host-1")).StatusCode);
    }

    [Fact]
    public async Task An_agent_killed_before_it_had_the_answer_joins_as_the_same_host()
    {
        await using var cloud = await TestCloud.StartAsync();
        var directory = Directory.CreateTempSubdirectory("kumoi-join-").FullName;
        var paths = new AgentPaths(directory, directory, null);
        var token = await TokenAsync(cloud);
        var joining = new Joining(paths, new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1), new Random(1)), TimeProvider.System, NullLogger.Instance);
        // Cut off while it asks: what is on its disk then is its key.
        using var killed = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => joining.EnsureAsync(token, () =>
        {
            killed.Cancel();
            return FakeHost.Facts("host-1");
        }, null, killed.Token));
        var key = await File.ReadAllTextAsync(Path.Combine(paths.State, "joining.pem"));
        var lost = await AcceptedAsync(await JoinAsync(cloud, token, key, "host-1"));
        Assert.Equal(lost.HostId, (await joining.EnsureAsync(token, () => FakeHost.Facts("host-1"), null, default)).HostId);
        Assert.False(File.Exists(Path.Combine(paths.State, "joining.pem")));
        Directory.Delete(directory, recursive: true);
    }
}
