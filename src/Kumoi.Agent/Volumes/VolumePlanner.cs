using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Volumes;

/// <summary>One thing to do for a volume. The set is closed: what is not listed here is never done to one.</summary>
public enum VolumeStep
{
    /// <summary>Have the image fetched that it is a layer over; the plan goes on when it is there.</summary>
    FetchImage,

    Make,

    /// <summary>Fill it from the snapshot that it begins with.</summary>
    Copy,

    /// <summary>Fill it from the backup that it begins with.</summary>
    Fill,

    /// <summary>Fill it with what the volume has whose place it takes.</summary>
    Receive,

    /// <summary>Let it grow, while no guest has it.</summary>
    Grow,

    /// <summary>Take it from the user of the guest that had it.</summary>
    TakeBack,

    /// <summary>Planned only for a record that says deleted.</summary>
    Remove,

    /// <summary>Make the snapshots ready that are to be taken.</summary>
    Prepare,

    /// <summary>Take those that are ready from the guest that writes.</summary>
    Take,

    /// <summary>Forget snapshots. Planned only for those whose record says deleted.</summary>
    Forget,

    /// <summary>Put it back to a snapshot, while no guest has it.</summary>
    Restore,

    /// <summary>Remove what nobody needs any more. The volume can be used meanwhile.</summary>
    Tidy,

    /// <summary>Give it to an instance of another host.</summary>
    Export,

    /// <summary>Cut off whom it was given to.</summary>
    EndExport,
}

