using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>The users of an account.</summary>
public sealed class Users(Database database, EventLog events, Ids ids, TimeProvider clock)
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

    public async Task<Result<User>> GetAsync(Caller caller, string key, CancellationToken cancel)
    {
        var user = key == "me"
            ? await database.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, caller.UserId)
            : await database.FindAsync(
                UserColumns.Select + UserColumns.From + " WHERE u.account_id = $1 AND (u.id = $2 OR u.name = $2)", UserColumns.Read, cancel, caller.AccountId, key);
        return user is null ? Failure.NotFound("user", key) : user;
    }

    public async Task<Result<User>> CreateAsync(Caller caller, CreateUser create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        var violations = new List<Violation?>
        {
            Names.Check("name", name), CheckPassword("password", create.Password),
            create.Role is "admin" or "member" or "reader" ? null : new Violation("role", "one-of", "admin, member, reader"),
        }.OfType<Violation>().ToArray();
        if (violations.Length > 0) return Failure.Invalid(violations);
        // Another account is an operator's business; for anybody else it does not exist.
        var account = create.Account ?? caller.AccountId;
        if (account != caller.AccountId && account != caller.AccountName && !caller.IsOperator) return Failure.NotFound("account", account);
        var hash = Passwords.Hash(create.Password);
        return await database.TransactionAsync<User>(async transaction =>
        {
            var owner = await transaction.FindAsync("SELECT id, name FROM accounts WHERE id = $1 OR name = $1 FOR SHARE",
                row => new Ref(row.GetString(0), row.GetString(1)), cancel, account);
            if (owner is null) return Failure.NotFound("account", account);
            var id = ids.New(Ids.User);
            var made = await transaction.ExecuteAsync(
                "INSERT INTO users (id, account_id, name, password_hash, role, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
                cancel, id, owner.Id, name, hash, create.Role, clock.GetUtcNow());
            if (made == 0) return Failure.NameTaken("user", name);
            await events.WriteAsync(transaction, owner.Id, EventActor.Of(caller), "user.create", new Subject("user", id, name), cancel);
            return (await transaction.FindAsync(UserColumns.Select + UserColumns.From + " WHERE u.id = $1", UserColumns.Read, cancel, id))!;
        }, cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var user = await transaction.FindAsync(
            "SELECT id, name FROM users WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE", row => new Ref(row.GetString(0), row.GetString(1)), cancel,
            caller.AccountId, key);
        if (user is null) return Failure.NotFound("user", key);
        if (user.Id == caller.UserId) return new Failure("delete-self", 409);
        await transaction.ExecuteAsync("DELETE FROM users WHERE id = $1", cancel, user.Id);
        await events.WriteAsync(transaction, caller, "user.delete", new Subject("user", user.Id, user.Name), cancel);
        return new Done();
    }, cancel);

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
    public const string Select = "SELECT u.id, u.name, a.id, a.name, u.role, a.kind = 'operator', u.created_at";
    public const string From = " FROM users u JOIN accounts a ON a.id = u.account_id";

    public static User Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetBoolean(5), row.Time(6));
}
