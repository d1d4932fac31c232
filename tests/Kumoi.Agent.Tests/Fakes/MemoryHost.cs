using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Tests.Fakes;

/// <summary>A host in memory: guests and record outlive the agents that run on it one after another.</summary>
internal sealed class MemoryHost(ManualTime time, MemoryServer server, SimulatedDisks disks, string? storage)
{
    public SimulatedMachine Hardware { get; } = new(disks, storage, time);

    public SimulatedFaults Faults { get; } = new();

    public static AgentOptions Usual { get; } = new() { StateDirectory = "/nonexistent", Tag = "c0ffee", Name = "host1", Address = "127.0.0.1", Hypervisor = "simulated" };

    public AgentOptions Options { get; init; } = Usual;

    public Running Start() => new(this);

    public bool Runs(DesiredInstance instance) => Process(instance) is not null;

    public GuestProcess? Process(DesiredInstance instance) => Hardware.Look(instance.Id).Process;

    private HostFacts Facts() => new("host1", "127.0.0.1", "1", "simulated", "simulated", "For a test.", 4, 4096, 100, Hardware.BootId, Hardware.Storage);

    /// <summary>An agent; ended like a killed one: nothing is said, nothing is tidied.</summary>
    internal sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly HostAgent _agent;
        private readonly Task _task;

        public Running(MemoryHost host)
        {
            var edges = AgentEdges.Simulated(
                host.Options, host.Hardware, host.Faults, host.Facts, _ => Task.FromResult<Agent.Control.IServerLink>(host.Server), host.Time);
            _agent = new HostAgent(host.Options, edges, 1, host.Time, Machine.Log);
            _task = _agent.RunAsync(_stop.Token);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _task.ContinueWith(_ => { }, TaskScheduler.Default);
            await _agent.DisposeAsync();
            _stop.Dispose();
        }
    }

    private MemoryServer Server { get; } = server;

    private ManualTime Time { get; } = time;
}
