using Kumoi.Api;
using Kumoi.Server.Mail;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Webhooks;

namespace Kumoi.Server.Alerts.Contacts;

/// <summary>What contacts must be like. Only where webhooks may go depends on the machine.</summary>
public static class ContactRules
{
    public const int IntervalDefault = 5, IntervalMax = 24 * 60;

    /// <param name="httpAllowed">Whether webhooks may go in clear.</param>
    public static IEnumerable<Violation> Check(CreateContact create, string name, bool httpAllowed, WebhookGate gate)
    {
        if (Names.Check("name", name) is { } violation) yield return violation;
        if (create.Kind is not (null or NewMail.Email or NewMail.Webhook)) yield return new Violation("kind", "one-of", $"{NewMail.Email}, {NewMail.Webhook}");
        else if (CheckAddress(create, httpAllowed, gate) is { } wrong) yield return wrong;
        foreach (var broken in Check(create.MinimumSeverity, create.Kinds, create.Language, create.IntervalMinutes)) yield return broken;
    }

    private static Violation? CheckAddress(CreateContact create, bool httpAllowed, WebhookGate gate) =>
        create.Kind == NewMail.Webhook ? WebhookUrls.Check("address", create.Address, httpAllowed, gate) : MailAddresses.IsOne(create.Address) ? null : new Violation("address", "email-address");

    public static IEnumerable<Violation> Check(UpdateContact update, string? name)
    {
        if (name is not null && Names.Check("name", name) is { } violation) yield return violation;
        foreach (var broken in Check(update.MinimumSeverity, update.Kinds, update.Language, update.IntervalMinutes)) yield return broken;
    }

    private static IEnumerable<Violation> Check(string? severity, IReadOnlyList<string>? kinds, string? language, int? interval)
    {
        if (severity is not null && !Severities.All.Contains(severity)) yield return new Violation("minimumSeverity", "one-of", string.Join(", ", Severities.All));
        if (kinds?.Count > AlertKinds.Names.Count) yield return new Violation("kinds", "at-most", AlertKinds.Names.Count);
        foreach (var (i, kind) in (kinds ?? []).Index())
            if (!AlertKinds.Names.Contains(kind)) yield return new Violation($"kinds[{i}]", "one-of", string.Join(", ", AlertKinds.Names));
        if (language is not null && !Messages.Languages.Contains(language)) yield return new Violation("language", "one-of", string.Join(", ", Messages.Languages));
        if (interval is < 1 or > IntervalMax) yield return new Violation("intervalMinutes", "between", 1, IntervalMax);
    }
}
