using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes;

/// <summary>Volumes as guests' processes get them.</summary>
public interface IGuestVolumes
{
    /// <summary>The processes that volumes are in; their owner tells of them here.</summary>
    GuestLinks Guests { get; }

    /// <summary>Keeps everyone else of this agent from changing the volume, in its guest too, until it is disposed.</summary>
    Task<IDisposable> GateAsync(string volumeId, CancellationToken cancel);

    /// <summary>Gets a volume ready for a guest's process that is about to open it, and tells where it is.</summary>
    Task<OpenedVolume> OpenAsync(DesiredVolume volume, DesiredImage? image, uint user, CancellationToken cancel);

    /// <summary>False if the volume is made of something else than was opened. Asked when the guest's process has it, and before the guest has seen it.</summary>
    Task<bool> IsAsOpenedAsync(DesiredVolume volume, OpenedVolume opened, CancellationToken cancel);

    /// <summary>False if another host was granted the volume since.</summary>
    Task<bool> IsHeldAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Its nodes, for a process that is about to open it.</summary>
    QemuDrive DriveOf(DesiredVolume volume, DesiredImage? image, OpenedVolume opened);

    /// <summary>Whether a guest's process writes to what is not the volume's content any more.</summary>
    Task<bool> IsBetweenAsync(DesiredVolume volume, QmpClient qmp, CancellationToken cancel);

    /// <summary>Makes room for a guest's disk to grow into, if its process cannot by itself.</summary>
    Task GrowForGuestAsync(DesiredVolume volume, CancellationToken cancel);
}
