using System.Globalization;
using System.Text;
using Kumoi.Server.Mail;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;

namespace Kumoi.Server.Alerts.Telling;

/// <summary>What follows from something: how many instances are on a host that is down, and the names of some.</summary>
public sealed record Following(long Count, IReadOnlyList<string> Names);

/// <summary>Who reads a message, and why they get it.</summary>
/// <param name="Whose">The account or the cloud, in the reader's language.</param>
/// <param name="Delete">The command that ends it.</param>
public sealed record DigestReader(string Language, string Cloud, string Whose, string Contact, string Delete, string List);

/// <summary>A digest in words: a sum by kinds, then the worst one by one, each cause with what follows from it.</summary>
public static class DigestText
{
    // Nobody reads on: the list is a command away.
    private const int ShownMax = 25;

    public const int NamesMax = 5;

    private const int SubjectLengthMax = 150;

    public static MailText Of(Digest digest, IReadOnlyDictionary<string, Following> following, DigestReader reader)
    {
        string Text(string key, params object[] arguments) => Messages.Text(reader.Language, key, arguments);
        var body = new StringBuilder();
        Section("mail.fresh", digest.Fresh, true);
        Section("mail.reminded", digest.Reminded, true);
        Section("mail.passed", digest.Passed, false);
        Section("mail.over", digest.Over, false);
        if (digest.Standing > 0) body.Append(Text("mail.standing", digest.Standing)).Append("\n\n");
        body.Append(Text("mail.list", reader.List)).Append('\n');
        body.Append("\n-- \n").Append(Text("mail.why", reader.Contact, reader.Whose, reader.Delete)).Append('\n');
        return new MailText(PlainText.Of(Subject(digest, reader), SubjectLengthMax), body.ToString());

        void Section(string heading, IReadOnlyList<TellableAlert> alerts, bool advise)
        {
            if (alerts.Count == 0) return;
            body.Append(Text(heading, alerts.Count)).Append('\n').Append('\n');
            if (alerts.Count > 1)
            {
                foreach (var kind in alerts.GroupBy(a => a.Kind).OrderByDescending(g => g.Max(a => a.Rank)).ThenByDescending(g => g.Count()))
                    body.Append(CultureInfo.InvariantCulture, $"  {kind.Count(),6}  {AlertText.Many(reader.Language, kind.Key)}\n");
                body.Append('\n');
            }
            var groups = alerts.GroupBy(a => a.CauseId is null ? a.Id : a.Kind + " " + a.CauseId).OrderByDescending(g => g.Max(a => a.Rank)).ThenBy(g => g.First().Kind, StringComparer.Ordinal).ThenBy(g => g.First().ResourceName, StringComparer.Ordinal).ToList();
            foreach (var group in groups.Take(ShownMax)) One([.. group], advise);
            if (groups.Skip(ShownMax).Sum(group => group.Count()) is > 0 and var more) body.Append(Text("mail.more", more)).Append("\n\n");
        }

        void One(IReadOnlyList<TellableAlert> alike, bool advise)
        {
            var first = alike[0];
            var sentence = alike.Count == 1 ? AlertText.Message(reader.Language, first.Kind, first.ResourceName, first.Arguments)
                : Text("mail.together", AlertText.Many(reader.Language, first.Kind), PlainText.Of(first.CauseName!, 100), alike.Count, Names(alike.Select(a => a.ResourceName), alike.Count));
            body.Append(CultureInfo.InvariantCulture, $"* {Text("severity." + first.Severity)}: {sentence}\n");
            body.Append("    ").Append(first.ResolvedAt is { } end ? Text("mail.from-to", Time(alike.Min(a => a.RaisedAt)), Time(end)) : Text("mail.since", Time(alike.Min(a => a.RaisedAt))));
            if (alike.Max(a => a.Count) is > 1 and var times) body.Append(' ').Append(Text("mail.times", times));
            body.Append('\n');
            if (following.TryGetValue(first.ResourceId, out var with)) body.Append("    ").Append(Text("mail.with", with.Count, Names(with.Names, with.Count))).Append('\n');
            if (advise) body.Append("    ").Append(AlertText.Action(reader.Language, first.Kind, first.ResourceName)).Append('\n');
            body.Append('\n');
        }

        string Names(IEnumerable<string> all, long count)
        {
            var names = string.Join(", ", all.Take(NamesMax).Select(name => PlainText.Of(name, 100)));
            return count > NamesMax ? Text("mail.names", names, count - NamesMax) : names;
        }
    }

    private static string Subject(Digest digest, DigestReader reader)
    {
        string Text(string key, params object[] arguments) => Messages.Text(reader.Language, key, arguments);
        string Said(TellableAlert a) => AlertText.Message(reader.Language, a.Kind, a.ResourceName, a.Arguments);
        var subject = digest switch
        {
            { Fresh: [var only] } => $"{Text("severity." + only.Severity)}: {Said(only)}",
            { Fresh.Count: > 0 } => Text("mail.subject.fresh", digest.Fresh.Count, digest.Fresh.Count(a => a.Severity == Severities.Critical)),
            { Reminded.Count: > 0 } => Text("mail.subject.reminded", digest.Reminded.Count),
            { Passed.Count: > 0 } => Text("mail.subject.passed", digest.Passed.Count),
            { Over: [var one] } => Text("mail.subject.over-one", Said(one)),
            _ => Text("mail.subject.over", digest.Over.Count),
        };
        return $"[{reader.Cloud}] {subject}";
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
