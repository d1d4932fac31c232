using Kumoi.Agent.Leases;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>How long a guest may take to stop by itself.</summary>
public sealed record StopLimits(TimeSpan Stop, TimeSpan Reboot);

/// <summary>
/// Decides the next steps for one guest from its record, what is seen, and the time. Reads nothing and does nothing, so it is proven
/// without a machine: from any state, whatever step fails or is repeated, following it ends in what the record says.
/// </summary>
public static class InstancePlanner
{
    /// <summary>A guest may miss a press of the button, while it boots for one; it is pressed again after this time.</summary>
    public static readonly TimeSpan ButtonRepeat = TimeSpan.FromSeconds(10);

    /// <summary>A guest that is asked for a network card or a disk takes some six seconds over it, five of them to let a person at the machine object; one
    /// that missed the question, or has no part that understands it, is asked again after this time.</summary>
    public static readonly TimeSpan CardRepeat = TimeSpan.FromSeconds(10);

    public static InstancePlan Plan(DesiredInstance desired, ObservedGuest seen, DateTimeOffset now, StopLimits limits)
    {
        // A copy of a placement that is over writes to a disk that is another host's: it is not asked, but ended.
        if (seen.Process is { } copy && copy.Incarnation <= seen.Former) return InstancePlan.Do(InstanceStep.Kill);
        if (desired.Desired == Departures.Departed) return Depart(seen);
        if (desired.Movable && !desired.Leaves())
        {
            if (seen is { Lease: LeaseState.Over, Process: not null }) return InstancePlan.Do(InstanceStep.Kill);
            if (seen.Lease != LeaseState.Held && desired.Desired == "running") return InstancePlan.Wait(null);
        }
        // Its disk is not where this host looks: whatever is found or missing there says nothing of this instance.
        if (desired.Storage != seen.Storage) return InstancePlan.Wait(null);
        return desired.Desired switch
        {
            "terminated" => Terminate(seen),
            "stopped" => seen.Process is { } process ? Stop(process, seen, now, limits.Stop) : InstancePlan.Nothing,
            "running" => seen.Process is { } process ? Keep(desired, process, seen, now, limits) : Bring(desired, seen, now),
            // A word of a newer server: what is there stays as it is.
            _ => InstancePlan.Wait(null),
        };
    }

    /// <summary>True if a step makes a guest run, or gets it ready to: for one that may move, not without a lease.</summary>
    public static bool Begins(InstanceStep step) =>
        step is InstanceStep.FetchImage or InstanceStep.FetchCd or InstanceStep.MakeDisk or InstanceStep.Start or InstanceStep.Resume;

    private static InstancePlan Terminate(ObservedGuest seen)
    {
        if (seen.Process is not null) return InstancePlan.Do(InstanceStep.Kill);
        if (seen.Sight.Traces || seen.Sight.OnShared) return InstancePlan.Do(InstanceStep.Remove);
        return seen.Network == NetworkReadiness.Gone ? InstancePlan.Nothing : InstancePlan.Wait(null);
    }

    private static InstancePlan Depart(ObservedGuest seen)
    {
        // Of a later placement that no record explains: a stray, and left.
        if (seen.Process is not null) return InstancePlan.Wait(null);
        if (seen.Sight.Traces) return InstancePlan.Do(InstanceStep.Discard);
        return seen.Network == NetworkReadiness.Gone ? InstancePlan.Nothing : InstancePlan.Wait(null);
    }

    private static InstancePlan Bring(DesiredInstance desired, ObservedGuest seen, DateTimeOffset now)
    {
        if (desired.RootVolume)
        {
            // Its volume's business is to be made, and to have its image there.
            if (!GuestDrives.HasRoot(seen.Volumes)) return InstancePlan.Wait(null);
        }
        else
        {
            if (!seen.DiskReady) return InstancePlan.Do(seen.ImageReady ? InstanceStep.MakeDisk : InstanceStep.FetchImage);
            // The disk's layers are read by the guest all its life, so the image must be there for a restart too.
            if (!seen.ImageReady) return InstancePlan.Do(InstanceStep.FetchImage);
        }
        // A guest may be to start from it.
        if (!seen.Cd.Ready) return InstancePlan.Do(InstanceStep.FetchCd);
        if (seen.Network != NetworkReadiness.Ready || seen.Volumes.NotReady.Count > 0) return InstancePlan.Wait(null);
        return seen.NotBefore > now ? InstancePlan.Wait(seen.NotBefore) : InstancePlan.Do(InstanceStep.Start);
    }

