using System.Net;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Subscriptions;

/// <summary>What subscriptions must be like, wherever they come from.</summary>
public static class SubscriptionRules
{
    public const string Webhook = "webhook", Amqp = "amqp", Account = "account", Cloud = "cloud", Events = "events", Usage = "usage", ExchangeDefault = "kumoi";

    private const int UrlLengthMax = 2048, PasswordLengthMax = 256, ExchangeLengthMax = 127;

    public static Violation? OneOf(string field, string? value, params string[] known) => value is null || known.Contains(value) ? null : new Violation(field, "one-of", string.Join(", ", known));

    /// <summary>A place to hand things over to.</summary>
    public static Violation? Url(string kind, string text, bool httpAllowed, WebhookGate gate)
    {
        if (text.Length > UrlLengthMax) return new Violation("url", "too-long", UrlLengthMax);
        var url = Uri.TryCreate(text, UriKind.Absolute, out var read) && read.Host.Length > 0 && read.Fragment.Length == 0 && text.All(c => c > ' ' && !char.IsControl(c)) ? read : null;
        if (kind == Amqp)
        {
            var named = url is { Scheme: "amqp" or "amqps", Query: "", UserInfo.Length: > 0 } && !url.UserInfo.Contains(':', StringComparison.Ordinal) && !url.AbsolutePath.TrimStart('/').Contains('/', StringComparison.Ordinal);
            return named ? null : new Violation("url", "amqp-url");
        }
        if (url is null || url.UserInfo.Length > 0 || url.Scheme != "https" && !(httpAllowed && url.Scheme == "http")) return new Violation("url", "webhook-url");
        return IPAddress.TryParse(url.DnsSafeHost, out var address) && !gate.IsOpen(address) ? new Violation("url", "webhook-address") : null;
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
