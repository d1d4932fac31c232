namespace Kumoi.Api;

/// <summary>Something that needs somebody. It goes by itself when its reason is gone; one that comes back within ten minutes is the same one, counted on.</summary>
/// <param name="Kind">Such as <c>host.down</c>, <c>instance.failing</c>, <c>quota.near</c>.</param>
/// <param name="Severity"><c>info</c>, <c>warning</c> or <c>critical</c>.</param>
/// <param name="Cause">What it follows from: the host of an instance that does not answer. It is told with that.</param>
/// <param name="Message">What is the matter, in the reader's language.</param>
/// <param name="Action">What to do.</param>
/// <param name="State"><c>open</c>, <c>acknowledged</c> (somebody looks after it: no reminders) or <c>resolved</c>.</param>
/// <param name="Count">How often it was raised.</param>
/// <param name="RaisedAt">When it was raised first.</param>
public sealed record Alert(
    string Id, string Kind, string Severity, EventResource Resource, Ref? Cause, string Message, string Action, string State, int Count, DateTimeOffset RaisedAt, DateTimeOffset LastSeenAt,
    AlertAcknowledgement? Acknowledgement, DateTimeOffset? ResolvedAt);

/// <param name="By">The user's name.</param>
public sealed record AlertAcknowledgement(DateTimeOffset At, string By, string Note);

/// <param name="Note">For whoever reads it next.</param>
public sealed record AcknowledgeAlert(string? Note);

/// <summary>Where alerts are told.</summary>
/// <param name="Kind"><c>email</c> or <c>webhook</c>.</param>
/// <param name="Address">An e-mail address; of a webhook its URL.</param>
/// <param name="MinimumSeverity">Alerts of less are not told.</param>
/// <param name="Kinds">Only alerts of these kinds are told; none: of all.</param>
/// <param name="Language"><c>en</c> or <c>ja</c>.</param>
/// <param name="IntervalMinutes">One message in this time at the most, with everything new since the last.</param>
/// <param name="State"><c>pending</c>: the code that was sent there has not been given yet; <c>verified</c>; <c>refused</c>: its mail server, or the webhook, refused several messages in a row.</param>
/// <param name="LastError">Why the last message did not get there; null if it did.</param>
/// <param name="ToldAt">When the last message was sent.</param>
/// <param name="Secret">What a webhook's messages are signed with (Standard Webhooks); only in the answer to the request that made it.</param>
public sealed record Contact(
    string Id, string Name, string Kind, string Address, string MinimumSeverity, IReadOnlyList<string> Kinds, string Language, int IntervalMinutes, string State, string? LastError, DateTimeOffset? ToldAt, DateTimeOffset CreatedAt, string? Secret);

/// <param name="Kind"><c>email</c>, also if left out, or <c>webhook</c>.</param>
/// <param name="Address">An e-mail address, or the URL of a webhook; a code is sent there.</param>
/// <param name="MinimumSeverity"><c>warning</c> if left out.</param>
/// <param name="Language">That of the request if left out.</param>
/// <param name="IntervalMinutes">1 to 1440; 5 if left out.</param>
public sealed record CreateContact(string Name, string Address, string? Kind, string? MinimumSeverity, IReadOnlyList<string>? Kinds, string? Language, int? IntervalMinutes);

/// <summary>What is not named stays.</summary>
public sealed record UpdateContact(string? Name, string? MinimumSeverity, IReadOnlyList<string>? Kinds, string? Language, int? IntervalMinutes);

/// <param name="Code">The code that was sent to the address.</param>
public sealed record VerifyContact(string Code);

/// <summary>What is posted to contacts that are webhooks.</summary>
/// <param name="Type"><c>alerts</c>, or <c>code</c>: the code that verifies the contact.</param>
/// <param name="Text">The whole message in the contact's language, as a mail would have it.</param>
public sealed record ContactMessage(string Type, DateTimeOffset Timestamp, string Text, ContactMessageData Data);

/// <param name="Account">Whose alerts these are; null: the cloud's.</param>
public sealed record ContactMessageData(Ref Contact, Ref? Account, string Region)
{
    /// <summary>Of a message of the type <c>code</c>.</summary>
    public string? Code { get; init; }

    /// <summary>How many there are; the lists hold the worst hundred of each.</summary>
    public ContactMessageCounts? Counts { get; init; }

    /// <summary>What the contact has not heard of, or of less.</summary>
    public IReadOnlyList<ToldOfAlert>? Fresh { get; init; }

    /// <summary>What is critical, and nobody looks after.</summary>
    public IReadOnlyList<ToldOfAlert>? Reminded { get; init; }

    /// <summary>What came and went before it could be told.</summary>
    public IReadOnlyList<ToldOfAlert>? Passed { get; init; }

    /// <summary>What the contact has heard of, and is over.</summary>
    public IReadOnlyList<ToldOfAlert>? Over { get; init; }
}

/// <param name="Standing">Others that the contact was told of, and that stand.</param>
public sealed record ContactMessageCounts(int Fresh, int Reminded, int Passed, int Over, int Standing);

/// <summary>An alert as a message has it.</summary>
public sealed record ToldOfAlert(string Id, string Kind, string Severity, EventResource Resource, Ref? Cause, string Message, string Action, string State, int Count, DateTimeOffset RaisedAt, DateTimeOffset? ResolvedAt);
