using System.Net;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

/// <summary>Finds out who calls, from the bearer token. What was wrong with a token is never told.</summary>
public sealed class Authentication
{
    // Tokens that come together are looked up together; none is remembered, so that a revoked one is worth nothing at once.
    private const int Parallelism = 2, TokensAtOnce = 128;

    private readonly Database _database;
    private readonly TimeProvider _clock;
    private readonly Batcher<byte[], Row?> _tokens;

    public Authentication(Database database, TimeProvider clock) =>
        (_database, _clock, _tokens) = (database, clock, new Batcher<byte[], Row?>("tokens", Parallelism, TokensAtOnce, FindAsync));

    /// <summary>With this header an operator acts for another account.</summary>
    public const string AccountHeader = "Kumoi-Account";

    // last_used_at is for people; writing it at every request would make each read a write.
    private static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    private sealed record Row(
        string TokenId, string UserId, string UserName, string Role, string AccountId, string AccountName, bool IsOperator, DateTimeOffset? LastUsedAt);

    public async Task<Result<Caller>> AuthenticateAsync(HttpContext http, CancellationToken cancel)
    {
        var header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return new Failure("unauthenticated", 401);
        var now = _clock.GetUtcNow();
        var row = await _tokens.AskAsync(Secrets.Hash(header["Bearer ".Length..].Trim()), cancel);
        if (row is null) return new Failure("unauthenticated", 401);
        if (row.LastUsedAt is null || now - row.LastUsedAt > LastUsedPrecision)
            await _database.ExecuteAsync("UPDATE tokens SET last_used_at = $2 WHERE id = $1", cancel, row.TokenId, now);
        var caller = new Caller(
            row.AccountId, row.AccountName, row.UserId, row.UserName, row.Role, row.IsOperator, row.TokenId, Address(http), http.TraceIdentifier,
            Messages.Choose(http.Request.Headers.AcceptLanguage));
        return http.Request.Headers[AccountHeader].ToString() is { Length: > 0 } other ? await ActForAsync(caller, other, cancel) : caller;
    }

    private async Task<IReadOnlyList<Row?>> FindAsync(IReadOnlyList<byte[]> hashes)
    {
        var rows = (await _database.QueryAsync(
            """
            SELECT t.secret_hash, t.id, u.id, u.name, u.role, a.id, a.name, a.kind = 'operator', t.last_used_at
            FROM tokens t JOIN users u ON u.id = t.user_id JOIN accounts a ON a.id = u.account_id
            WHERE t.secret_hash = ANY($1) AND (t.expires_at IS NULL OR t.expires_at > $2)
            """,
            r => (Hash: Convert.ToHexString(r.GetFieldValue<byte[]>(0)), Row: new Row(
                r.GetString(1), r.GetString(2), r.GetString(3), r.GetString(4), r.GetString(5), r.GetString(6), r.GetBoolean(7), r.TimeOrNull(8))),
            default, Columns.ByteArrays(hashes), _clock.GetUtcNow())).ToDictionary(r => r.Hash, r => r.Row);
        return [.. hashes.Select(hash => rows.GetValueOrDefault(Convert.ToHexString(hash)))];
    }

    private async Task<Result<Caller>> ActForAsync(Caller caller, string account, CancellationToken cancel)
    {
        if (account == caller.AccountId || account == caller.AccountName) return caller;
        if (!caller.IsOperator) return Failure.NotFound("account", account);
        var found = await _database.FindAsync(
            "SELECT id, name FROM accounts WHERE id = $1 OR name = $1", r => (Id: r.GetString(0), Name: r.GetString(1)), cancel, account);
        return found.Id is null ? Failure.NotFound("account", account) : caller with { AccountId = found.Id, AccountName = found.Name };
    }

    private static IPAddress? Address(HttpContext http) =>
        http.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : http.Connection.RemoteIpAddress;
}
