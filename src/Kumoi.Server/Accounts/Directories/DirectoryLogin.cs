using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts.Directories;

/// <summary>Signing in of people whose password a directory knows. Those who come for the first time become users where the directory says; roles by group follow the directory at each time.</summary>
public sealed class DirectoryLogin(Database database, LdapDoor door, MasterKey masterKey, EventLog events, Ids ids, TimeProvider clock, ILogger<DirectoryLogin> log)
{
    private sealed record Place(string Id, LdapPlace Ldap, string? AccountId, string? DefaultRole, GroupRole[] GroupRoles);

    /// <param name="directoryId">The directory that the user is of; null if there is no user of this name.</param>
    /// <returns>The user's id, null if the password is wrong or nobody knows the name, or <c>directory-away</c>.</returns>
    public async Task<Result<string?>> FindAsync(string name, string password, string? directoryId, CancellationToken cancel)
    {
        var places = await database.QueryAsync(
            "SELECT id, url, bind_dn, sealed_password, base_dn, user_filter, account_id, default_role, group_roles FROM directories WHERE ($1::text IS NULL AND account_id IS NOT NULL) OR id = $1 ORDER BY id",
            row => new Place(row.GetString(0), new LdapPlace(row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : Encoding.UTF8.GetString(masterKey.Decrypt(row.GetFieldValue<byte[]>(3), DirectoryUseCases.Purpose(row.GetString(0)))), row.GetString(4), row.GetString(5)),
                row.TextOrNull(6), row.TextOrNull(7), JsonSerializer.Deserialize(row.GetString(8), ApiJson.Default.GroupRoleArray)!), cancel, Columns.Text(directoryId));
        var away = false;
        foreach (var place in places)
        {
            try
            {
                if (await door.FindAsync(place.Ldap, name, password, [.. place.GroupRoles.Select(g => g.Group)]) is { } person) return await UserAsync(place, name, person, cancel);
            }
            catch (DirectoryException e)
            {
                DirectoryLog.Away(log, place.Id, place.Ldap.Url, e.Message);
                away = true;
            }
        }
        return away ? new Failure("directory-away", 503) : (string?)null;
    }

    private Task<Result<string?>> UserAsync(Place place, string name, LdapPerson person, CancellationToken cancel) => database.TransactionAsync<string?>(async transaction =>
    {
        var role = place.GroupRoles.FirstOrDefault(g => person.Groups.Contains(g.Group))?.Role ?? place.DefaultRole;
        var user = await transaction.FindAsync("SELECT id FROM users WHERE name = $1 AND directory_id = $2 FOR UPDATE", row => row.GetString(0), cancel, name, place.Id);
        if (place.AccountId is null) return user;
        var found = role is null ? null : await transaction.FindAsync(
            """
            SELECT r.id FROM roles r LEFT JOIN domains d ON d.id = r.domain_id JOIN accounts a ON a.id = $2 JOIN domains h ON h.id = a.domain_id
            WHERE (r.id = $1 OR r.name = $1) AND (r.account_id = a.id OR starts_with(h.lineage, d.lineage) OR num_nonnulls(r.account_id, r.domain_id) = 0) AND r.name <> ALL ('{administrator,operator,domain-administrator}')
            ORDER BY r.account_id NULLS LAST, r.domain_id NULLS LAST LIMIT 1
            """, row => row.GetString(0), cancel, role, place.AccountId);
        if (user is null)
        {
            // Nobody of the directory's groups: not somebody who is meant to come in.
            if (found is null) return (string?)null;
            user = ids.New(Ids.User);
            var made = await transaction.ExecuteAsync(
                "INSERT INTO users (id, account_id, name, password_hash, role, created_at, directory_id) VALUES ($1, $2, $3, $4, 'reader', $5, $6) ON CONFLICT (name) DO NOTHING", cancel,
                user, place.AccountId, name, Passwords.Hash(Secrets.New("")), clock.GetUtcNow(), place.Id);
            if (made == 0) return (string?)null;
            await events.WriteAsync(transaction, place.AccountId, EventActor.System, "user.create", new Subject("user", user, name), cancel, person.Dn);
        }
        if (found is not null)
            await transaction.ExecuteAsync("INSERT INTO memberships (user_id, account_id, role_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id, account_id) WHERE account_id IS NOT NULL DO UPDATE SET role_id = $3", cancel, user, place.AccountId, found, clock.GetUtcNow());
        // Whoever left all groups has no role any more.
        else await transaction.ExecuteAsync("DELETE FROM memberships WHERE user_id = $1 AND account_id = $2", cancel, user, place.AccountId);
        return user;
    }, cancel);
}

internal static partial class DirectoryLog
{
    [LoggerMessage(2902, LogLevel.Warning, "The directory {Directory} at {Url} could not be asked: {Message}")]
    public static partial void Away(ILogger logger, string directory, string url, string message);
}
