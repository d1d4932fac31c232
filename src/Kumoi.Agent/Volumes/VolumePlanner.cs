using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes;

/// <summary>One thing to do for a volume. The set is closed: what is not listed here is never done to one.</summary>
public enum VolumeStep
{
    /// <summary>Have the image fetched that it is a layer over; the plan goes on when it is there.</summary>
    FetchImage,

    Make,

    /// <summary>Let it grow, while no guest has it.</summary>
    Grow,

    /// <summary>Take it from the user of the guest that had it.</summary>
    TakeBack,

    /// <summary>Planned only for a record that says deleted.</summary>
    Remove,
}

/// <summary>What to do now.</summary>
/// <param name="Step">Null if there is nothing to do, or nothing can be done.</param>
/// <param name="Settled">True if all that the record says has been done.</param>
public sealed record VolumePlan(VolumeStep? Step, bool Settled)
{
    public static VolumePlan Do(VolumeStep step) => new(step, false);

    public static VolumePlan Wait => new(null, false);

    public static VolumePlan Nothing => new(null, true);
}

/// <summary>Decides the next step for one volume. Pure: from any state, wherever a step was cut off, following it ends in what the record says.</summary>
public static class VolumePlanner
{
    /// <param name="imageReady">Its image is on the host, or it has none.</param>
    public static VolumePlan Plan(DesiredVolume desired, VolumeSight seen, bool imageReady)
    {
        // It is another host's by now: whatever is found of it says nothing of this one.
        if (seen.Granted > desired.Incarnation) return VolumePlan.Wait;
        return desired.Desired switch
        {
            VolumeDesire.Deleted => !seen.Traces ? VolumePlan.Nothing : seen.InUse ? VolumePlan.Wait : VolumePlan.Do(VolumeStep.Remove),
            VolumeDesire.Present => Keep(desired, seen, imageReady),
            // A word of a newer server: what is there stays as it is.
            _ => VolumePlan.Wait,
        };
    }

    private static VolumePlan Keep(DesiredVolume desired, VolumeSight seen, bool imageReady)
    {
        // One that was lost is told as lost: an empty one in its place would look like it.
        if (seen.SizeBytes is not { } size) return desired.Made ? VolumePlan.Wait : VolumePlan.Do(VolumeStep.Make);
        // In a guest it grows through the guest's process, which is the instance's business.
        if (size < desired.SizeGib * VolumeSizes.Gib) return seen.InUse ? VolumePlan.Wait : VolumePlan.Do(VolumeStep.Grow);
        if (desired.InstanceId is null) return seen is { IsGiven: true, InUse: false } ? VolumePlan.Do(VolumeStep.TakeBack) : VolumePlan.Nothing;
        return imageReady ? VolumePlan.Nothing : VolumePlan.Do(VolumeStep.FetchImage);
    }
}
