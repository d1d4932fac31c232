namespace Kumoi.Reconcile;

/// <summary>What came of one look at a key.</summary>
/// <param name="Failed">The work could not be done; it is tried again after a growing wait.</param>
/// <param name="LookAgainAfter">When to look again though nobody rings; null if a ring or the resync will do.</param>
public readonly record struct Outcome(bool Failed, TimeSpan? LookAgainAfter)
{
    /// <summary>All is as it should be.</summary>
    public static Outcome Done => new(false, null);

    /// <summary>The work could not be done; the queue chooses when to try again.</summary>
    public static Outcome Failure => new(true, null);

    /// <summary>Something is under way that will be worth a look after this time.</summary>
    public static Outcome LookAgain(TimeSpan after) => new(false, after);
}
