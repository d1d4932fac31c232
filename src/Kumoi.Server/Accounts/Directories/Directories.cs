using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts.Directories;

/// <summary>Directories whose people sign in: named by administrators of a domain, for that domain's accounts.</summary>
public sealed class DirectoryUseCases(Database database, MasterKey masterKey, EventLog events, Ids ids, TimeProvider clock)
{
    private const int TextLengthMax = 512, GroupsMax = 50;

    private const string Select =
        "SELECT r.id, r.name, d.id, d.path, r.url, r.bind_dn, r.base_dn, r.user_filter, a.id, a.name, r.default_role, r.group_roles, r.created_at FROM directories r JOIN domains d ON d.id = r.domain_id LEFT JOIN accounts a ON a.id = r.account_id ";

    private static readonly Permission See = Permission.Domain("directories", "read"), Change = Permission.Domain("directories");

    private static UserDirectory Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetString(5), row.GetString(6), row.GetString(7),
        row.IsDBNull(8) ? null : new Ref(row.GetString(8), row.GetString(9)), row.TextOrNull(10), JsonSerializer.Deserialize(row.GetString(11), ApiJson.Default.GroupRoleArray)!, row.Time(12));

    public static string Purpose(string id) => "bind password of " + id;

    public async Task<Result<Page<UserDirectory>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Select + $"WHERE r.id > $1 AND {DomainUseCases.Beneath("d.lineage", "$2")} ORDER BY r.id LIMIT $3", Read, cancel, page.After, Columns.Texts(caller.Lineages(See)), page.Limit + 1), directory => directory.Id);

    public async Task<Result<UserDirectory>> GetAsync(Caller caller, string key, CancellationToken cancel) => await database.FindAsync(
        Select + $"WHERE (r.id = $1 OR r.name = $1) AND {DomainUseCases.Beneath("d.lineage", "$2")}", Read, cancel, key, Columns.Texts(caller.Lineages(See))) is { } found ? found : Failure.NotFound("directory", key);

    public async Task<Result<UserDirectory>> CreateAsync(Caller caller, CreateDirectory create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Check(create, name).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<UserDirectory>(async transaction =>
        {
            var domain = await DomainUseCases.FindAsync(transaction, caller, create.Domain ?? DomainUseCases.Default(caller, Change), Change, cancel, "FOR SHARE");
            if (domain.Failure is { } failure) return failure.Code == "not-found" && create.Domain is { } asked ? Failure.Invalid("domain", "no-such", new Noun("domain"), asked) : failure;
            var account = create.Account is { } key ? await Authentication.FindAccountAsync(transaction, key, cancel) : null;
            if (create.Account is { } wanted && account?.Lineage.StartsWith(domain.Value.Lineage, StringComparison.Ordinal) != true) return Failure.Invalid("account", "no-such", new Noun("account"), wanted);
            // Whoever names the roles that a group gives, gives them.
            if (account is not null && !caller.MayIn(account.Lineage, Permission.Domain("members"))) return new Failure("forbidden", 403, Permission.Domain("members").ToString());
            var id = ids.New(Ids.Directory);
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO directories (id, domain_id, name, url, bind_dn, sealed_password, base_dn, user_filter, account_id, default_role, group_roles, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (name) DO NOTHING
                """, cancel, id, domain.Value.Id, name, create.Url, create.BindDn ?? "", Columns.Bytes(create.BindPassword is { } password ? masterKey.Encrypt(Encoding.UTF8.GetBytes(password), Purpose(id)) : null),
                create.BaseDn, create.UserFilter ?? "(uid={0})", Columns.Text(account?.Id), Columns.Text(create.DefaultRole), Columns.Json(JsonSerializer.Serialize([.. create.GroupRoles ?? []], ApiJson.Default.GroupRoleArray)), clock.GetUtcNow());
            if (made == 0) return Failure.NameTaken("directory", name);
            await events.WriteAsync(transaction, caller, "directory.create", new Subject("directory", id, name), cancel);
            return (await transaction.FindAsync(Select + "WHERE r.id = $1", Read, cancel, id))!;
        }, cancel);
    }

    /// <summary>One that nobody is a user of.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var found = await transaction.FindAsync(Select + $"WHERE (r.id = $1 OR r.name = $1) AND {DomainUseCases.Beneath("d.lineage", "$2")} FOR UPDATE OF r", Read, cancel, key, Columns.Texts(caller.Lineages(Change)));
        if (found is null) return Failure.NotFound("directory", key);
        var users = await transaction.QueryAsync("SELECT id, name FROM users WHERE directory_id = $1 ORDER BY id LIMIT 20", row => new Ref(row.GetString(0), row.GetString(1)), cancel, found.Id);
        if (users.Count > 0) return Failure.InUse("directory", found.Name, users);
        await transaction.ExecuteAsync("DELETE FROM directories WHERE id = $1", cancel, found.Id);
        await events.WriteAsync(transaction, caller, "directory.delete", new Subject("directory", found.Id, found.Name), cancel);
        return new Done();
    }, cancel);

    public static IEnumerable<Violation> Check(CreateDirectory create, string name)
    {
        if (Names.Check("name", name) is { } violation) yield return violation;
        if (!Uri.TryCreate(create.Url, UriKind.Absolute, out var url) || url.Scheme != "ldaps" || url.UserInfo.Length > 0 || url.PathAndQuery is not ("" or "/") || url.Host.Length == 0) yield return new Violation("url", "ldap-url");
        if (create.BindDn is { Length: > 0 } && string.IsNullOrEmpty(create.BindPassword)) yield return new Violation("bindPassword", "required");
        if (create.UserFilter is { } filter && (!filter.StartsWith('(') || !filter.EndsWith(')') || filter.Split("{0}").Length != 2 || filter.Replace("{0}", "", StringComparison.Ordinal).IndexOfAny(['{', '}']) >= 0)) yield return new Violation("userFilter", "ldap-filter");
        foreach (var (field, text) in new[] { ("url", create.Url), ("bindDn", create.BindDn), ("baseDn", create.BaseDn), ("userFilter", create.UserFilter), ("bindPassword", create.BindPassword), ("defaultRole", create.DefaultRole) })
            if (text?.Length > TextLengthMax) yield return new Violation(field, "too-long", TextLengthMax);
        if (create.GroupRoles?.Count > GroupsMax) yield return new Violation("groupRoles", "count-between", 0, GroupsMax);
        if (create.GroupRoles?.Any(g => g.Group.Length is 0 or > TextLengthMax || g.Role.Length is 0 or > TextLengthMax) == true) yield return new Violation("groupRoles", "length-between", 1, TextLengthMax);
        if (create.Account is null && (create.DefaultRole is not null || create.GroupRoles is { Count: > 0 })) yield return new Violation("account", "required");
    }
}

public static class DirectoryEndpoints
{
    public static void MapDirectories(this IEndpointRouteBuilder routes, DirectoryUseCases directories)
    {
        routes.Get("/directories", Permission.Domain("directories", "read"), "ListDirectories", "List directories (LDAP) whose people sign in", async call => await PageRequest.Read(call).Then(page => directories.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateDirectory, UserDirectory>("/directories", Permission.Domain("directories"), "CreateDirectory", "Let the people of a directory (LDAP) sign in", 201, (call, create) => directories.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/directories/{directory}", Permission.Domain("directories", "read"), "ShowDirectory", "Show a directory", call => directories.GetAsync(call.Caller, call.Route("directory"), call.Cancelled));
        routes.Delete("/directories/{directory}", Permission.Domain("directories"), "DeleteDirectory", "Forget a directory that no user is of", call => directories.DeleteAsync(call.Caller, call.Route("directory"), call.Cancelled));
    }
}
