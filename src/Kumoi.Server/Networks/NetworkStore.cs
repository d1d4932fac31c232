using System.Net;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Networks;

/// <summary>Every statement on networks and subnets.</summary>
public sealed class NetworkStore(Database database, Ids ids, TimeProvider clock)
{
    /// <summary>The range of an account's first network. Networks of different accounts may have the same.</summary>
    public const string DefaultRange = "10.0.0.0/20";

    /// <summary>The longest packet of the network <c>n</c>: what was asked for, in the overlay as far as the hosts' network carries it within VXLAN (RFC 7348, over IPv4).</summary>
    public const string Mtu = "CASE WHEN n.segment_device IS NULL THEN least(coalesce(n.mtu, 1500), (SELECT min(h.underlay_mtu) FROM hosts h) - 50) ELSE coalesce(n.mtu, 1500) END";

    // What is kept back does not count among what is used of the rest.
    private const string SubnetColumns =
        """
        SELECT s.id, s.name, n.id, n.name, s.cidr, s.gateway, s.dns_servers, s.created_at,
               (SELECT count(*) FROM subnet_addresses a WHERE a.subnet_id = s.id AND a.released_at IS NULL AND (s.first_address IS NULL OR a.address BETWEEN s.first_address AND s.last_address)
                AND NOT EXISTS (SELECT 1 FROM subnet_exclusions x WHERE x.subnet_id = s.id AND a.address BETWEEN x.first_address AND x.last_address)),
               s.dhcp_options::text, s.first_address, s.last_address,
               (SELECT coalesce(array_agg(x.first_address ORDER BY x.first_address, x.last_address), '{}') FROM subnet_exclusions x WHERE x.subnet_id = s.id AND x.reserved),
               (SELECT coalesce(array_agg(x.last_address ORDER BY x.first_address, x.last_address), '{}') FROM subnet_exclusions x WHERE x.subnet_id = s.id AND x.reserved),
               (SELECT coalesce(array_agg(x.first_address ORDER BY x.first_address, x.last_address), '{}') FROM subnet_exclusions x WHERE x.subnet_id = s.id AND NOT x.reserved),
               (SELECT coalesce(array_agg(x.last_address ORDER BY x.first_address, x.last_address), '{}') FROM subnet_exclusions x WHERE x.subnet_id = s.id AND NOT x.reserved)
        FROM subnets s JOIN networks n ON n.id = s.network_id
        """;