/// <summary>What to do now.</summary>
/// <param name="Step">Null if there is nothing to do, or nothing can be done.</param>
/// <param name="Settled">True if all that the record says has been done; what is left to do then is no matter of the record.</param>
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
        // Whoever had it before is cut off before anything else is done with it.
        if (seen.Export is { } export && (seen.Granted > desired.Incarnation || desired.Desired != VolumeDesire.Present || !export.IsOf(desired))) return VolumePlan.Do(VolumeStep.EndExport);
        // It is another host's by now: whatever is found of it says nothing of this one.
        if (seen.Granted > desired.Incarnation) return VolumePlan.Wait;
        return desired.Desired switch
        {
            VolumeDesire.Deleted => Remove(desired, seen),
            VolumeDesire.Present => Keep(desired, seen, imageReady),
            // A word of a newer server: what is there stays as it is.
            _ => VolumePlan.Wait,
        };
    }

    /// <summary>Snapshots that are wanted, were never there, and are not being taken.</summary>
    public static IEnumerable<DesiredSnapshot> Missing(DesiredVolume desired, VolumeSight seen) =>
        (desired.Snapshots ?? []).Where(wanted => wanted is { Desired: VolumeDesire.Present, Taken: false } && !seen.Snapshots.Has(wanted.Id));

    /// <summary>Snapshots that were there, and are not any more.</summary>
    public static IEnumerable<DesiredSnapshot> Lost(DesiredVolume desired, VolumeSight seen) =>
        (desired.Snapshots ?? []).Where(wanted => wanted is { Desired: VolumeDesire.Present, Taken: true } && !seen.Snapshots.Has(wanted.Id));

    /// <summary>Snapshots that are there, and whose record says deleted.</summary>
    public static IEnumerable<DesiredSnapshot> Due(DesiredVolume desired, VolumeSight seen) =>
        (desired.Snapshots ?? []).Where(wanted => wanted.Desired == VolumeDesire.Deleted && seen.Snapshots.Has(wanted.Id));

    private static VolumePlan Remove(DesiredVolume desired, VolumeSight seen)
    {
        if (!seen.Traces) return VolumePlan.Nothing;
        if (Due(desired, seen).Any()) return VolumePlan.Do(VolumeStep.Forget);
        // What was asked for before it was deleted is a snapshot first: others may begin with that.
        if (seen is { SizeBytes: not null, InUse: false, Snapshots.Refused: false } && Missing(desired, seen).Any()) return VolumePlan.Do(VolumeStep.Prepare);
        if (seen.SizeBytes is not null || !(seen.Snapshots.Taken.Count + seen.Snapshots.Prepared.Count > 0)) return seen.InUse ? VolumePlan.Wait : VolumePlan.Do(VolumeStep.Remove);
        // The snapshots that stay, also one that no record names: absence is no order.
        return Tidied(seen);
    }

    private static VolumePlan Keep(DesiredVolume desired, VolumeSight seen, bool imageReady)
    {
        // One that was lost is told as lost: an empty one in its place would look like it.
        // An encrypted volume, or one that is no files, is made with the content of its image as its own.
        if (seen is { SizeBytes: null, Snapshots.Work: null } && desired is { Made: false, Source: null, Backup: null, Move: null } && (desired.Encryption is not null || seen.Image == ImageUse.Content) && !imageReady) return VolumePlan.Do(VolumeStep.FetchImage);
        if (seen.SizeBytes is not { } size)
            return desired.Made || seen.Snapshots.Work is { Kind: VolumeWorks.Copy or VolumeWorks.Restore or VolumeWorks.Move } ? VolumePlan.Wait
                // Never an empty one: until it is given, there is nothing to be made.
                : desired.Move is { } move && !PlantedBugs.Has(PlantedBug.EmptyTakesThePlace) ? move.From.Port is null ? VolumePlan.Wait : VolumePlan.Do(VolumeStep.Receive)
                : VolumePlan.Do(desired.Backup is not null ? VolumeStep.Fill : desired.Source is null ? VolumeStep.Make : VolumeStep.Copy);
        var isSmall = size < desired.SizeGib * VolumeSizes.Gib;
        if (!seen.Snapshots.Refused && Snapshots(desired, seen) is { } plan) return plan;
        // In a guest it grows through the guest's process, which is the instance's business.
        // Whom it is to be given to waits for it; that it cannot grow now must not keep it away.
        var isToBeGiven = desired.Export is not null && seen.Export is null;
        // Of one that is read for its new place the size stays; it is as large there as it should be.
        if (isSmall && !isToBeGiven && desired.Export is not { ReadOnly: true }) return seen.InUse && seen.Export is null ? VolumePlan.Wait : VolumePlan.Do(VolumeStep.Grow);
        if (desired.InstanceId is null && desired.Export is null && seen is { IsGiven: true, InUse: false }) return VolumePlan.Do(VolumeStep.TakeBack);
        if (desired.Encryption is null && seen.Image == ImageUse.Below && (desired.InstanceId is not null || desired.Export is not null) && !imageReady) return VolumePlan.Do(VolumeStep.FetchImage);
        // Not before its last guest here has let go of it.
        if (isToBeGiven) return seen.InUse ? VolumePlan.Wait : VolumePlan.Do(VolumeStep.Export);
        return IsComplete(desired, seen) ? Tidied(seen) : VolumePlan.Wait;
    }

    /// <summary>Null: for the snapshots nothing is to be done before the volume's own matters.</summary>
    private static VolumePlan? Snapshots(DesiredVolume desired, VolumeSight seen)
    {
        if (Due(desired, seen).Any()) return VolumePlan.Do(VolumeStep.Forget);
        if (Missing(desired, seen).Any()) return VolumePlan.Do(VolumeStep.Prepare);
        if (seen.Snapshots.Prepared.Count > 0) return seen.InUse ? VolumePlan.Do(VolumeStep.Take) : VolumePlan.Do(VolumeStep.Tidy);
        if (desired.Restore is not { } restore || restore.Number <= seen.Snapshots.Restored) return null;
        // What was to be kept of the present state is a snapshot by now.
        if (seen.Snapshots.Taken.All(taken => taken.Id != restore.SnapshotId)) return VolumePlan.Wait;
        // The guest of another host that it is given to does not run; it is given to that again afterwards.
        if (seen.Export is not null) return VolumePlan.Do(VolumeStep.EndExport);
        return seen.InUse ? VolumePlan.Wait : VolumePlan.Do(VolumeStep.Restore);
    }

    private static bool IsComplete(DesiredVolume desired, VolumeSight seen) =>
        !seen.Snapshots.Refused || (!Missing(desired, seen).Any() && !Due(desired, seen).Any() && (desired.Restore?.Number ?? 0) <= seen.Snapshots.Restored);

    private static VolumePlan Tidied(VolumeSight seen) => seen.Snapshots is { Untidy: true, Refused: false } ? new VolumePlan(VolumeStep.Tidy, true) : VolumePlan.Nothing;
}
