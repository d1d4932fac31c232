using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Webhooks;

namespace Kumoi.Server.Subscriptions;

/// <summary>What subscriptions must be like, wherever they come from.</summary>
public static class SubscriptionRules
{
    public const string Webhook = "webhook", Amqp = "amqp", Account = "account", Cloud = "cloud", Events = "events", Usage = "usage", ExchangeDefault = "kumoi";

    private const int PasswordLengthMax = 256, ExchangeLengthMax = 127;

    public static Violation? OneOf(string field, string? value, params string[] known) => value is null || known.Contains(value) ? null : new Violation(field, "one-of", string.Join(", ", known));

    /// <summary>A place to hand things over to.</summary>
    public static Violation? Url(string kind, string text, bool httpAllowed, WebhookGate gate)
    {
        if (kind != Amqp) return WebhookUrls.Check("url", text, httpAllowed, gate);
        if (WebhookUrls.CheckLength("url", text) is { } broken) return broken;
        var named = WebhookUrls.Read(text) is { Scheme: "amqp" or "amqps", Query: "", UserInfo.Length: > 0 } url && !url.UserInfo.Contains(':', StringComparison.Ordinal) && !url.AbsolutePath.TrimStart('/').Contains('/', StringComparison.Ordinal);
        return named ? null : new Violation("url", "amqp-url");
    }

    public static Violation? Exchange(string kind, string? name) => name is null ? null
        : kind != Amqp ? new Violation("exchange", "only-with-protocol", Amqp)
        : name.Length is 0 or > ExchangeLengthMax || name.StartsWith("amq.", StringComparison.Ordinal) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':') ? new Violation("exchange", "exchange-name", ExchangeLengthMax)
        : null;

    public static Violation? Password(string kind, string? password, bool required) =>
        kind != Amqp ? password is null ? null : new Violation("password", "only-with-protocol", Amqp)
        : password is null ? required ? new Violation("password", "required") : null
        : password.Length is 0 or > PasswordLengthMax ? new Violation("password", "length-between", 1, PasswordLengthMax) : null;

    public static Violation? Actions(IReadOnlyList<string>? patterns) => ActionPatterns.Check("actions", patterns ?? []);
}
