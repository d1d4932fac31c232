using Kumoi.Server.Events;

namespace Kumoi.Server.Alerts;

/// <summary>Something that is so now, as a kind's statement found it.</summary>
/// <param name="Arguments">A JSON array of texts, as the database writes it.</param>
public sealed record Sighting(string? AccountId, string Severity, Subject Subject, string? CauseId, string? CauseName, string Arguments);

/// <summary>An alert as the plan looks at it.</summary>
public sealed record KnownAlert(
    string Id, string? AccountId, string ResourceId, string ResourceName, string Severity, string? CauseId, string Arguments, string State, bool Acknowledged, int Count, DateTimeOffset LastSeenAt, DateTimeOffset? ResolvedAt);

/// <summary>What makes the alerts of a kind what they should be.</summary>
public sealed record AlertPlan(
    IReadOnlyList<Sighting> Raise, IReadOnlyList<(KnownAlert Alert, Sighting Seen)> Reopen, IReadOnlyList<(KnownAlert Alert, Sighting Seen)> Refresh, IReadOnlyList<KnownAlert> Resolve);

/// <summary>Compares what is so with the alerts that there are: pure.</summary>
public static class AlertPlanner
{
    /// <summary>One that comes back within this is the same alert. Shorter: one that comes and goes is many; longer: two troubles look like one.</summary>
    public static readonly TimeSpan FlapTime = TimeSpan.FromMinutes(10);

    // Each is a write: more often only wears the disk, less often says less about whether it is still so.
    private static readonly TimeSpan RefreshTime = TimeSpan.FromMinutes(1);

    /// <param name="known">Alerts of the kind that stand, and those that were resolved within <see cref="FlapTime"/>.</param>
    public static AlertPlan Plan(IReadOnlyList<Sighting> seen, IReadOnlyList<KnownAlert> known, DateTimeOffset now)
    {
        var standing = known.Where(alert => alert.State != AlertStates.Resolved).ToDictionary(alert => alert.ResourceId);
        var past = known.Where(alert => alert.State == AlertStates.Resolved && now - alert.ResolvedAt < FlapTime).GroupBy(alert => alert.ResourceId).ToDictionary(group => group.Key, group => group.MaxBy(alert => alert.ResolvedAt)!);
        var (raise, reopen, refresh) = (new List<Sighting>(), new List<(KnownAlert, Sighting)>(), new List<(KnownAlert, Sighting)>());
        foreach (var sighting in seen.DistinctBy(sighting => sighting.Subject.Id))
        {
            if (standing.Remove(sighting.Subject.Id, out var alert))
            {
                if (Differs(alert, sighting) || now - alert.LastSeenAt >= (alert.Arguments == sighting.Arguments ? RefreshTime : RefreshTime / 2)) refresh.Add((alert, sighting));
            }
            // Another account's now: what was acknowledged there says nothing here.
            else if (past.TryGetValue(sighting.Subject.Id, out var before) && before.AccountId == sighting.AccountId) reopen.Add((before, sighting));
            else raise.Add(sighting);
        }
        return new AlertPlan(raise, reopen, refresh, [.. standing.Values]);
    }

    private static bool Differs(KnownAlert alert, Sighting seen) => alert.Severity != seen.Severity || alert.CauseId != seen.CauseId || alert.ResourceName != seen.Subject.Name;
}

public static class AlertStates
{
    public const string Open = "open", Acknowledged = "acknowledged", Resolved = "resolved";

    public static readonly string[] All = [Open, Acknowledged, Resolved];
}
