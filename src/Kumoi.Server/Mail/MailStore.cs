using System.Text;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Mail;

/// <summary>What of an alert a message tells: that it stands, with this severity, or that it is over.</summary>
public sealed record ToldAlert(string AlertId, string State, string Severity);

/// <param name="Body">Plain text; of one that is posted JSON.</param>
public sealed record MailText(string Subject, string Body);

/// <summary>A message to be sent.</summary>
/// <param name="AccountId">Whose contact it goes to; null: the operators'.</param>
public sealed record NewMail(string? AccountId, string ContactId, string Kind, string Purpose, string Address, MailText Text, IReadOnlyList<ToldAlert> Tellings)
{
    public const string OfAlerts = "alerts", OfCode = "code";

    /// <summary>How messages get to their contacts.</summary>
    public const string Email = "email", Webhook = "webhook";
}

/// <summary>A message that this server has taken to send.</summary>
/// <param name="SealedSecrets">What one that is posted is signed with: the present secret, and the former one while it is good.</param>
public sealed record TakenMail(string Id, string? ContactId, string Purpose, string Address, string Subject, string Body, int Attempts, DateTimeOffset CreatedAt, IReadOnlyList<byte[]> SealedSecrets);

/// <summary>Statements on messages. A message is written before it is sent, and what it tells counts as told once its mail server has it.</summary>
public sealed class MailStore(Database database, MasterKey masterKey, MailBell bell, Ids ids)
{
    private static string Purpose(string id) => "body of " + id;

