using System.Collections.Concurrent;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Volumes.Directories;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>The nodes of block devices, by which a process of a guest's user opens a disk of this host.</summary>
internal static class LocalDevices
{
    /// <summary>How long a node may take to come after its disk was made. Too low: a busy machine is missed; too high: what waits for a disk that never comes waits long.</summary>
    private static readonly TimeSpan NodeLimit = TimeSpan.FromSeconds(5), NodePause = TimeSpan.FromMilliseconds(20);

    /// <summary>The node behind a name.</summary>
    /// <exception cref="HypervisorException">It did not come.</exception>
    public static async Task<string> NeedAsync(string path, TimeProvider clock, CancellationToken cancel)
    {
        var since = clock.GetTimestamp();
        while (!File.Exists(path))
        {
            if (clock.GetElapsedTime(since) > NodeLimit) throw new HypervisorException("volume-failed", $"The device {path} did not come within 5 s after its disk was made.", null);
            await Task.Delay(NodePause, clock, cancel);
        }
        return Resolve(path);
    }

    public static BlockNode Give(string path, uint user)
    {
        DurableFiles.Own(Resolve(path), user, AgentModes.PrivateFile);
        return new BlockNode(new() { ["driver"] = "host_device", ["filename"] = path, ["cache"] = new System.Text.Json.Nodes.JsonObject { ["direct"] = true }, ["discard"] = "unmap" }, null);
    }

    /// <summary>A process of QEMU's has it open, as the locks of its node tell.</summary>
    public static bool IsOpen(string path) => File.Exists(path) && QemuLocks.AreHeld(Resolve(path));

    public static bool IsGiven(string path) => File.Exists(path) && FileStates.UserOf(Resolve(path)) is not (null or 0);

    // The disks behind nodes, as they were last seen: the kernel tells of what a process has open by the node alone.
    private static readonly ConcurrentDictionary<string, string> Disks = new();

    /// <summary>The volume whose disk a node is, as far as it was looked at; null: it is none of one.</summary>
    public static string? VolumeAt(string? node) => node is not null && Disks.TryGetValue(node, out var disk) ? BlockNames.VolumeOf(disk) : null;

    private static string Resolve(string path)
    {
        var node = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        Disks[node] = Path.GetFileName(path);
        return node;
    }
}
