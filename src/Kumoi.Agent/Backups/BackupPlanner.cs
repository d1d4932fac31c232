using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Backups;

/// <summary>One thing to do for a backup. The set is closed.</summary>
public enum BackupStep
{
    Make,

    /// <summary>Make it part of the one that builds on it. Planned only for a record that says deleted.</summary>
    Merge,

    /// <summary>Planned only for a record that says deleted.</summary>
    Remove,

    Verify,
}

/// <summary>Decides the next step for one backup; null: there is nothing to do. Pure.</summary>
public static class BackupPlanner
{
    public static BackupStep? Plan(DesiredBackup desired, BackupSight seen) => desired.Desired switch
    {
        VolumeDesire.Deleted => desired.Into is not null && seen.Merged is null && !PlantedBugs.Has(PlantedBug.BackupIsNotMerged) ? BackupStep.Merge : seen.Traces ? BackupStep.Remove : null,
        VolumeDesire.Present => desired.Make is not null && seen.Made is null ? BackupStep.Make : desired.Verify > seen.Verified ? BackupStep.Verify : null,
        // A word of a newer server: what is there stays as it is.
        _ => null,
    };
}