    private static Subnet ReadSubnet(NpgsqlDataReader row)
    {
        var range = row.GetFieldValue<IPNetwork>(4);
        var space = new SubnetSpace(row.GetFieldValue<IPAddress>(5), row.IsDBNull(10) ? null : new AddressSpan(row.GetFieldValue<IPAddress>(10), row.GetFieldValue<IPAddress>(11)), Spans(row, 12), Spans(row, 14));
        return new Subnet(
            row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), range.ToString(), space.Gateway.ToString(), row.Texts(6),
            Math.Max(0, space.Size(range) - row.GetInt64(8)), row.Time(7), Options(row.GetString(9)), space.Part?.ToString(), [.. space.Reserved.Select(span => span.ToString())], [.. space.Excluded.Select(span => span.ToString())]);
    }

    private static AddressSpan[] Spans(NpgsqlDataReader row, int at) =>
        [.. row.GetFieldValue<IPAddress[]>(at).Zip(row.GetFieldValue<IPAddress[]>(at + 1), (first, last) => new AddressSpan(first, last))];

    /// <summary>The options of DHCP as a subnet's row has them.</summary>
    public static IReadOnlyList<DhcpOption> Options(string json) => json == "[]" ? [] : JsonSerializer.Deserialize(json, ApiJson.Default.DhcpOptionArray)!;

    public async Task<List<Network>> ListAsync(string accountId, PageRequest page, CancellationToken cancel)
    {
        var networks = await database.QueryAsync(NetworkColumns + "WHERE n.account_id = $1 AND n.id > $2 ORDER BY n.id LIMIT $3", Read, cancel,
            accountId, page.After, page.Limit + 1);
        var subnets = await database.QueryAsync(SubnetColumns + " WHERE s.network_id = ANY($1) ORDER BY s.id", ReadSubnet, cancel,
            Columns.Texts(networks.Select(n => n.Id)));
        return networks.ConvertAll(network => network with { Subnets = subnets.FindAll(s => s.Network.Id == network.Id) });
    }

    private const string NetworkColumns = $"SELECT n.id, n.name, n.created_at, {Mtu}, n.outside, n.domain, n.search_domains, (SELECT host(g.address) FROM network_gateways g WHERE g.network_id = n.id AND g.is_source), n.segment_device, n.segment_vlan, n.external_dhcp, n.range FROM networks n ";

    private static Network Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), [], row.Time(2), row.GetInt32(3), row.GetString(4), Domain(row.GetString(0), row.GetString(1), row.TextOrNull(5)), row.Texts(6), row.TextOrNull(7),
        row.TextOrNull(8) is { } device ? new Segment(device, row.IntOrNull(9), row.GetBoolean(10) ? SegmentRules.ExternalDhcp : SegmentRules.HostDhcp) : null,
        row.IsDBNull(11) ? null : row.GetFieldValue<IPNetwork>(11).ToString());

    /// <summary>The DNS domain of a network's guests.</summary>
    public static string Domain(string id, string name, string? own) => own ?? Names.Hostname(name, id) + ".internal";

    private const string Find = NetworkColumns + "WHERE n.account_id = $1 AND (n.id = $2 OR n.name = $2)";

    public async Task<Network?> FindAsync(string accountId, string key, CancellationToken cancel)
    {
        var network = await database.FindAsync(Find, Read, cancel, accountId, key);
        return network is null ? null : network with
        {
            Subnets = await database.QueryAsync(SubnetColumns + " WHERE s.network_id = $1 ORDER BY s.id", ReadSubnet, cancel, network.Id),
        };
    }

    public async Task<Network?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel)
    {
        var network = await transaction.FindAsync(Find, Read, cancel, accountId, key);
        return network is null ? null : network with
        {
            Subnets = await transaction.QueryAsync(SubnetColumns + " WHERE s.network_id = $1 ORDER BY s.id", ReadSubnet, cancel, network.Id),
        };
    }

    public Task<List<Subnet>> ListSubnetsAsync(string accountId, string? network, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        SubnetColumns + " WHERE s.account_id = $1 AND s.id > $2 AND ($4::text IS NULL OR n.id = $4 OR n.name = $4) ORDER BY s.id LIMIT $3", ReadSubnet, cancel,
        accountId, page.After, page.Limit + 1, Columns.Text(network));

    private const string OneSubnet = SubnetColumns + " WHERE s.account_id = $1 AND (s.id = $2 OR s.name = $2) ORDER BY s.id LIMIT 1";

    public Task<Subnet?> FindSubnetAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(OneSubnet, ReadSubnet, cancel, accountId, key);

    public Task<Subnet?> FindSubnetAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        transaction.FindAsync(OneSubnet, ReadSubnet, cancel, accountId, key);

    /// <summary>The new network's id, or null if the account has one of that name.</summary>
    /// <param name="device">Of a bridged network; such a network has no outside of its own.</param>
    public async Task<string?> InsertAsync(Transaction transaction, string accountId, string? name, CreateNetwork settings, string? device, CancellationToken cancel)
    {
        var id = ids.New(Ids.Network);
        // The sequence wraps; a number still in use is passed over by asking again.
        for (; ; )
        {
            var vni = await transaction.FindAsync("SELECT nextval('network_vni')::int", row => row.GetInt32(0), cancel);
            if (await transaction.FindAsync("SELECT 1 FROM networks WHERE vni = $1", row => row.GetInt32(0), cancel, vni) != 0) continue;
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO networks (id, account_id, name, vni, created_at, mtu, outside, domain, search_domains, segment_device, segment_vlan, external_dhcp, range)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                ON CONFLICT (account_id, name) DO NOTHING
                """, cancel,
                id, accountId, name ?? id, vni, clock.GetUtcNow(), Columns.Integer(settings.Mtu is 0 ? null : settings.Mtu), device is not null ? "none" : settings.Outside ?? "nat", Columns.Text(settings.Domain),
                Columns.Texts(settings.SearchDomains ?? []), Columns.Text(device), Columns.Integer(settings.Segment?.Vlan), settings.Segment?.Dhcp == SegmentRules.ExternalDhcp, Columns.Cidr(settings.Range is { } range ? AddressRange.ReadRange(range) : null));
            return made == 0 ? null : id;
        }
    }

    public async Task InsertDefaultAsync(Transaction transaction, string accountId, CancellationToken cancel)
    {
        var id = await InsertAsync(transaction, accountId, "default", new CreateNetwork("default", null), null, cancel);
        await InsertSubnetAsync(transaction, accountId, id!, new CreateNetworkSubnet("default", DefaultRange, null), IPNetwork.Parse(DefaultRange),
            new SubnetSpace(AddressRange.Gateway(IPNetwork.Parse(DefaultRange)), null, [], []), cancel);
    }

    /// <summary>The new subnet's id, or null if the network has one of that name.</summary>
    public async Task<string?> InsertSubnetAsync(
        Transaction transaction, string accountId, string networkId, CreateNetworkSubnet subnet, IPNetwork range, SubnetSpace space, CancellationToken cancel)
    {
        var id = ids.New(Ids.Subnet);
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO subnets (id, account_id, network_id, name, cidr, gateway, dns_servers, created_at, dhcp_options) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (network_id, name) DO NOTHING
            """, cancel,
            id, accountId, networkId, subnet.Name is null ? range.ToString().Replace('/', '-') : Names.Normal(subnet.Name), Columns.Cidr(range), Columns.Inet(space.Gateway),
            Columns.Texts(subnet.DnsServers ?? []), clock.GetUtcNow(), Columns.Json(JsonSerializer.Serialize([.. subnet.DhcpOptions ?? []], ApiJson.Default.DhcpOptionArray)));
        if (made == 0) return null;
        await SetSpaceAsync(transaction, accountId, id, space, cancel);
        return id;
    }

    /// <summary>Says what of a subnet is given out.</summary>
    public static async Task SetSpaceAsync(Transaction transaction, string accountId, string subnetId, SubnetSpace space, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE subnets SET first_address = $2::inet, last_address = $3::inet WHERE id = $1", cancel,
            subnetId, Columns.Text(space.Part?.First.ToString()), Columns.Text(space.Part?.Last.ToString()));
        await transaction.ExecuteAsync("DELETE FROM subnet_exclusions WHERE subnet_id = $1", cancel, subnetId);
        foreach (var (span, reserved) in space.Reserved.Select(span => (span, true)).Concat(space.Excluded.Select(span => (span, false))))
            await transaction.ExecuteAsync("INSERT INTO subnet_exclusions (subnet_id, account_id, first_address, last_address, reserved) VALUES ($1, $2, $3, $4, $5)", cancel,
                subnetId, accountId, Columns.Inet(span.First), Columns.Inet(span.Last), reserved);
    }

    /// <summary>The name of a bridged one among the networks; null if there is none. What it would be asked for is then refused.</summary>
    public static Task<string?> BridgedAsync(Transaction transaction, IEnumerable<string> networkIds, CancellationToken cancel) => transaction.FindAsync(
        "SELECT name FROM networks WHERE id = ANY($1) AND segment_device IS NOT NULL ORDER BY id LIMIT 1", row => row.GetString(0), cancel, Columns.Texts(networkIds));

    /// <summary>Why an address of a subnet cannot be had even by name; null if it can.</summary>
    public static async Task<Violation?> WithheldAsync(Transaction transaction, string field, string subnetId, IPAddress address, CancellationToken cancel) => await transaction.FindAsync(
        """
        SELECT CASE WHEN s.gateway = $2 THEN 'reserved-address' WHEN $2 < s.first_address OR $2 > s.last_address THEN 'outside-range'
                    WHEN EXISTS (SELECT 1 FROM subnet_exclusions x WHERE x.subnet_id = s.id AND NOT x.reserved AND $2 BETWEEN x.first_address AND x.last_address) THEN 'address-excluded' END, s.cidr
        FROM subnets s WHERE s.id = $1
        """, row => row.IsDBNull(0) ? null : new Violation(field, row.GetString(0), row.GetFieldValue<IPNetwork>(1).ToString()), cancel, subnetId, Columns.Inet(address));

    /// <summary>Changes what is given and leaves the rest.</summary>
    public static async Task UpdateAsync(Transaction transaction, string networkId, UpdateNetwork update, CancellationToken cancel)
    {
        await transaction.ExecuteAsync(
            """
            UPDATE networks SET mtu = CASE WHEN $2::int IS NULL THEN mtu ELSE nullif($2, 0) END, outside = coalesce($3, outside), domain = coalesce($4, domain),
                                search_domains = CASE WHEN $5 THEN $6::text[] ELSE search_domains END WHERE id = $1
            """, cancel, networkId, Columns.Integer(update.Mtu), Columns.Text(update.Outside), Columns.Text(update.Domain), update.SearchDomains is not null,
            Columns.Texts(update.SearchDomains ?? []));
        if (update.DnsServers is not { } servers) return;
        foreach (var family in (int[])[4, 6])
            await transaction.ExecuteAsync("UPDATE subnets SET dns_servers = $2 WHERE network_id = $1 AND family(cidr) = $3", cancel, networkId,
                Columns.Texts(servers.Where(server => server.Contains(':', StringComparison.Ordinal) == (family == 6))), family);
    }

    /// <summary>The network, held until the transaction ends; null if the account has none of that id or name.</summary>
    public static Task<Ref?> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(
        "SELECT id, name FROM networks WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE", row => new Ref(row.GetString(0), row.GetString(1)), cancel, accountId, key);

    /// <summary>The instances that have an interface there, load balancers, what links it with others, and addresses that serve it.</summary>
    public Task<List<Ref>> UsersAsync(Transaction transaction, string networkId, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT v.id, v.name FROM interfaces i JOIN instances v ON v.id = i.instance_id WHERE i.network_id = $1 AND i.released_at IS NULL
        UNION SELECT r.id, r.name FROM router_networks x JOIN routers r ON r.id = x.router_id WHERE x.network_id = $1
        UNION SELECT id, id FROM network_peerings WHERE active AND $1 IN (network_id, peer_network_id)
        UNION SELECT id, name FROM vpns WHERE network_id = $1
        UNION SELECT f.id, host(f.address) FROM network_gateways g JOIN floating_addresses f ON f.address = g.address WHERE g.network_id = $1
        UNION SELECT id, name FROM load_balancers WHERE network_id = $1 ORDER BY 1 LIMIT 20
        """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, networkId);

    /// <summary>The instances and load balancers that have an address of the subnet.</summary>
    public Task<List<Ref>> UsersOfSubnetAsync(Transaction transaction, string subnetId, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT DISTINCT v.id, v.name FROM subnet_addresses a JOIN interfaces i ON i.id = a.interface_id JOIN instances v ON v.id = i.instance_id WHERE a.subnet_id = $1
        UNION SELECT id, name FROM load_balancers WHERE $1 IN (subnet_id, subnet6_id) ORDER BY 1 LIMIT 20
        """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, subnetId);

    public async Task DeleteAsync(Transaction transaction, string networkId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM interfaces WHERE network_id = $1 AND released_at IS NOT NULL", cancel, networkId);
        await transaction.ExecuteAsync("DELETE FROM subnets WHERE network_id = $1", cancel, networkId);
        await transaction.ExecuteAsync("DELETE FROM networks WHERE id = $1", cancel, networkId);
    }

    public async Task DeleteSubnetAsync(Transaction transaction, string subnetId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM interfaces WHERE $1 IN (subnet_id, subnet6_id) AND released_at IS NOT NULL", cancel, subnetId);
        await transaction.ExecuteAsync("DELETE FROM network_routes r USING subnets s WHERE s.id = $1 AND r.network_id = s.network_id AND r.via << s.cidr", cancel, subnetId);
        await transaction.ExecuteAsync("DELETE FROM subnets WHERE id = $1", cancel, subnetId);
    }
}
