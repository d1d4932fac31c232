using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.SecurityGroups;
using Npgsql;

namespace Kumoi.Server.Accounts;

/// <summary>Accounts: made and removed by operators. A new one has a network and a security group, both named <c>default</c>.</summary>
public sealed class AccountUseCases(Database database, NetworkStore networks, SecurityGroupStore groups, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    private const string Columns = "SELECT id, name, kind, created_at FROM accounts ";

    private static Account Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), row.Time(3));

    public async Task<Result<Page<Account>>> ListAsync(PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Columns + "WHERE id > $1 ORDER BY id LIMIT $2", Read, cancel, page.After, page.Limit + 1), account => account.Id);

    public async Task<Result<Account>> GetAsync(string key, CancellationToken cancel) =>
        await database.FindAsync(Columns + "WHERE id = $1 OR name = $1", Read, cancel, key) is { } account ? account : Failure.NotFound("account", key);

    public async Task<Result<Account>> CreateAsync(Caller caller, CreateAccount create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Names.Check("name", name) is { } violation) return Failure.Invalid(violation);
        return await database.TransactionAsync<Account>(async transaction =>
        {
            var account = await InsertAsync(transaction, name, "tenant", cancel);
            if (account is null) return Failure.NameTaken("account", name);
            await events.WriteAsync(transaction, caller, "account.create", new Subject("account", account.Id, name), cancel);
            return account;
        }, cancel);
    }

    /// <summary>The account with its default network and security group, or null if the name is taken.</summary>
    public async Task<Account?> InsertAsync(Transaction transaction, string name, string kind, CancellationToken cancel)
    {
        var account = new Account(ids.New(Ids.Account), name, kind, clock.GetUtcNow());
        var made = await transaction.ExecuteAsync(
            "INSERT INTO accounts (id, name, kind, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING", cancel,
            account.Id, name, kind, account.CreatedAt);
        if (made == 0) return null;
        await networks.InsertDefaultAsync(transaction, account.Id, cancel);
        await groups.InsertDefaultAsync(transaction, account.Id, cancel);
        return account;
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var account = await transaction.FindAsync(Columns + "WHERE id = $1 OR name = $1 FOR UPDATE", Read, cancel, key);
        if (account is null) return Failure.NotFound("account", key);
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
        foreach (var table in (string[])["backup_schedules", "snapshots", "volumes", "pool_accounts", "console_sessions", "interface_traffic_hours", "load_balancer_addresses", "load_balancers", "vpn_ranges", "vpn_peers", "vpns", "vlan_ranges", "subnet_exclusions", "port_forwards", "internet_gateways", "network_gateways", "network_routes", "router_networks", "routers", "floating_addresses", "address_pool_accounts", "subnet_addresses", "interface_security_groups", "interfaces", "instances", "placement_groups", "security_group_rules",
            "security_groups", "subnets", "networks", "key_pairs", "images", "access_keys", "tokens", "users", "idempotency_keys"])
            await transaction.ExecuteAsync($"DELETE FROM {table} WHERE account_id = $1", cancel, account.Id);
        await transaction.ExecuteAsync("DELETE FROM accounts WHERE id = $1", cancel, account.Id);
        await events.WriteAsync(transaction, caller, "account.delete", new Subject("account", account.Id, account.Name), cancel);
        return new Done();
    }, cancel);
}
