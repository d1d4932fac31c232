namespace Kumoi.Api;

/// <summary>One page of a list. <see cref="Next"/> is the cursor of the following page, or null on the last one.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>A resource named from another one: its id, which never changes, and its name at the time of the answer.</summary>
public sealed record Ref(string Id, string Name);

/// <summary>
/// Something that keeps a resource from its desired state: what failed, why in one sentence, since when, and when it is tried
/// again. A resource without conditions is as it was asked to be, or on its way there.
/// </summary>
public sealed record Condition(string Type, string Reason, string Message, DateTimeOffset Since, DateTimeOffset? NextTryAt);

/// <summary>One rule that a request broke: the field (a JSON path), the rule's stable code, and a sentence for a person.</summary>
public sealed record FieldError(string Field, string Rule, string Message);

/// <summary>An answer of failure, after RFC 9457. <see cref="Code"/> is stable; <see cref="Title"/> and
/// <see cref="Detail"/> are in the caller's language.</summary>
public sealed record Problem(
    string Type, string Title, int Status, string? Detail, string? Instance, string Code, string? RequestId,
    IReadOnlyList<FieldError>? Errors, IReadOnlyList<Ref>? UsedBy, IReadOnlyList<FilterReason>? Reasons);

/// <summary>Why placement passed over hosts: a filter of the scheduler, how many hosts it turned away, and the reason.</summary>
public sealed record FilterReason(string Filter, int Hosts, string Message);
