using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts.Directories;

/// <summary>Which users are of a directory. A user who exists already becomes one of an identity provider's people by an administrator's word only, never by a name.</summary>
public sealed class DirectoryBinding(Database database, RoleUseCases roles, EventLog events)
{
    private const int SubjectLengthMax = 255;

    private static readonly Permission See = Permission.Domain("directories", "read"), Change = Permission.Domain("directories");

    private sealed record Found(string Id, string Name, string Kind, string Lineage);

    private const string Select = "SELECT u.id, u.name, a.id, a.name, u.directory_subject FROM users u JOIN accounts a ON a.id = u.account_id ";

    private static DirectoryUser Read(NpgsqlDataReader row) => new(new Ref(row.GetString(0), row.GetString(1)), new Ref(row.GetString(2), row.GetString(3)), row.TextOrNull(4));

    public async Task<Result<Page<DirectoryUser>>> ListAsync(Caller caller, string key, PageRequest page, CancellationToken cancel) => await FindAsync(database, caller, See, key, "", cancel) is not { } directory ? Failure.NotFound("directory", key)
        : page.Of(await database.QueryAsync(Select + "WHERE u.directory_id = $1 AND u.id > $2 ORDER BY u.id LIMIT $3", Read, cancel, directory.Id, page.After, page.Limit + 1), user => user.User.Id);

    /// <summary>From now on the user signs in by the provider, and not with a password any more.</summary>
    public Task<Result<DirectoryUser>> SetAsync(Caller caller, string key, string userKey, SetDirectoryUser set, CancellationToken cancel) => database.TransactionAsync<DirectoryUser>(async transaction =>
    {
        if (set.Subject.Length is 0 or > SubjectLengthMax) return Failure.Invalid("subject", "length-between", 1, SubjectLengthMax);
        if (await FindAsync(transaction, caller, Change, key, "FOR SHARE OF r", cancel) is not { } directory) return Failure.NotFound("directory", key);
        if (directory.Kind != "oidc") return new Failure("directory-of-names", 409, directory.Name);
        var locked = await LockAsync(transaction, caller, directory, userKey, cancel);
        if (locked.Failure is { } failure) return failure;
        var (user, account, of, before) = locked.Value;
        if (of is not null && of != directory.Id) return new Failure("user-elsewhere", 409, user.Name);
        if (before != set.Subject)
        {
            var other = await transaction.QueryAsync("SELECT id, name FROM users WHERE directory_id = $1 AND directory_subject = $2", row => new Ref(row.GetString(0), row.GetString(1)), cancel, directory.Id, set.Subject);
            if (other.Count > 0) return new Failure("subject-taken", 409, directory.Name) { UsedBy = other };
            await transaction.ExecuteAsync("UPDATE users SET directory_id = $2, directory_subject = $3 WHERE id = $1", cancel, user.Id, directory.Id, set.Subject);
            // They were begun in another way, by whom that way knew.
            await transaction.ExecuteAsync("DELETE FROM tokens WHERE user_id = $1 AND kind = 'session' AND id <> $2", cancel, user.Id, caller.TokenId);
            await transaction.ExecuteAsync("DELETE FROM sign_in_codes WHERE user_id = $1", cancel, user.Id);
            await events.WriteAsync(transaction, account, EventActor.Of(caller), "directory.set-user", user, cancel, $"{directory.Name} {PlainText.Of(set.Subject, SubjectLengthMax)}");
        }
        return (await transaction.FindAsync(Select + "WHERE u.id = $1", Read, cancel, user.Id))!;
    }, cancel);

    /// <summary>The user stays, and signs in with a password of the cloud's own once one is set.</summary>
    public Task<Result<Done>> RemoveAsync(Caller caller, string key, string userKey, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await FindAsync(transaction, caller, Change, key, "FOR SHARE OF r", cancel) is not { } directory) return Failure.NotFound("directory", key);
        var locked = await LockAsync(transaction, caller, directory, userKey, cancel);
        if (locked.Failure is { } failure) return failure;
        var (user, account, of, _) = locked.Value;
        if (of != directory.Id) return Failure.NotFound("user", userKey);
        // The password of before may be known to whoever knew it then.
        await transaction.ExecuteAsync("UPDATE users SET directory_id = NULL, directory_subject = NULL, password_hash = $2 WHERE id = $1", cancel, user.Id, Passwords.Hash(Secrets.New("")));
        await transaction.ExecuteAsync("DELETE FROM tokens WHERE user_id = $1 AND kind = 'session' AND id <> $2", cancel, user.Id, caller.TokenId);
        await transaction.ExecuteAsync("DELETE FROM sign_in_codes WHERE user_id = $1", cancel, user.Id);
        await events.WriteAsync(transaction, account, EventActor.Of(caller), "directory.remove-user", user, cancel, directory.Name);
        return new Done();
    }, cancel);

    private static Task<Found?> FindAsync(IQueries queries, Caller caller, Permission permission, string key, string locking, CancellationToken cancel) => queries.FindAsync<Found?>(
        $"SELECT r.id, r.name, r.kind, d.lineage FROM directories r JOIN domains d ON d.id = r.domain_id WHERE (r.id = $1 OR r.name = $1) AND {DomainUseCases.Beneath("d.lineage", "$2")} {locking}",
        row => new Found(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancel, key, Columns.Texts(caller.Lineages(permission)));

    /// <summary>A user of an account of the directory's domain. One who may more than the caller, anywhere, is not the caller's to hand to a provider: whoever rules that could sign in as them.</summary>
    private async Task<Result<(Subject User, string Account, string? Directory, string? Subject)>> LockAsync(Transaction transaction, Caller caller, Found directory, string key, CancellationToken cancel)
    {
        var found = await transaction.FindAsync(
            "SELECT u.id, u.name, u.account_id, u.directory_id, u.directory_subject FROM users u JOIN accounts a ON a.id = u.account_id JOIN domains d ON d.id = a.domain_id WHERE (u.id = $1 OR u.name = $1) AND starts_with(d.lineage, $2) FOR UPDATE OF u",
            row => (User: (Subject?)new Subject("user", row.GetString(0), row.GetString(1)), Account: row.GetString(2), Directory: row.TextOrNull(3), Subject: row.TextOrNull(4)), cancel, key, directory.Lineage);
        if (found.User is not { } user) return Failure.NotFound("user", key);
        var held = user.Id == caller.UserId ? [] : await transaction.QueryAsync(
            """
            SELECT r.permissions, d.lineage, a.id, a.name, a.state, h.lineage FROM memberships m JOIN roles r ON r.id = m.role_id
            LEFT JOIN domains d ON d.id = m.domain_id LEFT JOIN accounts a ON a.id = m.account_id LEFT JOIN domains h ON h.id = a.domain_id WHERE m.user_id = $1
            """, row => (Permissions: row.Texts(0), Lineage: row.TextOrNull(1), Account: row.IsDBNull(2) ? null : new ActingFor(row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5))), cancel, user.Id);
        return held.Select(h => roles.CheckBeyond(h.Account is { } account ? caller with { Account = account } : caller, h.Lineage, h.Permissions)).FirstOrDefault(f => f is not null) is { } above ? above : (user, found.Account, found.Directory, found.Subject);
    }
}