    private static InstancePlan Keep(DesiredInstance desired, GuestProcess process, ObservedGuest seen, DateTimeOffset now, StopLimits limits)
    {
        // A process of an earlier placement was fenced off: its disk may have been written elsewhere since.
        if (process.Incarnation < desired.Incarnation || process.BootEpoch < desired.BootEpoch) return Stop(process, seen, now, limits.Reboot);
        switch (process.State)
        {
            case RunState.Prepared or RunState.Paused:
                // Filters before packets: a guest sends nothing until the rules for it are in force.
                return seen.Network == NetworkReadiness.Ready ? InstancePlan.Do(InstanceStep.Resume) : InstancePlan.Wait(null);
            case RunState.DiskError:
                return seen.NotBefore > now ? InstancePlan.Wait(seen.NotBefore) : InstancePlan.Do(InstanceStep.Resume);
            case RunState.Broken:
                return InstancePlan.Do(InstanceStep.Kill);
            case RunState.Running:
                return Devices(desired, process, seen, now);
            case RunState.Shutdown:
                return seen.Network == NetworkReadiness.Ready ? InstancePlan.Nothing : InstancePlan.Wait(null);
            default:
                // It does not answer. Nothing is taken from a guest for being slow; its record may ask for a restart.
                return InstancePlan.Wait(null);
        }
    }

    private static InstancePlan Devices(DesiredInstance desired, GuestProcess process, ObservedGuest seen, DateTimeOffset now)
    {
        var (cards, drives) = (Cards(desired, process, seen, now), Drives(process, seen, now));
        if (cards.Steps.Count > 0) return cards;
        if (drives.Steps.Count > 0) return drives;
        var cd = GuestCds.Plan(seen.Cd, process, now);
        if (cd.Steps.Count > 0) return cd;
        return cards.Settled && drives.Settled && cd.Settled ? InstancePlan.Nothing : InstancePlan.Wait(new[] { cards.LookAgainAt, drives.LookAgainAt, cd.LookAgainAt }.Min());
    }

    private static InstancePlan Drives(GuestProcess process, ObservedGuest seen, DateTimeOffset now)
    {
        if (process.Drives is null) return InstancePlan.Wait(null);
        var surplus = GuestDrives.Surplus(seen.Volumes, process);
        DateTimeOffset? AskAt(GuestDrive drive) => drive.Device && seen.Volumes.AskedAt.TryGetValue(drive.Id, out var asked) ? asked + CardRepeat : null;
        var due = surplus.Where(drive => AskAt(drive) is not { } at || at <= now).ToArray();
        if (due.Length > 0) return InstancePlan.OfDrives(InstanceStep.UnplugDrives, due.Select(drive => drive.Id));
        var missing = GuestDrives.Missing(seen.Volumes, process);
        var ready = missing.Where(wanted => !seen.Volumes.NotReady.Contains(wanted.Volume.Id)).ToArray();
        if (ready.Length > 0) return InstancePlan.OfDrives(InstanceStep.PlugDrives, ready.Select(wanted => wanted.Volume.Id));
        var differing = GuestDrives.Differing(seen.Volumes, process);
        if (differing.Count > 0) return InstancePlan.OfDrives(InstanceStep.AdjustDrives, differing.Select(wanted => wanted.Volume.Id));
        return surplus.Count + missing.Count == 0 ? InstancePlan.Nothing : InstancePlan.Wait(surplus.Count == 0 ? null : surplus.Min(AskAt));
    }

    private static InstancePlan Cards(DesiredInstance desired, GuestProcess process, ObservedGuest seen, DateTimeOffset now)
    {
        var surplus = GuestCards.Surplus(desired, process);
        DateTimeOffset? AskAt(GuestCard card) => card.Device && seen.CardsAskedAt.TryGetValue(card.Id, out var asked) ? asked + CardRepeat : null;
        var due = surplus.Where(card => AskAt(card) is not { } at || at <= now).ToArray();
        // What goes makes room for what comes; and it does not wait for the networks, which may be waiting for it.
        if (due.Length > 0) return InstancePlan.Unplug(due.Select(card => card.Id));
        var again = surplus.Count == 0 ? null : surplus.Min(AskAt);
        if (seen.Network != NetworkReadiness.Ready) return InstancePlan.Wait(again);
        var missing = GuestCards.Missing(desired, process);
        if (missing.Count > 0) return InstancePlan.Plug(missing.Select(wanted => wanted.Id));
        return surplus.Count == 0 ? InstancePlan.Nothing : InstancePlan.Wait(again);
    }

    private static InstancePlan Stop(GuestProcess process, ObservedGuest seen, DateTimeOffset now, TimeSpan limit)
    {
        if (process.State != RunState.Running || seen.StopAskedAt + limit <= now) return InstancePlan.Do(InstanceStep.Kill);
        if (seen.StopAskedAt is null || seen.ButtonPressedAt is null || seen.ButtonPressedAt + ButtonRepeat <= now)
            return InstancePlan.Do(InstanceStep.PressPowerButton);
        var giveUp = seen.StopAskedAt.Value + limit;
        var again = seen.ButtonPressedAt.Value + ButtonRepeat;
        return InstancePlan.Wait(giveUp < again ? giveUp : again);
    }
}
