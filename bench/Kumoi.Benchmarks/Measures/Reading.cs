using System.Globalization;
using Kumoi.Api;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;

namespace Kumoi.Benchmarks.Measures;

/// <summary>Lists and single reads over many rows.</summary>
public static class Reading
{
    private const int Warm = 10;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Tenant tenant, int server, int postgres, Sizes sizes)
    {
        using var client = tenant.Client();
        var path = string.Create(CultureInfo.InvariantCulture, $"instances?limit={sizes.Rows}");
        var page = await client.GetAsync<Page<Instance>>(path);
        if (page.Items.Count != sizes.Rows) throw new InvalidOperationException($"There are {page.Items.Count} rows, not {sizes.Rows}.");
        var bytes = 0L;
        async Task<double> ListAsync() => await Clock.MillisecondsAsync(async () =>
        {
            using var answer = await client.RequestAsync(HttpMethod.Get, path, null, null, default);
            bytes = (await answer.Content.ReadAsByteArrayAsync()).Length;
        });
        await Clock.RepeatAsync(Warm, _ => ListAsync());
        var before = ProcessFiles.CpuSeconds(server) + ProcessFiles.CpuSecondsWithChildren(postgres);
        var (lists, costs) = (new List<double>(), new List<double>());
        for (var batch = 0; batch < 5; batch++)
        {
            lists.AddRange(await Clock.RepeatAsync(sizes.Lists / 5, _ => ListAsync()));
            var after = ProcessFiles.CpuSeconds(server) + ProcessFiles.CpuSecondsWithChildren(postgres);
            costs.Add((after - before) * 1000 / (sizes.Lists / 5));
            before = after;
        }

        var connections = Enumerable.Range(0, 8).Select(_ => tenant.Client()).ToArray();
        Task OneAsync(int client, int number) => connections[client].GetAsync<Instance>("instances/" + page.Items[number * 7919 % page.Items.Count].Id);
        await Clock.ShareAsync(8, sizes.Reads / 10, OneAsync);
        var (alone, _) = await Clock.ShareAsync(1, sizes.Reads / 4, OneAsync);
        var (together, _) = await Clock.ShareAsync(8, sizes.Reads, OneAsync);
        foreach (var connection in connections) connection.Dispose();
        return
        [
            new Figure($"list of {sizes.Rows:N0} instances ({bytes / 1024:N0} KiB), 1 client", new Sample(lists), "ms", 1, new Goal(25)),
            new Figure($"processor time of server and PostgreSQL per list of {sizes.Rows:N0}", new Sample(costs), "ms", 1, null),
            new Figure("one instance by id, 1 client", new Sample(alone), "ms", 2, null),
            new Figure($"one instance by id, 8 clients", new Sample(together), "ms", 2, null),
        ];
    }
}
