using System.Net;
using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.LoadBalancers;

/// <summary>A load balancer as changes to it see it.</summary>
public sealed record BalancerRow(string Id, string Name, Ref Network, bool HasIpv4);

/// <summary>Statements on load balancers themselves; those on listeners and members are in <see cref="ListenerStore"/> and <see cref="MemberStore"/>.</summary>
public sealed class LoadBalancerStore(Database database)
{
    private const string Columns_ =
        """
        SELECT b.id, b.name, b.description, n.id, n.name, s.id, s.name, host(b.address), s6.id, s6.name, host(b.address6), b.created_at,
               (SELECT coalesce(array_agg(host(a.address) ORDER BY a.address), '{}') FROM load_balancer_addresses a WHERE a.load_balancer_id = b.id)
        FROM load_balancers b JOIN networks n ON n.id = b.network_id JOIN subnets s ON s.id = b.subnet_id LEFT JOIN subnets s6 ON s6.id = b.subnet6_id
        """;

    private static LoadBalancer Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), new Ref(row.GetString(3), row.GetString(4)), new Ref(row.GetString(5), row.GetString(6)), row.GetString(7),
        row.IsDBNull(8) ? null : new Ref(row.GetString(8), row.GetString(9)), row.TextOrNull(10), row.Texts(12), [], row.Time(11));

    private const string Key = "b.account_id = $1 AND (b.id = $2 OR b.name = $2)";

    /// <summary>With their listeners and members, and what the hosts see of them.</summary>
    public Task<List<LoadBalancer>> ListAsync(string accountId, PageRequest page, CancellationToken cancel) =>
        LookAsync(" WHERE b.account_id = $1 AND b.id > $2 ORDER BY b.id LIMIT $3", cancel, accountId, page.After, page.Limit + 1);

    public async Task<LoadBalancer?> FindAsync(string accountId, string key, CancellationToken cancel) => (await LookAsync(" WHERE " + Key, cancel, accountId, key)).FirstOrDefault();

    public static async Task<LoadBalancer?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        (await WholeAsync(transaction, " WHERE " + Key, cancel, accountId, key)).FirstOrDefault();

    private async Task<List<LoadBalancer>> LookAsync(string where, CancellationToken cancel, params object?[] values)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        await using var look = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancel);
        return await WholeAsync(new Transaction(connection), where, cancel, values);
    }

    private static async Task<List<LoadBalancer>> WholeAsync(Transaction transaction, string where, CancellationToken cancel, params object?[] values)
    {
        var balancers = await transaction.QueryAsync(Columns_ + where, Read, cancel, values);
        if (balancers.Count == 0) return balancers;
        string[] ids = [.. balancers.Select(b => b.Id)];
        var sights = await LoadBalancerSights.ReadAsync(transaction, ids, cancel);
        var members = (await MemberStore.ReadAsync(transaction, ids, cancel)).ToLookup(m => m.ListenerId, m => sights.With(m.ListenerId, m.Member));
        var listeners = (await ListenerStore.ReadAsync(transaction, ids, cancel)).ToLookup(l => l.BalancerId, l => l.Listener with { Members = [.. members[l.Listener.Id]], Traffic = sights.Of(l.Listener.Id) });
        return balancers.ConvertAll(b => b with { Listeners = [.. listeners[b.Id]] });
    }

    /// <summary>The load balancer, not held; what is asked before the hosts of its network are touched.</summary>
    public static Task<BalancerRow?> LookAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => RowAsync(transaction, accountId, key, "", cancel);

    /// <summary>The load balancer, held until the transaction ends; null if the account has none of that id or name.</summary>
    public static Task<BalancerRow?> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => RowAsync(transaction, accountId, key, " FOR UPDATE OF b", cancel);

    private static Task<BalancerRow?> RowAsync(Transaction transaction, string accountId, string key, string locking, CancellationToken cancel) => transaction.FindAsync(
        $"SELECT b.id, b.name, n.id, n.name, family(b.address) = 4 FROM load_balancers b JOIN networks n ON n.id = b.network_id WHERE {Key}{locking}",
        row => new BalancerRow(row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetBoolean(4)), cancel, accountId, key);

    public static async Task<long> CountAsync(Transaction transaction, string networkId, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT count(*) FROM load_balancers WHERE network_id = $1", row => row.GetInt64(0), cancel, networkId);

    /// <summary>False if the account has one of that name. Its addresses are held with it.</summary>
    public static async Task<bool> InsertAsync(Transaction transaction, NewLoadBalancer made, string accountId, string name, string description, DateTimeOffset now, CancellationToken cancel) =>
        await transaction.ExecuteAsync(
            """
            INSERT INTO load_balancers (id, account_id, network_id, name, description, subnet_id, address, subnet6_id, address6, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (account_id, name) DO NOTHING
            """, cancel, made.Id, accountId, made.Network.Id, name, description, made.First.Subnet!.Id, Columns.Inet(made.First.Address), Columns.Text(made.Second?.Subnet!.Id), Columns.Inet(made.Second?.Address), now) == 1;

    /// <summary>False if the account has another of that name.</summary>
    public static async Task<bool> UpdateAsync(Transaction transaction, string accountId, string id, string? name, string? description, CancellationToken cancel) =>
        await transaction.ExecuteAsync(
            """
            UPDATE load_balancers SET name = coalesce($3, name), description = coalesce($4, description)
            WHERE id = $2 AND NOT EXISTS (SELECT 1 FROM load_balancers o WHERE o.account_id = $1 AND o.name = $3 AND o.id <> $2)
            """, cancel, accountId, id, Columns.Text(name), Columns.Text(description)) == 1;

    /// <summary>Removes it with its listeners. Its address rests before somebody else gets it; public addresses stay the account's.</summary>
    public static async Task DeleteAsync(Transaction transaction, string id, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM load_balancer_addresses WHERE load_balancer_id = $1", cancel, id);
        await transaction.ExecuteAsync("DELETE FROM load_balancers WHERE id = $1", cancel, id);
    }

    /// <summary>Lets a public address lead to it. It must serve the network already.</summary>
    public static Task<int> LeadAsync(Transaction transaction, string accountId, string address, string id, CancellationToken cancel) => transaction.ExecuteAsync(
        """
        INSERT INTO load_balancer_addresses (address, account_id, load_balancer_id) VALUES ($1, $2, $3) ON CONFLICT (address) DO UPDATE SET load_balancer_id = excluded.load_balancer_id
        """, cancel, Columns.Inet(IPAddress.Parse(address)), accountId, id);

    /// <summary>Lets a public address lead to no load balancer.</summary>
    public static Task<int> ReleaseAsync(Transaction transaction, string address, CancellationToken cancel) =>
        transaction.ExecuteAsync("DELETE FROM load_balancer_addresses WHERE address = $1", cancel, Columns.Inet(IPAddress.Parse(address)));

    /// <summary>Those that an interface is a member of.</summary>
    public static Task<List<Ref>> OfInterfaceAsync(Transaction transaction, string interfaceId, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT DISTINCT b.id, b.name FROM load_balancer_members m JOIN load_balancer_listeners l ON l.id = m.listener_id JOIN load_balancers b ON b.id = l.load_balancer_id
        WHERE m.interface_id = $1 ORDER BY b.id
        """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, interfaceId);
}
