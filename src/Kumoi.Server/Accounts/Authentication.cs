using System.Net;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>Finds out who calls, from the bearer token, and what the caller may. What was wrong with a token is never told.</summary>
public sealed class Authentication
{
    // Tokens that come together are looked up together; none is remembered, so that a revoked one is worth nothing at once.
    private const int Parallelism = 2, TokensAtOnce = 128;

    private readonly Database _database;
    private readonly TimeProvider _clock;
    private readonly Batcher<byte[], Row?> _tokens;

    public Authentication(Database database, TimeProvider clock) =>
        (_database, _clock, _tokens) = (database, clock, new Batcher<byte[], Row?>("tokens", Parallelism, TokensAtOnce, FindAsync));

    /// <summary>With this header a user acts for another account than the one it is of.</summary>
    public const string AccountHeader = "Kumoi-Account";

    // last_used_at is for people; writing it at every request would make each read a write.
    private static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    /// <param name="Only">The token is for this account alone.</param>
    private sealed record Row(string TokenId, string UserId, string UserName, ActingFor Home, string? Only, PermissionSet? Limit, IPNetwork[]? From, DateTimeOffset? LastUsedAt, IReadOnlyList<Grant> Grants);

    public async Task<Result<Caller>> AuthenticateAsync(HttpContext http, CancellationToken cancel)
    {
        var header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return new Failure("unauthenticated", 401);
        var now = _clock.GetUtcNow();
        var row = await _tokens.AskAsync(Secrets.Hash(header["Bearer ".Length..].Trim()), cancel);
        var address = Address(http);
        if (row is null || (row.From is { } ranges && !ranges.Any(range => address is not null && range.Contains(address)))) return new Failure("unauthenticated", 401);
        if (row.LastUsedAt is null || now - row.LastUsedAt > LastUsedPrecision)
            await _database.ExecuteAsync("UPDATE tokens SET last_used_at = $2, source_address = $3 WHERE id = $1", cancel, row.TokenId, now, Columns.Inet(address));
        var caller = new Caller(row.Home, row.UserId, row.UserName, row.Grants, row.Limit, row.Limit is not null || row.Only is not null || row.From is not null, row.TokenId, address, http.TraceIdentifier, Messages.Choose(http.Request.Headers.AcceptLanguage));
        return await ActForAsync(caller, row.Only, http.Request.Headers[AccountHeader].ToString(), cancel);
    }

    /// <summary>The caller for another account than its own, if it has a role there; for anybody else that account does not exist.</summary>
    /// <param name="only">The only account that may be meant, or null.</param>
    /// <param name="key">Id or name; empty for the caller's own, or for the only one.</param>
    public async Task<Result<Caller>> ActForAsync(Caller caller, string? only, string key, CancellationToken cancel)
    {
        if (key.Length == 0) key = only ?? "";
        if (key.Length == 0 || key == caller.AccountId || key == caller.AccountName) return only is null || only == caller.AccountId ? caller : Failure.NotFound("account", key);
        var account = await FindAccountAsync(_database, key, cancel);
        if (account is null || (only is not null && only != account.Id)) return Failure.NotFound("account", key);
        var acting = caller with { Account = account };
        return acting.Belongs ? acting : Failure.NotFound("account", key);
    }

    public static Task<ActingFor?> FindAccountAsync(IQueries queries, string key, CancellationToken cancel) => queries.FindAsync<ActingFor?>(
        "SELECT a.id, a.name, a.state, d.lineage FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.id = $1 OR a.name = $1",
        row => new ActingFor(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancel, key);

    private async Task<IReadOnlyList<Row?>> FindAsync(IReadOnlyList<byte[]> hashes)
    {
        var rows = (await _database.QueryAsync(
            """
            SELECT t.secret_hash, t.id, u.id, u.name, a.id, a.name, a.state, h.lineage, t.only_account_id, t.permissions, t.allowed_ranges, t.last_used_at, r.name, m.account_id, d.lineage, r.permissions
            FROM tokens t JOIN users u ON u.id = t.user_id JOIN accounts a ON a.id = u.account_id JOIN domains h ON h.id = a.domain_id
            LEFT JOIN memberships m ON m.user_id = u.id LEFT JOIN roles r ON r.id = m.role_id LEFT JOIN domains d ON d.id = m.domain_id
            WHERE t.secret_hash = ANY($1) AND (t.expires_at IS NULL OR t.expires_at > $2) AND u.disabled_at IS NULL
            """,
            r => (Hash: Convert.ToHexString(r.GetFieldValue<byte[]>(0)), Row: new Row(
                r.GetString(1), r.GetString(2), r.GetString(3), new ActingFor(r.GetString(4), r.GetString(5), r.GetString(6), r.GetString(7)), r.TextOrNull(8), r.IsDBNull(9) ? null : new PermissionSet(r.Texts(9)),
                r.IsDBNull(10) ? null : r.GetFieldValue<IPNetwork[]>(10), r.TimeOrNull(11), Grants(r, 12))),
            default, Columns.ByteArrays(hashes), _clock.GetUtcNow())).GroupBy(r => r.Hash).ToDictionary(g => g.Key, g => g.First().Row with { Grants = [.. g.SelectMany(r => r.Row.Grants)] });
        return [.. hashes.Select(hash => rows.GetValueOrDefault(Convert.ToHexString(hash)))];
    }

    /// <summary>All roles of a user.</summary>
    public static async Task<IReadOnlyList<Grant>> GrantsAsync(IQueries queries, string userId, CancellationToken cancel) => [.. (await queries.QueryAsync(
        "SELECT r.name, m.account_id, d.lineage, r.permissions FROM memberships m JOIN roles r ON r.id = m.role_id LEFT JOIN domains d ON d.id = m.domain_id WHERE m.user_id = $1", row => Grants(row, 0), cancel, userId)).SelectMany(one => one)];

    /// <summary>The membership in four columns from one on: role, account, lineage of the domain, permissions; none if they are null.</summary>
    private static IReadOnlyList<Grant> Grants(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? [] : [new Grant(row.GetString(column), row.TextOrNull(column + 1), row.TextOrNull(column + 2), new PermissionSet(row.Texts(column + 3)))];

    public static IPAddress? Address(HttpContext http) =>
        http.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : http.Connection.RemoteIpAddress;
}
