using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Mail;

namespace Kumoi.Server.Alerts.Telling;

/// <summary>A message as contacts that are webhooks get it: its words, and the same for programs.</summary>
public static class PostedText
{
    public const string TypeAlerts = "alerts", TypeCode = "code";

    // Of each list: whatever fails, the message stays one that receivers take.
    private const int ShownMax = 100;

    public static ContactMessage Of(Digest digest, string language, ContactMessageData data, DateTimeOffset now)
    {
        return new ContactMessage(TypeAlerts, now, "", data with
        {
            Counts = new ContactMessageCounts(digest.Fresh.Count, digest.Reminded.Count, digest.Passed.Count, digest.Over.Count, digest.Standing),
            Fresh = Shown(digest.Fresh), Reminded = Shown(digest.Reminded), Passed = Shown(digest.Passed), Over = Shown(digest.Over),
        });

        IReadOnlyList<ToldOfAlert> Shown(IReadOnlyList<TellableAlert> alerts) =>
            [.. alerts.OrderByDescending(a => a.Rank).Take(ShownMax).Select(a => new ToldOfAlert(
                a.Id, a.Kind, a.Severity, new EventResource(a.ResourceType, a.ResourceId, a.ResourceName), a.CauseId is null ? null : new Ref(a.CauseId, a.CauseName!), AlertText.Message(language, a.Kind, a.ResourceName, a.Arguments),
                AlertText.Action(language, a.Kind, a.ResourceName), a.State, a.Count, a.RaisedAt, a.ResolvedAt))];
    }

    /// <summary>The words as the message's text, for programs that show nothing else.</summary>
    public static MailText Of(MailText words, ContactMessage message) => words with { Body = JsonSerializer.Serialize(message with { Text = $"{words.Subject}\n\n{words.Body}" }, ApiJson.Default.ContactMessage) };
}
