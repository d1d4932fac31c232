using Kumoi.Reconcile;
using Xunit;

namespace Kumoi.Simulation.Schedules;

/// <summary>The checks find bugs: each of these, planted in the code that ships, breaks an invariant within the schedules that are run every time.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    /// <summary>As many as <see cref="ScheduleTests"/> runs; the bugs are found far sooner.</summary>
    private const int Schedules = 10_000;

    [Theory]
    [InlineData("RingDuringLookIsLost", "settles")]
    [InlineData("FailureIsNotRetried", "settles")]
    [InlineData("AbsenceDestroys", "nothing-is-destroyed-unasked")]
    [InlineData("OldIncarnationIsBelieved", "observed-was-so", "observation-goes-forward", "terminated-is-gone")]
    [InlineData("OldGenerationIsBelieved", "observation-goes-forward")]
    [InlineData("GivenBackAtTheRequest", "terminated-is-gone", "one-holder-of-an-address", "freed-is-free")]
    [InlineData("RoomIsKept", "room-is-the-sum-of-placements")]
    [InlineData("FenceIsNotAwaited", "ended-before-it-moves", "terminated-is-gone")]
    [InlineData("LeaseCountsFromReceipt", "ended-before-it-moves", "terminated-is-gone")]
    [InlineData("KeyIsIgnored", "acknowledged-once")]
    [InlineData("GroupIsNotAwaited", "a-group-is-of-one-moment")]
    [InlineData("BackupIsNotMerged", "a-backup-stays-readable")]
    [InlineData("GoneBeforeItIsAsked", "settles")]
    [InlineData("GivenToWhoeverHasIt", "settles")]
    [InlineData("EmptyTakesThePlace", "moved-is-the-same")]
    public void Is_found(string bug, params string[] invariants)
    {
        var found = Search.Run(1, Schedules, Enum.Parse<PlantedBug>(bug));
        Assert.NotNull(found.First);
        output.WriteLine($"{bug}: seed {found.First.Seed} of {found.Schedules} schedules breaks {found.First.Violation!.Invariant}: {found.First.Violation.Detail}");
        Assert.Contains(found.First.Violation.Invariant, invariants);
    }
}
