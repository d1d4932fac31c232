using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>Volumes that grow while they are given to other hosts.</summary>
public sealed partial class ExportProcesses
{
    /// <summary>Lets the volume grow. Whom it is given to is asked to come back for that, since the size of what it was given is fixed.</summary>
    internal async Task GrowAsync(DesiredVolume volume, uint user, GuestLinks links, Action<string> changed, CancellationToken cancel)
    {
        if (links.With(volume.Id) is not { Qmp: var qmp } || ExportNote.Read(NoteOf(volume.Id)) is not { } note) throw new HypervisorException("volume-busy", $"The process that gives the volume {volume.Id} to another host does not answer; it grows when that does.", null);
        var (top, wanted) = (DriveParts.Throttle + volume.Id, volume.SizeGib * VolumeSizes.Gib);
        if (note.Protocol == VolumeProtocols.Iscsi)
        {
            if ((await QemuDrives.NodesAsync(qmp, cancel)).All(node => node.Name != top || node.Size >= wanted)) return;
            await GuestLayers.CancelAsync(qmp, volume.Id, clock, cancel);
            // By the note there is no target from here on: cut off anywhere, both begin anew, and none is left that tells the former size.
            var parted = note.WithTarget(0);
            parted.Write(NoteOf(volume.Id));
            try
            {
                await QemuDrives.SendAsync(qmp, "block_resize", new() { ["node-name"] = top, ["size"] = wanted }, cancel);
            }
            catch (IOException)
            {
                // Of a store that is full, for example: whoever has the volume keeps it as it is.
                note.Write(NoteOf(volume.Id));
                throw;
            }
            await LeaveAsync(volume.Id);
            await EndTargetAsync(volume.Id, note, cancel);
            await TargetAsync(volume, user, parted, changed, cancel);
            return;
        }
        await GuestLayers.CancelAsync(qmp, volume.Id, clock, cancel);
        try
        {
            await QemuDrives.SendAsync(qmp, "block-export-del", new() { ["id"] = volume.Id, ["mode"] = "hard" }, cancel);
        }
        catch (QmpRefusedException e) when (e.Words.Contains("not found", StringComparison.Ordinal))
        {
            // An agent that was killed came so far.
        }
        try
        {
            await WaitForEndAsync(qmp, volume, cancel);
            if ((await QemuDrives.NodesAsync(qmp, cancel)).Any(node => node.Name == top && node.Size < wanted)) await QemuDrives.SendAsync(qmp, "block_resize", new() { ["node-name"] = top, ["size"] = wanted }, cancel);
        }
        finally
        {
            // Also of a store that is full, or when the one of before did not end in time.
            await MendAsync(qmp, volume, CancellationToken.None);
        }
    }

    private async Task WaitForEndAsync(QmpClient qmp, DesiredVolume volume, CancellationToken cancel)
    {
        var since = clock.GetTimestamp();
        while (await IsExportedAsync(qmp, volume.Id, cancel))
        {
            if (clock.GetElapsedTime(since) > QuitLimit) throw new HypervisorException("volume-busy", $"The volume {volume.Id} is being written to by whom it is given to; it grows after that.", null);
            await Task.Delay(TimeSpan.FromMilliseconds(10), clock, cancel);
        }
    }

    private static Task<bool> IsExportedAsync(QmpClient qmp, string volumeId, CancellationToken cancel) =>
        qmp.AskAsync("query-block-exports", null, exports => exports.EnumerateArray().Any(export => export.GetProperty("id").GetString() == volumeId), cancel);

    private static Task ExportAsync(QmpClient qmp, DesiredVolume volume, CancellationToken cancel) => qmp.ExecuteAsync("block-export-add", writer =>
    {
        foreach (var (name, value) in ExportCommand.ExportOf(volume))
            if (value == "on") writer.WriteBoolean(name, true);
            else writer.WriteString(name, value);
    }, cancel);

    /// <summary>Gives the volume again if an agent that let it grow was killed before it had done so.</summary>
    private static async Task MendAsync(QmpClient qmp, DesiredVolume volume, CancellationToken cancel)
    {
        if (!await IsExportedAsync(qmp, volume.Id, cancel)) await ExportAsync(qmp, volume, cancel);
    }
}
