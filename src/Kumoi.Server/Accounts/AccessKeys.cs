using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>A key as a signature is checked with it.</summary>
/// <param name="Caller">Who calls with it, without where from.</param>
public sealed record SigningKey(string Id, byte[] Secret, IReadOnlyList<IPNetwork> SourceRanges, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt, Caller Caller);

/// <summary>Access keys: made, listed and revoked by the users whose they are, and found by those who check signatures.</summary>
public sealed class AccessKeys(Database database, MasterKey masterKey, EventLog events, ServerOptions options, TimeProvider clock)
{
    // More are forgotten somewhere; fewer leave no room for changing one after another.
    private const int PerUserMax = 10;

    // More than one place has networks is a mistake.
    private const int RangesMax = 20;

    private const int DaysMax = 3650, IdLetters = 16, SecretBytes = 30;

    // last_used_at is for people; writing it at every request would make each read a write.
    private static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    private const string Select = "SELECT k.id, k.name, a.id, a.name, k.source_ranges::text[], k.created_at, k.expires_at, k.last_used_at FROM access_keys k JOIN accounts a ON a.id = k.account_id WHERE k.user_id = $1";

    private static AccessKey Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.TextOrNull(1), new Ref(row.GetString(2), row.GetString(3)), row.Texts(4), row.Time(5), row.TimeOrNull(6), row.TimeOrNull(7));

    // Bound to its key: a sealed secret is worth nothing in the row of another.
    private static string Purpose(string id) => "access-key " + id;

    /// <summary>One's own, the oldest first: there are few of them.</summary>
    public async Task<Result<Page<AccessKey>>> ListAsync(Caller caller, CancellationToken cancel) =>
        new Page<AccessKey>(await database.QueryAsync(Select + " ORDER BY k.created_at, k.id", Read, cancel, caller.UserId), null);

    public async Task<Result<AccessKeyCreated>> CreateAsync(Caller caller, CreateAccessKey create, CancellationToken cancel)
    {
        var name = create.Name is null ? null : Names.Normal(create.Name);
        var ranges = create.SourceRanges ?? [];
        var violations = new List<Violation?>
        {
            name is null ? null : Names.Check("name", name), create.ExpiresInDays is < 1 or > DaysMax ? new Violation("expiresInDays", "between", 1, DaysMax) : null,
            ranges.Count > RangesMax ? new Violation("sourceRanges", "at-most", RangesMax) : null,
        };
        violations.AddRange(ranges.Index().Where(range => AddressRange.ReadRange(range.Item) is null).Select(range => new Violation($"sourceRanges[{range.Index}]", "cidr")));
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var now = clock.GetUtcNow();
        var expires = create.ExpiresInDays is { } days ? now + TimeSpan.FromDays(days) : (DateTimeOffset?)null;
        var secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));
        string[] sources = [.. ranges.Select(range => AddressRange.ReadRange(range)!.Value.ToString()).Distinct()];
        return await database.TransactionAsync<AccessKeyCreated>(async transaction =>
        {
            // The user's row is what two that are made at once wait for.
            await transaction.ExecuteAsync("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE", cancel, caller.UserId);
            await transaction.ExecuteAsync("DELETE FROM access_keys WHERE user_id = $1 AND expires_at < $2", cancel, caller.UserId, now);
            if (await transaction.FindAsync("SELECT count(*)::int FROM access_keys WHERE user_id = $1", row => row.GetInt32(0), cancel, caller.UserId) >= PerUserMax) return new Failure("too-many-access-keys", 409, PerUserMax);
            var id = "AKIA" + RandomNumberGenerator.GetString(Letters, IdLetters);
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO access_keys (id, account_id, user_id, name, sealed_secret, source_ranges, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6::text[]::cidr[], $7, $8)
                ON CONFLICT (user_id, name) WHERE name IS NOT NULL DO NOTHING
                """, cancel, id, caller.AccountId, caller.UserId, Columns.Text(name), Columns.Bytes(masterKey.Encrypt(Encoding.ASCII.GetBytes(secret), Purpose(id))), Columns.Texts(sources), now, Columns.TimeValue(expires));
            if (made == 0) return Failure.NameTaken("access-key", name!);
            await events.WriteAsync(transaction, caller, "access-key.create", new Subject("access-key", id, name ?? id), cancel);
            return new AccessKeyCreated(id, secret, name, new Ref(caller.AccountId, caller.AccountName), sources, now, expires, options.Region);
        }, cancel);
    }

    public Task<Result<Done>> RevokeAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var found = await transaction.FindAsync(
            "DELETE FROM access_keys WHERE user_id = $1 AND (id = $2 OR name = $2) RETURNING id, coalesce(name, id)", row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.UserId, key);
        if (found is null) return Failure.NotFound("access-key", key);
        await events.WriteAsync(transaction, caller, "access-key.revoke", new Subject("access-key", found.Id, found.Name), cancel);
        return new Done();
    }, cancel);

    /// <summary>The key of an id; null if there is none, or if its user has no role any more in the account that it is for.</summary>
    public async Task<SigningKey?> FindAsync(string id, CancellationToken cancel)
    {
        var key = await database.FindAsync(
            """
            SELECT k.id, k.sealed_secret, k.source_ranges, k.expires_at, k.last_used_at, a.id, a.name, a.state, d.lineage, u.id, u.name
            FROM access_keys k JOIN users u ON u.id = k.user_id JOIN accounts a ON a.id = k.account_id JOIN domains d ON d.id = a.domain_id WHERE k.id = $1 AND u.disabled_at IS NULL
            """,
            row => new SigningKey(
                row.GetString(0), masterKey.Decrypt(row.GetFieldValue<byte[]>(1), Purpose(row.GetString(0))), row.GetFieldValue<IPNetwork[]>(2), row.TimeOrNull(3), row.TimeOrNull(4),
                new Caller(new ActingFor(row.GetString(5), row.GetString(6), row.GetString(7), row.GetString(8)), row.GetString(9), row.GetString(10), [], null, true, row.GetString(0), null, "", "en")), cancel, id);
        if (key is null) return null;
        var caller = key.Caller with { Grants = await Authentication.GrantsAsync(database, key.Caller.UserId, cancel) };
        return caller.Belongs ? key with { Caller = caller } : null;
    }

    /// <summary>Notes that a key was used, now and then.</summary>
    public async Task UsedAsync(SigningKey key, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        if (key.LastUsedAt is null || now - key.LastUsedAt > LastUsedPrecision) await database.ExecuteAsync("UPDATE access_keys SET last_used_at = $2 WHERE id = $1", cancel, key.Id, now);
    }
}
