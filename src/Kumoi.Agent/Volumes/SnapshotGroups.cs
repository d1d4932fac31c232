using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Volumes;

/// <summary>Snapshots of several volumes that are to be of one moment. Pure.</summary>
public static class SnapshotGroups
{
    /// <summary>Other volumes of the document with snapshots to take that belong to a group of this one's.</summary>
    public static IReadOnlyList<DesiredVolume> Of(DesiredVolume volume, DesiredDocument document)
    {
        var groups = GroupsOf(volume);
        return groups.Count == 0 || PlantedBugs.Has(PlantedBug.GroupIsNotAwaited) ? [] : [.. (document.Volumes ?? []).Where(other => other.Id != volume.Id && ObjectNames.IsVolume(other.Id) && other.Desired == VolumeDesire.Present && GroupsOf(other).Overlaps(groups))];
    }

    /// <summary>
    /// False if the servers have asked for other snapshots of the volume since this was read. What is ready of a volume is taken together, and of what was asked for since, the others of its group need not be ready: so nothing is
    /// taken by what is old.
    /// </summary>
    /// <param name="now">The volume as the servers ask for it now; null: that is not known.</param>
    public static bool IsCurrent(DesiredVolume volume, DesiredVolume? now) => now is null || GroupsOf(now).SetEquals(GroupsOf(volume));

    /// <summary>The groups that snapshots which are to be taken belong to.</summary>
    public static IReadOnlySet<string> GroupsOf(DesiredVolume volume) =>
        (volume.Snapshots ?? []).Where(snapshot => snapshot is { Desired: VolumeDesire.Present, Taken: false }).Select(snapshot => snapshot.Group).OfType<string>().ToHashSet();
}
