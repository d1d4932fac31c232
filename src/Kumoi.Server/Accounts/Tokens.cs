using Kumoi.Api;
using Kumoi.Server.Accounts.Directories;
using Kumoi.Server.Accounts.Directories.OpenId;
using Kumoi.Server.Events;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

/// <summary>Sessions and API tokens: logging in, making, listing and revoking.</summary>
public sealed class Tokens(Database database, LoginThrottle throttle, SecondFactors secondFactors, DirectoryLogin directories, SignIns signIns, Authentication authentication, PermissionCatalogue catalogue, EventLog events, Ids ids, TimeProvider clock)
{
    public const string Prefix = "kumoi_";
    private static readonly TimeSpan SessionLife = TimeSpan.FromDays(7);
    private const int DaysMax = 3650;

    private const int AllowedRangesMax = 20, AgentLengthMax = 200;

    /// <param name="agent">The program that signs in, for the list of sessions.</param>
    public async Task<Result<TokenCreated>> LoginAsync(Login login, System.Net.IPAddress? address, string? agent, string requestId, CancellationToken cancel)
    {
        if (login.SignIn is { } given) return await SignInAsync(login, given, address, agent, requestId, cancel);
        if (login.User is null || login.Password is null) return Failure.Invalid([.. new[] { login.User is null ? "user" : null, login.Password is null ? "password" : null }.OfType<string>().Select(field => new Violation(field, "required"))]);
        var name = Names.Normal(login.User.Length > 256 ? login.User[..256] : login.User);
        var from = address?.ToString() ?? "";
        if (await throttle.CheckAsync(name, from, cancel) is { } tooMany) return tooMany;
        var recognised = await RecogniseAsync(name, login.Password, cancel);
        if (recognised.Failure is { } failure)
        {
            if (failure.Status == 401) await throttle.FailedAsync(name, from, cancel);
            return failure;
        }
        var user = recognised.Value;
        // Only who knows the password is told.
        if (user.Disabled) return new Failure("user-disabled", 403);
        if (await secondFactors.CheckAsync(user.Id, login.Code, cancel) is { } refused)
        {
            // Guessing of codes is guessing, too.
            if (refused.Code == "second-factor-wrong") await throttle.FailedAsync(name, from, cancel);
            return refused;
        }
        await throttle.SucceededAsync(name, cancel);
        return await BeginSessionAsync(user, address, agent, requestId, cancel);
    }

    /// <summary>With the code that an identity provider's answer was traded for. A second factor is the provider's to ask for.</summary>
    private async Task<Result<TokenCreated>> SignInAsync(Login login, SignInCode given, System.Net.IPAddress? address, string? agent, string requestId, CancellationToken cancel)
    {
        if (login.User is not null || login.Password is not null || login.Code is not null) return Failure.Invalid("signIn", "sign-in-alone");
        var from = address?.ToString() ?? "";
        if (await throttle.CheckAsync(null, from, cancel) is { } tooMany) return tooMany;
        if (await signIns.RedeemAsync(given, cancel) is not { } id || await database.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, id) is not { } user)
        {
            await throttle.FailedAsync(null, from, cancel);
            return new Failure("sign-in-code-wrong", 401);
        }
        return user.Disabled ? new Failure("user-disabled", 403) : await BeginSessionAsync(user, address, agent, requestId, cancel);
    }

    private async Task<Result<TokenCreated>> BeginSessionAsync(User user, System.Net.IPAddress? address, string? agent, string requestId, CancellationToken cancel) => await InsertAsync(
        user, new NewToken("session", null, clock.GetUtcNow() + SessionLife) { From = address, Agent = agent is { Length: > AgentLengthMax } ? agent[..AgentLengthMax] : agent },
        new EventActor("user", user.Id, user.Name, null, address, requestId), cancel);

    /// <summary>The user whose password this is, here or in its directory.</summary>
    private async Task<Result<User>> RecogniseAsync(string name, string password, CancellationToken cancel)
    {
        var wrong = new Failure("login-failed", 401);
        if (password.Length > Users.PasswordLengthMax) return wrong;
        var found = await database.FindAsync(
            UserColumns.Select + ", u.password_hash, u.directory_id" + UserColumns.From + " WHERE u.name = $1", row => (User: UserColumns.Read(row), Hash: row.GetString(8), Directory: row.TextOrNull(9)), cancel, name);
        if (found.User is not null && found.Directory is null) return Passwords.Verify(password, found.Hash) ? found.User : wrong;
        // A name that nobody knows takes as long as a wrong password.
        if (found.User is null) Passwords.Verify(password, null);
        var known = await directories.FindAsync(name, password, found.Directory, cancel);
        // Whether a name is known is not told by whether a directory is away.
        if (known.Failure is { } failure) return found.User is null ? wrong : failure;
        return known.Value is { } id ? (await database.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, id))! : wrong;
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
            // By what somebody signed in: the directory's name; nothing for a password of the cloud's own.
            var directory = token.Kind != "session" ? null : await transaction.FindAsync("SELECT d.name FROM users u JOIN directories d ON d.id = u.directory_id WHERE u.id = $1", row => row.GetString(0), cancel, user.Id);
            await events.WriteAsync(
                transaction, user.Account.Id, actor, token.Kind == "session" ? "user.login" : "token.create",
                token.Kind == "session" ? new Subject("user", user.Id, user.Name) : new Subject("token", id, token.Name!), cancel, directory);
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
