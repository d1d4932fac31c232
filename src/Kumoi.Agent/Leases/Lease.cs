namespace Kumoi.Agent.Leases;

/// <summary>
/// How long this host may run guests that the servers start elsewhere when it is lost (Gray and Cheriton, "Leases", 1989). Counted on the host
/// from the moment a report was <i>sent</i>, and by the servers from its arrival, so that it ends here first whatever the way took.
/// Times are since the start of the machine, suspended time included; a value, without a clock of its own.
/// </summary>
/// <param name="BootId">The start of the machine that the times count from.</param>
/// <param name="From">When the report was sent that the lease rests on.</param>
public readonly record struct Lease(string BootId, TimeSpan From, TimeSpan Length)
{
    public TimeSpan EndsAt => From + Length;

    /// <summary>The lease of a host that has none.</summary>
    public static Lease None(string bootId) => new(bootId, TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>What is left of a lease that was kept: nothing if there is none, it is of another boot, or cannot be true.</summary>
    public static Lease Resumed(Lease? kept, string bootId, TimeSpan now) =>
        kept is { } lease && lease.BootId == bootId && lease.From <= now && lease.Length >= TimeSpan.Zero ? lease : None(bootId);

    public bool IsOver(TimeSpan now) => now >= EndsAt;

    /// <summary>A report sent at that time was answered. The latest report counts, also if it gives a shorter lease than the one before.</summary>
    public Lease Renewed(TimeSpan sentAt, TimeSpan length) => sentAt < From ? this : this with { From = sentAt, Length = length };

    /// <summary>
    /// Every server, asked after that time, said that its database is away: none of them can declare this host lost, nor could it since.
    /// A lease that is over stays so, as that may have happened before.
    /// </summary>
    public Lease Extended(TimeSpan askedAt, TimeSpan now) => IsOver(now) ? this : Renewed(askedAt, Length);
}

/// <summary>What the lease allows for a guest that may move.</summary>
public enum LeaseState
{
    /// <summary>It must not run here.</summary>
    Over,

    /// <summary>The lease was lost and has begun anew, and the document is of before: what runs may go on for a moment, nothing is begun.</summary>
    Unconfirmed,

    Held,
}
