using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>Users: each is of one account, whose administrators look after it, and may be a member of others.</summary>
public sealed class Users(Database database, Authentication authentication, MembershipUseCases memberships, RoleUseCases roles, EventLog events, Ids ids, TimeProvider clock)
{
    // Shorter is guessed; longer would let a caller make the hash function work on megabytes.
    public const int PasswordLengthMin = 8, PasswordLengthMax = 256;

    public static Violation? CheckPassword(string field, string password) =>
        password.Length is < PasswordLengthMin or > PasswordLengthMax ? new Violation(field, "length-between", PasswordLengthMin, PasswordLengthMax) : null;

    public async Task<Result<Page<User>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(
            UserColumns.Select + UserColumns.From + " WHERE u.account_id = $1 AND u.id > $2 ORDER BY u.id LIMIT $3", UserColumns.Read, cancel,
            caller.AccountId, page.After, page.Limit + 1),
        user => user.Id);

    public async Task<Result<User>> GetAsync(Caller caller, string key, CancellationToken cancel) => await database.FindAsync(
        UserColumns.Select + UserColumns.From + " WHERE u.account_id = $1 AND (u.id = $2 OR u.name = $2)", UserColumns.Read, cancel, caller.AccountId, key) is { } user ? user : Failure.NotFound("user", key);

    /// <summary>Whoever calls, with all that it may.</summary>
    public async Task<Result<Self>> SelfAsync(Caller caller, CancellationToken cancel)
    {
        var user = (await database.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, caller.UserId))!;
        var account = (await database.FindAsync(AccountUseCases.Select + "WHERE a.id = $1", AccountUseCases.Read, cancel, caller.AccountId))!;
        var mine = await MembershipUseCases.OfUserAsync(database, caller.UserId, cancel);
        return new Self(user.Id, user.Name, user.Account, user.Role, user.Operator, user.Disabled, user.CreatedAt, account, mine,
            Patterns(caller, g => g.HoldsIn(caller.AccountId, caller.Account.Lineage)), Patterns(caller, g => g.Lineage == Caller.RootDomain + "."), [.. mine.Select(m => m.Account).OfType<Ref>()]);
    }

    private static IReadOnlyList<string> Patterns(Caller caller, Func<Grant, bool> which) =>
        [.. caller.Grants.Where(which).SelectMany(g => g.Permissions.Patterns).Distinct().Order(StringComparer.Ordinal)];

    public async Task<Result<User>> CreateAsync(Caller caller, CreateUser create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (new[] { Names.Check("name", name), CheckPassword("password", create.Password) }.OfType<Violation>().ToArray() is { Length: > 0 } violations) return Failure.Invalid(violations);
        if (create.Account is { } account)
        {
            var acting = await authentication.ActForAsync(caller, null, account, cancel);
            if (acting.Failure is { } unknown) return unknown;
            caller = acting.Value;
            if (caller.Refused(Permission.Write("users")) is { } refused) return refused;
        }
        var hash = Passwords.Hash(create.Password);
        return await database.TransactionAsync<User>(async transaction =>
        {
            await transaction.ExecuteAsync("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE", cancel, caller.AccountId);
            var id = ids.New(Ids.User);
            // Servers of the version before know three roles; the membership that they would make is replaced by the one that is asked for.
            var made = await transaction.ExecuteAsync(
                "INSERT INTO users (id, account_id, name, password_hash, role, created_at) VALUES ($1, $2, $3, $4, 'reader', $5) ON CONFLICT (name) DO NOTHING",
                cancel, id, caller.AccountId, name, hash, clock.GetUtcNow());
            if (made == 0) return Failure.NameTaken("user", name);
            if ((await memberships.GiveAsync(transaction, caller, id, create.Role, cancel)).Failure is { } failure) return failure;
            await events.WriteAsync(transaction, caller, "user.create", new Subject("user", id, name), cancel);
            return (await transaction.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, id))!;
        }, cancel);
    }

    /// <summary>A new password for one that was lost, which ends all sessions; or whether the user may sign in at all.</summary>
    public async Task<Result<User>> UpdateAsync(Caller caller, string key, UpdateUser update, CancellationToken cancel)
    {
        if (update.Password is { } password && CheckPassword("password", password) is { } violation) return Failure.Invalid(violation);
        var hash = update.Password is null ? null : Passwords.Hash(update.Password);
        return await database.TransactionAsync<User>(async transaction =>
        {
            var found = await LockAsync(transaction, caller, key, cancel);
            if (found.Failure is { } failure) return failure;
            var user = found.Value;
            if (user.Id == caller.UserId && update.Disabled == true) return new Failure("disable-self", 409);
            await transaction.ExecuteAsync(
                "UPDATE users SET password_hash = coalesce($2, password_hash), disabled_at = CASE WHEN $3 THEN coalesce(disabled_at, $4) WHEN NOT $3 THEN NULL ELSE disabled_at END WHERE id = $1", cancel,
                user.Id, Columns.Text(hash), Columns.Boolean(update.Disabled), clock.GetUtcNow());
            if (hash is not null) await transaction.ExecuteAsync("DELETE FROM tokens WHERE user_id = $1 AND kind = 'session'", cancel, user.Id);
            if (hash is not null) await events.WriteAsync(transaction, caller, "user.reset-password", user, cancel);
            if (update.Disabled is { } disabled) await events.WriteAsync(transaction, caller, disabled ? "user.disable" : "user.enable", user, cancel);
            return (await transaction.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, user.Id))!;
        }, cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var found = await LockAsync(transaction, caller, key, cancel);
        if (found.Failure is { } failure) return failure;
        if (found.Value.Id == caller.UserId) return new Failure("delete-self", 409);
        await transaction.ExecuteAsync("DELETE FROM users WHERE id = $1", cancel, found.Value.Id);
        await events.WriteAsync(transaction, caller, "user.delete", found.Value, cancel);
        return new Done();
    }, cancel);

    /// <summary>A user of the account. One who may more than the caller, here or anywhere else, is not the caller's to change: whoever sets a password can sign in with it.</summary>
    private async Task<Result<Subject>> LockAsync(Transaction transaction, Caller caller, string key, CancellationToken cancel)
    {
        var user = await transaction.FindAsync<Subject?>(
            "SELECT id, name FROM users WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE", row => new Subject("user", row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key);
        if (user is null) return Failure.NotFound("user", key);
        if (user.Id == caller.UserId) return user;
        var held = await transaction.QueryAsync(
            "SELECT r.permissions, d.lineage FROM memberships m JOIN roles r ON r.id = m.role_id LEFT JOIN domains d ON d.id = m.domain_id WHERE m.user_id = $1 AND (m.account_id = $2 OR m.domain_id IS NOT NULL)",
            row => (Permissions: row.Texts(0), Lineage: row.TextOrNull(1)), cancel, user.Id, caller.AccountId);
        return held.Select(h => roles.CheckBeyond(caller, h.Lineage, h.Permissions)).FirstOrDefault(f => f is not null) is { } above ? above : user;
    }

    public async Task<Result<Done>> ChangePasswordAsync(Caller caller, ChangePassword change, CancellationToken cancel)
    {
        if (CheckPassword("newPassword", change.NewPassword) is { } violation) return Failure.Invalid(violation);
        var current = await database.FindAsync("SELECT password_hash FROM users WHERE id = $1", row => row.GetString(0), cancel, caller.UserId);
        if (!Passwords.Verify(change.CurrentPassword ?? "", current)) return Failure.Invalid("currentPassword", "wrong-password");
        var hash = Passwords.Hash(change.NewPassword);
        return await database.TransactionAsync<Done>(async transaction =>
        {
            await transaction.ExecuteAsync("UPDATE users SET password_hash = $2 WHERE id = $1", cancel, caller.UserId, hash);
            // Whoever knew the old password may hold sessions from it.
            await transaction.ExecuteAsync("DELETE FROM tokens WHERE user_id = $1 AND kind = 'session' AND id <> $2", cancel, caller.UserId, caller.TokenId);
            await events.WriteAsync(transaction, caller, "user.change-password", new Subject("user", caller.UserId, caller.UserName), cancel);
            return new Done();
        }, cancel);
    }
}

internal static class UserColumns
{
    public const string Select =
        "SELECT u.id, u.name, a.id, a.name, coalesce(r.name, ''), EXISTS (SELECT 1 FROM memberships o WHERE o.user_id = u.id AND o.domain_id = 'dom-00000000000000000'), u.disabled_at IS NOT NULL, u.created_at";
    public const string From = " FROM users u JOIN accounts a ON a.id = u.account_id LEFT JOIN memberships m ON m.user_id = u.id AND m.account_id = u.account_id LEFT JOIN roles r ON r.id = m.role_id";

    public static User Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetBoolean(5), row.GetBoolean(6), row.Time(7));
}
