using Kumoi.Server.Platform.Webhooks;

namespace Kumoi.Server.Subscriptions;

/// <summary>What follows from a try. Pure.</summary>
public static class DeliveryPlan
{
    /// <summary>Nobody looks after a receiver that is away for longer; what it has missed waits in the log, for as long as that is kept.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromDays(3);

    /// <summary>Why the subscription ends, or null if it goes on or is tried again.</summary>
    /// <param name="failingSince">When the first of the failures in a row was; null before this one.</param>
    public static string? EndsBecause(Sent sent, DateTimeOffset? failingSince, DateTimeOffset now) =>
        sent.Delivered ? null
        : sent.IsFinal ? $"The receiver wants no more: {sent.Message}"
        : failingSince is { } since && now - since >= Patience ? $"It has failed for {Patience.TotalDays:0} days: {sent.Message}"
        : null;
}
