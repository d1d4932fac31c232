using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Kumoi.Agent.Images;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>What is plugged into guests that run.</summary>
public sealed partial class QemuHypervisor
{
    public async Task PlugAsync(string id, CardIntent card, CancellationToken cancel) =>
        await (await NeedAsync(id, cancel)).PlugAsync(card, () => OpenTapAsync(card.Interface), cancel);

    public async Task UnplugAsync(string id, string card, CancellationToken cancel) => await (await NeedAsync(id, cancel)).UnplugAsync(card, cancel);

    public async Task PlugDriveAsync(string id, DriveIntent drive, CancellationToken cancel)
    {
        var guest = await NeedAsync(id, cancel);
        if (drive.Volume.Remote is not null)
        {
            try
            {
                await guest.PlugAsync(await _remote.OpenAsync(drive.Volume, _users.Assign(id), cancel), () => Task.FromResult(true), _clock, cancel);
            }
            finally
            {
                _remote.Forget([drive.Volume]);
            }
            return;
        }
        var opened = await _volumes.OpenAsync(drive.Volume, drive.Image, _users.Assign(id), cancel);
        using var mine = await _volumes.GateAsync(drive.Volume.Id, cancel);
        if (!await _volumes.IsAsOpenedAsync(drive.Volume, opened, cancel)) throw DirectoryVolumes.Changed(drive.Volume);
        await guest.PlugAsync(_volumes.DriveOf(drive.Volume, drive.Image, opened), async () => await _volumes.IsHeldAsync(drive.Volume, cancel) && (opened.Block is null || await _volumes.IsAsOpenedAsync(drive.Volume, opened, cancel)), _clock, cancel);
    }

    public async Task UnplugDriveAsync(string id, string volumeId, CancellationToken cancel)
    {
        var guest = await NeedAsync(id, cancel);
        using var mine = await _volumes.GateAsync(volumeId, cancel);
        await guest.UnplugDriveAsync(volumeId, _clock, cancel);
    }

    public async Task AdjustDriveAsync(string id, DesiredVolume volume, CancellationToken cancel)
    {
        var guest = await NeedAsync(id, cancel);
        if (volume.Remote is null) await _volumes.GrowForGuestAsync(volume, cancel);
        using var mine = await _volumes.GateAsync(volume.Id, cancel);
        // The layer that is got ready for the time after a snapshot is as large as the one that is written now.
        if (volume.Remote is null && await _volumes.IsBetweenAsync(volume, guest.Qmp, cancel)) throw new HypervisorException("volume-busy", $"A snapshot of the volume {volume.Id} is being taken; it is changed after that.", null);
        await guest.AdjustAsync(volume, _clock, cancel);
    }
}
