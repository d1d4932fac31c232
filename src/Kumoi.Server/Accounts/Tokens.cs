using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

/// <summary>Sessions and API tokens: logging in, making, listing and revoking.</summary>
public sealed class Tokens(Database database, LoginThrottle throttle, Authentication authentication, PermissionCatalogue catalogue, EventLog events, Ids ids, TimeProvider clock)
{
    public const string Prefix = "kumoi_";
    private static readonly TimeSpan SessionLife = TimeSpan.FromDays(7);
    private const int DaysMax = 3650;

    private const int AllowedRangesMax = 20, AgentLengthMax = 200;

    /// <param name="agent">The program that signs in, for the list of sessions.</param>
    public async Task<Result<TokenCreated>> LoginAsync(Login login, System.Net.IPAddress? address, string? agent, string requestId, CancellationToken cancel)
    {
        var name = Names.Normal(login.User.Length > 256 ? login.User[..256] : login.User);
        var from = address?.ToString() ?? "";
        if (await throttle.CheckAsync(name, from, cancel) is { } tooMany) return tooMany;
        if (login.Password.Length > Users.PasswordLengthMax) return new Failure("login-failed", 401);
        var found = await database.FindAsync(
            UserColumns.Select + ", u.password_hash" + UserColumns.From + " WHERE u.name = $1", row => (User: UserColumns.Read(row), Hash: row.GetString(8)), cancel, name);
        if (!Passwords.Verify(login.Password, found.Hash))
        {
            await throttle.FailedAsync(name, from, cancel);
            return new Failure("login-failed", 401);
        }
        // Only who knows the password is told.
        if (found.User.Disabled) return new Failure("user-disabled", 403);
        await throttle.SucceededAsync(name, cancel);
        var actor = new EventActor("user", found.User.Id, found.User.Name, null, address, requestId);
        return await InsertAsync(found.User, new NewToken("session", null, clock.GetUtcNow() + SessionLife) { From = address, Agent = agent is { Length: > AgentLengthMax } ? agent[..AgentLengthMax] : agent }, actor, cancel);
    }

    public async Task<Result<TokenCreated>> CreateAsync(Caller caller, CreateToken create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        var ranges = create.AllowedRanges?.Select(AddressRange.ReadRange).ToList();
        Violation?[] violations =
        [
            Names.Check("name", name), create.ExpiresInDays is < 1 or > DaysMax ? new Violation("expiresInDays", "between", 1, DaysMax) : null,
            create.Permissions is { } patterns ? PermissionSet.Check("permissions", patterns, catalogue.Known) : null,
            ranges is { Count: 0 or > AllowedRangesMax } ? new Violation("allowedRanges", "count-between", 1, AllowedRangesMax) : null,
            .. (ranges ?? []).Select((range, i) => range is null ? new Violation($"allowedRanges[{i}]", "cidr") : null),
        ];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        string? only = null;
        if (create.Account is { } key)
        {
            var acting = await authentication.ActForAsync(caller, null, key, cancel);
            if (acting.Failure is not null) return Failure.Invalid("account", "no-such", new Noun("account"), key);
            only = acting.Value.AccountId;
        }
        var user = await database.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, caller.UserId);
        var expires = create.ExpiresInDays is { } days ? clock.GetUtcNow() + TimeSpan.FromDays(days) : (DateTimeOffset?)null;
        return await InsertAsync(user!, new NewToken("api", name, expires) { Permissions = create.Permissions, Only = only, Ranges = ranges?.OfType<System.Net.IPNetwork>().ToList() }, EventActor.Of(caller), cancel);
    }

    private sealed record NewToken(string Kind, string? Name, DateTimeOffset? ExpiresAt)
    {
        public IReadOnlyList<string>? Permissions { get; init; }

        public string? Only { get; init; }

        public IReadOnlyList<System.Net.IPNetwork>? Ranges { get; init; }

        public System.Net.IPAddress? From { get; init; }

        public string? Agent { get; init; }
    }

    private Task<Result<TokenCreated>> InsertAsync(User user, NewToken token, EventActor actor, CancellationToken cancel) =>
        database.TransactionAsync<TokenCreated>(async transaction =>
        {
            var secret = Secrets.New(Prefix);
            var id = ids.New(Ids.Token);
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO tokens (id, account_id, user_id, kind, name, secret_hash, created_at, expires_at, permissions, only_account_id, allowed_ranges, source_address, user_agent)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (user_id, name) WHERE name IS NOT NULL DO NOTHING
                """, cancel, id, user.Account.Id, user.Id, token.Kind, Columns.Text(token.Name), Secrets.Hash(secret), clock.GetUtcNow(), Columns.TimeValue(token.ExpiresAt),
                Columns.TextArray(token.Permissions), Columns.Text(token.Only), Columns.Cidrs(token.Ranges), Columns.Inet(token.From), Columns.Text(token.Agent));
            if (made == 0) return Failure.NameTaken("token", token.Name!);
            await transaction.ExecuteAsync("DELETE FROM tokens WHERE user_id = $1 AND expires_at < $2", cancel, user.Id, clock.GetUtcNow());
            await events.WriteAsync(
                transaction, user.Account.Id, actor, token.Kind == "session" ? "user.login" : "token.create",
                token.Kind == "session" ? new Subject("user", user.Id, user.Name) : new Subject("token", id, token.Name!), cancel);
            return new TokenCreated(secret, id, user, token.ExpiresAt);
        }, cancel);

    public async Task<Result<Page<Token>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(
            """
            SELECT t.id, t.kind, t.name, t.created_at, t.expires_at, t.last_used_at, t.permissions, a.id, a.name, t.allowed_ranges, t.source_address, t.user_agent
            FROM tokens t LEFT JOIN accounts a ON a.id = t.only_account_id WHERE t.user_id = $1 AND t.id > $2 AND (t.expires_at IS NULL OR t.expires_at > $4) ORDER BY t.id LIMIT $3
            """,
            row => new Token(row.GetString(0), row.GetString(1), row.TextOrNull(2), row.Time(3), row.TimeOrNull(4), row.TimeOrNull(5), row.IsDBNull(6) ? null : row.Texts(6),
                row.IsDBNull(7) ? null : new Ref(row.GetString(7), row.GetString(8)), row.IsDBNull(9) ? null : [.. row.GetFieldValue<System.Net.IPNetwork[]>(9).Select(range => range.ToString())],
                row.IsDBNull(10) ? null : row.GetFieldValue<System.Net.IPAddress>(10).ToString(), row.TextOrNull(11)), cancel,
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
