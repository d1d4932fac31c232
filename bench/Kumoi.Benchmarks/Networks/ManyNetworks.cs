using System.Diagnostics;
using Kumoi.Agent;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;
using Kumoi.Benchmarks.Measures;
using Kumoi.Testing.Networks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kumoi.Benchmarks.Networks;

/// <summary>What an agent has to do with many networks on its host: the controller that it runs, with the real driver.</summary>
public static class ManyNetworks
{
    // Turns, each on a host of its own; what happens but once in a turn has a spread, too.
    private const int Turns = 2, Looks = 5, IdleSeconds = 80, Changes = 20;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(NetworkSizes sizes, Action<string> say)
    {
        var all = new Measured([], [], [], [], [], []);
        var period = TimeSpan.Zero;
        for (var turn = 1; turn <= Turns; turn++) period = await TurnAsync(sizes, all, what => say($"  turn {turn}: {what}"));
        return
        [
            new Figure("all of them made from nothing", new Sample(all.Made), "ms", 0, null), new Figure("a look at all of them with nothing to do", new Sample(all.Looks), "ms", 0, null),
            new Figure("an agent that starts has looked at all of them", new Sample(all.Starts), "ms", 0, null), new Figure("one interface more in one of them", new Sample(all.Changes), "ms", 0, null),
            new Figure($"processor time of agent and its commands, a look every {period.TotalSeconds:0} s and nothing to do, share of one core", new Sample(all.Idle), "%", 0, null),
            new Figure("the agent's heap for all of them", new Sample(all.Memory), "MB", 1, null),
        ];
    }

    private sealed record Measured(List<double> Made, List<double> Looks, List<double> Changes, List<double> Starts, List<double> Idle, List<double> Memory);

    /// <summary>How often an agent looks at so many networks.</summary>
    private static async Task<TimeSpan> TurnAsync(NetworkSizes sizes, Measured all, Action<string> say)
    {
        await using var hosts = await StandIns.StartAsync(1);
        var host = hosts.All[0];
        using var driver = new CountedDriver(host.Driver);
        DesiredNetwork[] networks = [.. Enumerable.Range(0, sizes.Networks).Select(network => Made.Network(network, sizes.Interfaces))];
        DesiredInstance[] instances = [.. Enumerable.Range(0, sizes.Networks).SelectMany(network => Made.Instances(network, sizes.Interfaces))];
        var document = Made.Document(networks, [], instances);
        var state = new AgentState();
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        await using (var controller = Controller())
        {
            state.Replace(document);
            say("from nothing");
            all.Made.Add(await Clock.MillisecondsAsync(() => AllAsync(controller, sizes.Networks)));
            say("looks at everything");
            all.Looks.AddRange(await Clock.RepeatAsync(Looks, _ => Clock.MillisecondsAsync(() => AllAsync(controller, sizes.Networks))));
            all.Memory.Add((GC.GetTotalMemory(forceFullCollection: true) - heap) / 1e6);
            say("changes");
            all.Changes.AddRange(await Clock.RepeatAsync(Math.Min(Changes, sizes.Networks), number => Clock.MillisecondsAsync(async () =>
            {
                // A rule of the group's is added for one network only by an interface of its own more: the others are not looked at.
                var target = driver.Applied + 1;
                state.Replace(Made.Document(networks, [], [.. instances, .. Made.Instances(number, sizes.Interfaces + 1).Skip(sizes.Interfaces)]));
                controller.Ring(Made.NetworkId(number));
                await driver.UntilAsync(target);
            })));
            state.Replace(document);
            await AllAsync(controller, sizes.Networks);
            say("idle");
            all.Idle.Add(await IdleAsync(controller, sizes.Networks));
        }
        say("starts of an agent");
        for (var start = 0; start < Looks; start++)
        {
            await using var again = Controller();
            all.Starts.Add(await Clock.MillisecondsAsync(() => AllAsync(again, sizes.Networks)));
        }
        return host.Options.NetworksPeriod(sizes.Networks);

        NetworkController Controller() => new(host.Options, state, driver, _ => true, new Random(1), TimeProvider.System, NullLogger.Instance);

        Task AllAsync(NetworkController controller, int count)
        {
            var target = driver.Applied + count;
            controller.ForgetHost();
            controller.RingAll();
            return driver.UntilAsync(target);
        }

        async Task<double> IdleAsync(NetworkController controller, int count)
        {
            var before = ProcessFiles.CpuSecondsWithChildren(Environment.ProcessId);
            var since = Stopwatch.GetTimestamp();
            for (var next = TimeSpan.Zero; next.TotalSeconds < IdleSeconds; next += host.Options.NetworksPeriod(count))
            {
                if (next - Stopwatch.GetElapsedTime(since) is var rest && rest > TimeSpan.Zero) await Task.Delay(rest);
                await AllAsync(controller, count);
            }
            return (ProcessFiles.CpuSecondsWithChildren(Environment.ProcessId) - before) / Stopwatch.GetElapsedTime(since).TotalSeconds * 100;
        }
    }
}

/// <summary>Knows how many networks have been put in order.</summary>
internal sealed class CountedDriver(INetworkDriver inner) : INetworkDriver, IDisposable
{
    private readonly SemaphoreSlim _more = new(0);
    private int _applied;

    public int Applied => Volatile.Read(ref _applied);

    public TimeSpan? WatchPeriod => inner.WatchPeriod;

    public IReadOnlyList<string> List() => inner.List();

    public Task ApplyHostAsync(IReadOnlyList<NetworkIntent> networks, CancellationToken cancel) => inner.ApplyHostAsync(networks, cancel);

    public async Task<NetworkSight> ApplyAsync(NetworkIntent intent, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        var sight = await inner.ApplyAsync(intent, removable, cancel);
        Interlocked.Increment(ref _applied);
        _more.Release();
        return sight;
    }

    public Task<bool> TryApplyPeersAsync(NetworkIntent intent, CancellationToken cancel) => inner.TryApplyPeersAsync(intent, cancel);

    public Task<IReadOnlyList<string>?> TryRemoveAsync(string networkNamespace, IReadOnlySet<string> removable, CancellationToken cancel) => inner.TryRemoveAsync(networkNamespace, removable, cancel);

    public bool IsServed(string networkNamespace) => inner.IsServed(networkNamespace);

    public async Task UntilAsync(int applied)
    {
        while (Applied < applied)
            if (!await _more.WaitAsync(TimeSpan.FromMinutes(10))) throw new TimeoutException("A network was not put in order within ten minutes.");
    }

    public void Dispose() => _more.Dispose();
}
