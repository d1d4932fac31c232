namespace Kumoi.Reconcile;

/// <summary>
/// Bugs that the simulation plants in the code that ships, one at a time, to prove that its checks find them. Each is one condition at the
/// place where the bug would be.
/// </summary>
internal enum PlantedBug
{
    None,

    /// <summary>A ring that comes while its key is looked at is forgotten.</summary>
    RingDuringLookIsLost,

    /// <summary>A failed look is not repeated.</summary>
    FailureIsNotRetried,
}

/// <summary>
/// Which bug is planted: for the thread of one simulated schedule only, and by the simulation only. Nothing outside the tests can set it:
/// no option, variable or message leads here.
/// </summary>
internal static class PlantedBugs
{
    [ThreadStatic] private static PlantedBug _planted;

    /// <summary>Set by the simulation before a schedule, on the thread that runs it.</summary>
    internal static void Plant(PlantedBug bug) => _planted = bug;

    internal static bool Has(PlantedBug bug) => _planted == bug;
}