    /// <summary>False if a message with alerts to this contact is still under way.</summary>
    public async Task<bool> QueueAsync(Transaction transaction, NewMail mail, DateTimeOffset now, CancellationToken cancel)
    {
        var id = ids.New(Ids.Mail);
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO mails (id, account_id, contact_id, purpose, address, subject, sealed_body, alerts, states, severities, created_at, next_try_at, kind) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)
            ON CONFLICT (contact_id) WHERE purpose = 'alerts' AND sent_at IS NULL AND failed_at IS NULL DO NOTHING
            """, cancel, id, Columns.Text(mail.AccountId), mail.ContactId, mail.Purpose, mail.Address, mail.Text.Subject, masterKey.Encrypt(Encoding.UTF8.GetBytes(mail.Text.Body), Purpose(id)),
            Columns.Texts(mail.Tellings.Select(t => t.AlertId)), Columns.Texts(mail.Tellings.Select(t => t.State)), Columns.Texts(mail.Tellings.Select(t => t.Severity)), now, mail.Kind);
        transaction.AfterCommit(() => bell.Ring(mail.Kind));
        return made == 1;
    }

    /// <summary>Takes messages of a kind that are due for this server alone.</summary>
    /// <param name="takenFor">For so long: more than sending them may take, so that a message which is being sent is nobody else's; not much more, since those of a killed server wait for it.</param>
    public async Task<List<TakenMail>> TakeAsync(string kind, int most, TimeSpan takenFor, DateTimeOffset now, CancellationToken cancel) => [.. (await database.QueryAsync(
        """
        UPDATE mails SET taken_until = clock_timestamp() + $3, attempts = attempts + 1
        WHERE id IN (SELECT id FROM mails WHERE kind = $4 AND sent_at IS NULL AND failed_at IS NULL AND next_try_at <= $1 AND (taken_until IS NULL OR taken_until < clock_timestamp()) ORDER BY next_try_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING id, contact_id, purpose, address, subject, sealed_body, attempts, created_at, (SELECT array_remove(ARRAY[c.sealed_secret, CASE WHEN c.former_until > $1 THEN c.sealed_former END], NULL) FROM contacts c WHERE c.id = contact_id)
        """, row => new TakenMail(row.GetString(0), row.TextOrNull(1), row.GetString(2), row.GetString(3), row.GetString(4),
            Encoding.UTF8.GetString(masterKey.Decrypt(row.GetFieldValue<byte[]>(5), Purpose(row.GetString(0)))), row.GetInt32(6), row.Time(7), row.IsDBNull(8) ? [] : row.GetFieldValue<byte[][]>(8)), cancel, now, most, takenFor, kind)).OrderBy(mail => mail.Id, StringComparer.Ordinal)];

    /// <summary>The mail server has it: what it tells is told.</summary>
    public Task SentAsync(string id, DateTimeOffset now, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var contact = await transaction.FindAsync("UPDATE mails SET sent_at = $2, taken_until = NULL, error = NULL, sealed_body = NULL WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL RETURNING contact_id, purpose", row => (Id: row.TextOrNull(0), Purpose: row.GetString(1)), cancel, id, now);
        if (contact.Id is null) return new Done();
        await transaction.ExecuteAsync("UPDATE contacts SET told_at = CASE WHEN $3 = 'alerts' THEN $2 ELSE told_at END, failures = 0, last_error = NULL WHERE id = $1", cancel, contact.Id, now, contact.Purpose);
        await transaction.ExecuteAsync(
            """
            INSERT INTO alert_tellings (contact_id, alert_id, state, severity, told_at)
            SELECT c.id, a.id, n.state, n.severity, $2 FROM mails m JOIN contacts c ON c.id = m.contact_id, unnest(m.alerts, m.states, m.severities) AS n(alert, state, severity) JOIN alerts a ON a.id = n.alert WHERE m.id = $1
            ON CONFLICT (contact_id, alert_id) DO UPDATE SET state = excluded.state, severity = excluded.severity, told_at = excluded.told_at
            """, cancel, id, now);
        return new Done();
    }, cancel);

    /// <summary>It did not get there, and is tried again.</summary>
    public Task PutBackAsync(string id, DateTimeOffset next, string error, CancellationToken cancel) => database.ExecuteAsync(
        """
        WITH back AS (UPDATE mails SET next_try_at = $2, taken_until = NULL, error = $3 WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL RETURNING contact_id)
        UPDATE contacts SET last_error = $3 WHERE id IN (SELECT contact_id FROM back) AND $3 <> ''
        """, cancel, id, next, error);

    /// <summary>It will not get there; what it was to tell is told by the next one.</summary>
    /// <param name="refused">By the contact's mail server, and not for want of one.</param>
    public async Task<RefusedContact?> GiveUpAsync(Transaction transaction, string id, string error, bool refused, DateTimeOffset now, CancellationToken cancel)
    {
        var contact = await transaction.FindAsync("UPDATE mails SET failed_at = $2, taken_until = NULL, error = $3, sealed_body = NULL WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL RETURNING contact_id", row => row.TextOrNull(0), cancel, id, now, error);
        return contact is null ? null : await transaction.FindAsync<RefusedContact?>(
            """
            UPDATE contacts SET told_at = $2, last_error = $3, failures = failures + CASE WHEN $4 THEN 1 ELSE 0 END, state = CASE WHEN $4 AND failures + 1 >= $5 AND state = 'verified' THEN 'refused' ELSE state END
            WHERE id = $1 RETURNING account_id, id, name, state = 'refused' AND failures = $5
            """, row => new RefusedContact(row.TextOrNull(0), row.GetString(1), row.GetString(2), row.GetBoolean(3)), cancel, contact, now, error, refused, RefusalsMax);
    }

    // Once may be a mistake of a filter; a dead address that is written to on and on spoils the sender's name.
    private const int RefusalsMax = 3;

    /// <summary>Forgets messages that are over long since.</summary>
    public Task<int> ForgetAsync(DateTimeOffset before, CancellationToken cancel) => database.ExecuteAsync("DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE created_at < $1 AND num_nonnulls(sent_at, failed_at) = 1 LIMIT 1000)", cancel, before);
}

/// <param name="Now">The contact is told nothing any more from now on.</param>
public sealed record RefusedContact(string? AccountId, string Id, string Name, bool Now);

/// <summary>Rung when there is a message to send; a ring that is lost costs a few seconds.</summary>
public sealed class MailBell(TimeProvider clock)
{
    public Kumoi.Reconcile.Doorbell Mails { get; } = new(clock);

    public Kumoi.Reconcile.Doorbell Webhooks { get; } = new(clock);

    public void Ring(string kind) => (kind == NewMail.Webhook ? Webhooks : Mails).Ring();
}
