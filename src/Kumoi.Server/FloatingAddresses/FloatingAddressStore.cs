using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.FloatingAddresses;

/// <summary>Where a floating address leads.</summary>
public sealed record Target(string InterfaceId, string InstanceId, string InstanceName, string HostId, bool HasIpv4);

/// <summary>Statements on floating addresses, except those of launches and endings.</summary>
public sealed class FloatingAddressStore(Database database)
{
    private const string Columns_ =
        """
        SELECT f.id, host(f.address), p.id, p.name, f.interface_id, v.id, v.name, f.kept, f.description, f.created_at, n.id, n.name, b.id, b.name
        FROM floating_addresses f LEFT JOIN address_pool_ranges r ON NOT r.excluded AND f.address << r.cidr LEFT JOIN address_pools p ON p.id = r.pool_id
        LEFT JOIN interfaces i ON i.id = f.interface_id LEFT JOIN instances v ON v.id = i.instance_id
        LEFT JOIN network_gateways g ON g.address = f.address LEFT JOIN networks n ON n.id = g.network_id
        LEFT JOIN load_balancer_addresses x ON x.address = f.address LEFT JOIN load_balancers b ON b.id = x.load_balancer_id
        """;

    private static FloatingAddress Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : new Ref(row.GetString(2), row.GetString(3)), row.TextOrNull(4),
        row.IsDBNull(5) ? null : new Ref(row.GetString(5), row.GetString(6)), row.GetBoolean(7), row.GetString(8), row.Time(9),
        row.IsDBNull(10) ? null : new Ref(row.GetString(10), row.GetString(11)), row.IsDBNull(12) ? null : new Ref(row.GetString(12), row.GetString(13)));

    public Task<List<FloatingAddress>> ListAsync(string accountId, PageRequest page, CancellationToken cancel) =>
        database.QueryAsync(Columns_ + " WHERE f.account_id = $1 AND f.id > $2 ORDER BY f.id LIMIT $3", Read, cancel, accountId, page.After, page.Limit + 1);

    private const string One = Columns_ + " WHERE f.account_id = $1 AND (f.id = $2 OR host(f.address) = $2)";

    public Task<FloatingAddress?> FindAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(One, Read, cancel, accountId, key);

    public static Task<FloatingAddress?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(One, Read, cancel, accountId, key);

    /// <summary>The address, held until the transaction ends; null if the account has none of that address or id.</summary>
    public static async Task<FloatingAddress?> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT address FROM floating_addresses WHERE account_id = $1 AND (id = $2 OR address = $3) FOR UPDATE", row => row.GetFieldValue<IPAddress>(0), cancel,
            accountId, key, Columns.Inet(AddressRange.Read(key))) is { } address ? await FindAsync(transaction, accountId, address.ToString(), cancel) : null;

    /// <summary>False if somebody has the address.</summary>
    public static async Task<bool> InsertAsync(Transaction transaction, string id, string accountId, IPAddress address, string description, DateTimeOffset now, CancellationToken cancel) =>
        await transaction.ExecuteAsync(
            "INSERT INTO floating_addresses (address, account_id, id, kept, description, created_at) VALUES ($1, $2, $3, true, $4, $5) ON CONFLICT (address) DO NOTHING", cancel,
            Columns.Inet(address), accountId, id, description, now) == 1;

    /// <summary>Leads it to an interface, or to none. From then on the account keeps it.</summary>
    public static Task<int> LeadAsync(Transaction transaction, string id, string? interfaceId, CancellationToken cancel) =>
        transaction.ExecuteAsync("UPDATE floating_addresses SET interface_id = $2, kept = true WHERE id = $1", cancel, id, Columns.Text(interfaceId));

    /// <summary>Gives it back. It rests before somebody else gets it.</summary>
    public static async Task DeleteAsync(Transaction transaction, string id, CancellationToken cancel)
    {
        await LeadAsync(transaction, id, null, cancel);
        await transaction.ExecuteAsync("DELETE FROM floating_addresses WHERE id = $1", cancel, id);
    }

    /// <summary>Interfaces of the account's living instances: one by its id, or those of an instance in their order.</summary>
    public static Task<List<Target>> TargetsAsync(Transaction transaction, string accountId, string? interfaceId, string? instance, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT i.id, v.id, v.name, v.host_id, family(i.address) = 4 FROM interfaces i JOIN instances v ON v.id = i.instance_id
        WHERE v.account_id = $1 AND v.terminated_at IS NULL AND v.desired <> 'terminated' AND i.released_at IS NULL AND i.detached_at IS NULL
          AND ($2::text IS NULL OR i.id = $2) AND ($3::text IS NULL OR v.id = $3 OR v.name = $3) ORDER BY i.device_index FOR NO KEY UPDATE OF i
        """, row => new Target(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4)), cancel, accountId, Columns.Text(interfaceId), Columns.Text(instance));

    /// <summary>The name of the interface's network if that is a bridged one; null if not.</summary>
    public static Task<string?> BridgedAsync(Transaction transaction, string interfaceId, CancellationToken cancel) => transaction.FindAsync(
        "SELECT n.name FROM interfaces i JOIN networks n ON n.id = i.network_id WHERE i.id = $1 AND n.segment_device IS NOT NULL", row => row.GetString(0), cancel, interfaceId);

    /// <summary>The host of an interface's instance; null if it has none any more.</summary>
    public static Task<string?> HostAsync(Transaction transaction, string? interfaceId, CancellationToken cancel) => transaction.FindAsync(
        "SELECT v.host_id FROM interfaces i JOIN instances v ON v.id = i.instance_id WHERE i.id = $1 AND v.terminated_at IS NULL", row => row.GetString(0), cancel, Columns.Text(interfaceId));

    /// <summary>The address that leads to an interface already; null: none.</summary>
    public static Task<string?> OfInterfaceAsync(Transaction transaction, string interfaceId, CancellationToken cancel) =>
        transaction.FindAsync("SELECT host(address) FROM floating_addresses WHERE interface_id = $1", row => row.GetString(0), cancel, interfaceId);
}
