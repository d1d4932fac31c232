using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace Kumoi.Server.Instances;

/// <summary>An instance about to be inserted, everything resolved.</summary>
public sealed record NewInstance(
    string Id, string AccountId, string Name, string Hostname, Flavor Flavor, int DiskGib, string ImageId, KeyPair? KeyPair, string? UserData, string ZoneId,
    string HostId, DateTimeOffset CreatedAt);

/// <summary>Every statement on instances and their interfaces, except those of observation.</summary>
public sealed class InstanceStore(Database database)
{
    private const string Columns_ =
        """
        SELECT v.id, v.name, v.account_id, a.name, v.state, v.desired, v.flavor_id, v.flavor_name, v.vcpus, v.memory_mib, v.disk_gib, v.image_id, m.name,
               v.key_pair_id, v.key_pair_name, v.zone_id, z.name, v.host_id, h.name, m.default_user, v.boot_epoch, v.generation, v.observed_generation,
               v.conditions::text, v.created_at, v.started_at, v.terminated_at
        FROM instances v JOIN accounts a ON a.id = v.account_id JOIN images m ON m.id = v.image_id JOIN zones z ON z.id = v.zone_id JOIN hosts h ON h.id = v.host_id
        """;

    private static Instance Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetString(5),
        new Ref(row.GetString(6), row.GetString(7)), row.GetInt32(8), row.GetInt32(9), row.GetInt32(10), new Ref(row.GetString(11), row.GetString(12)),
        row.IsDBNull(13) ? null : new Ref(row.GetString(13), row.GetString(14)), new Ref(row.GetString(15), row.GetString(16)),
        new Ref(row.GetString(17), row.GetString(18)), row.GetString(19), [], row.GetInt32(20), row.GetInt64(21), row.GetInt64(22), row.Conditions(23), row.Time(24),
        row.TimeOrNull(25), row.TimeOrNull(26));

    // Addresses given back by a terminated instance are still told with its record.
    private const string Interfaces =
        """
        SELECT i.instance_id, i.id, n.id, n.name, s.id, s.name, host(i.address), i.mac_address, host(f.address), coalesce(g.ids, '{}'), coalesce(g.names, '{}')
        FROM interfaces i JOIN networks n ON n.id = i.network_id JOIN subnets s ON s.id = i.subnet_id LEFT JOIN floating_addresses f ON f.interface_id = i.id
        LEFT JOIN LATERAL (SELECT array_agg(g.id ORDER BY g.id) AS ids, array_agg(g.name ORDER BY g.id) AS names
                           FROM interface_security_groups x JOIN security_groups g ON g.id = x.security_group_id WHERE x.interface_id = i.id) g ON true
        WHERE i.instance_id = ANY($1) ORDER BY i.instance_id, i.device_index
        """;

    private static (string Instance, Interface Interface) ReadInterface(NpgsqlDataReader row) => (row.GetString(0), new Interface(
        row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), new Ref(row.GetString(4), row.GetString(5)), row.GetString(6),
        MacText(row.GetFieldValue<PhysicalAddress>(7)), row.TextOrNull(8), [.. row.Texts(9).Zip(row.Texts(10), (id, name) => new Ref(id, name))]));

    public static string MacText(PhysicalAddress address) => string.Join(':', address.GetAddressBytes().Select(b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));

    public async Task<List<Instance>> ListAsync(
        string accountId, string? state, string? name, string? host, string? image, PageRequest page, CancellationToken cancel)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        var rows = await connection.RowsAsync(
            Columns_ + """
             WHERE v.account_id = $1 AND v.id > $2 AND ($4::text IS NOT DISTINCT FROM 'terminated' OR v.terminated_at IS NULL)
              AND ($4::text IS NULL OR v.state = $4) AND ($5::text IS NULL OR v.name = $5 OR v.name LIKE replace(replace(replace($5, '\', '\\'), '%', '\%'), '_', '\_') || '%')
              AND ($6::text IS NULL OR h.id = $6 OR h.name = $6) AND ($7::text IS NULL OR m.id = $7 OR m.name = $7)
            ORDER BY v.id LIMIT $3
            """, Read, cancel, accountId, page.After, page.Limit + 1, Columns.Text(state), Columns.Text(name), Columns.Text(host), Columns.Text(image));
        return WithInterfaces(rows, await connection.RowsAsync(Interfaces, ReadInterface, cancel, Columns.Texts(rows.Select(r => r.Id))));
    }

    // A name means the instance that has it now; a terminated one is found by its id only.
    private const string ByKey = " WHERE v.account_id = $1 AND (v.id = $2 OR (v.name = $2 AND v.terminated_at IS NULL))";

    public async Task<Instance?> FindAsync(string accountId, string key, CancellationToken cancel)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        var rows = await connection.RowsAsync(Columns_ + ByKey, Read, cancel, accountId, key);
        return rows.Count == 0 ? null : WithInterfaces(rows, await connection.RowsAsync(Interfaces, ReadInterface, cancel, Columns.Texts([rows[0].Id])))[0];
    }

    public async Task<List<Instance>> ReadAsync(Transaction transaction, IReadOnlyList<string> ids, CancellationToken cancel)
    {
        var rows = await transaction.QueryAsync(Columns_ + " WHERE v.id = ANY($1) ORDER BY v.id", Read, cancel, Columns.Texts(ids));
        return WithInterfaces(rows, await transaction.QueryAsync(Interfaces, ReadInterface, cancel, Columns.Texts(ids)));
    }

    /// <summary>The record, held until the transaction ends.</summary>
    public static Task<(string Id, string Name, string HostId, string Desired)> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        transaction.FindAsync(
            "SELECT v.id, v.name, v.host_id, v.desired FROM instances v" + ByKey + " AND v.terminated_at IS NULL FOR UPDATE",
            row => (row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancel, accountId, key);

    /// <summary>False if the account has a living instance of that name.</summary>
    public static async Task<bool> InsertAsync(Transaction transaction, NewInstance instance, CancellationToken cancel) => await transaction.ExecuteAsync(
        """
        INSERT INTO instances (id, account_id, name, hostname, flavor_id, flavor_name, vcpus, memory_mib, disk_gib, image_id, key_pair_id, key_pair_name, public_key,
                               user_data, zone_id, host_id, desired, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'running', $17)
        ON CONFLICT (account_id, name) WHERE terminated_at IS NULL DO NOTHING
        """, cancel,
        instance.Id, instance.AccountId, instance.Name, instance.Hostname, instance.Flavor.Id, instance.Flavor.Name, instance.Flavor.Vcpus, instance.Flavor.MemoryMib,
        instance.DiskGib, instance.ImageId, Columns.Text(instance.KeyPair?.Id), Columns.Text(instance.KeyPair?.Name), Columns.Text(instance.KeyPair?.PublicKey),
        Columns.Text(instance.UserData), instance.ZoneId, instance.HostId, instance.CreatedAt) == 1;

    /// <summary>False if the address has a holder already (or, once in ages, the MAC address drawn has).</summary>
    public static async Task<bool> InsertInterfaceAsync(
        Transaction transaction, string id, string accountId, string instanceId, string networkId, string subnetId, IPAddress address, CancellationToken cancel)
    {
        // 02 marks a locally administered address; 40 random bits.
        byte[] mac = [2, .. RandomNumberGenerator.GetBytes(5)];
        return await transaction.ExecuteAsync(
            """
            INSERT INTO interfaces (id, account_id, instance_id, network_id, subnet_id, device_index, mac_address, address) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
            ON CONFLICT DO NOTHING
            """, cancel, id, accountId, instanceId, networkId, subnetId,
            new NpgsqlParameter { Value = new PhysicalAddress(mac), NpgsqlDbType = NpgsqlDbType.MacAddr }, Columns.Inet(address)) == 1;
    }

    public static Task<int> SetSecurityGroupsAsync(Transaction transaction, string accountId, string interfaceId, IEnumerable<string> groupIds, CancellationToken cancel) =>
        transaction.ExecuteAsync(
            """
            WITH gone AS (DELETE FROM interface_security_groups WHERE interface_id = $1 AND security_group_id <> ALL($2))
            INSERT INTO interface_security_groups (interface_id, security_group_id, account_id) SELECT $1, unnest($2::text[]), $3 ON CONFLICT DO NOTHING
            """, cancel, interfaceId, Columns.Texts(groupIds), accountId);

    public static async Task<bool> InsertFloatingAsync(
        Transaction transaction, string accountId, string interfaceId, IPAddress address, DateTimeOffset now, CancellationToken cancel) =>
        await transaction.ExecuteAsync(
            "INSERT INTO floating_addresses (address, account_id, interface_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (address) DO NOTHING", cancel,
            Columns.Inet(address), accountId, interfaceId, now) == 1;

    /// <summary>Takes room on a host if it has it, and tells the host that there is news. The row stays locked until the commit.</summary>
    public static async Task<bool> ClaimAsync(Transaction transaction, string hostId, Placement.PlacementRequest request, CancellationToken cancel) => await transaction.ExecuteAsync(
        """
        UPDATE hosts SET allocated_vcpus = allocated_vcpus + $2, allocated_memory_mib = allocated_memory_mib + $3, allocated_disk_gib = allocated_disk_gib + $4,
                         instances = instances + 1, revision = revision + 1
        WHERE id = $1 AND schedulable AND state = 'up' AND allocated_vcpus + $2 <= vcpus AND allocated_memory_mib + $3 <= memory_mib AND allocated_disk_gib + $4 <= disk_gib
        """, cancel, hostId, request.Vcpus, request.MemoryMib, request.DiskGib) == 1;

    private static List<Instance> WithInterfaces(List<Instance> rows, List<(string Instance, Interface Interface)> interfaces)
    {
        var byInstance = interfaces.ToLookup(i => i.Instance, i => i.Interface);
        return rows.ConvertAll(row => row with { Interfaces = [.. byInstance[row.Id]] });
    }
}
