using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>Volumes that are given to instances of other hosts: the process that does it has a volume as a guest's process would.</summary>
public sealed partial class DirectoryVolumes
{
    public async Task ExportAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        var opened = await OpenAsync(volume, image, UserOf(volume), cancel);
        using var mine = await GateAsync(volume.Id, cancel);
        if (!IsAsOpened(volume, opened)) throw Changed(volume);
        await exports.StartAsync(DriveOf(volume, image, opened), UserOf(volume), Guests, _changed, cancel);
        // Now that it has the files locked: nobody can be given them who is not refused.
        if (IsHeld(volume) && IsAsOpened(volume, opened)) return;
        await exports.EndAsync(volume.Id, Guests, cancel);
        throw IsHeld(volume) ? Changed(volume) : StoreDirectory.Fenced(volume.Incarnation);
    }

    public async Task EndExportAsync(DesiredVolume volume, CancellationToken cancel)
    {
        using var mine = await GateAsync(volume.Id, cancel);
        await exports.EndAsync(volume.Id, Guests, cancel);
        var (_, files) = Find(volume);
        // A process that has lived on somehow has its files open.
        if (files.IsMade && QemuLocks.IsWritten(files.Head!)) throw VolumeFiles.InUse();
        exports.Forget(volume.Id);
    }

    public QemuDrive DriveOf(DesiredVolume volume, DesiredImage? image, OpenedVolume opened) =>
        new(volume, opened.File, opened.OverImage ? stores.Images.PathOf(image!) : null, opened.OverImage ? image!.Format : null) { Layers = opened.Layers };

    /// <summary>A volume's layers are others than those that were opened.</summary>
    public static HypervisorException Changed(DesiredVolume volume) => new("volume-busy", $"A snapshot of the volume {volume.Id} was taken, or removed, while it was being opened; it is tried again.", null);
}
