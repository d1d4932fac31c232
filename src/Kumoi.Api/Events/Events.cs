using System.Text.Json;

namespace Kumoi.Api;

/// <summary>One line of the universal log: who did what to which resource, written in the transaction that did it.</summary>
/// <param name="Action"><c>noun.verb</c>, such as <c>instance.launch</c> or <c>instance.running</c>.</param>
/// <param name="Actor">Who: a user, a host, or the cloud itself (<c>system</c>).</param>
/// <param name="SourceAddress">Where the request came from, if one caused the event.</param>
/// <param name="RequestId">The request that caused the event, as in its answer's <c>X-Request-Id</c>.</param>
/// <param name="Changes">What changed, if the action says so: field names with values before and after.</param>
public sealed record Event(
    string Id, DateTimeOffset At, string AccountId, Actor Actor, string? SourceAddress, string? RequestId, string Action,
    EventResource Resource, string? Message, JsonElement? Changes);

/// <param name="Kind"><c>user</c>, <c>host</c> or <c>system</c>.</param>
public sealed record Actor(string Kind, string? Id, string? Name);

public sealed record EventResource(string Type, string Id, string Name);

/// <summary>How long the universal log is kept.</summary>
/// <param name="Months">Events older than so many months go, a month at a time; null: none ever.</param>
public sealed record EventRetention(int? Months);

/// <param name="Months">1 to 1200; null: for ever.</param>
public sealed record UpdateEventRetention(int? Months);
