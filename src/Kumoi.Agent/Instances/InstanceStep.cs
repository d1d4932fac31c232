using Kumoi.Agent.Leases;

namespace Kumoi.Agent.Instances;

/// <summary>One thing to do for a guest. The set is closed: what is not listed here is never done to a guest.</summary>
public enum InstanceStep
{
    /// <summary>Have the image fetched; the plan goes on when it is there.</summary>
    FetchImage,

    /// <summary>Make the root disk from the image.</summary>
    MakeDisk,

    /// <summary>Start the process, processors held.</summary>
    Start,

    /// <summary>Let the processors run.</summary>
    Resume,

    PressPowerButton,

    /// <summary>End the process.</summary>
    Kill,

    /// <summary>Remove disk and files. Planned only for a record that says terminated.</summary>
    Remove,

    /// <summary>Remove what is left on the host itself. Planned only for an instance that was given to another host.</summary>
    Discard,

    /// <summary>Give the guest network cards that it lacks.</summary>
    Plug,

    /// <summary>Ask the guest for network cards that are not its any more, and remove what leads to those it has given back.</summary>
    Unplug,

    /// <summary>Give the guest volumes that it lacks.</summary>
    PlugDrives,

    /// <summary>Ask the guest for volumes that are not its any more, and remove what leads to those it has given back.</summary>
    UnplugDrives,

    /// <summary>Let volumes that the guest has grow, and set their limits.</summary>
    AdjustDrives,

    /// <summary>Have the image fetched that is to be in the CD drive; the plan goes on when it is there.</summary>
    FetchCd,

    /// <summary>Ask the guest for what is in its CD drive, and once it has given it back, put in what should be there.</summary>
    ChangeCd,

    /// <summary>Put in what should be in the CD drive, though the guest keeps its tray closed.</summary>
    ForceCd,
}

/// <summary>How far the network of an instance's interfaces is.</summary>
public enum NetworkReadiness
{
    /// <summary>Nothing of it is left, or was ever made.</summary>
    Gone,

    /// <summary>Something is there, and not yet what the record says.</summary>
    Pending,

    /// <summary>Taps, routes and filters are what the record says.</summary>
    Ready,
}

/// <summary>Everything the planner looks at, beside the record.</summary>
/// <param name="StopAskedAt">When this agent first asked the running guest to stop; null if it did not.</param>
/// <param name="ButtonPressedAt">When it last pressed the button.</param>
/// <param name="NotBefore">Earliest time for a new start or a resume, after it failed repeatedly.</param>
/// <param name="Lease">The host's lease; it binds guests that may move.</param>
/// <param name="Former">The highest incarnation that was this host's and is not any more; 0 if none.</param>
/// <param name="Storage">The shared storage that this host keeps disks on; null if on its own.</param>
/// <param name="CardsAskedAt">When this agent last asked the guest for a card back, by the card's id.</param>
/// <param name="Volumes">The record's volumes, and how far they are.</param>
public sealed record ObservedGuest(
    bool ImageReady, GuestSight Sight, NetworkReadiness Network, DateTimeOffset? StopAskedAt, DateTimeOffset? ButtonPressedAt, DateTimeOffset? NotBefore,
    LeaseState Lease, int Former, string? Storage, IReadOnlyDictionary<string, DateTimeOffset> CardsAskedAt, GuestVolumes Volumes)
{
    public bool DiskReady => Sight.DiskReady;

    public GuestProcess? Process => Sight.Process;

    /// <summary>What should be in the CD drive, and how far that is.</summary>
    public CdIntent Cd { get; init; } = CdIntent.None;
}

/// <summary>What to do now.</summary>
/// <param name="Steps">Steps that do not wait for each other; the plan is made anew after them.</param>
/// <param name="Settled">True if all that the record says has been done.</param>
/// <param name="LookAgainAt">When time alone will change the plan; null if only events will.</param>
public sealed record InstancePlan(IReadOnlyList<InstanceStep> Steps, bool Settled, DateTimeOffset? LookAgainAt)
{
    /// <summary>What is plugged (ids of interfaces) or unplugged (ids of cards).</summary>
    public IReadOnlyList<string> Cards { get; private init; } = [];

    /// <summary>Ids of the volumes that are plugged, unplugged or changed.</summary>
    public IReadOnlyList<string> Drives { get; private init; } = [];

    public static InstancePlan OfDrives(InstanceStep step, IEnumerable<string> volumes) => Do(step) with { Drives = [.. volumes] };

    public static InstancePlan Plug(IEnumerable<string> interfaces) => Do(InstanceStep.Plug) with { Cards = [.. interfaces] };

    public static InstancePlan Unplug(IEnumerable<string> cards) => Do(InstanceStep.Unplug) with { Cards = [.. cards] };

    public static InstancePlan Do(params IReadOnlyList<InstanceStep> steps) => new(steps, false, null);

    public static InstancePlan Wait(DateTimeOffset? until) => new([], false, until);

    public static InstancePlan Nothing => new([], true, null);
}
