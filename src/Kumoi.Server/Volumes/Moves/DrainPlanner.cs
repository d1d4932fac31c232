using Kumoi.Server.Instances;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>What to do for a pool that is emptied.</summary>
/// <param name="Try">Volumes whose moves are to be tried, in this order.</param>
/// <param name="Starts">How many of those may begin.</param>
/// <param name="Wait">Volumes that cannot be moved now, and why, where that was not noted before.</param>
public sealed record DrainPlan(IReadOnlyList<DrainedVolume> Try, int Starts, IReadOnlyList<(string Id, string Reason)> Wait);

/// <summary>Decides what of a pool that is emptied is moved now. Pure.</summary>
public static class DrainPlanner
{
    /// <summary>Moves of a pool at a time. Too low: hosts and networks are idle; too high: guests on their hosts wait for their disks.</summary>
    public const int AtOnce = 4;

    /// <summary>Looked at closer in one round. Too low: what can be moved waits behind what cannot; too high: a round of a full pool keeps others waiting.</summary>
    public const int TriesMax = 20;

    /// <param name="volumes">Those that are left, in the order in which they are to be tried.</param>
    public static DrainPlan Plan(IReadOnlyList<DrainedVolume> volumes)
    {
        var waits = volumes.Where(one => one.State != "moving").Select(one => (one.Id, Reason: ReasonOf(one), Noted: one.Reason)).ToList();
        var stay = waits.Where(one => one.Reason is not null).Select(one => one.Id).ToHashSet();
        return new DrainPlan(
            [.. volumes.Where(one => one.State != "moving" && !stay.Contains(one.Id)).Take(TriesMax)], Math.Max(0, AtOnce - volumes.Count(one => one.State == "moving")),
            [.. waits.Where(one => one.Reason is not null && one.Reason != one.Noted).Select(one => (one.Id, one.Reason!))]);
    }

    /// <summary>What the records alone tell; null: a move is tried.</summary>
    private static string? ReasonOf(DrainedVolume volume) =>
        volume.HasSnapshots || volume.State == "retained" ? "volume-has-snapshots"
            : volume.State == "detaching" || volume.InstanceState is not (null or InstanceStates.Stopped) ? "volume-held"
            : volume.State == "restoring" ? "volume-restoring" : null;
}
