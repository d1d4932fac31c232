using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>
/// How often what goes wrong in one schedule, in a thousand. Each seed draws which kinds of faults it has at all: what hides another in one
/// schedule is absent from the next.
/// </summary>
internal sealed record Faults
{
    public int LostRequests { get; init; }

    public int LostAnswers { get; init; }

    public int RepeatedMessages { get; init; }

    public int LateMessages { get; init; }

    public int LostRings { get; init; }

    /// <summary>Steps of the hypervisor and of networks that fail before or after they took effect.</summary>
    public int FailedSteps { get; init; }

    public int SlowSteps { get; init; }

    /// <summary>Reports during whose way the agent is held, as by the suspend of its machine.</summary>
    public int HeldReports { get; init; }

    /// <summary>Guests that do not react to the power button.</summary>
    public int DeafGuests { get; init; }

    /// <summary>Time between two troubles of a kind, on average; null: none of the kind.</summary>
    public IReadOnlyDictionary<Trouble, TimeSpan> Troubles { get; init; } = new Dictionary<Trouble, TimeSpan>();

    public static Faults None { get; } = new();

    public static Faults Draw(Dice dice)
    {
        int Rate(params IReadOnlyList<int> rates) => dice.OneIn(2) ? 0 : dice.Of(rates);
        var troubles = new Dictionary<Trouble, TimeSpan>();
        foreach (var trouble in Enum.GetValues<Trouble>())
            if (dice.OneIn(3)) troubles[trouble] = TimeSpan.FromSeconds(20 + dice.Below(130));
        return new Faults
        {
            LostRequests = Rate(10, 100, 300), LostAnswers = Rate(10, 100, 300), RepeatedMessages = Rate(20, 200), LateMessages = Rate(20, 200), LostRings = Rate(100, 1000),
            FailedSteps = Rate(20, 200, 400), SlowSteps = Rate(50, 300), DeafGuests = Rate(200, 1000), HeldReports = Rate(10, 100), Troubles = troubles,
        };
    }
}

/// <summary>Things that happen to machines, processes and guests.</summary>
internal enum Trouble
{
    AgentKilled,
    AgentPaused,
    ServerKilled,
    ServerPaused,
    HostLosesPower,
    HostCutOff,
    ServerCutOff,
    GuestDies,
    GuestSwitchesItselfOff,
    GuestHangs,
    ClockSet,
    DatabaseAway,
    ServerLosesDatabase,
    HostEmptied,
    RecordForgotten,
    BackupStoreAway,
    HostGivenUp,
}
