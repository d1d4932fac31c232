using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// The volumes of a running QEMU: read, plugged in, changed and taken out by QMP. Nothing is remembered: what the process has is read from it each time,
/// so that each part of a change may be the last one before the agent ends.
/// </summary>
internal static class QemuDrives
{
    private const string Objects = "/objects";

    // A guest that has taken its process over must not keep the agent asking: a volume has fewer layers by far.
    private const int DrivesMax = 32, LayersMax = 256;

    /// <summary>How long QEMU may take to let go of the parts of a device that the guest has given back. Too low: they are looked at once more; too high: the guest's other changes wait.</summary>
    private static readonly TimeSpan LetGoLimit = TimeSpan.FromSeconds(2), LetGoPause = TimeSpan.FromMilliseconds(20);

    public static async Task<IReadOnlyList<GuestDrive>> ReadAsync(QmpClient qmp, CancellationToken cancel)
    {
        var devices = (await QemuPorts.DevicesAsync(qmp, DriveParts.Drivers, cancel)).Where(ObjectNames.IsVolume).ToHashSet();
        var nodes = (await NodesAsync(qmp, cancel)).Where(node => VolumeOf(node.Name) is not null).ToDictionary(node => node.Name, node => node.Size);
        var groups = (await QemuPorts.ListAsync(qmp, Objects, cancel)).Select(child => child.Name).Where(name => (name.StartsWith(DriveParts.Group, StringComparison.Ordinal) || name.StartsWith(DriveParts.Key, StringComparison.Ordinal)) && VolumeOf(name) is not null).ToHashSet();
        var drives = new List<GuestDrive>();
        foreach (var id in devices.Concat(nodes.Keys.Concat(groups).Select(name => VolumeOf(name)!)).Distinct().Order(StringComparer.Ordinal).Take(DrivesMax))
        {
            var limits = groups.Contains(DriveParts.Group + id) && devices.Contains(id) ? await LimitsAsync(qmp, id, cancel) : null;
            drives.Add(new GuestDrive(
                id, devices.Contains(id), groups.Any(name => VolumeOf(name) == id) || nodes.Keys.Any(name => VolumeOf(name) == id), devices.Contains(id) ? nodes.GetValueOrDefault(DriveParts.Throttle + id) : 0, limits, nodes.ContainsKey(DriveParts.Network + id)));
        }
        return drives;
    }

    /// <param name="isHeld">Whether the volume is still this host's, asked when QEMU has it locked.</param>
    public static async Task PlugAsync(QmpClient qmp, QemuDrive drive, Func<Task<bool>> isHeld, TimeProvider clock, CancellationToken cancel)
    {
        var volume = drive.Volume;
        // What an agent that was killed had left half-way is made anew.
        await DropAsync(qmp, volume.Id, clock, cancel);
        foreach (var one in DriveParts.Objects(drive)) await SendAsync(qmp, "object-add", one, cancel);
        if (DriveParts.KeyOf(drive) is { } key) await SendAsync(qmp, "object-add", key, cancel);
        try
        {
            foreach (var node in DriveParts.Nodes(drive)) await SendAsync(qmp, "blockdev-add", node, cancel);
        }
        catch (QmpRefusedException e) when (e.Words.Contains("Failed to get \"write\" lock", StringComparison.Ordinal))
        {
            await DropAsync(qmp, volume.Id, clock, cancel);
            throw new HypervisorException("volume-in-use", $"Another process still has the volume {volume.Id} open; it is tried again.", e);
        }
        catch (QmpRefusedException e) when (LayerKey.IsRefused(e.Words))
        {
            await DropAsync(qmp, volume.Id, clock, cancel);
            throw LayerKey.Wrong(volume.Id, e);
        }
        catch (QmpRefusedException e) when (drive.Block is not null)
        {
            await DropAsync(qmp, volume.Id, clock, cancel);
            throw new HypervisorException("volume-failed", $"The disk of the volume {volume.Id} cannot be opened: {e.Words} It is tried again.", e);
        }
        catch (QmpRefusedException e) when (volume.Remote is not null)
        {
            await DropAsync(qmp, volume.Id, clock, cancel);
            throw new HypervisorException("volume-unreachable", $"The volume {volume.Id} cannot be had from the host that has it: {e.Words} It is tried again.", e);
        }
        if (!await isHeld())
        {
            // Granted to another host after it was asked for here; no guest has seen it yet.
            await DropAsync(qmp, volume.Id, clock, cancel);
            throw Storage.StoreDirectory.Fenced(volume.Incarnation);
        }
        var port = DrivePorts.Choose(volume.Slot ?? 0, await QemuPorts.FreeAsync(qmp, cancel))
            ?? throw new HypervisorException("no-free-slot", "The guest has no free slot for another volume; it has its disk after its next start.", null);
        await SendAsync(qmp, "device_add", DriveParts.Device(volume, port, emulated: false), cancel);
    }

    public static async Task UnplugAsync(QmpClient qmp, string volumeId, TimeProvider clock, CancellationToken cancel)
    {
        if ((await QemuPorts.DevicesAsync(qmp, DriveParts.Drivers, cancel)).Contains(volumeId))
            await QemuPorts.AskBackAsync(qmp, volumeId, cause => new HypervisorException("disk-fixed", $"The disk of {volumeId} cannot be taken out while the guest runs; it is not there after its next start.", cause), cancel);
        else await DropAsync(qmp, volumeId, clock, cancel);
    }

