namespace Kumoi.Api;

/// <summary>Why a resource is as it is: what was asked for, what was seen, what it waits for and what comes next.</summary>
/// <param name="State">The resource's state, as its own record tells it; empty for types without one.</param>
/// <param name="Summary">The state in one sentence.</param>
/// <param name="ObservedAt">When what is told as observed was last confirmed; null if nobody observes it.</param>
/// <param name="WaitingFor">What keeps it from what was asked for; empty: nothing does.</param>
/// <param name="Next">What is done next by itself, and when.</param>
/// <param name="Placement">Why it is where it is.</param>
/// <param name="Recovery">What becomes of it when its host is lost, and what would stand in the way.</param>
/// <param name="Conditions">Errors that stand, in the caller's language where their reason is known.</param>
/// <param name="Events">The last events of the resource, newest first.</param>
public sealed record Explanation(
    EventResource Resource, string State, string Summary, DateTimeOffset? ObservedAt, IReadOnlyList<Statement> Desired, IReadOnlyList<Statement> Observed,
    IReadOnlyList<Statement> WaitingFor, IReadOnlyList<Statement> Next, IReadOnlyList<Statement> Placement, IReadOnlyList<Statement> Recovery,
    IReadOnlyList<ExplainedCondition> Conditions, IReadOnlyList<Event> Events);

/// <summary>One sentence of an explanation.</summary>
/// <param name="Reason">A stable word for programs.</param>
/// <param name="Message">The sentence in the caller's language.</param>
/// <param name="Since">Since when it is so, if that is known.</param>
/// <param name="At">When it is done or tried, if that is known.</param>
public sealed record Statement(string Reason, string Message, DateTimeOffset? Since, DateTimeOffset? At);

/// <summary>A condition in the caller's language.</summary>
/// <param name="Detail">The sentence as it was recorded.</param>
public sealed record ExplainedCondition(string Type, string Reason, string Message, string Detail, DateTimeOffset Since, DateTimeOffset? NextTryAt);
