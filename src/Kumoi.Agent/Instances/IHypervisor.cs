using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>What a guest's process does.</summary>
public enum RunState
{
    /// <summary>The process does not answer, or says something unheard of.</summary>
    Unknown,

    /// <summary>Started, and its processors have not run yet.</summary>
    Prepared,

    Running,

    /// <summary>Held, without having asked for it.</summary>
    Paused,

    /// <summary>The guest switched itself off.</summary>
    Shutdown,

    /// <summary>Held because the host could not store what the guest wrote: its disk is full or failing.</summary>
    DiskError,

    /// <summary>Cannot go on.</summary>
    Broken,
}

/// <summary>A guest's process as read back from the process itself.</summary>
/// <param name="Cards">Its network cards; null if the process does not say.</param>
/// <param name="Drives">Its volumes; null if the process does not say.</param>
public sealed record GuestProcess(int Incarnation, int BootEpoch, RunState State, DateTimeOffset StartedAt, IReadOnlyList<GuestCard>? Cards, IReadOnlyList<GuestDrive>? Drives)
{
    /// <summary>Its CD drive; null if it has none, or does not say.</summary>
    public GuestCd? Cd { get; init; }

    /// <summary>By which the process is known when the clock was set meanwhile; null if it is none of the kernel's.</summary>
    public ProcessStart? Start { get; init; }

    /// <summary>Whether this and the other are one process.</summary>
    public bool Is(GuestProcess? other) => other is not null && (Start is not null && other.Start is not null ? Start == other.Start : StartedAt == other.StartedAt);
}

/// <summary>What of an instance is on the host.</summary>
/// <param name="DiskReady">The root disk is whole.</param>
/// <param name="Traces">Any file or socket of the instance is left on the host itself.</param>
/// <param name="OnShared">Something of it is on the shared storage.</param>
public sealed record GuestSight(bool DiskReady, bool Traces, bool OnShared, GuestProcess? Process);

/// <summary>The edge between the agent and what runs guests. Every call may be repeated after it was cut off at any point.</summary>
public interface IHypervisor : IAsyncDisposable
{
    /// <summary>False if guests need no image on the host.</summary>
    bool UsesImages { get; }

    /// <summary>Id of the shared storage that disks are on; null if they are on the host's own.</summary>
    string? Storage { get; }

    /// <summary>Called with an instance's id when something may have changed with its guest.</summary>
    void Watch(Action<string> changed);

    /// <summary>Ids of everything on the host that looks like an instance.</summary>
    IReadOnlyList<string> List();

    Task<GuestSight> ObserveAsync(string id, CancellationToken cancel);

    /// <summary>Makes the root disk from the image.</summary>
    Task MakeDiskAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel);

    /// <summary>Starts the guest's process, its processors held; attached to the taps of its interfaces, with its volumes and what is in its CD drive.</summary>
    Task StartAsync(DesiredInstance instance, DesiredImage image, IReadOnlyList<CardIntent> cards, IReadOnlyList<DriveIntent> drives, DesiredImage? cd, CancellationToken cancel);

    /// <summary>Gives the guest's process a card on the tap of its interface. A part of one that was left half-way is made anew.</summary>
    Task PlugAsync(string id, CardIntent card, CancellationToken cancel);

    /// <summary>
    /// Asks the guest to give a card back, and takes the backend away of one that it has given back. Returns when the guest was asked: whether
    /// and when it does so is its business, and is told as a change.
    /// </summary>
    Task UnplugAsync(string id, string card, CancellationToken cancel);

    /// <summary>Gives the guest's process a volume. A part of one that was left half-way is made anew.</summary>
    Task PlugDriveAsync(string id, DriveIntent drive, CancellationToken cancel);

    /// <summary>The same for a volume as <see cref="UnplugAsync"/> for a card.</summary>
    Task UnplugDriveAsync(string id, string volumeId, CancellationToken cancel);

    /// <summary>Lets a volume that the guest has grow to its recorded size, and sets its limits.</summary>
    Task AdjustDriveAsync(string id, DesiredVolume volume, CancellationToken cancel);

    /// <summary>
    /// Puts an image into the guest's CD drive in place of what is there; null: takes out what is there. A part of a change that was left half-way is made
    /// anew. A guest that keeps the tray closed is asked for it, and the change is made when it is repeated after that.
    /// </summary>
    /// <param name="force">The guest is not asked.</param>
    Task ChangeCdAsync(string id, DesiredImage? image, bool force, CancellationToken cancel);

    /// <summary>Lets the processors run.</summary>
    Task ResumeAsync(string id, CancellationToken cancel);

    /// <summary>Presses the power button; what the guest makes of it is its business.</summary>
    Task PressPowerButtonAsync(string id, CancellationToken cancel);

    /// <summary>Ends the guest's process and waits until it has ended.</summary>
    Task KillAsync(string id, CancellationToken cancel);

    /// <summary>
    /// Ends the processes of these guests at once, asking nobody and touching no disk, and gives the ids of those that had one. May be called
    /// while other calls for the same guests run.
    /// </summary>
    Task<IReadOnlyList<string>> CutOffAsync(IReadOnlyCollection<string> ids, CancellationToken cancel);

    /// <summary>Removes disk and sockets of a terminated instance. The process must have ended.</summary>
    Task RemoveAsync(DesiredInstance instance, CancellationToken cancel);

    /// <summary>Removes what the instance left on the host itself; a disk on shared storage is another host's by now. The process must have ended.</summary>
    Task DiscardAsync(string id, CancellationToken cancel);

    /// <summary>The files of images that disks on this host are based on, by the image's sha256.</summary>
    IReadOnlyCollection<string> ImagesInUse();

    /// <summary>Opens the serial line. One at a time.</summary>
    Task<Stream> OpenSerialAsync(string id, CancellationToken cancel);

    /// <summary>Opens a connection of the RFB protocol (RFC 6143) to the screen.</summary>
    Task<Stream> OpenScreenAsync(string id, CancellationToken cancel);

    /// <summary>The last bytes of the serial line's output; empty if there is none.</summary>
    byte[] ReadConsoleLog(string id, int most);
}

/// <summary>The hypervisor could not do what was asked; the message is for the person who owns the instance.</summary>
/// <param name="reason">A stable word for the condition, such as <c>disk-full</c>.</param>
public sealed class HypervisorException(string reason, string message, Exception? cause) : IOException(message, cause)
{
    public string Reason { get; } = reason;
}
