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

    /// <summary>An agent takes what is absent from a document for terminated.</summary>
    AbsenceDestroys,

    /// <summary>Servers believe reports of placements that are over.</summary>
    OldIncarnationIsBelieved,

    /// <summary>Servers believe reports that are older than what they know.</summary>
    OldGenerationIsBelieved,

    /// <summary>Addresses and room are given back when an instance is asked to terminate, and not when it has.</summary>
    GivenBackAtTheRequest,

    /// <summary>The room of a terminated instance is not given back to its host.</summary>
    RoomIsKept,

    /// <summary>A create is executed again though its idempotency key was seen.</summary>
    KeyIsIgnored,

    /// <summary>An agent counts its lease from the receipt of an answer, and not from when it sent the report.</summary>
    LeaseCountsFromReceipt,

    /// <summary>A host that does not report is taken for fenced before its lease is over.</summary>
    FenceIsNotAwaited,

    /// <summary>Snapshots of one group are taken each by itself.</summary>
    GroupIsNotAwaited,

    /// <summary>A backup is removed though another one builds on it.</summary>
    BackupIsNotMerged,

    /// <summary>A backup is told to be gone before it was to be deleted.</summary>
    GoneBeforeItIsAsked,

    /// <summary>A volume that is given to another instance stays with the one that had it.</summary>
    GivenToWhoeverHasIt,

    /// <summary>What takes a volume's place is made empty.</summary>
    EmptyTakesThePlace,
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
