namespace Kumoi.Agent.Instances.Simulated;

/// <summary>How simulated hosts are, and what goes wrong with them. With the same seed the same guests are obstinate and the same clocks wrong.</summary>
public sealed record SimulatedSettings(
    int Seed, SimulatedSize Size, SimulatedTimes Times, SimulatedErrors Errors, SimulatedFailures Failures, SimulatedNetworkFaults Network, TimeRange ClockSkew)
{
    /// <summary>Hosts of a common size that do everything at once and never fail.</summary>
    public static SimulatedSettings Perfect { get; } = new(
        1, new SimulatedSize(16, 65_536, 1000, null), new SimulatedTimes(TimeRange.Zero, TimeRange.Zero, TimeRange.Zero, TimeRange.Zero), new SimulatedErrors(0, 0, 0, 0, 0, 0),
        new SimulatedFailures(null, null, TimeRange.Zero, null, 0), new SimulatedNetworkFaults(TimeRange.Zero, 0, 0, 0), TimeRange.Zero);
}

/// <param name="Vcpus">Real processors; the server offers a multiple of them.</param>
/// <param name="Storage">Id of the storage that the hosts share; null if each has its own.</param>
public sealed record SimulatedSize(int Vcpus, int MemoryMib, int DiskGib, string? Storage);

/// <summary>How long steps take.</summary>
/// <param name="Stop">What a guest takes to switch itself off after the power button.</param>
/// <param name="Copy">An image's way to the host, before the first disk made from it there.</param>
public sealed record SimulatedTimes(TimeRange MakeDisk, TimeRange Start, TimeRange Stop, TimeRange Copy);

/// <summary>The share of steps that fail, 0 to 1.</summary>
public sealed record SimulatedErrors(double MakeDisk, double Start, double Resume, double PressPowerButton, double Kill, double Remove);

/// <summary>Failures that nobody asked for: the mean time between two of one agent, host or guest; null: never.</summary>
/// <param name="HostDown">How long a host that crashed is away.</param>
/// <param name="IgnoresPowerButton">The share of guests that do not react to it, 0 to 1.</param>
public sealed record SimulatedFailures(TimeSpan? AgentEvery, TimeSpan? HostEvery, TimeRange HostDown, TimeSpan? GuestEvery, double IgnoresPowerButton);

/// <summary>What happens between agents and servers.</summary>
/// <param name="Latency">Added to each request.</param>
/// <param name="LostRequests">The share that never arrives, 0 to 1.</param>
/// <param name="LostAnswers">The share that arrives, and whose answer is lost.</param>
/// <param name="RepeatedReports">The share of reports that arrives twice.</param>
public sealed record SimulatedNetworkFaults(TimeRange Latency, double LostRequests, double LostAnswers, double RepeatedReports)
{
    public bool IsPerfect => this is { LostRequests: 0, LostAnswers: 0, RepeatedReports: 0 } && Latency == TimeRange.Zero;
}

/// <summary>A time drawn evenly between two, both included; a fixed one if they are the same.</summary>
public readonly record struct TimeRange(TimeSpan Min, TimeSpan Max)
{
    public static TimeRange Zero => default;

    /// <param name="share">0 to 1.</param>
    public TimeSpan At(double share) => Min + (Max - Min) * share;
}
