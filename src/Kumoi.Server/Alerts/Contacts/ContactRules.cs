using Kumoi.Api;
using Kumoi.Server.Mail;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;

namespace Kumoi.Server.Alerts.Contacts;

/// <summary>The rules of contacts: pure.</summary>
public static class ContactRules
{
    public const string Email = "email";

    public const int IntervalDefault = 5, IntervalMax = 24 * 60;

    public static IEnumerable<Violation> Check(CreateContact create, string name)
    {
        if (Names.Check("name", name) is { } violation) yield return violation;
        if (create.Kind is not (null or Email)) yield return new Violation("kind", "one-of", Email);
        if (!MailAddresses.IsOne(create.Address)) yield return new Violation("address", "email-address");
        foreach (var broken in Check(create.MinimumSeverity, create.Kinds, create.Language, create.IntervalMinutes)) yield return broken;
    }

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
