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
    // As often as an agent looks at everything.
    private const int Looks = 5, IdleSeconds = 80, Changes = 20;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(NetworkSizes sizes, Action<string> say)
    {
        await using var hosts = await StandIns.StartAsync(1);
        var host = hosts.All[0];
        using var driver = new CountedDriver(host.Driver);
        DesiredNetwork[] networks = [.. Enumerable.Range(0, sizes.Networks).Select(network => Made.Network(network, sizes.Interfaces))];
        DesiredInstance[] instances = [.. Enumerable.Range(0, sizes.Networks).SelectMany(network => Made.Instances(network, sizes.Interfaces))];
        var document = Made.Document(networks, [], instances);
        var state = new AgentState();
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        double made;
        var starts = new List<double>();
        List<double> looks, changes;
        double idle, memory;
        await using (var controller = Controller())
        {
            state.Replace(document);
            say("  from nothing");
            made = await Clock.MillisecondsAsync(() => AllAsync(controller, sizes.Networks));
            say("  looks at everything");
            looks = await Clock.RepeatAsync(Looks, _ => Clock.MillisecondsAsync(() => AllAsync(controller, sizes.Networks)));
            memory = (GC.GetTotalMemory(forceFullCollection: true) - heap) / 1e6;
            say("  changes");
            changes = await Clock.RepeatAsync(Math.Min(Changes, sizes.Networks), number => Clock.MillisecondsAsync(async () =>
            {
                // A rule of the group's is added for one network only by an interface of its own more: the others are not looked at.
                var target = driver.Applied + 1;
                state.Replace(Made.Document(networks, [], [.. instances, .. Made.Instances(number, sizes.Interfaces + 1).Skip(sizes.Interfaces)]));
                controller.Ring(Made.NetworkId(number));
                await driver.UntilAsync(target);
            }));
            state.Replace(document);
            await AllAsync(controller, sizes.Networks);
            say("  idle");
            idle = await IdleAsync(controller, driver, sizes.Networks);
        }
        say("  starts of an agent");
        for (var start = 0; start < Looks; start++)
        {
            await using var again = Controller();
            starts.Add(await Clock.MillisecondsAsync(() => AllAsync(again, sizes.Networks)));
        }
        return
        [
            new Figure("all of them made from nothing", new Sample([made, made]), "ms", 0, null), new Figure("a look at all of them with nothing to do", new Sample(looks), "ms", 0, null),
            new Figure("an agent that starts has looked at all of them", new Sample(starts), "ms", 0, null), new Figure("one interface more in one of them", new Sample(changes), "ms", 0, null),
            new Figure($"processor time of agent and its commands, a look every {host.Options.NetworksPeriod(sizes.Networks).TotalSeconds:0} s and nothing to do, share of one core", new Sample([idle, idle]), "%", 0, null),
            new Figure("the agent's heap for all of them", new Sample([memory, memory]), "MB", 1, null),
        ];

        NetworkController Controller() => new(host.Options, state, driver, _ => true, new Random(1), TimeProvider.System, NullLogger.Instance);

        Task AllAsync(NetworkController controller, int count)
        {
            var target = driver.Applied + count;
            controller.ForgetHost();
            controller.RingAll();
            return driver.UntilAsync(target);
        }

        async Task<double> IdleAsync(NetworkController controller, CountedDriver counted, int count)
        {
            var before = ProcessFiles.CpuSecondsWithChildren(Environment.ProcessId);
            var until = DateTime.UtcNow.AddSeconds(IdleSeconds);
            for (var next = DateTime.UtcNow; next < until; next += host.Options.NetworksPeriod(count))
            {
                if (next > DateTime.UtcNow) await Task.Delay(next - DateTime.UtcNow);
                await AllAsync(controller, count);
            }
            return (ProcessFiles.CpuSecondsWithChildren(Environment.ProcessId) - before) / IdleSeconds * 100;
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
