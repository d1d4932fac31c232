using System.Globalization;
using Kumoi.Api;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;

namespace Kumoi.Benchmarks.Measures;

/// <summary>Creates and deletes at the API, with a host that has nothing to boot.</summary>
public sealed class Creating(Tenant tenant, BoundlessHost host, int server, int postgres, Sizes sizes)
{
    private static readonly Goal Acknowledged = new(20);

    private int _named;

    /// <summary>The first creates and deletes after a start, which pay for compiling the server's code; then as many more as it takes until that is done.</summary>
    public async Task<Figure> WarmAsync()
    {
        await host.ObeyAsync();
        var (first, _) = await BatchAsync(8, sizes.First, obeyed: true);
        await BatchAsync(8, sizes.Warm, obeyed: true);
        await DeleteAllAsync();
        return new Figure($"create → 201, the first {sizes.First} after a start, 8 clients", new Sample(first), "ms", 1, null);
    }

    /// <summary>From the request until 201, and what that costs both processes.</summary>
    public async Task<IReadOnlyList<Figure>> CreateAsync(int clients, bool obeyed)
    {
        await (obeyed ? host.ObeyAsync() : host.BeSilentAsync());
        var (each, rates, servers, databases) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var batch = 0; batch < sizes.Batches; batch++)
        {
            var (inServer, inDatabase) = (ProcessFiles.CpuSeconds(server), ProcessFiles.CpuSecondsWithChildren(postgres));
            var (times, seconds) = await BatchAsync(clients, sizes.Batch, obeyed);
            each.AddRange(times);
            rates.Add(sizes.Batch / seconds);
            servers.Add((ProcessFiles.CpuSeconds(server) - inServer) * 1000 / sizes.Batch);
            databases.Add((ProcessFiles.CpuSecondsWithChildren(postgres) - inDatabase) * 1000 / sizes.Batch);
        }
        var how = $"{Words.Clients(clients)}, host {(obeyed ? "obeys" : "is silent")}";
        return
        [
            new Figure($"create → 201, {how}", new Sample(each), "ms", 1, Acknowledged), new Figure($"creates per second, {how}", new Sample(rates), "/s", 0, null),
            new Figure($"processor time of the server per create, {how}", new Sample(servers), "ms", 2, null),
            new Figure($"processor time of PostgreSQL per create, {how}", new Sample(databases), "ms", 2, null),
        ];
    }

    /// <summary>From the request until the API tells that it runs: the whole way to the host and back.</summary>
    public async Task<Figure> RunningAsync()
    {
        await host.ObeyAsync();
        using var client = tenant.Client();
        var times = await Clock.RepeatAsync(sizes.Batch, _ => Clock.MillisecondsAsync(async () =>
        {
            var made = await client.PostAsync<LaunchInstance, Instance>("instances", Next());
            await client.GetAsync<Instance>($"instances/{made.Id}?wait=running&timeout=60");
        }));
        return new Figure("create → running with nothing to boot, 1 client", new Sample(times), "ms", 1, null);
    }

    /// <summary>Deletes everything there is, a batch at a time.</summary>
    public async Task<IReadOnlyList<Figure>> DeleteAsync(int clients)
    {
        await host.ObeyAsync();
        using var one = tenant.Client();
        for (var missing = sizes.Batches * sizes.Batch - (await LivingAsync(one)).Count; missing > 0; missing -= 100) await one.PostAsync<LaunchInstance, Page<Instance>>("instances", Next() with { Count = Math.Max(2, Math.Min(100, missing)) });
        await SettledAsync(one);
        var ids = await LivingAsync(one);
        var (acknowledged, terminated, rates, costs) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        foreach (var batch in ids.Chunk(sizes.Batch).Where(batch => batch.Length == sizes.Batch))
        {
            var connections = Connections(clients);
            var before = ProcessFiles.CpuSeconds(server) + ProcessFiles.CpuSecondsWithChildren(postgres);
            var (times, seconds) = await Clock.ShareAsync(clients, batch.Length, async (client, number) =>
            {
                var taken = await Clock.MillisecondsAsync(() => connections[client].DeleteAsync("instances/" + batch[number]));
                lock (acknowledged) acknowledged.Add(taken);
                await connections[client].GetAsync<Instance>($"instances/{batch[number]}?wait=terminated&timeout=60");
            });
            terminated.AddRange(times);
            rates.Add(batch.Length / seconds);
            costs.Add((ProcessFiles.CpuSeconds(server) + ProcessFiles.CpuSecondsWithChildren(postgres) - before) * 1000 / batch.Length);
            foreach (var connection in connections) connection.Dispose();
        }
        await DeleteAllAsync();
        return
        [
            new Figure($"delete → 200, {Words.Clients(clients)}", new Sample(acknowledged), "ms", 1, null), new Figure($"delete → terminated, {Words.Clients(clients)}", new Sample(terminated), "ms", 1, null),
            new Figure($"deletes to the end per second, {Words.Clients(clients)}", new Sample(rates), "/s", 0, null), new Figure("processor time of server and PostgreSQL per delete", new Sample(costs), "ms", 2, null),
        ];
    }

    /// <summary>Makes exactly so many running instances.</summary>
    public async Task FillAsync(int rows)
    {
        await DeleteAllAsync();
        using var client = tenant.Client();
        for (var made = 0; made < rows; made += 100) await client.PostAsync<LaunchInstance, Page<Instance>>("instances", Next() with { Count = Math.Min(100, rows - made) });
        await SettledAsync(client);
    }

    public async Task DeleteAllAsync()
    {
        await host.ObeyAsync();
        using var one = tenant.Client();
        var ids = await LivingAsync(one);
        await Clock.ShareAsync(4, ids.Count, (_, number) => one.DeleteAsync("instances/" + ids[number]));
        while ((await LivingAsync(one)).Count > 0) await Task.Delay(50);
    }

    private async Task<(List<double> EachMs, double AllSeconds)> BatchAsync(int clients, int count, bool obeyed)
    {
        var connections = Connections(clients);
        // The first request of a connection would pay for opening it.
        foreach (var connection in connections) await connection.GetAsync<Page<Zone>>("zones");
        var result = await Clock.ShareAsync(clients, count, (client, _) => connections[client].PostAsync<LaunchInstance, Instance>("instances", Next()));
        // What the host still does for them belongs to the cost, not to the time until acknowledged.
        if (obeyed) await SettledAsync(connections[0]);
        foreach (var connection in connections) connection.Dispose();
        return result;
    }

    private LaunchInstance Next() => Tenant.Launch(string.Create(CultureInfo.InvariantCulture, $"bench-{Interlocked.Increment(ref _named)}"), BoundlessHost.Zone);

    private KumoiClient[] Connections(int count) => [.. Enumerable.Range(0, count).Select(_ => tenant.Client())];

    private static async Task SettledAsync(KumoiClient client)
    {
        while ((await client.GetAsync<Page<Instance>>("instances?state=pending&limit=1")).Items.Count > 0) await Task.Delay(20);
    }

    private static async Task<List<string>> LivingAsync(KumoiClient client)
    {
        var ids = new List<string>();
        await foreach (var instance in client.ListAsync<Instance>("instances", "")) ids.Add(instance.Id);
        return ids;
    }
}
