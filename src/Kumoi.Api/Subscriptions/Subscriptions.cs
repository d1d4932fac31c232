namespace Kumoi.Api;

/// <summary>Hands over what happens: to a web server by signed requests, or to a message broker (AMQP 0-9-1). At least once, in order.</summary>
/// <param name="Scope"><c>account</c>: what happens in the account; <c>cloud</c>: in all accounts.</param>
/// <param name="Kind"><c>webhook</c> or <c>amqp</c>.</param>
/// <param name="Exchange">The topic exchange that gets the messages; null for webhooks.</param>
/// <param name="Content">What is handed over: <c>events</c>.</param>
/// <param name="Actions">Patterns of the actions that are handed over, such as <c>instance.*</c>; none: all.</param>
/// <param name="State"><c>active</c>, <c>failing</c> (it is tried again) or <c>disabled</c> (it waits to be resumed).</param>
/// <param name="Reason">Why it is disabled, if the cloud did it.</param>
/// <param name="Failures">Tries in a row that failed.</param>
/// <param name="NextTryAt">When it is tried again, while it is failing.</param>
/// <param name="LastError">What the last try failed with; null after one that did not.</param>
/// <param name="Delivered">Events that the receiver has confirmed so far.</param>
/// <param name="FormerSecretUntil">Until then requests are signed with the secret before the last change, too.</param>
public sealed record Subscription(
    string Id, string Name, Ref Account, string Scope, string Kind, string Url, string? Exchange, string Content, IReadOnlyList<string> Actions, string State, string Reason, int Failures,
    DateTimeOffset? FailingSince, DateTimeOffset? NextTryAt, string? LastError, DateTimeOffset? LastDeliveredAt, long Delivered, DateTimeOffset? FormerSecretUntil, DateTimeOffset CreatedAt);

/// <param name="Url">Of a webhook: <c>https://…</c>; of a broker: <c>amqps://user@host:port/virtual-host</c>, without the password.</param>
/// <param name="Exchange">A durable topic exchange, made if it is missing; for <c>amqp</c> only (default <c>kumoi</c>).</param>
/// <param name="Password">Of the broker's user; for <c>amqp</c> only.</param>
/// <param name="Content"><c>events</c> (the default), or <c>usage</c>: hourly records of use.</param>
/// <param name="Actions">Patterns of actions, or of meters, such as <c>instance.*</c>; none: all.</param>
/// <param name="Scope"><c>account</c> (the default) or <c>cloud</c>.</param>
public sealed record CreateSubscription(string Name, string Kind, string Url, string? Exchange, string? Password, string? Content, IReadOnlyList<string>? Actions, string? Scope);

/// <summary>A subscription with the secret that its requests are signed with, which is told this once.</summary>
/// <param name="Secret"><c>whsec_…</c>; null for brokers.</param>
public sealed record SubscriptionSecret(Subscription Subscription, string? Secret);

/// <summary>What is given changes.</summary>
/// <param name="Enabled">False: nothing is handed over until it is resumed. True: goes on from where it stopped.</param>
public sealed record UpdateSubscription(string? Name, string? Url, string? Exchange, string? Password, IReadOnlyList<string>? Actions, bool? Enabled);

/// <param name="From"><c>stopped</c> (the default): from where it stopped; <c>now</c>: what was meanwhile is left out; or a time (RFC 3339).</param>
public sealed record ResumeSubscription(string? From);

/// <param name="KeepFormerHours">So long requests are signed with the former secret, too: 0 to 168 (default 24).</param>
public sealed record RotateSecret(int? KeepFormerHours);

/// <summary>What came of a test message.</summary>
/// <param name="Delivered">True if the receiver took it.</param>
/// <param name="Status">The HTTP status, if there was an answer.</param>
/// <param name="Message">What went wrong, or what the answer began with.</param>
public sealed record SubscriptionTest(bool Delivered, int? Status, string? Message);
