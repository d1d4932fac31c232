using System.Net;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

/// <summary>Finds out who calls, from the bearer token. What was wrong with a token is never told.</summary>
public sealed class Authentication(Database database, TimeProvider clock)
{
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
        var now = clock.GetUtcNow();
        var row = await database.FindAsync(
            """
            SELECT t.id, u.id, u.name, u.role, a.id, a.name, a.kind = 'operator', t.last_used_at
            FROM tokens t JOIN users u ON u.id = t.user_id JOIN accounts a ON a.id = u.account_id
            WHERE t.secret_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)
            """,
            r => new Row(r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetString(4), r.GetString(5), r.GetBoolean(6), r.TimeOrNull(7)),
            cancel, Secrets.Hash(header["Bearer ".Length..].Trim()), now);
        if (row is null) return new Failure("unauthenticated", 401);
        if (row.LastUsedAt is null || now - row.LastUsedAt > LastUsedPrecision)
            await database.ExecuteAsync("UPDATE tokens SET last_used_at = $2 WHERE id = $1", cancel, row.TokenId, now);
        var caller = new Caller(
            row.AccountId, row.AccountName, row.UserId, row.UserName, row.Role, row.IsOperator, row.TokenId, Address(http), http.TraceIdentifier,
            Messages.Choose(http.Request.Headers.AcceptLanguage));
        return http.Request.Headers[AccountHeader].ToString() is { Length: > 0 } other ? await ActForAsync(caller, other, cancel) : caller;
    }

    private async Task<Result<Caller>> ActForAsync(Caller caller, string account, CancellationToken cancel)
    {
        if (account == caller.AccountId || account == caller.AccountName) return caller;
        if (!caller.IsOperator) return Failure.NotFound("account", account);
        var found = await database.FindAsync(
            "SELECT id, name FROM accounts WHERE id = $1 OR name = $1", r => (Id: r.GetString(0), Name: r.GetString(1)), cancel, account);
        return found.Id is null ? Failure.NotFound("account", account) : caller with { AccountId = found.Id, AccountName = found.Name };
    }

    private static IPAddress? Address(HttpContext http) =>
        http.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : http.Connection.RemoteIpAddress;
}
