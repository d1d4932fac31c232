using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Alerts.Contacts;

/// <summary>A contact as its rules look at it.</summary>
public sealed record ContactRecord(Contact Shown, byte[]? CodeHash, DateTimeOffset? CodeUntil);

/// <summary>Statements on contacts. An owner is an account's id, or null for the operators.</summary>
public sealed class ContactStore(Database database)
{
    private const string Select = "SELECT id, name, kind, address, minimum_severity, kinds, language, interval_minutes, state, last_error, told_at, created_at, code_hash, code_until FROM contacts ";

    private static Contact Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.Texts(5), row.GetString(6), row.GetInt32(7), row.GetString(8), row.TextOrNull(9), row.TimeOrNull(10), row.Time(11), null);

    public Task<List<Contact>> ListAsync(string? owner, PageRequest page, CancellationToken cancel) =>
        database.QueryAsync(Select + "WHERE coalesce(account_id, '') = $1 AND id > $2 ORDER BY id LIMIT $3", Read, cancel, owner ?? "", page.After, page.Limit + 1);

    public Task<ContactRecord?> FindAsync(IQueries queries, string? owner, string key, CancellationToken cancel, string lockAs = "") => queries.FindAsync(
        Select + "WHERE coalesce(account_id, '') = $1 AND (id = $2 OR name = $2) " + lockAs, row => (ContactRecord?)new ContactRecord(Read(row), row.IsDBNull(12) ? null : row.GetFieldValue<byte[]>(12), row.TimeOrNull(13)), cancel, owner ?? "", key);

    /// <summary>How many the owner has; until the transaction's end nobody makes another.</summary>
    public async Task<long> CountAsync(Transaction transaction, string? owner, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("SELECT 1 FROM accounts WHERE CASE WHEN $1::text IS NULL THEN kind = 'operator' ELSE id = $1 END FOR NO KEY UPDATE", cancel, Columns.Text(owner));
        return await transaction.FindAsync("SELECT count(*) FROM contacts WHERE coalesce(account_id, '') = $1", row => row.GetInt64(0), cancel, owner ?? "");
    }

    /// <summary>False if the name is taken.</summary>
    public async Task<bool> InsertAsync(Transaction transaction, string? owner, Contact contact, byte[]? sealedSecret, CancellationToken cancel) => await transaction.ExecuteAsync(
        """
        INSERT INTO contacts (id, account_id, name, kind, address, minimum_severity, kinds, language, interval_minutes, created_at, sealed_secret) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT ((coalesce(account_id, '')), name) DO NOTHING
        """, cancel, contact.Id, Columns.Text(owner), contact.Name, contact.Kind, contact.Address, contact.MinimumSeverity, Columns.Texts(contact.Kinds), contact.Language, contact.IntervalMinutes, contact.CreatedAt, Columns.Bytes(sealedSecret)) == 1;

    public async Task<bool> NameIsTakenAsync(Transaction transaction, string? owner, string name, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT true FROM contacts WHERE coalesce(account_id, '') = $1 AND name = $2", row => row.GetBoolean(0), cancel, owner ?? "", name);

    public Task UpdateAsync(Transaction transaction, Contact contact, CancellationToken cancel) => transaction.ExecuteAsync(
        "UPDATE contacts SET name = $2, minimum_severity = $3, kinds = $4, language = $5, interval_minutes = $6 WHERE id = $1", cancel, contact.Id, contact.Name, contact.MinimumSeverity, Columns.Texts(contact.Kinds), contact.Language, contact.IntervalMinutes);

    /// <param name="formerUntil">Until when the present secret signs, too; null: not any more.</param>
    public Task RotateAsync(Transaction transaction, string id, byte[] sealedSecret, DateTimeOffset? formerUntil, CancellationToken cancel) => transaction.ExecuteAsync(
        "UPDATE contacts SET sealed_former = CASE WHEN $3::timestamptz IS NULL THEN NULL ELSE sealed_secret END, former_until = $3, sealed_secret = $2 WHERE id = $1", cancel, id, Columns.Bytes(sealedSecret), Columns.TimeValue(formerUntil));

    /// <summary>Messages that were sent stay written down, so that nobody sends codes without end by making contacts anew.</summary>
    public async Task DeleteAsync(Transaction transaction, string id, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE mails SET failed_at = clock_timestamp(), sealed_body = NULL, error = 'The contact was deleted.' WHERE contact_id = $1 AND sent_at IS NULL AND failed_at IS NULL", cancel, id);
        await transaction.ExecuteAsync("DELETE FROM contacts WHERE id = $1", cancel, id);
    }

    public Task SetCodeAsync(Transaction transaction, string id, byte[] hash, DateTimeOffset until, CancellationToken cancel) =>
        transaction.ExecuteAsync("UPDATE contacts SET code_hash = $2, code_until = $3, code_tries = 0 WHERE id = $1", cancel, id, hash, until);

    /// <summary>Counts a try before it is looked at, whatever becomes of it. False once there were too many.</summary>
    public async Task<bool> TryCodeAsync(string id, int most, CancellationToken cancel) =>
        await database.ExecuteAsync("UPDATE contacts SET code_tries = code_tries + 1 WHERE id = $1 AND code_tries < $2", cancel, id, most) == 1;

    public Task VerifiedAsync(Transaction transaction, string id, DateTimeOffset now, CancellationToken cancel) => transaction.ExecuteAsync(
        "UPDATE contacts SET state = 'verified', verified_at = $2, code_hash = NULL, code_until = NULL, failures = 0, last_error = NULL, told_at = NULL WHERE id = $1", cancel, id, now);

    /// <summary>How many codes were sent since: to the address, by anybody; and by the owner, to anybody. And when the first of them was.</summary>
    public async Task<(long ToAddress, long OfOwner, DateTimeOffset? First)> CodesAsync(Transaction transaction, string? owner, string address, DateTimeOffset since, CancellationToken cancel)
    {
        // One after the other for each address, so that none is counted past another.
        await transaction.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", cancel, "code to " + address.ToLowerInvariant());
        return await transaction.FindAsync(
            """
            SELECT count(*) FILTER (WHERE lower(address) = lower($1)), count(*) FILTER (WHERE coalesce(account_id, '') = $2), min(created_at)
            FROM mails WHERE purpose = 'code' AND created_at > $3 AND (lower(address) = lower($1) OR coalesce(account_id, '') = $2)
            """, row => (row.GetInt64(0), row.GetInt64(1), row.TimeOrNull(2)), cancel, address, owner ?? "", since);
    }
}
