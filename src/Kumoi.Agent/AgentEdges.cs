using Kumoi.Agent.Backups;
using Kumoi.Agent.Control;
using Kumoi.Agent.Hosts;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Leases;
using Kumoi.Agent.Linux;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Metadata;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Agent.Volumes.Simulated;
using Kumoi.Api.Agent;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent;

/// <summary>Everything through which an agent touches its machine and its servers. The agent owns what is given here and ends it with itself.</summary>
/// <param name="State">Shared with what answers guests.</param>
/// <param name="Images">Asked only if the hypervisor uses images.</param>
/// <param name="Metadata">Null if guests do not ask.</param>
/// <param name="Facts">What the host says of itself, now.</param>
/// <param name="Connect">Opens the way to the servers; joins first, if need be.</param>
/// <param name="Record">What outlives the agent, though not the machine's restart.</param>
/// <param name="LeaseClock">Timestamps since the start of the machine, suspended time included.</param>
public sealed record AgentEdges(
    AgentState State, IHypervisor Hypervisor, INetworkDriver Networks, ImageCache Images, IVolumeDriver Volumes, MetadataServer? Metadata, Func<HostFacts> Facts,
    Func<CancellationToken, Task<IServerLink>> Connect, IHostRecord Record, TimeProvider LeaseClock)
{
    /// <summary>Null if nothing is balanced here.</summary>
    public Balancing? Balancing { get; init; }

    /// <summary>Null if nothing is backed up here.</summary>
    public IBackupDriver? Backups { get; init; }

    /// <summary>Of a machine with QEMU and the kernel's networks.</summary>
    /// <param name="ways">How it gives volumes to other hosts.</param>
    /// <param name="storage">Null if disks are on storage of the host's own.</param>
    public static AgentEdges Linux(AgentOptions options, StoreDirectory? storage, Accelerator accelerator, ExportWays ways, Random random, TimeProvider clock, ILogger log)
    {
        DurableFiles.MakeDirectory(options.Paths.State, AgentModes.Passable);
        var commands = new Commands(clock);
        var images = new ImageCache(options.Paths);
        var volumes = VolumeDrivers.Open(options, storage, commands, clock);
        var state = new AgentState();
        var metadata = new MetadataServer(
            new NamespaceListeners(clock, log), new MetadataEndpoint(state, MetadataTokens.Load(options.Paths, clock), clock));
        HostFacts Facts() => HostFactsReader.Read(options, accelerator, storage?.Id, ways);
        return new AgentEdges(
            state, new QemuHypervisor(options, accelerator.Name, storage, images, volumes, commands, clock), new LinuxNetworks(options, commands, clock, hostNamespace: null), images, volumes, metadata,
            Facts, cancel => HostLink.ConnectAsync(options, Facts, async cancelled => [.. (await volumes.LookAsync(cancelled)).There.Select(sight => sight.Store)], random, clock, log, cancel), new HostRecordFiles(options.Paths.RunRoot), new BootTime())
        { Balancing = new Balancing(options, commands, new Random(random.Next()), clock, log), Backups = volumes.Backups };
    }

    /// <summary>Of a machine whose guests and networks are simulated. Nothing listens, and no file is used but those that the machine or the way to the server keeps.</summary>
    public static AgentEdges Simulated(
        AgentOptions options, SimulatedMachine machine, SimulatedFaults faults, Func<HostFacts> facts, Func<CancellationToken, Task<IServerLink>> connect,
        TimeProvider clock) =>
        new(new AgentState(), new SimulatedHypervisor(machine, faults, clock), new SimulatedNetworks(), new ImageCache(options.Paths), new SimulatedVolumeDriver(machine, faults, () => facts().DiskGib, clock), null, facts, connect, machine.Record, clock);
}
