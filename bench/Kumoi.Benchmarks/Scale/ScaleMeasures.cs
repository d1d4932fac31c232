using System.Diagnostics;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;
using Kumoi.Benchmarks.Measures;
using Kumoi.Server.Placement;

namespace Kumoi.Benchmarks.Scale;

/// <summary>What is measured of a cloud with many hosts and instances. Each method is one round; the figures are made of all of them.</summary>
public sealed class ScaleMeasures(ScaleCloud cloud, SimulatedHosts hosts, Seeded seeded, ScaleSizes sizes)
{
    private const int Many = 32, Few = 8;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10), IdleLook = TimeSpan.FromSeconds(10);

    private readonly List<double> _burst = [], _burstMs = [], _steadyMs = [], _alone = [], _aloneReads = [], _lists = [], _reads = [], _costs = [], _idle = [], _ready = [], _fresh = [], _memory = [], _simulated = [], _decisions = [], _groupDecisions = [];
    private readonly List<Acknowledged> _made = [];

    /// <summary>Creates until the server has compiled what it uses often.</summary>
    public async Task WarmAsync()
    {
        await CreateAsync(Few, sizes.Steady);
        await cloud.SettleAsync(Limit);
    }

    public async Task RoundAsync(Action<string> say)
    {
        say("idle");
        var idle = await IdleAsync();
        _idle.Add(idle * 100);
        say($"creates, {Many} clients");
        var (burst, seconds) = await CreateAsync(Many, sizes.Burst);
        _burst.Add(sizes.Burst / seconds);
        say($"  {_burst[^1]:N0}/s; until all hosts have done it:");
        _burstMs.AddRange(burst);
        await cloud.SettleAsync(Limit);
        say($"creates, {Few} clients");
        _costs.Add(await CostAsync(async () => _steadyMs.AddRange((await CreateAsync(Few, sizes.Steady)).EachMs), sizes.Steady, idle));
        say("reads");
        await ReadAsync(_alone, _aloneReads);
        var loading = CreateUntilAsync(out var enough);
        await ReadAsync(_lists, _reads);
        await enough.CancelAsync();
        await loading;
        await cloud.SettleAsync(Limit);
        say("decisions");
        var views = await cloud.HostViewsAsync();
        var request = new PlacementRequest(1, 128, 1, views[0].ZoneId);
        Decide(views, request, _decisions);
        Decide(views, request with { Group = EverySecond(views) }, _groupDecisions);
        _memory.Add(ProcessFiles.Memory(cloud.Server).Rss);
        _simulated.Add(ProcessFiles.Memory(hosts.Pid).Rss);
        say("a restart of the server");
        var (ready, fresh) = await cloud.RestartAsync(sizes.Hosts, Limit);
        _ready.Add(ready);
        _fresh.Add(fresh);
        say($"  ready after {ready:N1} s, all have reported after {fresh:N1} s");
        await hosts.UntilAsync("connected", sizes.Hosts, Limit);
        await WarmAsync();
    }

    /// <summary>Milliseconds of processor time of server and PostgreSQL per create, until hosts have done all of it, less what they take anyway.</summary>
    public async Task<IReadOnlyList<double>> SmallCostsAsync()
    {
        await WarmAsync();
        var costs = new List<double>();
        for (var round = 0; round < sizes.Rounds; round++) costs.Add(await CostAsync(() => CreateAsync(Few, sizes.Small / 4), sizes.Small / 4, await IdleAsync()));
        return costs;
    }

    public async Task<IReadOnlyList<Figure>> FiguresAsync(int instances)
    {
        var told = await hosts.TraceAsync();
        var heard = _made.Where(made => told.ContainsKey(made.Id)).Select(made => (told[made.Id] - made.SentMicros) / 1000.0).ToList();
        if (heard.Count < _made.Count) throw new InvalidOperationException($"Hosts heard of {heard.Count} of {_made.Count} instances.");
        var figures = new List<Figure>
        {
            new($"creates acknowledged per second, {Many} clients", new Sample(_burst), "/s", 0, null), new($"create → 201, {Many} clients", new Sample(_burstMs), "ms", 1, null),
            new($"create → 201, {Few} clients", new Sample(_steadyMs), "ms", 1, null), new("create → the host's agent has it, all of the above", new Sample(heard), "ms", 1, null),
            new("list of 1,000 instances, nothing else asked", new Sample(_alone), "ms", 1, null), new($"list of 1,000 instances, beside creates by {Few} clients", new Sample(_lists), "ms", 1, null),
            new("one instance by id, nothing else asked", new Sample(_aloneReads), "ms", 2, null), new($"one instance by id, beside creates by {Few} clients", new Sample(_reads), "ms", 2, null),
            new($"placement decision over {sizes.Hosts:N0} hosts, in process", new Sample(_decisions), "ms", 3, null),
            new("the same into an anti-affinity group that is on half of them", new Sample(_groupDecisions), "ms", 3, null),
        };
        if (seeded.SmallCosts.Count > 1) figures.Add(new($"processor time of server and PostgreSQL per create, at {seeded.SmallInstances:N0} instances", new Sample(seeded.SmallCosts), "ms", 2, null));
        figures.AddRange(
        [
            new($"processor time of server and PostgreSQL per create, at {instances:N0} instances", new Sample(_costs), "ms", 2, null),
            new("processor time of server and PostgreSQL with nothing asked, share of one core", new Sample(_idle), "%", 1, null),
            new("server killed → server ready", new Sample(_ready), "s", 1, null), new("server killed → every host has reported again", new Sample(_fresh), "s", 1, null),
            new("server, RSS", new Sample(_memory), "MB", 0, null), new("all simulated hosts, RSS", new Sample(_simulated), "MB", 0, null),
        ]);
        return figures;
    }

    private async Task<(List<double> EachMs, double AllSeconds)> CreateAsync(int clients, int count)
    {
        var connections = Connections(clients);
        var made = new Acknowledged[count];
        var (_, seconds) = await Clock.ShareAsync(clients, count, async (client, number) => made[number] = await connections[client].CreateAsync());
        foreach (var connection in connections) connection.Dispose();
        _made.AddRange(made);
        return ([.. made.Select(one => one.Milliseconds)], seconds);
    }

    /// <summary>Creates by a few clients beside other work, until cancelled.</summary>
    private Task CreateUntilAsync(out CancellationTokenSource enough)
    {
        var source = enough = new CancellationTokenSource();
        return Task.WhenAll(Connections(Few).Select(connection => Task.Run(async () =>
        {
            while (!source.IsCancellationRequested) await connection.CreateAsync();
            connection.Dispose();
        })));
    }

    private async Task ReadAsync(List<double> lists, List<double> reads)
    {
        using var lister = new LoadClient(cloud.Cloud.Url, seeded.ListToken, Seeding.Flavor, Seeding.Image);
        using var owner = Connections(1)[0];
        var mine = await owner.CreateAsync();
        for (var i = 0; i < sizes.Lists; i++) lists.Add(await Clock.MillisecondsAsync(() => lister.GetAsync("?limit=1000")));
        for (var i = 0; i < sizes.Reads; i++) reads.Add(await Clock.MillisecondsAsync(() => owner.GetAsync("/" + mine.Id)));
    }

    private static GroupView EverySecond(HostView[] views) =>
        new("pg-1", "spread", PlacementPolicies.AntiAffinity, views.Where((_, i) => i % 2 == 0).ToDictionary(view => view.Id, _ => 1));

    private void Decide(HostView[] views, PlacementRequest request, List<double> decisions)
    {
        for (var i = 0; i < sizes.Decisions + sizes.Decisions / 10; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            if (Placement.Choose(views, request).Candidates.Count == 0) throw new InvalidOperationException("No host has room.");
            // The first ones are compiled on the way.
            if (i >= sizes.Decisions / 10) decisions.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }
    }

    private async Task<double> CostAsync(Func<Task> work, int creates, double idle)
    {
        var (before, begin) = (cloud.CpuSeconds(), Stopwatch.GetTimestamp());
        await work();
        await cloud.SettleAsync(Limit);
        return (cloud.CpuSeconds() - before - idle * Stopwatch.GetElapsedTime(begin).TotalSeconds) * 1000 / creates;
    }

    /// <summary>Share of one core that server and PostgreSQL take with nothing asked of them.</summary>
    private async Task<double> IdleAsync()
    {
        var (before, begin) = (cloud.CpuSeconds(), Stopwatch.GetTimestamp());
        await Task.Delay(IdleLook);
        return (cloud.CpuSeconds() - before) / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private int _connected;

    /// <summary>Each of another account; one account after the other has its turn, so that none grows much larger than the others.</summary>
    private LoadClient[] Connections(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => new LoadClient(cloud.Cloud.Url, seeded.Tokens[_connected++ % seeded.Tokens.Count], Seeding.Flavor, Seeding.Image))];
}
