using System.Globalization;
using System.Reflection;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Hosts;

/// <summary>Reads what the host says of itself.</summary>
public static class HostFactsReader
{
    /// <summary>The facts now. The disk counts what is free and what guests' disks already use, so the sum stays as guests fill them.</summary>
    /// <param name="storage">Id of the shared storage that disks are on; null if they are on the host's own.</param>
    /// <param name="ways">How volumes are given to other hosts.</param>
    public static HostFacts Read(AgentOptions options, Accelerator accelerator, string? storage, ExportWays ways) => new(
        options.Name, options.Address, Version, options.Hypervisor, accelerator.Name, accelerator.Reason, Environment.ProcessorCount,
        MemoryMib() / options.MachineShare, DiskGib(options.Paths, options.MachineShare, options.SharedDisks), BootTime.Id(), storage, UnderlayMtu.Of(options.Address),
        [.. options.SegmentDevices.Where(device => Linux.TapDevices.NumberOf(device) > 0).Distinct().Order(StringComparer.Ordinal)],
        ways.Protocols);

    /// <summary>The agent's own version.</summary>
    public static string Version { get; } =
        typeof(HostFactsReader).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    // What the machine itself and QEMU's own memory need. Less starves them when guests use all they were given; more is memory nobody uses.
    private const double ReservedShare = 0.1;
    private const int ReservedMibMin = 512, ReservedMibMax = 8192;

    /// <summary>What instances may have of the machine's memory.</summary>
    private static int MemoryMib()
    {
        var total = TotalMemoryMib();
        return Math.Max(0, total - Math.Clamp((int)(total * ReservedShare), ReservedMibMin, ReservedMibMax));
    }

    private static int TotalMemoryMib()
    {
        var line = File.ReadLines("/proc/meminfo").First(line => line.StartsWith("MemTotal:", StringComparison.Ordinal));
        return (int)(long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024);
    }

    private static int DiskGib(AgentPaths paths, int share, bool shared)
    {
        // Disks of instances of other hosts that share the directory are not this host's use of it.
        var own = Directory.Exists(paths.Instances) ? Directory.GetDirectories(paths.Instances) : [];
        var used = own.Concat(paths.DisksRoot is null ? [] : own.Select(path => paths.DiskDirectory(Path.GetFileName(path))))
            .Where(Directory.Exists).SelectMany(path => new DirectoryInfo(path).EnumerateFiles()).Sum(file => file.Length);
        // Volumes beside them take of the same room.
        if (!shared && Directory.Exists(paths.Volumes)) used += new DirectoryInfo(paths.Volumes).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => FileStates.BytesUsed(file.FullName));
        var disks = paths.DisksRoot ?? paths.State;
        var free = Directory.Exists(disks) ? new DriveInfo(disks).AvailableFreeSpace : 0;
        return (int)((free / share + used) / (1024L * 1024 * 1024));
    }
}
