using Kumoi.Agent.Backups;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>What is done for a backup follows from its record and from what is there; nothing is removed that no record says is deleted.</summary>
public sealed class BackupPlannerTests
{
    private static readonly BackupSight Nothing = new(null, false, null, 0, null, null);

    private static readonly BackupSight Whole = new(new MadeBackup(null, null, new string('a', 64), 1, 1, DateTimeOffset.UnixEpoch, SnapshotConsistency.Crash), true, null, 0, null, null);

    private static readonly DesiredBackup Wanted = new("bk-1", "st-1", "vol-1", VolumeDesire.Present, 1, new BackupMaking("snap-1", null, null));

    private static readonly BackupMerge Into = new("bk-2", "b", "a", null);

    [Fact]
    public void It_is_made_once_verified_when_asked_and_removed_when_deleted()
    {
        Assert.Equal(BackupStep.Make, BackupPlanner.Plan(Wanted, Nothing));
        Assert.Equal(BackupStep.Make, BackupPlanner.Plan(Wanted, Nothing with { Traces = true }));
        Assert.Null(BackupPlanner.Plan(Wanted, Whole));
        Assert.Equal(BackupStep.Verify, BackupPlanner.Plan(Wanted with { Make = null, Verify = 2 }, Whole with { Verified = 1 }));
        Assert.Null(BackupPlanner.Plan(Wanted with { Make = null, Verify = 2 }, Whole with { Verified = 2 }));
        Assert.Equal(BackupStep.Remove, BackupPlanner.Plan(Wanted with { Desired = VolumeDesire.Deleted }, Whole));
        Assert.Null(BackupPlanner.Plan(Wanted with { Desired = VolumeDesire.Deleted }, Nothing));
        Assert.Null(BackupPlanner.Plan(Wanted with { Desired = "exported" }, Whole));
    }

    [Fact]
    public void One_that_another_builds_on_becomes_part_of_it_before_it_is_removed()
    {
        var deleted = Wanted with { Desired = VolumeDesire.Deleted, Make = null, Into = Into };
        Assert.Equal(BackupStep.Merge, BackupPlanner.Plan(deleted, Whole with { Made = null }));
        Assert.Equal(BackupStep.Remove, BackupPlanner.Plan(deleted, Nothing with { Traces = true, Merged = new MergedBackup("bk-2", "c", 1) }));
        Assert.Null(BackupPlanner.Plan(deleted, Nothing with { Merged = new MergedBackup("bk-2", "c", 1) }));
        // What is neither there nor in the other is not said to be gone.
        Assert.Equal(BackupStep.Merge, BackupPlanner.Plan(deleted, Nothing));
    }
}
