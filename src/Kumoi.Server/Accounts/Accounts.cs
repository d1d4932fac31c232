using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Quotas;
using Kumoi.Server.SecurityGroups;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>Accounts: made, suspended, closed and removed by those who administer their domain. A new one has a network and a security group, both named <c>default</c>.</summary>
public sealed class AccountUseCases(Database database, NetworkStore networks, SecurityGroupStore groups, AccountHolding holding, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    private const int ReasonLengthMax = 256;

    public const string Select = "SELECT a.id, a.name, a.kind, d.id, d.path, a.state, a.state_reason, a.created_at, d.lineage FROM accounts a JOIN domains d ON d.id = a.domain_id ";

    public static Account Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), new Ref(row.GetString(3), row.GetString(4)), row.GetString(5), row.GetString(6), row.Time(7));

    private static readonly Permission See = Permission.Domain("accounts", "read"), Change = Permission.Domain("accounts");

    public async Task<Result<Page<Account>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Select + $"WHERE a.id > $1 AND {DomainUseCases.Beneath("d.lineage", "$2")} ORDER BY a.id LIMIT $3", Read, cancel, page.After, Columns.Texts(caller.Lineages(See)), page.Limit + 1), account => account.Id);

    public async Task<Result<Account>> GetAsync(Caller caller, string key, CancellationToken cancel)
    {
        var found = await FindAsync(database, caller, key, See, cancel);
        return found.Failure is { } failure ? failure : found.Value;
    }

    /// <summary>An account in a domain in which the caller may do this; others do not exist for it.</summary>
    private static async Task<Result<Account>> FindAsync(IQueries queries, Caller caller, string key, Permission permission, CancellationToken cancel, string lockAs = "")
    {
        var (account, lineage) = await queries.FindAsync(Select + "WHERE a.id = $1 OR a.name = $1 " + lockAs, row => (Read(row), row.GetString(8)), cancel, key);
        if (account is null || !caller.Grants.Any(g => g.HoldsBeneath(lineage))) return Failure.NotFound("account", key);
        return caller.MayIn(lineage, permission) ? account : new Failure("forbidden", 403, permission.ToString());
    }

    public async Task<Result<Account>> CreateAsync(Caller caller, CreateAccount create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Names.Check("name", name) is { } violation) return Failure.Invalid(violation);
        return await database.TransactionAsync<Account>(async transaction =>
        {
            var domain = await DomainUseCases.FindAsync(transaction, caller, create.Domain ?? DomainUseCases.Default(caller, Change), Change, cancel, "FOR SHARE");
            if (domain.Failure is { } failure) return failure.Code == "not-found" && create.Domain is { } asked ? Failure.Invalid("domain", "no-such", new Noun("domain"), asked) : failure;
            var account = await InsertAsync(transaction, name, "tenant", domain.Value.Id, cancel);
            if (account is null) return Failure.NameTaken("account", name);
            await events.WriteAsync(transaction, caller, "account.create", new Subject("account", account.Id, name), cancel);
            return account;
        }, cancel);
    }

    /// <summary>The account with its default network and security group, or null if the name is taken.</summary>
    public async Task<Account?> InsertAsync(Transaction transaction, string name, string kind, string domainId, CancellationToken cancel)
    {
        var id = ids.New(Ids.Account);
        var made = await transaction.ExecuteAsync(
            "INSERT INTO accounts (id, name, kind, domain_id, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING", cancel, id, name, kind, domainId, clock.GetUtcNow());
        if (made == 0) return null;
        await QuotaStore.BeginAsync(transaction, id, cancel);
        await networks.InsertDefaultAsync(transaction, id, cancel);
        await groups.InsertDefaultAsync(transaction, id, cancel);
        return await transaction.FindAsync(Select + "WHERE a.id = $1", Read, cancel, id);
    }

    /// <summary>Renames it, or suspends, closes or opens it again: its guests are stopped, and started again, with it.</summary>
    public async Task<Result<Account>> UpdateAsync(Caller caller, string key, UpdateAccount update, CancellationToken cancel)
    {
        var name = update.Name is null ? null : Names.Normal(update.Name);
        Violation?[] violations =
        [
            name is null ? null : Names.Check("name", name), update.State is null or "active" or "suspended" or "closed" ? null : new Violation("state", "one-of", "active, suspended, closed"),
            update.Reason?.Length > ReasonLengthMax ? new Violation("reason", "too-long", ReasonLengthMax) : null,
        ];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Account>(async transaction =>
        {
            var found = await FindAsync(transaction, caller, key, Change, cancel, "FOR NO KEY UPDATE OF a");
            if (found.Failure is { } failure) return failure;
            var account = found.Value;
            if (update.State is not null && account.Kind == "operator") return new Failure("operator-account", 409);
            if (name is not null && name != account.Name)
            {
                if (await transaction.FindAsync("SELECT true FROM accounts WHERE name = $1", row => row.GetBoolean(0), cancel, name)) return Failure.NameTaken("account", name);
                await transaction.ExecuteAsync("UPDATE accounts SET name = $2 WHERE id = $1", cancel, account.Id, name);
                await events.WriteAsync(transaction, account.Id, EventActor.Of(caller), "account.rename", new Subject("account", account.Id, name), cancel, account.Name);
            }
            if (update.State is { } state && (state != account.State || (update.Reason is { } because && because != account.StateReason)))
            {
                await transaction.ExecuteAsync("UPDATE accounts SET state = $2, state_reason = $3 WHERE id = $1", cancel, account.Id, state, state == "active" ? "" : update.Reason ?? "");
                await events.WriteAsync(transaction, account.Id, EventActor.Of(caller), state switch { "active" => "account.activate", "suspended" => "account.suspend", _ => "account.close" }, new Subject("account", account.Id, name ?? account.Name), cancel, update.Reason);
                await holding.ApplyAsync(transaction, account.Id, cancel);
            }
            return (await transaction.FindAsync(Select + "WHERE a.id = $1", Read, cancel, account.Id))!;
        }, cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var found = await FindAsync(transaction, caller, key, Change, cancel, "FOR UPDATE OF a");
        if (found.Failure is { } failure) return failure;
        var account = found.Value;
        if (account.Kind == "operator") return new Failure("operator-account", 409);
        var users = await transaction.QueryAsync(
            """
            SELECT id, name FROM instances WHERE account_id = $1 AND terminated_at IS NULL
            UNION ALL SELECT id, name FROM images WHERE account_id = $1 AND deleted_at IS NULL
            UNION ALL SELECT id, name FROM volumes WHERE account_id = $1 AND deleted_at IS NULL AND state <> 'retained'
            UNION ALL SELECT id, name FROM backups WHERE account_id = $1
            UNION ALL SELECT id, name FROM snapshots WHERE account_id = $1 LIMIT 20
            """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, account.Id);
        if (users.Count > 0) return Failure.InUse("account", account.Name, users);
        // Rules of others that name its groups mean nobody any more.
        await groups.ForgetAsync(transaction, await transaction.QueryAsync("SELECT id FROM security_groups WHERE account_id = $1", row => row.GetString(0), cancel, account.Id), account.Id, cancel);
        await transaction.ExecuteAsync("UPDATE floating_addresses SET interface_id = NULL WHERE account_id = $1", cancel, account.Id);
        await transaction.ExecuteAsync("UPDATE address_reservations SET account_id = NULL WHERE account_id = $1", cancel, account.Id);
        await hosts.TouchByNetworksAsync(transaction, await transaction.QueryAsync(
            "DELETE FROM network_peerings WHERE $1 IN (account_id, peer_account_id) RETURNING CASE WHEN account_id = $1 THEN peer_network_id ELSE network_id END", row => row.GetString(0), cancel, account.Id), cancel);
        // Everything left is description: nothing of it runs or takes room on a host.
        foreach (var table in (string[])["backup_schedules", "snapshots", "volumes", "pool_accounts", "host_pool_accounts", "console_sessions", "interface_traffic_hours", "load_balancer_addresses", "load_balancers", "vpn_ranges", "vpn_peers", "vpns", "vlan_ranges", "subnet_exclusions", "port_forwards", "internet_gateways", "network_gateways", "network_routes", "router_networks", "routers", "floating_addresses", "address_pool_accounts", "subnet_addresses", "interface_security_groups", "interfaces", "instances", "placement_groups", "security_group_rules",
            "security_groups", "subnets", "networks", "key_pairs", "images", "access_keys", "subscriptions", "tokens", "users", "memberships", "roles", "quota_requests", "idempotency_keys"])
            await transaction.ExecuteAsync($"DELETE FROM {table} WHERE account_id = $1", cancel, account.Id);
        await transaction.ExecuteAsync("DELETE FROM quotas WHERE scope_id = $1", cancel, account.Id);
        // What it used is billed when the month is over.
        await transaction.ExecuteAsync(
            "INSERT INTO deleted_accounts (id, name, domain_id, lineage, created_at, deleted_at) SELECT a.id, a.name, d.id, d.lineage, a.created_at, $2 FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.id = $1", cancel, account.Id, clock.GetUtcNow());
        await transaction.ExecuteAsync("DELETE FROM accounts WHERE id = $1", cancel, account.Id);
        await events.WriteAsync(transaction, caller, "account.delete", new Subject("account", account.Id, account.Name), cancel);
        return new Done();
    }, cancel);
}
