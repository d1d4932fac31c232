using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Accounts.Directories.OpenId;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Accounts.Directories;

/// <summary>Directories (LDAP) and identity providers (OpenID Connect) whose people sign in: named by administrators of a domain, for that domain's accounts.</summary>
public sealed class DirectoryUseCases(Database database, MasterKey masterKey, IssuerHttp issuers, ServerOptions options, EventLog events, Ids ids, TimeProvider clock)
{
    private const string Select =
        """
        SELECT r.id, r.name, d.id, d.path, r.url, r.bind_dn, r.base_dn, r.user_filter, a.id, a.name, r.default_role, r.group_roles, r.created_at, r.kind, coalesce(r.title, r.name), r.client_id, r.scopes, r.name_claim, r.groups_claim, r.listed
        FROM directories r JOIN domains d ON d.id = r.domain_id LEFT JOIN accounts a ON a.id = r.account_id 
        """;

    private static readonly Permission See = Permission.Domain("directories", "read"), Change = Permission.Domain("directories");

    private UserDirectory Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(13), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetString(5), row.GetString(6), row.GetString(7),
        row.IsDBNull(8) ? null : new Ref(row.GetString(8), row.GetString(9)), row.TextOrNull(10), JsonSerializer.Deserialize(row.GetString(11), ApiJson.Default.GroupRoleArray)!,
        row.IsDBNull(15) ? null : new OpenIdClient(row.GetString(14), row.GetString(15), row.GetString(16), row.TextOrNull(17), row.GetString(18), row.GetBoolean(19), SignIns.RedirectUri(options)), row.Time(12));

    public static string Purpose(string id) => "bind password of " + id;

    public static string ClientPurpose(string id) => "client secret of " + id;

    private byte[]? Seal(string? secret, string purpose) => secret is null ? null : masterKey.Encrypt(Encoding.UTF8.GetBytes(secret), purpose);

    public async Task<Result<Page<UserDirectory>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Select + $"WHERE r.id > $1 AND {DomainUseCases.Beneath("d.lineage", "$2")} ORDER BY r.id LIMIT $3", Read, cancel, page.After, Columns.Texts(caller.Lineages(See)), page.Limit + 1), directory => directory.Id);

    public async Task<Result<UserDirectory>> GetAsync(Caller caller, string key, CancellationToken cancel) => await database.FindAsync(
        Select + $"WHERE (r.id = $1 OR r.name = $1) AND {DomainUseCases.Beneath("d.lineage", "$2")}", Read, cancel, key, Columns.Texts(caller.Lineages(See))) is { } found ? found : Failure.NotFound("directory", key);

    public async Task<Result<UserDirectory>> CreateAsync(Caller caller, CreateDirectory create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (DirectoryRules.Check(create, name, issuers.Allows(create.Url)).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<UserDirectory>(async transaction =>
        {
            var domain = await DomainUseCases.FindAsync(transaction, caller, create.Domain ?? DomainUseCases.Default(caller, Change), Change, cancel, "FOR SHARE");
            if (domain.Failure is { } failure) return failure.Code == "not-found" && create.Domain is { } asked ? Failure.Invalid("domain", "no-such", new Noun("domain"), asked) : failure;
            var account = create.Account is { } key ? await Authentication.FindAccountAsync(transaction, key, cancel) : null;
            if (create.Account is { } wanted && account?.Lineage.StartsWith(domain.Value.Lineage, StringComparison.Ordinal) != true) return Failure.Invalid("account", "no-such", new Noun("account"), wanted);
            if (RefusedRoles(caller, account?.Lineage) is { } refused) return refused;
            var (id, openId) = (ids.New(Ids.Directory), create.OpenId);
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO directories (id, domain_id, name, url, bind_dn, sealed_password, base_dn, user_filter, account_id, default_role, group_roles, created_at, kind, title, client_id, sealed_client_secret, scopes, name_claim, groups_claim, listed)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) ON CONFLICT (name) DO NOTHING
                """, cancel, id, domain.Value.Id, name, create.Url, create.BindDn ?? "", Columns.Bytes(Seal(create.BindPassword, Purpose(id))),
                create.BaseDn ?? "", openId is null ? create.UserFilter ?? "(uid={0})" : "", Columns.Text(account?.Id), Columns.Text(create.DefaultRole), Columns.Json(Written(create.GroupRoles)), clock.GetUtcNow(),
                openId is null ? "ldap" : "oidc", Columns.Text(openId?.Title), Columns.Text(openId?.ClientId), Columns.Bytes(Seal(openId?.ClientSecret, ClientPurpose(id))), Columns.Text(openId is null ? null : openId.Scopes ?? "openid profile email"),
                Columns.Text(openId?.NameClaim), Columns.Text(openId is null ? null : openId.GroupsClaim ?? "groups"), openId is not null && (openId.Listed ?? domain.Value.IsRoot));
            if (made == 0) return Failure.NameTaken("directory", name);
            await events.WriteAsync(transaction, caller, "directory.create", new Subject("directory", id, name), cancel);
            return (await transaction.FindAsync(Select + "WHERE r.id = $1", Read, cancel, id))!;
        }, cancel);
    }

    private static string Written(IReadOnlyList<GroupRole>? roles) => JsonSerializer.Serialize([.. roles ?? []], ApiJson.Default.GroupRoleArray);

    // Whoever names the roles that a group gives, gives them.
    private static Failure? RefusedRoles(Caller caller, string? lineage) => lineage is not null && !caller.MayIn(lineage, Permission.Domain("members")) ? new Failure("forbidden", 403, Permission.Domain("members").ToString()) : null;

    /// <summary>What may change while people are users of it. What it is and whom it means stays: else all of them would be somebody else's.</summary>
    public async Task<Result<UserDirectory>> UpdateAsync(Caller caller, string key, UpdateDirectory update, CancellationToken cancel)
    {
        if (DirectoryRules.Check(update).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<UserDirectory>(async transaction =>
        {
            var locked = await LockAsync(transaction, caller, key, cancel);
            if (locked.Failure is { } failure) return failure;
            var found = locked.Value;
            var oidc = found.OpenId is not null;
            if (!oidc && (update.Title is not null || update.Listed is not null)) return Failure.Invalid(update.Title is not null ? "title" : "listed", "only-openid");
            if (update.DefaultRole is not null || update.GroupRoles is not null)
            {
                var account = found.Account is { } of ? await Authentication.FindAccountAsync(transaction, of.Id, cancel) : null;
                if (account is null && (update.DefaultRole is { Length: > 0 } || update.GroupRoles is { Count: > 0 })) return Failure.Invalid("account", "required");
                if (RefusedRoles(caller, account?.Lineage) is { } refused) return refused;
            }
            await transaction.ExecuteAsync(
                """
                UPDATE directories SET sealed_password = CASE WHEN kind = 'ldap' THEN coalesce($2, sealed_password) END, sealed_client_secret = CASE WHEN kind = 'oidc' THEN coalesce($2, sealed_client_secret) END,
                    title = coalesce($3, title), listed = coalesce($4, listed), default_role = nullif(coalesce($5, default_role), ''), group_roles = coalesce($6, group_roles) WHERE id = $1
                """, cancel, found.Id, Columns.Bytes(Seal(update.Secret, oidc ? ClientPurpose(found.Id) : Purpose(found.Id))), Columns.Text(update.Title), Columns.Boolean(update.Listed), Columns.Text(update.DefaultRole),
                Columns.Json(update.GroupRoles is null ? null : Written(update.GroupRoles)));
            await events.WriteAsync(transaction, caller, "directory.update", new Subject("directory", found.Id, found.Name), cancel);
            return (await transaction.FindAsync(Select + "WHERE r.id = $1", Read, cancel, found.Id))!;
        }, cancel);
    }

    /// <summary>One that nobody is a user of.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var locked = await LockAsync(transaction, caller, key, cancel);
        if (locked.Failure is { } failure) return failure;
        var found = locked.Value;
        var users = await transaction.QueryAsync("SELECT id, name FROM users WHERE directory_id = $1 ORDER BY id LIMIT 20", row => new Ref(row.GetString(0), row.GetString(1)), cancel, found.Id);
        if (users.Count > 0) return Failure.InUse("directory", found.Name, users);
        await transaction.ExecuteAsync("DELETE FROM directories WHERE id = $1", cancel, found.Id);
        await events.WriteAsync(transaction, caller, "directory.delete", new Subject("directory", found.Id, found.Name), cancel);
        return new Done();
    }, cancel);

    private async Task<Result<UserDirectory>> LockAsync(Transaction transaction, Caller caller, string key, CancellationToken cancel) => await transaction.FindAsync(
        Select + $"WHERE (r.id = $1 OR r.name = $1) AND {DomainUseCases.Beneath("d.lineage", "$2")} FOR UPDATE OF r", Read, cancel, key, Columns.Texts(caller.Lineages(Change))) is { } found ? found : Failure.NotFound("directory", key);
}
