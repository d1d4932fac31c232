using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

/// <summary>Sessions and API tokens: logging in, making, listing and revoking.</summary>
public sealed class Tokens(Database database, LoginThrottle throttle, EventLog events, Ids ids, TimeProvider clock)
{
    public const string Prefix = "kumoi_";
    private static readonly TimeSpan SessionLife = TimeSpan.FromDays(7);
    private const int DaysMax = 3650;

    public async Task<Result<TokenCreated>> LoginAsync(Login login, System.Net.IPAddress? address, string requestId, CancellationToken cancel)
    {
        var name = Names.Normal(login.User.Length > 256 ? login.User[..256] : login.User);
        var from = address?.ToString() ?? "";
        if (await throttle.CheckAsync(name, from, cancel) is { } tooMany) return tooMany;
        if (login.Password.Length > Users.PasswordLengthMax) return new Failure("login-failed", 401);
        var found = await database.FindAsync(
            UserColumns.Select + ", u.password_hash" + UserColumns.From + " WHERE u.name = $1", row => (User: UserColumns.Read(row), Hash: row.GetString(7)), cancel, name);
        if (!Passwords.Verify(login.Password, found.Hash))
        {
            await throttle.FailedAsync(name, from, cancel);
            return new Failure("login-failed", 401);
        }
        await throttle.SucceededAsync(name, cancel);
        var expires = clock.GetUtcNow() + SessionLife;
        var actor = new EventActor("user", found.User.Id, found.User.Name, null, address, requestId);
        return await CreateAsync(found.User, "session", null, expires, actor, cancel);
    }

    public async Task<Result<TokenCreated>> CreateAsync(Caller caller, CreateToken create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Names.Check("name", name) is { } violation) return Failure.Invalid(violation);
        if (create.ExpiresInDays is < 1 or > DaysMax) return Failure.Invalid("expiresInDays", "between", 1, DaysMax);
        var user = await database.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, caller.UserId);
        var expires = create.ExpiresInDays is { } days ? clock.GetUtcNow() + TimeSpan.FromDays(days) : (DateTimeOffset?)null;
        return await CreateAsync(user!, "api", name, expires, EventActor.Of(caller), cancel);
    }

    private Task<Result<TokenCreated>> CreateAsync(
        User user, string kind, string? name, DateTimeOffset? expires, EventActor actor, CancellationToken cancel) =>
        database.TransactionAsync<TokenCreated>(async transaction =>
        {
            var secret = Secrets.New(Prefix);
            var id = ids.New(Ids.Token);
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO tokens (id, account_id, user_id, kind, name, secret_hash, created_at, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (user_id, name) WHERE name IS NOT NULL DO NOTHING
                """, cancel, id, user.Account.Id, user.Id, kind, Columns.Text(name), Secrets.Hash(secret), clock.GetUtcNow(), Columns.TimeValue(expires));
            if (made == 0) return Failure.NameTaken("token", name!);
            await transaction.ExecuteAsync("DELETE FROM tokens WHERE user_id = $1 AND expires_at < $2", cancel, user.Id, clock.GetUtcNow());
            await events.WriteAsync(
                transaction, user.Account.Id, actor, kind == "session" ? "user.login" : "token.create",
                kind == "session" ? new Subject("user", user.Id, user.Name) : new Subject("token", id, name!), cancel);
            return new TokenCreated(secret, id, user, expires);
        }, cancel);

    public async Task<Result<Page<Token>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(
            """
            SELECT id, kind, name, created_at, expires_at, last_used_at FROM tokens
            WHERE user_id = $1 AND id > $2 AND (expires_at IS NULL OR expires_at > $4) ORDER BY id LIMIT $3
            """,
            row => new Token(row.GetString(0), row.GetString(1), row.TextOrNull(2), row.Time(3), row.TimeOrNull(4), row.TimeOrNull(5)), cancel,
            caller.UserId, page.After, page.Limit + 1, clock.GetUtcNow()),
        token => token.Id);

    public Task<Result<Done>> RevokeAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var found = await transaction.FindAsync(
            "DELETE FROM tokens WHERE user_id = $1 AND (id = $2 OR name = $2) RETURNING id, coalesce(name, kind)",
            row => (Id: row.GetString(0), Name: row.GetString(1)), cancel, caller.UserId, key == "current" ? caller.TokenId : key);
        if (found.Id is null) return Failure.NotFound("token", key);
        await events.WriteAsync(transaction, caller, "token.revoke", new Subject("token", found.Id, found.Name), cancel);
        return new Done();
    }, cancel);
}
