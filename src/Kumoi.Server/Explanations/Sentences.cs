using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;

namespace Kumoi.Server.Explanations;

/// <summary>A sentence before it is put into a language: its text is <c>explain.</c>REASON in the catalogues.</summary>
public sealed record Sentence(string Reason, params object[] Arguments)
{
    public DateTimeOffset? Since { get; init; }

    public DateTimeOffset? At { get; init; }

    /// <summary>Why placement passes over hosts, in the words that a refused launch gets.</summary>
    public static Sentence Of(Rejection rejection) => new("filter." + rejection.Filter, [rejection.Hosts, .. rejection.Arguments]);

    public Statement In(string language) =>
        new(Reason, Messages.Text(language, Reason.StartsWith("filter.", StringComparison.Ordinal) ? Reason : "explain." + Reason, Arguments), Since, At);
}

/// <summary>What there is to say of one resource, in no language yet.</summary>
public sealed record Findings(Subject Subject, string State, Sentence Summary)
{
    public DateTimeOffset? ObservedAt { get; init; }

    public IReadOnlyList<Sentence> Desired { get; init; } = [];

    public IReadOnlyList<Sentence> Observed { get; init; } = [];

    public IReadOnlyList<Sentence> WaitingFor { get; init; } = [];

    public IReadOnlyList<Sentence> Next { get; init; } = [];

    public IReadOnlyList<Sentence> Placement { get; init; } = [];

    public IReadOnlyList<Sentence> Recovery { get; init; } = [];

    public IReadOnlyList<Condition> Conditions { get; init; } = [];

    public Explanation In(string language, IReadOnlyList<Event> events)
    {
        List<Statement> Say(IReadOnlyList<Sentence> sentences) => [.. sentences.Select(sentence => sentence.In(language))];
        return new Explanation(
            new EventResource(Subject.Type, Subject.Id, Subject.Name), State, Summary.In(language).Message, ObservedAt, Say(Desired), Say(Observed), Say(WaitingFor), Say(Next), Say(Placement),
            Say(Recovery), [.. Conditions.Select(condition => Translate(condition, language))], events);
    }

    /// <summary>Hosts write their conditions in English; a reason that is known has a sentence in each language.</summary>
    private static ExplainedCondition Translate(Condition condition, string language)
    {
        var key = "condition." + condition.Reason;
        return new ExplainedCondition(condition.Type, condition.Reason, Messages.Has(key) ? Messages.Text(language, key) : condition.Message, condition.Message, condition.Since, condition.NextTryAt);
    }
}
