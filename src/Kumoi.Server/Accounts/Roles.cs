using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>Roles: built in, of an account, or of a domain and then good in all that is beneath. Nobody makes one that allows more than they may.</summary>
public sealed class RoleUseCases(Database database, PermissionCatalogue catalogue, EventLog events, Ids ids, TimeProvider clock)
{
    private const int DescriptionLengthMax = 256;

    private const string Select =
        "SELECT r.id, r.name, r.description, r.permissions, a.id, a.name, d.id, d.path, r.created_at, d.lineage FROM roles r LEFT JOIN accounts a ON a.id = r.account_id LEFT JOIN domains d ON d.id = r.domain_id ";

    // Those of the account acted for, of the domains that it is in, of the domains that the caller administers, and the built-in ones.
    private const string Visible = "(r.account_id = $1 OR starts_with($2, d.lineage) OR EXISTS (SELECT 1 FROM unnest($3::text[]) AS mine WHERE starts_with(d.lineage, mine)) OR num_nonnulls(r.account_id, r.domain_id) = 0)";

    private static Role Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), row.Texts(3), row.IsDBNull(4) && row.IsDBNull(6),
        row.IsDBNull(4) ? null : new Ref(row.GetString(4), row.GetString(5)), row.IsDBNull(6) ? null : new Ref(row.GetString(6), row.GetString(7)), row.Time(8));

    private static object?[] Scope(Caller caller) => [caller.AccountId, caller.Account.Lineage, Columns.Texts(caller.Lineages(Permission.Domain("roles", "read")))];

    public async Task<Result<Page<Role>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Select + $"WHERE {Visible} AND r.id > $4 ORDER BY r.id LIMIT $5", Read, cancel, [.. Scope(caller), page.After, page.Limit + 1]), role => role.Id);

    public async Task<Result<Role>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await database.FindAsync(Select + $"WHERE {Visible} AND (r.id = $4 OR r.name = $4) ORDER BY r.account_id NULLS LAST, r.domain_id NULLS LAST LIMIT 1", Read, cancel, [.. Scope(caller), key]) is { } role ? role : Failure.NotFound("role", key);

    public async Task<Result<Role>> CreateAsync(Caller caller, CreateRole create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        Violation?[] violations = [Names.Check("name", name), PermissionSet.Check("permissions", create.Permissions, catalogue.Known), CheckDescription(create.Description)];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Role>(async transaction =>
        {
            DomainRecord? domain = null;
            if (create.Domain is { } key)
            {
                var found = await DomainUseCases.FindAsync(transaction, caller, key, Permission.Domain("roles"), cancel, "FOR SHARE");
                if (found.Failure is { } failure) return failure.Code == "not-found" ? Failure.Invalid("domain", "no-such", new Noun("domain"), key) : failure;
                domain = found.Value;
            }
            else if (caller.Refused(Permission.Write("roles")) is { } refused) return refused;
            if (CheckBeyond(caller, domain?.Lineage, create.Permissions) is { } beyond) return beyond;
            if (await transaction.FindAsync("SELECT true FROM roles WHERE name = $1 AND account_id IS NULL AND domain_id IS NULL", row => row.GetBoolean(0), cancel, name)) return Failure.NameTaken("role", name);
            var id = ids.New(Ids.Role);
            var made = await transaction.ExecuteAsync(
                "INSERT INTO roles (id, account_id, domain_id, name, description, permissions, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (coalesce(account_id, domain_id, ''), name) DO NOTHING", cancel,
                id, Columns.Text(domain is null ? caller.AccountId : null), Columns.Text(domain?.Id), name, create.Description ?? "", Columns.Texts(create.Permissions.Distinct()), clock.GetUtcNow());
            if (made == 0) return Failure.NameTaken("role", name);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "role.create", new Subject("role", id, name), cancel, string.Join(' ', create.Permissions));
            return (await transaction.FindAsync(Select + "WHERE r.id = $1", Read, cancel, id))!;
        }, cancel);
    }

    public async Task<Result<Role>> UpdateAsync(Caller caller, string key, UpdateRole update, CancellationToken cancel)
    {
        Violation?[] violations = [update.Permissions is { } patterns ? PermissionSet.Check("permissions", patterns, catalogue.Known) : null, CheckDescription(update.Description)];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Role>(async transaction =>
        {
            var found = await LockAsync(transaction, caller, key, cancel);
            if (found.Failure is { } failure) return failure;
            var (role, lineage) = found.Value;
            // What it allows already was given by somebody who might.
            if (update.Permissions is { } wanted && CheckBeyond(caller, lineage, [.. wanted.Except(role.Permissions)]) is { } beyond) return beyond;
            await transaction.ExecuteAsync("UPDATE roles SET permissions = coalesce($2, permissions), description = coalesce($3, description) WHERE id = $1", cancel,
                role.Id, Columns.TextArray(update.Permissions?.Distinct()), Columns.Text(update.Description));
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "role.update", new Subject("role", role.Id, role.Name), cancel, update.Permissions is null ? null : string.Join(' ', update.Permissions));
            return (await transaction.FindAsync(Select + "WHERE r.id = $1", Read, cancel, role.Id))!;
        }, cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var found = await LockAsync(transaction, caller, key, cancel);
        if (found.Failure is { } failure) return failure;
        var role = found.Value.Role;
        var used = await transaction.QueryAsync("SELECT DISTINCT u.id, u.name FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.role_id = $1 ORDER BY 1 LIMIT 20", row => new Ref(row.GetString(0), row.GetString(1)), cancel, role.Id);
        if (used.Count > 0) return Failure.InUse("role", role.Name, used);
        await transaction.ExecuteAsync("DELETE FROM roles WHERE id = $1", cancel, role.Id);
        await events.WriteAsync(transaction, caller, "role.delete", new Subject("role", role.Id, role.Name), cancel);
        return new Done();
    }, cancel);

    /// <summary>One that the caller may change: of the account that it acts for, or of a domain that it administers.</summary>
    private static async Task<Result<(Role Role, string? Lineage)>> LockAsync(Transaction transaction, Caller caller, string key, CancellationToken cancel)
    {
        var found = await transaction.FindAsync(Select + $"WHERE {Visible} AND (r.id = $4 OR r.name = $4) ORDER BY r.account_id NULLS LAST, r.domain_id NULLS LAST LIMIT 1 FOR UPDATE OF r", row => (Role: Read(row), Lineage: row.TextOrNull(9)), cancel, [.. Scope(caller), key]);
        if (found.Role is null) return Failure.NotFound("role", key);
        if (found.Role.BuiltIn) return new Failure("role-built-in", 409, found.Role.Name);
        var permission = Permission.Write("roles");
        if (found.Lineage is { } lineage) return caller.MayIn(lineage, permission) ? found : new Failure("forbidden", 403, permission.ToString());
        return caller.Refused(permission) is { } refused ? refused : found;
    }

    /// <summary>Refuses to give away what the caller lacks itself.</summary>
    /// <param name="lineage">Of the domain that it would hold in; null for the account that is acted for.</param>
    public Failure? CheckBeyond(Caller caller, string? lineage, IReadOnlyList<string> patterns)
    {
        var beyond = new PermissionSet(patterns).Beyond(catalogue.Known,
            (capability, verb) => lineage is null ? caller.May(new Permission(capability, verb)) : caller.MayIn(lineage, capability, verb)).Take(5).ToList();
        return beyond.Count > 0 ? new Failure("more-than-own", 403, string.Join(", ", beyond)) : null;
    }

    private static Violation? CheckDescription(string? text) => text?.Length > DescriptionLengthMax ? new Violation("description", "too-long", DescriptionLengthMax) : null;
}
