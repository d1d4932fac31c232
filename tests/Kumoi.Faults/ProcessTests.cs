using Kumoi.Api;
using Kumoi.Faults.Cloud;
using Kumoi.Faults.Work;
using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Kumoi.Faults;

/// <summary>
/// Goal: whatever process is killed or held while clients work, the cloud comes by itself to what was asked and acknowledged. Method: real
/// PostgreSQL, real servers and agents over the real protocol (hosts simulated below the agent), faults in the middle of the work, and then
/// a look at every instance, every counter and the event log.
/// </summary>
public sealed class ProcessTests
{
    private const int HostCount = 20;

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task The_only_server_is_killed_again_and_again()
    {
        await using var cloud = await FaultCloud.StartAsync(servers: 1, HostCount);
        var work = await Workload.WhileAsync(cloud, 1, async () =>
        {
            for (var i = 0; i < 3; i++)
            {
                cloud.Servers[0].Process.KillHard();
                await Task.Delay(500);
                cloud.Servers[0].Process.Start();
                await cloud.Servers[0].ReadyAsync();
                await Task.Delay(Between);
            }
        });
        await Verdict.HoldsAsync(cloud, work);
        Assert.Empty(await Verdict.HostEventsAsync(cloud, "host.down"));
    }

    [Fact]
    public async Task One_of_three_servers_is_killed_another_held_and_a_fourth_comes_and_no_host_alarms()
    {
        await using var cloud = await FaultCloud.StartAsync(servers: 3, HostCount);
        var work = await Workload.WhileAsync(cloud, 2, async () =>
        {
            cloud.Servers[0].Process.KillHard();
            await Task.Delay(Between);
            await cloud.AddServerAsync();
            cloud.Servers[1].Process.Hold();
            await Task.Delay(TimeSpan.FromSeconds(8));
            cloud.Servers[1].Process.Resume();
        });
        await Verdict.HoldsAsync(cloud, work);
        Assert.Empty(await Verdict.HostEventsAsync(cloud, "host.down"));
    }

    [Fact]
    public async Task PostgreSQL_is_killed_and_comes_back()
    {
        await using var cloud = await FaultCloud.StartAsync(servers: 2, HostCount);
        var work = await Workload.WhileAsync(cloud, 3, async () =>
        {
            for (var i = 0; i < 2; i++)
            {
                await cloud.Postgres.StopProcessAsync();
                using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
                using var health = await http.GetAsync(new Uri(cloud.Servers[0].Url, "/healthz"));
                using var ready = await http.GetAsync(new Uri(cloud.Servers[0].Url, "/readyz"));
                Assert.Equal((200, 503), ((int)health.StatusCode, (int)ready.StatusCode));
                Assert.NotNull(ready.Headers.RetryAfter?.Delta);
                // Longer than the lease and than a host may be silent: nobody could record anything, so nobody is down.
                await Task.Delay(TimeSpan.FromSeconds(i == 0 ? 2 : 12));
                await cloud.Postgres.StartProcessAsync();
                await Task.Delay(Between);
            }
        });
        Assert.True(work.Unavailable > 0, "no client was told that the database is away");
        await Verdict.HoldsAsync(cloud, work);
        Assert.Empty(await Verdict.HostEventsAsync(cloud, "host.down"));
        Assert.Empty(await Verdict.TextsAsync(cloud, "SELECT resource_id FROM events WHERE action IN ('instance.lost', 'instance.restarted', 'instance.recover')"));
    }

    [Fact]
    public async Task PostgreSQL_is_held_and_goes_on()
    {
        await using var cloud = await FaultCloud.StartAsync(servers: 2, HostCount);
        var work = await Workload.WhileAsync(cloud, 4, async () =>
        {
            var processes = PostgresProcesses.Of(cloud.Postgres);
            processes.ForEach(OwnProcess.Hold);
            await Task.Delay(TimeSpan.FromSeconds(6));
            processes.ForEach(OwnProcess.Resume);
        });
        await Verdict.HoldsAsync(cloud, work);
    }

    [Fact]
    public async Task A_rack_of_hosts_loses_power_and_another_is_held()
    {
        await using var cloud = await FaultCloud.StartAsync(servers: 2, HostCount);
        await cloud.AddHostsAsync("b", HostCount);
        var work = await Workload.WhileAsync(cloud, 5, async () =>
        {
            cloud.Hosts[0].KillHard();
            await Task.Delay(TimeSpan.FromSeconds(1));
            cloud.Hosts[0].Start();
            await Task.Delay(Between);
            cloud.Hosts[1].Hold();
            await Task.Delay(TimeSpan.FromSeconds(5));
            cloud.Hosts[1].Resume();
        });
        Assert.NotEmpty(await Verdict.HostEventsAsync(cloud, "host.unreachable"));
        await Verdict.HoldsAsync(cloud, work);
    }

    [Fact]
    public async Task Clients_that_go_away_leave_neither_half_a_create_nor_two()
    {
        await using var cloud = await FaultCloud.StartAsync(servers: 1, HostCount);
        var random = new Random(6);
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", cloud.Token);
        async Task<HttpResponseMessage> SendAsync(int i, CancellationToken cancel)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(cloud.Servers[0].Url, "/api/v1/instances"));
            request.Headers.Add("Idempotency-Key", $"gone-{i}");
            request.Content = System.Net.Http.Json.JsonContent.Create(new { name = $"gone-{i}", flavor = "tiny", image = "tiny" });
            return await http.SendAsync(request, cancel);
        }
        var gone = 0;
        await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
        {
            using var leaves = new CancellationTokenSource(TimeSpan.FromMilliseconds(random.Next(40)));
            try
            {
                (await SendAsync(i, leaves.Token)).Dispose();
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref gone);
            }
        }));
        Assert.True(gone > 5, $"only {gone} clients went away");
        for (var i = 0; i < 60; i++)
        {
            using var again = await SendAsync(i, default);
            Assert.Equal(201, (int)again.StatusCode);
        }
        Assert.Equal(60, (await Verdict.TextsAsync(cloud, "SELECT resource_id FROM events WHERE action = 'instance.launch'")).Count);
        Assert.Equal(60, (await Verdict.TextsAsync(cloud, "SELECT id FROM instances")).Count);
    }
}
