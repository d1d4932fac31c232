using System.Net.NetworkInformation;
using Kumoi.Api;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Interfaces;

/// <summary>Every statement on interfaces, except those of hosts' documents.</summary>
public sealed class InterfaceStore(Database database)
{
    private const string Columns_ =
        """
        SELECT i.instance_id, i.id, n.id, n.name, s.id, s.name, host(i.address), i.mac_address, host(f.address), coalesce(g.ids, '{}'), coalesce(g.names, '{}'), s6.id, s6.name,
               host(i.address6), coalesce(a.addresses, '{}'), i.allowed_ranges::text[], v.name, i.device_index, i.detached_at IS NOT NULL, i.rate_mbps
        FROM interfaces i JOIN instances v ON v.id = i.instance_id JOIN networks n ON n.id = i.network_id JOIN subnets s ON s.id = i.subnet_id LEFT JOIN subnets s6 ON s6.id = i.subnet6_id
        LEFT JOIN floating_addresses f ON f.interface_id = i.id
        LEFT JOIN LATERAL (SELECT array_agg(g.id ORDER BY g.id) AS ids, array_agg(g.name ORDER BY g.id) AS names
                           FROM interface_security_groups x JOIN security_groups g ON g.id = x.security_group_id WHERE x.interface_id = i.id) g ON true
        LEFT JOIN LATERAL (SELECT array_agg(host(a.address) ORDER BY a.address) AS addresses FROM subnet_addresses a WHERE a.interface_id = i.id AND a.kind = 'secondary') a ON true
        """;

    /// <summary>The interfaces of some instances ($1). Addresses given back by a terminated instance are still told with its record.</summary>
    public const string OfInstances = Columns_ + """
         WHERE i.instance_id = ANY($1) AND (i.released_at IS NULL OR v.terminated_at IS NOT NULL AND i.detached_at IS NULL) ORDER BY i.instance_id, i.device_index
        """;

    public static (string Instance, Interface Interface) Read(NpgsqlDataReader row) => (row.GetString(0), new Interface(
        row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), new Ref(row.GetString(4), row.GetString(5)), row.GetString(6),
        InstanceStore.MacText(row.GetFieldValue<PhysicalAddress>(7)), row.TextOrNull(8), [.. row.Texts(9).Zip(row.Texts(10), (id, name) => new Ref(id, name))],
        row.IsDBNull(11) ? null : new Ref(row.GetString(11), row.GetString(12)), row.TextOrNull(13), row.Texts(14), row.Texts(15), new Ref(row.GetString(0), row.GetString(16)),
        row.GetInt32(17), row.GetBoolean(18) ? InterfaceStates.Detaching : InterfaceStates.Attached, row.IntOrNull(19)));

    public Task<List<Interface>> ListAsync(string accountId, string? instance, string? network, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        Columns_ + """
         WHERE i.account_id = $1 AND i.released_at IS NULL AND i.id > $2 AND ($4::text IS NULL OR v.id = $4 OR v.name = $4) AND ($5::text IS NULL OR n.id = $5 OR n.name = $5) ORDER BY i.id LIMIT $3
        """, row => Read(row).Interface, cancel, accountId, page.After, page.Limit + 1, Columns.Text(instance), Columns.Text(network));

    private const string One = Columns_ + " WHERE i.account_id = $1 AND i.id = $2 AND i.released_at IS NULL";

    public Task<Interface?> FindAsync(string accountId, string id, CancellationToken cancel) => database.FindAsync(One, row => Read(row).Interface, cancel, accountId, id);

    public static Task<Interface?> FindAsync(Transaction transaction, string accountId, string id, CancellationToken cancel) =>
        transaction.FindAsync(One, row => Read(row).Interface, cancel, accountId, id);

    /// <summary>The interfaces of a living instance, in their order.</summary>
    public static Task<List<Interface>> OfAsync(Transaction transaction, string instanceId, CancellationToken cancel) =>
        transaction.QueryAsync(OfInstances, row => Read(row).Interface, cancel, Columns.Texts([instanceId]));

    /// <summary>The statements that write new interfaces and their groups, for all of them.</summary>
    public static IReadOnlyList<(string Sql, object?[] Values)> Inserts(IReadOnlyList<(NewInterface Interface, string AccountId, string InstanceId)> made)
    {
        NpgsqlParameter Texts(Func<(NewInterface Interface, string AccountId, string InstanceId), string?> text) => Columns.TextsOrNull(made.Select(text));
        var groups = made.SelectMany(m => m.Interface.Parts.Groups.Select(g => (m.Interface.Id, Group: g.Id, m.AccountId))).ToList();
        return
        [
            ("""
            INSERT INTO interfaces (id, account_id, instance_id, network_id, subnet_id, mac_address, address, device_index, subnet6_id, address6, rate_mbps)
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::macaddr[], $7::inet[], $8::int[], $9::text[], $10::inet[], $11::int[])
            """,
            [
                Texts(m => m.Interface.Id), Texts(m => m.AccountId), Texts(m => m.InstanceId), Texts(m => m.Interface.Parts.Network.Id), Texts(m => m.Interface.First.Subnet!.Id),
                Columns.Macs(made.Select(m => m.Interface.Mac)), Columns.Inets(made.Select(m => m.Interface.First.Address)), Columns.Integers(made.Select(m => m.Interface.Index)),
                Texts(m => m.Interface.Second?.Subnet!.Id), Columns.Inets(made.Select(m => m.Interface.Second?.Address)), Columns.IntegersOrNull(made.Select(m => m.Interface.RateMbps)),
            ]),
            ("INSERT INTO interface_security_groups (interface_id, security_group_id, account_id) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])",
            [Columns.Texts(groups.Select(g => g.Id)), Columns.Texts(groups.Select(g => g.Group)), Columns.Texts(groups.Select(g => g.AccountId))]),
        ];
    }

    /// <summary>Takes an interface away from its instance; the address stays its until the host has acted on the generation.</summary>
    public static async Task DetachAsync(Transaction transaction, string interfaceId, long generation, DateTimeOffset now, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE interfaces SET detached_at = $2, detached_generation = $3 WHERE id = $1", cancel, interfaceId, now, generation);
        await transaction.ExecuteAsync("DELETE FROM floating_addresses WHERE interface_id = $1", cancel, interfaceId);
        await transaction.ExecuteAsync("DELETE FROM interface_security_groups WHERE interface_id = $1", cancel, interfaceId);
    }

    public static Task<int> SetSecurityGroupsAsync(Transaction transaction, string accountId, string interfaceId, IEnumerable<string> groupIds, CancellationToken cancel) =>
        transaction.ExecuteAsync(
            """
            WITH gone AS (DELETE FROM interface_security_groups WHERE interface_id = $1 AND security_group_id <> ALL($2))
            INSERT INTO interface_security_groups (interface_id, security_group_id, account_id) SELECT $1, unnest($2::text[]), $3 ON CONFLICT DO NOTHING
            """, cancel, interfaceId, Columns.Texts(groupIds), accountId);

    public static Task<int> SetAllowedRangesAsync(Transaction transaction, string interfaceId, IReadOnlyList<string> ranges, CancellationToken cancel) =>
        transaction.ExecuteAsync("UPDATE interfaces SET allowed_ranges = $2::text[]::cidr[] WHERE id = $1", cancel, interfaceId, Columns.Texts(ranges));
}
