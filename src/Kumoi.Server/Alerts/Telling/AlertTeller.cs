using Kumoi.Api;
using Kumoi.Server.Mail;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Alerts.Telling;

/// <summary>
/// Writes the messages that tell contacts of alerts: for each at most one that is not sent yet, and one in its interval. What was told is known from the messages that mail servers took; so one that is lost is
/// written anew, with what has come since.
/// </summary>
public sealed class AlertTeller(Database database, MailStore mails, ServerOptions options)
{
    // Of longer ago nobody wants to hear that it is over, who has not heard that it was.
    private static readonly TimeSpan PassedFor = TimeSpan.FromDays(1);

    private sealed record Reader(string Id, string? AccountId, string? AccountName, string Name, string Kind, string Address, string Minimum, string[] Kinds, string Language, DateTimeOffset VerifiedAt);

    public async Task LookAsync(DateTimeOffset now, CancellationToken cancel)
    {
        // Those with anything that could be told; what and whether is decided below.
        var contacts = await database.QueryAsync(
            $"""
            SELECT c.id FROM contacts c WHERE {Ready} AND EXISTS (
                SELECT 1 FROM alerts a LEFT JOIN alert_tellings t ON t.contact_id = c.id AND t.alert_id = a.id WHERE coalesce(a.account_id, '') = coalesce(c.account_id, '')
                   AND (cardinality(c.kinds) = 0 OR a.kind = ANY(c.kinds)) AND (t.state = 'open' OR array_position($4, a.severity) >= array_position($4, c.minimum_severity))
                   AND (a.state = 'open' AND (t.state IS DISTINCT FROM 'open' OR t.severity <> a.severity OR t.told_at <= $1 - $3::interval)
                     OR a.state = 'resolved' AND (t.state = 'open' OR t.state IS NULL AND a.resolved_at > greatest(c.verified_at, $1 - $2::interval)))) ORDER BY c.id
            """, row => row.GetString(0), cancel, now, PassedFor, Digests.RemindAfter, Columns.Texts(Severities.All));
        foreach (var id in contacts) await database.TransactionAsync<Done>(transaction => TellAsync(transaction, id, now, cancel), cancel);
    }

    private const string Ready =
        """
        c.state = 'verified' AND (c.told_at IS NULL OR c.told_at <= $1 - make_interval(mins => c.interval_minutes))
            AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.contact_id = c.id AND m.purpose = 'alerts' AND m.sent_at IS NULL AND m.failed_at IS NULL)
        """;

    private async Task<Result<Done>> TellAsync(Transaction transaction, string id, DateTimeOffset now, CancellationToken cancel)
    {
        // Another server that writes to the same contact has it already; looked at again, since it may just have written.
        await transaction.ExecuteAsync("SELECT 1 FROM contacts WHERE id = $1 FOR UPDATE", cancel, id);
        var reader = await transaction.FindAsync(
            $"SELECT c.id, c.account_id, a.name, c.name, c.kind, c.address, c.minimum_severity, c.kinds, c.language, c.verified_at FROM contacts c LEFT JOIN accounts a ON a.id = c.account_id WHERE c.id = $2 AND {Ready}",
            row => new Reader(row.GetString(0), row.TextOrNull(1), row.TextOrNull(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6), row.Texts(7), row.GetString(8), row.Time(9)), cancel, now, id);
        if (reader is null) return new Done();
        var alerts = await AlertsAsync(transaction, reader, now, cancel);
        if (Digests.Of(alerts, reader.Minimum, now) is not { } digest) return new Done();
        // Whose instances are on a host is the operators' to know.
        var following = reader.AccountId is null ? await FollowingAsync(transaction, [.. digest.Fresh.Concat(digest.Reminded).Select(a => a.ResourceId).Distinct()], cancel) : [];
        var flag = reader.AccountId is null ? " --cloud" : "";
        var whose = reader.AccountId is null ? Messages.Text(reader.Language, "mail.whose-cloud", options.Region) : Messages.Text(reader.Language, "mail.whose-account", reader.AccountName!, options.Region);
        var text = DigestText.Of(digest, following, new DigestReader(reader.Language, options.Region, whose, reader.Name, $"kumoi contact delete{flag} {reader.Id}", $"kumoi alert list{flag}"));
        if (reader.Kind == NewMail.Webhook)
            text = PostedText.Of(text, PostedText.Of(digest, reader.Language, new ContactMessageData(new Ref(reader.Id, reader.Name), reader.AccountId is null ? null : new Ref(reader.AccountId, reader.AccountName!), options.Region), now));
        await mails.QueueAsync(transaction, new NewMail(reader.AccountId, reader.Id, reader.Kind, NewMail.OfAlerts, reader.Address, text, digest.Tellings), now, cancel);
        return new Done();
    }

    private static Task<List<TellableAlert>> AlertsAsync(Transaction transaction, Reader reader, DateTimeOffset now, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT a.id, a.kind, a.severity, a.resource_type, a.resource_id, a.resource_name, a.cause_id, a.cause_name, a.arguments::text, a.state, a.count, a.raised_at, a.resolved_at, t.state, t.severity, t.told_at
        FROM alerts a LEFT JOIN alert_tellings t ON t.contact_id = $1 AND t.alert_id = a.id
        WHERE coalesce(a.account_id, '') = $2 AND (cardinality($3::text[]) = 0 OR a.kind = ANY($3)) AND (a.state <> 'resolved' OR t.state = 'open' OR t.state IS NULL AND a.resolved_at > $4) ORDER BY a.id
        """,
        row => new TellableAlert(
            row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.TextOrNull(6), row.TextOrNull(7), AlertStore.Arguments(row.GetString(8)), row.GetString(9), row.GetInt32(10), row.Time(11),
            row.TimeOrNull(12), row.TextOrNull(13), row.TextOrNull(14), row.TimeOrNull(15)),
        cancel, reader.Id, reader.AccountId ?? "", Columns.Texts(reader.Kinds), Latest(reader.VerifiedAt, now - PassedFor));

    private static DateTimeOffset Latest(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static async Task<Dictionary<string, Following>> FollowingAsync(Transaction transaction, string[] causes, CancellationToken cancel) => (await transaction.QueryAsync(
        "SELECT cause_id, count(DISTINCT resource_id), (array_agg(DISTINCT resource_name))[1:$2] FROM alerts WHERE cause_id = ANY($1) AND state <> 'resolved' GROUP BY cause_id",
        row => (Id: row.GetString(0), With: new Following(row.GetInt64(1), row.Texts(2))), cancel, Columns.Texts(causes), DigestText.NamesMax)).ToDictionary(one => one.Id, one => one.With);
}
