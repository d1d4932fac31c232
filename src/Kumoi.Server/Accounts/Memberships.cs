using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>Who has which role in an account or a domain. Nobody gives a role that allows more than they may there themselves.</summary>
public sealed class MembershipUseCases(Database database, RoleUseCases roles, EventLog events, TimeProvider clock)
{
    // What these allow is the cloud's, so they mean nothing elsewhere, or more than meant.
    private static readonly string[] OnlyOnRoot = ["administrator", "operator"], OnlyBeneathRoot = ["domain-administrator"], OnlyInDomains = [.. OnlyOnRoot, .. OnlyBeneathRoot];

    private const string Select =
        "SELECT u.id, u.name, a.id, a.name, d.id, d.path, r.name, m.created_at FROM memberships m JOIN users u ON u.id = m.user_id JOIN roles r ON r.id = m.role_id LEFT JOIN accounts a ON a.id = m.account_id LEFT JOIN domains d ON d.id = m.domain_id ";

    private static Membership Read(NpgsqlDataReader row) => new(new Ref(row.GetString(0), row.GetString(1)), row.IsDBNull(2) ? null : new Ref(row.GetString(2), row.GetString(3)),
        row.IsDBNull(4) ? null : new Ref(row.GetString(4), row.GetString(5)), row.GetString(6), row.Time(7));

    /// <summary>All of a user's.</summary>
    public static Task<List<Membership>> OfUserAsync(IQueries queries, string userId, CancellationToken cancel) => queries.QueryAsync(Select + "WHERE u.id = $1 ORDER BY d.lineage NULLS LAST, a.id", Read, cancel, userId);

