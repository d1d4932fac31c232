using Kumoi.Reconcile;
using Xunit;

namespace Kumoi.Simulation.Schedules;

/// <summary>The checks find bugs: each of these, planted in the code that ships, breaks an invariant within the schedules that are run every time.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    /// <summary>As many as <see cref="ScheduleTests"/> runs; the bugs are found far sooner.</summary>
    private const int Schedules = 10_000;

    /// <param name="likely">A seed that found it before. Once schedules are others, all are searched again: slower, and then this is changed.</param>
    [Theory]
    [InlineData("RingDuringLookIsLost", 1, "settles")]
    [InlineData("FailureIsNotRetried", 1, "settles")]
    [InlineData("AbsenceDestroys", 1, "nothing-is-destroyed-unasked")]
    [InlineData("OldIncarnationIsBelieved", 1751, "observed-was-so", "observation-goes-forward", "terminated-is-gone")]
    [InlineData("OldGenerationIsBelieved", 1, "observation-goes-forward")]
    [InlineData("GivenBackAtTheRequest", 1, "terminated-is-gone", "one-holder-of-an-address", "freed-is-free")]
    [InlineData("RoomIsKept", 1, "room-is-the-sum-of-placements")]
    [InlineData("FenceIsNotAwaited", 1, "ended-before-it-moves", "terminated-is-gone")]
    [InlineData("LeaseCountsFromReceipt", 7837, "ended-before-it-moves", "terminated-is-gone")]
    [InlineData("KeyIsIgnored", 1, "acknowledged-once")]
    [InlineData("GroupIsNotAwaited", 786, "a-group-is-of-one-moment")]
    [InlineData("BackupIsNotMerged", 1, "a-backup-stays-readable")]
    [InlineData("GoneBeforeItIsAsked", 2202, "settles")]
    [InlineData("GivenToWhoeverHasIt", 1, "settles")]
    [InlineData("EmptyTakesThePlace", 1, "moved-is-the-same")]
    public void Is_found(string bug, int likely, params string[] invariants)
    {
        var planted = Enum.Parse<PlantedBug>(bug);
        var found = Search.Run((ulong)likely, 1, planted);
        if (found.First is null) found = Search.Run(1, Schedules, planted);
        Assert.NotNull(found.First);
        output.WriteLine($"{bug}: seed {found.First.Seed} of {found.Schedules} schedules breaks {found.First.Violation!.Invariant}: {found.First.Violation.Detail}");
        Assert.Contains(found.First.Violation.Invariant, invariants);
    }
}
