using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts.Directories;

/// <summary>What a directory makes of its people here.</summary>
public sealed record DirectoryPlace(string Id, string? AccountId, string? DefaultRole, GroupRole[] GroupRoles);

/// <summary>Somebody whom a directory has recognised.</summary>
/// <param name="Subject">Whom an identity provider means; null for LDAP, which knows people by their names.</param>
/// <param name="Told">What the event of a new user says of them.</param>
public sealed record DirectoryPerson(string Name, string? Subject, IReadOnlyList<string> Groups, string Told);

/// <summary>People of directories as users: those who come for the first time become users where the directory says; roles by group follow the directory at each time.</summary>
public sealed class DirectoryUsers(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    // Of people of one name; more than that are told to have another one.
    private const int SuffixMax = 50;

    /// <returns>The user's id; null for somebody who is not meant to come in, or whose name a user has who signs in otherwise.</returns>
    public Task<Result<string?>> EnterAsync(DirectoryPlace place, DirectoryPerson person, CancellationToken cancel) => database.TransactionAsync<string?>(async transaction =>
    {
        var role = place.GroupRoles.FirstOrDefault(g => person.Groups.Contains(g.Group))?.Role ?? place.DefaultRole;
        // Never by the name alone: whoever can choose a name at a provider would be whoever has it here.
        var user = person.Subject is { } subject
            ? await transaction.FindAsync("SELECT id FROM users WHERE directory_id = $1 AND directory_subject = $2 FOR UPDATE", row => row.GetString(0), cancel, place.Id, subject)
            : await transaction.FindAsync("SELECT id FROM users WHERE name = $1 AND directory_id = $2 FOR UPDATE", row => row.GetString(0), cancel, person.Name, place.Id);
        if (place.AccountId is null) return user;
        var found = role is null ? null : await transaction.FindAsync(
            """
            SELECT r.id FROM roles r LEFT JOIN domains d ON d.id = r.domain_id JOIN accounts a ON a.id = $2 JOIN domains h ON h.id = a.domain_id
            WHERE (r.id = $1 OR r.name = $1) AND (r.account_id = a.id OR starts_with(h.lineage, d.lineage) OR num_nonnulls(r.account_id, r.domain_id) = 0) AND r.name <> ALL ('{administrator,operator,domain-administrator}')
            ORDER BY r.account_id NULLS LAST, r.domain_id NULLS LAST LIMIT 1
            """, row => row.GetString(0), cancel, role, place.AccountId);
        // Nobody of the directory's groups: not somebody who is meant to come in.
        if (user is null && (found is null || (user = await InsertAsync(transaction, place, person, cancel)) is null)) return (string?)null;
        if (found is not null)
            await transaction.ExecuteAsync("INSERT INTO memberships (user_id, account_id, role_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id, account_id) WHERE account_id IS NOT NULL DO UPDATE SET role_id = $3", cancel, user, place.AccountId, found, clock.GetUtcNow());
        // Whoever left all groups has no role any more.
        else await transaction.ExecuteAsync("DELETE FROM memberships WHERE user_id = $1 AND account_id = $2", cancel, user, place.AccountId);
        return user;
    }, cancel, choosesAnew: true);

    private async Task<string?> InsertAsync(Transaction transaction, DirectoryPlace place, DirectoryPerson person, CancellationToken cancel)
    {
        // A password that nobody knows: there is none that fits.
        var (id, hash) = (ids.New(Ids.User), Passwords.Hash(Secrets.New("")));
        // A name of LDAP is what somebody signs in with, so it cannot be another one.
        foreach (var name in person.Subject is null ? [person.Name] : Enumerable.Range(1, SuffixMax).Select(number => number == 1 ? person.Name : string.Create(CultureInfo.InvariantCulture, $"{person.Name}-{number}")))
        {
            var made = await transaction.ExecuteAsync(
                "INSERT INTO users (id, account_id, name, password_hash, role, created_at, directory_id, directory_subject) VALUES ($1, $2, $3, $4, 'reader', $5, $6, $7) ON CONFLICT (name) DO NOTHING", cancel,
                id, place.AccountId, name, hash, clock.GetUtcNow(), place.Id, Columns.Text(person.Subject));
            if (made == 0) continue;
            await events.WriteAsync(transaction, place.AccountId!, EventActor.System, "user.create", new Subject("user", id, name), cancel, person.Told);
            return id;
        }
        return null;
    }
}
