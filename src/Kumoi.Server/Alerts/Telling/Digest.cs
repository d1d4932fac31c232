using Kumoi.Server.Mail;

namespace Kumoi.Server.Alerts.Telling;

/// <summary>An alert beside what a contact has been told of it.</summary>
/// <param name="ToldState"><c>open</c> or <c>resolved</c>; null: nothing.</param>
public sealed record TellableAlert(
    string Id, string Kind, string Severity, string ResourceType, string ResourceId, string ResourceName, string? CauseId, string? CauseName, IReadOnlyList<string> Arguments, string State, int Count, DateTimeOffset RaisedAt, DateTimeOffset? ResolvedAt,
    string? ToldState, string? ToldSeverity, DateTimeOffset? ToldAt)
{
    public bool Stands => State != AlertStates.Resolved;

    public int Rank => Severities.Rank(Severity);
}

/// <summary>One message: everything that a contact has to be told now.</summary>
/// <param name="Fresh">What it has not heard of, or of less.</param>
/// <param name="Reminded">What is critical, and nobody looks after.</param>
/// <param name="Passed">What came and went before it could be told.</param>
/// <param name="Over">What it has heard of, and is over.</param>
/// <param name="Standing">How many others stand that it has heard of.</param>
/// <param name="Tellings">What it has heard once it has the message.</param>
public sealed record Digest(IReadOnlyList<TellableAlert> Fresh, IReadOnlyList<TellableAlert> Reminded, IReadOnlyList<TellableAlert> Passed, IReadOnlyList<TellableAlert> Over, int Standing, IReadOnlyList<ToldAlert> Tellings);

/// <summary>
/// Decides whether a contact is told something now, and what: pure. Whatever happens at once is one message: it waits for a moment until the first news has company. What comes and goes is told once as standing and once as over.
/// </summary>
public static class Digests
{
    /// <summary>How long the first news waits for others. Shorter: the first host of a rack that goes dark is told by itself; longer: people hear late.</summary>
    public static readonly TimeSpan GatherTime = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan RemindAfter = TimeSpan.FromDays(1);

    /// <param name="alerts">The owner's that stand, that the contact was told to stand, and that were over lately.</param>
    /// <param name="minimum">The least severity that the contact is told.</param>
    public static Digest? Of(IReadOnlyList<TellableAlert> alerts, string minimum, DateTimeOffset now)
    {
        var least = Severities.Rank(minimum);
        var heeded = alerts.Where(a => a.Rank >= least).ToList();
        var fresh = heeded.FindAll(IsFresh);
        var known = heeded.FindAll(a => a.Stands && a.ToldState == "open" && !IsFresh(a));
        var urgent = known.FindAll(a => a is { State: AlertStates.Open, Severity: Severities.Critical });
        var passed = heeded.FindAll(a => !a.Stands && a.ToldState is null && a.ResolvedAt - a.RaisedAt >= GatherTime && now - a.ResolvedAt >= AlertPlanner.FlapTime);
        var ended = alerts.Where(a => !a.Stands && a.ToldState == "open" && IsQuiet(a, now)).ToList();
        // A host that is no more unreachable, since it is down, has not come back.
        var troubled = alerts.Where(a => a.Stands).Select(a => a.ResourceId).ToHashSet();
        var over = ended.FindAll(a => !troubled.Contains(a.ResourceId));

        var reminds = urgent.Exists(a => now - a.ToldAt >= RemindAfter);
        var isNews = fresh.Exists(a => a.ToldState is not null || now - a.RaisedAt >= GatherTime) || passed.Count > 0;
        // One by one only the worst would be told as over, hundreds of times: it is told when nothing as bad is left.
        var isOver = over.Count > 0 && !heeded.Exists(a => a.State == AlertStates.Open && a.Rank >= over.Max(o => o.Rank));
        if (!isNews && !reminds && !isOver) return null;
        var reminded = reminds ? urgent : [];
        return new Digest(fresh, reminded, passed, over, known.Count - reminded.Count,
            [.. fresh.Concat(reminded).Select(a => new ToldAlert(a.Id, "open", a.Severity)), .. passed.Concat(ended).Select(a => new ToldAlert(a.Id, "resolved", a.Severity))]);
    }

    private static bool IsFresh(TellableAlert alert) => alert.State == AlertStates.Open && (alert.ToldState != "open" || alert.Rank > Severities.Rank(alert.ToldSeverity!));

    /// <summary>One that came back before is over once it has stayed away.</summary>
    private static bool IsQuiet(TellableAlert alert, DateTimeOffset now) => alert.Count == 1 || now - alert.ResolvedAt >= AlertPlanner.FlapTime;
}
