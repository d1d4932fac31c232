using Kumoi.Agent.Control;
using Kumoi.Agent.Hosts;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;
using Kumoi.Api.Logging;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent;

/// <summary>Runs an agent from its options to its end; the command line's <c>kumoi agent</c>.</summary>
public static class AgentProgram
{
    /// <summary>Ended as asked.</summary>
    public const int Stopped = 0;

    /// <summary>The options or the machine do not allow a start; the log says why.</summary>
    public const int Unusable = 2;

    /// <summary>The server does not take this host; the log says why.</summary>
    public const int Refused = 3;

    /// <summary>Finds out which accelerator works, ahead of the start of this machine's agents: what is found is kept for each of them.</summary>
    public static async Task ProbeAsync(IReadOnlyList<AgentOptions> hosts, CancellationToken cancel)
    {
        var (probes, boot) = (hosts.Select(options => new AcceleratorProbe(new Commands(TimeProvider.System), options.Paths)).ToList(), BootTime.Id());
        var found = await probes[0].FindAsync(hosts[0].Accelerator, boot, cancel);
        foreach (var other in probes.Skip(1)) other.Keep(boot, found);
    }

    /// <summary>Runs with a log on the console.</summary>
    public static async Task<int> RunAsync(AgentOptions options, CancellationToken stop)
    {
        using var logs = LoggerFactory.Create(logging => logging.AddLines(options.LogFormat, TimeProvider.System));
        return await RunAsync(options, TimeProvider.System, logs.CreateLogger("Kumoi.Agent"), stop);
    }

    /// <summary>Runs with a clock and a log of the caller's. Guests, filters and name servers run on when it ends.</summary>
    public static async Task<int> RunAsync(AgentOptions options, TimeProvider clock, ILogger log, CancellationToken stop)
    {
        var wrong = options.Validate().Concat(options.Hypervisor == "qemu" ? Machine(options) : []).ToArray();
        foreach (var sentence in wrong) log.Unusable(sentence);
        if (wrong.Length > 0 || !TryOpen(options, clock, log, out var storage)) return Unusable;
        try
        {
            // The seed only spreads retries of many hosts over time.
            var seed = Environment.ProcessId ^ options.Name.GetHashCode(StringComparison.Ordinal);
            using var journal = options.Hypervisor == "simulated" ? JournalOf(options) : null;
            var edges = journal is not null
                ? Simulated(options, journal, seed, clock, log)
                : AgentEdges.Linux(
                    options, storage, await new AcceleratorProbe(new Commands(clock), options.Paths).FindAsync(options.Accelerator, BootTime.Id(), stop), await WaysAsync(options, clock, log, stop), new Random(seed), clock, log);
            await using var agent = new HostAgent(options, edges, seed, clock, log);
            await using var metrics = await AgentMetrics.ServeAsync(options.Metrics, agent.Traffic.MetricsAsync, stop);
            await agent.RunAsync(stop);
            return Stopped;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Stopped;
        }
        catch (ServerRefusedException e)
        {
            log.Unusable(e.Message);
            return Refused;
        }
    }

    private static bool TryOpen(AgentOptions options, TimeProvider clock, ILogger log, out StoreDirectory? storage)
    {
        storage = null;
        try
        {
            if (options.SharedDisks) storage = StoreDirectory.Open(options.Paths.Disks, shared: true, "storage-away", clock);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Unusable(e.Message);
            return false;
        }
    }

    private static async Task<ExportWays> WaysAsync(AgentOptions options, TimeProvider clock, ILogger log, CancellationToken stop)
    {
        var ways = await ExportWays.FindAsync(new Commands(clock), DirectoryVolumes.UserOf(options.Name), stop);
        if (ways.Lacking is { } why) log.ExportsLacking(why);
        return ways;
    }

    private static SimulatedJournal JournalOf(AgentOptions options)
    {
        DurableFiles.MakeDirectory(options.Paths.State, AgentModes.Passable);
        return SimulatedJournal.Open(Path.Combine(options.Paths.State, "simulated-disks"));
    }

    /// <summary>One simulated host; its disks are kept, and the end of the process is a power cut.</summary>
    private static AgentEdges Simulated(AgentOptions options, SimulatedJournal journal, int seed, TimeProvider clock, ILogger log)
    {
        var machine = new SimulatedMachine(journal.Disks(options.Name), storage: null, clock);
        HostFacts Facts() => HostFactsReader.Read(options, new Accelerator("simulated", "Guests are simulated."), null, ExportWays.All) with { BootId = machine.BootId };
        return AgentEdges.Simulated(
            options, machine, new SimulatedFaults(), Facts, cancel => HostLink.ConnectAsync(options, Facts, null, new Random(seed), clock, log, cancel), clock);
    }

    /// <summary>What the machine lacks, one sentence each.</summary>
    private static IEnumerable<string> Machine(AgentOptions options)
    {
        if (Libc.EffectiveUser() != 0) yield return "The agent must run as root: it makes network devices and gives files to other users.";
        foreach (var program in new[] { "ip", "nft", "nsenter", "setpriv", "dnsmasq", "qemu-img", "qemu-system-x86_64" })
            if (!Commands.IsThere(program)) yield return $"The program {program} is missing on this machine.";
        if (options.DisksDirectory is { } disks && !Directory.Exists(disks)) yield return $"The directory of disks {disks} is missing: make it, or mount it first.";
        foreach (var path in new[] { options.StateDirectory, options.DisksDirectory }.Concat(options.Stores.Concat(options.BackupStores).Select(store => StorePlace.Parse(store)?.Directory)).OfType<string>().SelectMany(WithParents).Distinct())
            if (Directory.Exists(path) && (File.GetUnixFileMode(path) & UnixFileMode.OtherExecute) == 0)
                yield return $"The directory {path} cannot be passed by other users, as whom guests run; choose another directory or chmod o+x it.";
    }

    private static IEnumerable<string> WithParents(string directory)
    {
        for (var path = Path.GetFullPath(directory); path is not null; path = Path.GetDirectoryName(path)) yield return path;
    }
}
