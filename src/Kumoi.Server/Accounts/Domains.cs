using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>A domain as rules look at it.</summary>
/// <param name="Lineage">The ids from the root down to it, each with a dot behind it.</param>
public sealed record DomainRecord(string Id, string Name, string Path, string Lineage)
{
    public bool IsRoot => Id == Caller.RootDomain;
}

/// <summary>Domains: the tree above the accounts. Whoever has a role in one has it in all that is beneath; others do not know that it exists.</summary>
public sealed class DomainUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    // Deeper trees make longer lineages, and are a sign of a misunderstanding.
    private const int DepthMax = 8;

    private const string Select = "SELECT d.id, d.name, d.path, p.id, p.path, (SELECT count(*) FROM accounts a WHERE a.domain_id = d.id)::int, d.created_at FROM domains d LEFT JOIN domains p ON p.id = d.parent_id ";

    private static Domain Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : new Ref(row.GetString(3), row.GetString(4)), row.GetInt32(5), row.Time(6));

    /// <summary>The part of a WHERE that leaves only what is beneath one of the lineages in the parameter.</summary>
    public static string Beneath(string lineage, string parameter) => $"EXISTS (SELECT 1 FROM unnest({parameter}::text[]) AS mine WHERE starts_with({lineage}, mine))";

    public async Task<Result<Page<Domain>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Select + $"WHERE d.id > $1 AND {Beneath("d.lineage", "$2")} ORDER BY d.id LIMIT $3", Read, cancel, page.After, Columns.Texts(caller.Lineages(Permission.Domain("domains", "read"))), page.Limit + 1), domain => domain.Id);

    public async Task<Result<Domain>> GetAsync(Caller caller, string key, CancellationToken cancel)
    {
        var found = await FindAsync(database, caller, key, Permission.Domain("domains", "read"), cancel);
        return found.Failure is { } failure ? failure : await ReadAsync(database, found.Value.Id, cancel);
    }

    private static async Task<Domain> ReadAsync(IQueries queries, string id, CancellationToken cancel) => (await queries.FindAsync(Select + "WHERE d.id = $1", Read, cancel, id))!;

    /// <summary>A domain in which the caller may do this. One in which it has no role does not exist.</summary>
    /// <param name="lockAs">Appended to the query: <c>FOR UPDATE</c>.</param>
    public static async Task<Result<DomainRecord>> FindAsync(IQueries queries, Caller caller, string key, Permission permission, CancellationToken cancel, string lockAs = "")
    {
        var domain = await queries.FindAsync<DomainRecord?>("SELECT id, name, path, lineage FROM domains WHERE id = $1 OR path = $1 " + lockAs, row => new DomainRecord(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancel, key);
        if (domain is null || !caller.Grants.Any(g => g.HoldsBeneath(domain.Lineage))) return Failure.NotFound("domain", key);
        return caller.MayIn(domain.Lineage, permission) ? domain : new Failure("forbidden", 403, permission.ToString());
    }

    /// <summary>The domain that is meant if none is named: the highest one of the caller's.</summary>
    public static string Default(Caller caller, Permission permission) =>
        caller.Lineages(permission).OrderBy(lineage => lineage.Length).FirstOrDefault() is { } highest ? highest.TrimEnd('.').Split('.')[^1] : Caller.RootDomain;

    public async Task<Result<Domain>> CreateAsync(Caller caller, CreateDomain create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Names.Check("name", name) is { } violation) return Failure.Invalid(violation);
        if (name == "root") return Failure.Invalid("name", "name-reserved", name);
        var permission = Permission.Domain("domains");
        return await database.TransactionAsync<Domain>(async transaction =>
        {
            await transaction.ExecuteAsync("LOCK TABLE domains IN SHARE ROW EXCLUSIVE MODE", cancel);
            var found = await FindAsync(transaction, caller, create.Parent ?? Default(caller, permission), permission, cancel);
            if (found.Failure is { } failure) return failure.Code == "not-found" && create.Parent is not null ? Failure.Invalid("parent", "no-such", new Noun("domain"), create.Parent) : failure;
            var parent = found.Value;
            if (parent.Lineage.Count(c => c == '.') > DepthMax) return Failure.Invalid("parent", "too-deep", DepthMax);
            var id = ids.New(Ids.Domain);
            var made = await transaction.ExecuteAsync("INSERT INTO domains (id, parent_id, name, path, lineage, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (parent_id, name) DO NOTHING", cancel,
                id, parent.Id, name, PathOf(parent, name), parent.Lineage + id + ".", clock.GetUtcNow());
            if (made == 0) return Failure.NameTaken("domain", name);
            await events.WriteAsync(transaction, caller, "domain.create", new Subject("domain", id, PathOf(parent, name)), cancel);
            return await ReadAsync(transaction, id, cancel);
        }, cancel);
    }

    private static string PathOf(DomainRecord parent, string name) => parent.IsRoot ? name : $"{parent.Path}/{name}";

    public async Task<Result<Domain>> UpdateAsync(Caller caller, string key, UpdateDomain update, CancellationToken cancel)
    {
        if (update.Name is null) return await GetAsync(caller, key, cancel);
        var name = Names.Normal(update.Name);
        if (Names.Check("name", name) is { } violation) return Failure.Invalid(violation);
        return await database.TransactionAsync<Domain>(async transaction =>
        {
            await transaction.ExecuteAsync("LOCK TABLE domains IN SHARE ROW EXCLUSIVE MODE", cancel);
            var found = await FindAsync(transaction, caller, key, Permission.Domain("domains"), cancel);
            if (found.Failure is { } failure) return failure;
            var domain = found.Value;
            if (domain.IsRoot) return new Failure("root-domain", 409);
            if (name == domain.Name) return await ReadAsync(transaction, domain.Id, cancel);
            var path = domain.Path[..^domain.Name.Length] + name;
            if (name == "root" || await transaction.FindAsync("SELECT true FROM domains WHERE path = $1", row => row.GetBoolean(0), cancel, path)) return Failure.NameTaken("domain", name);
            await transaction.ExecuteAsync("UPDATE domains SET name = CASE WHEN id = $1 THEN $2 ELSE name END, path = $3 || substr(path, $4) WHERE starts_with(lineage, $5)", cancel,
                domain.Id, name, path, domain.Path.EnumerateRunes().Count() + 1, domain.Lineage);
            await events.WriteAsync(transaction, caller, "domain.update", new Subject("domain", domain.Id, path), cancel);
            return await ReadAsync(transaction, domain.Id, cancel);
        }, cancel);
    }

    /// <summary>One with neither accounts nor domains beneath; roles that are of it, and memberships of it, go too.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        await transaction.ExecuteAsync("LOCK TABLE domains IN SHARE ROW EXCLUSIVE MODE", cancel);
        var found = await FindAsync(transaction, caller, key, Permission.Domain("domains"), cancel);
        if (found.Failure is { } failure) return failure;
        var domain = found.Value;
        if (domain.IsRoot) return new Failure("root-domain", 409);
        var used = await transaction.QueryAsync("SELECT id, path FROM domains WHERE parent_id = $1 UNION ALL SELECT id, name FROM accounts WHERE domain_id = $1 LIMIT 20", row => new Ref(row.GetString(0), row.GetString(1)), cancel, domain.Id);
        if (used.Count > 0) return Failure.InUse("domain", domain.Path, used);
        await transaction.ExecuteAsync("DELETE FROM memberships WHERE domain_id = $1", cancel, domain.Id);
        await transaction.ExecuteAsync("DELETE FROM quotas WHERE scope_id = $1", cancel, domain.Id);
        await transaction.ExecuteAsync("DELETE FROM roles WHERE domain_id = $1", cancel, domain.Id);
        await transaction.ExecuteAsync("DELETE FROM domains WHERE id = $1", cancel, domain.Id);
        await events.WriteAsync(transaction, caller, "domain.delete", new Subject("domain", domain.Id, domain.Path), cancel);
        return new Done();
    }, cancel);
}