    public async Task<Result<Page<Membership>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Select + "WHERE m.account_id = $1 AND u.id > $2 ORDER BY u.id LIMIT $3", Read, cancel, caller.AccountId, page.After, page.Limit + 1), member => member.User.Id);

    public async Task<Result<Page<Membership>>> ListAsync(Caller caller, string domain, PageRequest page, CancellationToken cancel)
    {
        var found = await DomainUseCases.FindAsync(database, caller, domain, Permission.Domain("domains", "read"), cancel);
        if (found.Failure is { } failure) return failure;
        return page.Of(await database.QueryAsync(Select + "WHERE m.domain_id = $1 AND u.id > $2 ORDER BY u.id LIMIT $3", Read, cancel, found.Value.Id, page.After, page.Limit + 1), member => member.User.Id);
    }

    /// <summary>Where a membership holds: the account, or the domain if one is meant.</summary>
    private sealed record Place(string AccountId, DomainRecord? Domain)
    {
        public string Where(string parameter) => Domain is null ? $"m.account_id = {parameter}" : $"m.domain_id = {parameter}";

        public string Id => Domain?.Id ?? AccountId;

        public string Type => Domain is null ? "account" : "domain";
    }

    /// <param name="domain">Id or path; null for the account that is acted for.</param>
    public Task<Result<Membership>> SetAsync(Caller caller, string? domain, string userKey, SetMembership set, CancellationToken cancel) => database.TransactionAsync<Membership>(async transaction =>
    {
        var locked = await LockAsync(transaction, caller, domain, cancel);
        if (locked.Failure is { } failure) return failure;
        var place = locked.Value;
        var user = await transaction.FindAsync("SELECT id, name FROM users WHERE id = $1 OR name = $1 FOR KEY SHARE", row => new Ref(row.GetString(0), row.GetString(1)), cancel, userKey);
        if (user is null) return Failure.NotFound("user", userKey);
        if ((await PutAsync(transaction, caller, place, user.Id, set.Role, "role", cancel)).Failure is { } refused) return refused;
        await events.WriteAsync(transaction, place.Domain is null ? place.AccountId : caller.AccountId, EventActor.Of(caller), place.Type + ".set-member", new Subject("user", user.Id, user.Name), cancel, $"{place.Domain?.Path} {set.Role}".Trim());
        return (await transaction.FindAsync(Select + $"WHERE u.id = $1 AND {place.Where("$2")}", Read, cancel, user.Id, place.Id))!;
    }, cancel);

    /// <summary>Gives a new user its role in the account that it is of.</summary>
    public Task<Result<Done>> GiveAsync(Transaction transaction, Caller caller, string userId, string role, CancellationToken cancel) => PutAsync(transaction, caller, new Place(caller.AccountId, null), userId, role, "role", cancel);

    private async Task<Result<Done>> PutAsync(Transaction transaction, Caller caller, Place place, string userId, string role, string field, CancellationToken cancel)
    {
        // What the account's administrators were called before there were roles of one's own.
        var name = role == "admin" && place.Domain is null ? "owner" : role;
        var found = await transaction.FindAsync(
            """
            SELECT r.id, r.name, r.permissions, num_nonnulls(r.account_id, r.domain_id) = 0 FROM roles r LEFT JOIN domains d ON d.id = r.domain_id
            WHERE (r.id = $1 OR r.name = $1) AND (r.account_id = $2 OR starts_with($3, d.lineage) OR num_nonnulls(r.account_id, r.domain_id) = 0)
            ORDER BY r.account_id NULLS LAST, r.domain_id NULLS LAST LIMIT 1 FOR KEY SHARE OF r
            """, row => (Id: row.GetString(0), Name: row.GetString(1), Permissions: row.Texts(2), BuiltIn: row.GetBoolean(3)), cancel, name, Columns.Text(place.Domain is null ? place.AccountId : null), place.Domain?.Lineage ?? caller.Account.Lineage);
        if (found.Id is null) return Failure.Invalid(field, "no-such", new Noun("role"), role);
        var elsewhere = place.Domain is null ? OnlyInDomains : place.Domain.IsRoot ? OnlyBeneathRoot : OnlyOnRoot;
        if (found.BuiltIn && elsewhere.Contains(found.Name)) return Failure.Invalid(field, "role-elsewhere", found.Name);
        if (roles.CheckBeyond(caller, place.Domain?.Lineage, found.Permissions) is { } beyond) return beyond;
        var before = await CountManagersAsync(transaction, place, cancel);
        // One who has more than the caller is not the caller's to change.
        if (await HeldAsync(transaction, place, userId, cancel) is { } held && roles.CheckBeyond(caller, place.Domain?.Lineage, held) is { } above) return above;
        await transaction.ExecuteAsync(
            $"INSERT INTO memberships (user_id, account_id, domain_id, role_id, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, {place.Type}_id) WHERE {place.Type}_id IS NOT NULL DO UPDATE SET role_id = $4", cancel,
            userId, Columns.Text(place.Domain is null ? place.AccountId : null), Columns.Text(place.Domain?.Id), found.Id, clock.GetUtcNow());
        return before > 0 && await CountManagersAsync(transaction, place, cancel) == 0 ? new Failure("last-manager", 409) : new Done();
    }

    public Task<Result<Done>> RemoveAsync(Caller caller, string? domain, string userKey, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var locked = await LockAsync(transaction, caller, domain, cancel);
        if (locked.Failure is { } failure) return failure;
        var place = locked.Value;
        var user = await transaction.FindAsync($"SELECT u.id, u.name FROM memberships m JOIN users u ON u.id = m.user_id WHERE {place.Where("$1")} AND (u.id = $2 OR u.name = $2)", row => new Ref(row.GetString(0), row.GetString(1)), cancel, place.Id, userKey);
        if (user is null) return Failure.NotFound("user", userKey);
        if (await HeldAsync(transaction, place, user.Id, cancel) is { } held && roles.CheckBeyond(caller, place.Domain?.Lineage, held) is { } above) return above;
        var before = await CountManagersAsync(transaction, place, cancel);
        await transaction.ExecuteAsync($"DELETE FROM memberships m WHERE m.user_id = $1 AND {place.Where("$2")}", cancel, user.Id, place.Id);
        if (before > 0 && await CountManagersAsync(transaction, place, cancel) == 0) return new Failure("last-manager", 409);
        await events.WriteAsync(transaction, place.Domain is null ? place.AccountId : caller.AccountId, EventActor.Of(caller), place.Type + ".remove-member", new Subject("user", user.Id, user.Name), cancel, place.Domain?.Path);
        return new Done();
    }, cancel);

    /// <summary>Holds the place against others who change who is there, and refuses those who may not.</summary>
    private static async Task<Result<Place>> LockAsync(Transaction transaction, Caller caller, string? domain, CancellationToken cancel)
    {
        if (domain is null)
        {
            await transaction.ExecuteAsync("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE", cancel, caller.AccountId);
            return new Place(caller.AccountId, null);
        }
        var found = await DomainUseCases.FindAsync(transaction, caller, domain, Permission.Domain("members"), cancel, "FOR NO KEY UPDATE");
        return found.Failure is { } failure ? failure : new Place(caller.AccountId, found.Value);
    }

    private static Task<string[]?> HeldAsync(Transaction transaction, Place place, string userId, CancellationToken cancel) => transaction.FindAsync<string[]?>(
        $"SELECT r.permissions FROM memberships m JOIN roles r ON r.id = m.role_id WHERE m.user_id = $1 AND {place.Where("$2")}", row => row.Texts(0), cancel, userId, place.Id);

    /// <summary>How many can change who is there: the last one stays.</summary>
    private static async Task<int> CountManagersAsync(Transaction transaction, Place place, CancellationToken cancel) =>
        (await transaction.QueryAsync($"SELECT r.permissions FROM memberships m JOIN roles r ON r.id = m.role_id JOIN users u ON u.id = m.user_id WHERE {place.Where("$1")} AND u.disabled_at IS NULL", row => row.Texts(0), cancel, place.Id))
            .Count(permissions => new PermissionSet(permissions).Allows("members", "write"));
}
