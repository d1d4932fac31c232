using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Goal: a network that cannot be made is tried again after growing waits. Method: an agent whose networks all fail, and which looks all the time whether their servers live.</summary>
public sealed class FailingNetworkTests
{
    [Fact]
    public async Task A_network_that_fails_is_not_hurried_by_the_watch_over_its_server()
    {
        await using var machine = new Machine("simulated");
        var server = new MemoryServer();
        server.Set(Shared.Document([Shared.Network()], []));
        var networks = new FailingNetworks(ObjectNames.Namespace(machine.Options.Tag, Samples.Network));
        HostFacts Facts() => new("host1", "127.0.0.1", "1", "simulated", "simulated", "For a test.", 4, 4096, 100, "boot", null);
        var edges = AgentEdges.Simulated(machine.Options, machine.Hardware, new SimulatedFaults(), Facts, _ => Task.FromResult<Agent.Control.IServerLink>(server), TimeProvider.System) with { Networks = networks };
        await using var agent = new HostAgent(machine.Options, edges, 1, TimeProvider.System, Machine.Log);
        using var stop = new CancellationTokenSource();
        var running = agent.RunAsync(stop.Token);
        await Wait.ForAsync("a failure", () => networks.Tried > 0, TimeSpan.FromSeconds(10));
        var looked = networks.Looked;
        await Wait.ForAsync("many looks", () => networks.Looked > looked + 100, TimeSpan.FromSeconds(60));
        await stop.CancelAsync();
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
        // Each look would have been a try.
        Assert.InRange(networks.Tried, 1, 25);
    }

    private sealed class FailingNetworks(string name) : INetworkDriver
    {
        private int _looked, _tried;

        public int Looked => Volatile.Read(ref _looked);

        public int Tried => Volatile.Read(ref _tried);

        public TimeSpan? WatchPeriod { get; } = TimeSpan.FromMilliseconds(10);

        public IReadOnlyList<string> List()
        {
            Interlocked.Increment(ref _looked);
            return [name];
        }

        public bool IsServed(string networkNamespace) => false;

        public Task ApplyHostAsync(IReadOnlyList<NetworkIntent> networks, CancellationToken cancel) => Task.CompletedTask;

        public Task<NetworkSight> ApplyAsync(NetworkIntent intent, IReadOnlySet<string> removable, CancellationToken cancel)
        {
            Interlocked.Increment(ref _tried);
            throw new IOException("It cannot be made.");
        }

        public Task<IReadOnlyList<string>?> TryRemoveAsync(string networkNamespace, IReadOnlySet<string> removable, CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>?>(null);
    }
}