    /// <summary>Lets the guest's disk grow, and sets its limits.</summary>
    public static async Task AdjustAsync(QmpClient qmp, DesiredVolume volume, TimeProvider clock, CancellationToken cancel)
    {
        await SendAsync(qmp, "qom-set", new JsonObject { ["path"] = PathOf(volume.Id), ["property"] = "limits", ["value"] = DriveParts.Limits(volume.Limits) }, cancel);
        // The uppermost node: a guest hears nothing of the growth of one below it.
        var top = DriveParts.Throttle + volume.Id;
        var wanted = volume.SizeGib * VolumeSizes.Gib;
        if ((await NodesAsync(qmp, cancel)).All(node => node.Name != top || node.Size >= wanted)) return;
        // Over iSCSI the size is asked for when it is to be changed.
        if (volume.Remote?.Protocol == VolumeProtocols.Nbd) await RefreshAsync(qmp, volume.Id, cancel);
        // Layers do not grow while they are worked on.
        await GuestLayers.CancelAsync(qmp, volume.Id, clock, cancel);
        await SendAsync(qmp, "block_resize", new JsonObject { ["node-name"] = top, ["size"] = wanted }, cancel);
    }

    /// <summary>How large a volume is that another host has is heard when a request connects anew, which that host has ended the connection for.</summary>
    private static Task RefreshAsync(QmpClient qmp, string volumeId, CancellationToken cancel) =>
        qmp.ExecuteAsync("human-monitor-command", arguments => arguments.WriteString("command-line", $"qemu-io {DriveParts.Network}{volumeId} \"read 0 512\""), cancel);

    /// <summary>Takes away what leads to the volume's file, from the top; nothing happens if it is not there.</summary>
    private static async Task DropAsync(QmpClient qmp, string id, TimeProvider clock, CancellationToken cancel)
    {
        var layers = (await NodesAsync(qmp, cancel)).Select(node => LayerNames.NumberOfNode(node.Name, id)).OfType<int>().Append(0).Distinct().OrderDescending().Take(LayersMax);
        await GuestLayers.CancelAsync(qmp, id, clock, cancel);
        // A layer has a higher number than those that it is over.
        foreach (var node in new[] { DriveParts.Throttle + id }.Concat(layers.SelectMany(layer => new[] { LayerNames.Node(layer, id), LayerNames.FileNode(layer, id) })).Concat([DriveParts.Image + id, DriveParts.ImageFile + id, DriveParts.Network + id, DriveParts.Block + id]))
            await RemoveAsync(qmp, "blockdev-del", new JsonObject { ["node-name"] = node }, clock, cancel);
        // By the group it is known that something of the volume is there.
        foreach (var part in new[] { DriveParts.Key, DriveParts.Credentials, DriveParts.Group }) await RemoveAsync(qmp, "object-del", new JsonObject { ["id"] = part + id }, clock, cancel);
    }

    internal static async Task RemoveAsync(QmpClient qmp, string command, JsonObject arguments, TimeProvider clock, CancellationToken cancel)
    {
        var since = clock.GetTimestamp();
        while (true)
        {
            try
            {
                await SendAsync(qmp, command, arguments, cancel);
                return;
            }
            catch (QmpRefusedException e) when (e.Words.Contains("Failed to find node", StringComparison.Ordinal) || e.Words.Contains("not found", StringComparison.Ordinal))
            {
                return;
            }
            catch (QmpRefusedException e) when (e.Words.Contains("in use", StringComparison.Ordinal) && clock.GetElapsedTime(since) < LetGoLimit)
            {
                // A device leaves the tree a moment before QEMU has let go of what it was made from.
                await Task.Delay(LetGoPause, clock, cancel);
            }
        }
    }

    private static Task<VolumeLimits?> LimitsAsync(QmpClient qmp, string id, CancellationToken cancel) => qmp.AskAsync("qom-get", arguments =>
    {
        arguments.WriteString("path", PathOf(id));
        arguments.WriteString("property", "limits");
    }, DriveParts.Read, cancel);

    /// <summary>Each name once.</summary>
    internal static Task<IReadOnlyList<(string Name, long Size)>> NodesAsync(QmpClient qmp, CancellationToken cancel) => qmp.AskAsync<IReadOnlyList<(string, long)>>("query-named-block-nodes", arguments => arguments.WriteBoolean("flat", true), found =>
        [.. found.EnumerateArray().ToDictionary(node => node.GetProperty("node-name").GetString() ?? "", node => node.GetProperty("image").GetProperty("virtual-size").GetInt64()).Select(node => (node.Key, node.Value))], cancel);

    /// <summary>The volume that a node or object is a part of; null for any other.</summary>
    private static string? VolumeOf(string name)
    {
        if (ObjectNames.IsVolume(name)) return name;
        // The parts of a volume are called by its id, with a few letters and a number before it.
        var at = name.IndexOf('-', StringComparison.Ordinal);
        var (prefix, id) = (name[..(at + 1)], name[(at + 1)..]);
        if (!ObjectNames.IsVolume(id)) return null;
        return prefix is DriveParts.Throttle or DriveParts.Group or DriveParts.Image or DriveParts.ImageFile or DriveParts.Network or DriveParts.Block or DriveParts.Key || (LayerNames.NumberOfNode(name, id) ?? LayerNames.NumberOfFileNode(name, id)) is not null ? id : null;
    }

    private static string PathOf(string id) => $"{Objects}/{DriveParts.Group}{id}";

    internal static Task SendAsync(QmpClient qmp, string command, JsonObject arguments, CancellationToken cancel) => qmp.ExecuteAsync(command, writer =>
    {
        foreach (var (name, value) in arguments)
        {
            writer.WritePropertyName(name);
            if (value is null) writer.WriteNullValue();
            else value.WriteTo(writer);
        }
    }, cancel);
}
