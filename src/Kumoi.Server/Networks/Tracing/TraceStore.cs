using System.Net;
using Kumoi.Api;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.SecurityGroups;
using Npgsql;

namespace Kumoi.Server.Networks.Tracing;

/// <summary>Reads what a trace looks at, all in one look at the records.</summary>
public sealed class TraceStore(Database database, SecurityGroupStore groups)
{
    private const string Faces =
        """
        SELECT i.id, v.name, i.network_id,
               (SELECT array_agg(a.address ORDER BY a.kind <> 'interface', family(a.address), a.address) FROM subnet_addresses a WHERE a.interface_id = i.id), f.address,
               (SELECT coalesce(array_agg(x.security_group_id), '{}') FROM interface_security_groups x WHERE x.interface_id = i.id), i.account_id <> $1
        FROM interfaces i JOIN instances v ON v.id = i.instance_id LEFT JOIN floating_addresses f ON f.interface_id = i.id
        WHERE v.terminated_at IS NULL AND i.released_at IS NULL AND i.detached_at IS NULL AND
        """;

    private static TraceInterface Face(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetFieldValue<IPAddress[]>(3), row.IsDBNull(4) ? null : row.GetFieldValue<IPAddress>(4), row.Texts(5), row.GetBoolean(6));

    /// <summary>The account's interfaces that a text can mean: those of an instance, in their order, or one.</summary>
    public Task<List<TraceInterface>> NamedAsync(string accountId, string key, CancellationToken cancel) => database.QueryAsync(
        Faces + " i.account_id = $1 AND (v.id = $2 OR v.name = $2 OR i.id = $2 OR v.name || '/' || i.device_index = $2) ORDER BY i.device_index", Face, cancel, accountId, key);

    /// <summary>Interfaces that have an address, own or floating: the account's, and those in networks that its own are linked with.</summary>
    public Task<List<TraceInterface>> HoldingAsync(string accountId, IPAddress address, CancellationToken cancel) => database.QueryAsync(
        Faces + """
         (i.account_id = $1 AND f.address = $2 OR EXISTS (SELECT 1 FROM subnet_addresses a WHERE a.interface_id = i.id AND a.address = $2)
          AND (i.account_id = $1 OR i.network_id IN (SELECT l.other_id FROM network_links l JOIN networks n ON n.id = l.network_id WHERE n.account_id = $1))) ORDER BY i.id
        """, Face, cancel, accountId, Columns.Inet(address));

    /// <summary>Networks by their ids, and those that they are linked with.</summary>
    public async Task<Dictionary<string, TraceNetwork>> NetworksAsync(IReadOnlyCollection<string> wanted, CancellationToken cancel)
    {
        var ids = (await database.QueryAsync("SELECT unnest($1::text[]) UNION SELECT other_id FROM network_links WHERE network_id = ANY($1)", row => row.GetString(0), cancel, Columns.Texts(wanted))).ToArray();
        var ranges = (await database.QueryAsync("SELECT network_id, cidr FROM subnets WHERE network_id = ANY($1)", row => (Network: row.GetString(0), Range: row.GetFieldValue<IPNetwork>(1)), cancel,
            Columns.Texts(ids))).ToLookup(s => s.Network, s => s.Range);
        var links = (await database.QueryAsync("SELECT network_id, other_id, min(by) FROM network_links WHERE network_id = ANY($1) AND other_id = ANY($1) GROUP BY 1, 2",
            row => (Network: row.GetString(0), Other: row.GetString(1), By: row.GetString(2)), cancel, Columns.Texts(ids))).ToLookup(l => l.Network);
        var routes = (await database.QueryAsync(
            """
            SELECT r.network_id, r.destination, r.via, i.id FROM network_routes r JOIN subnets s ON s.network_id = r.network_id AND r.via << s.cidr
            LEFT JOIN subnet_addresses a ON a.subnet_id = s.id AND a.address = r.via LEFT JOIN interfaces i ON i.id = a.interface_id AND i.detached_at IS NULL WHERE r.network_id = ANY($1)
            """, row => (Network: row.GetString(0), Route: new TraceRoute(row.GetFieldValue<IPNetwork>(1), row.GetFieldValue<IPAddress>(2), row.TextOrNull(3))), cancel,
            Columns.Texts(ids))).ToLookup(r => r.Network, r => r.Route);
        var behind = (await database.QueryAsync(
            "SELECT r.network_id, r.range, v.name, p.name FROM vpn_ranges r JOIN vpns v ON v.id = r.vpn_id LEFT JOIN vpn_peers p ON p.id = r.peer_id WHERE r.network_id = ANY($1) ORDER BY r.range",
            row => (Network: row.GetString(0), Range: new TraceVpnRange(row.GetFieldValue<IPNetwork>(1), row.GetString(2), row.TextOrNull(3))), cancel, Columns.Texts(ids))).ToLookup(r => r.Network, r => r.Range);
        return (await database.QueryAsync(
            "SELECT n.id, n.name, n.outside = 'none', g.address, n.segment_device IS NOT NULL FROM networks n LEFT JOIN network_gateways g ON g.network_id = n.id AND g.is_source WHERE n.id = ANY($1)",
            row => new TraceNetwork(
                row.GetString(0), row.GetString(1), row.GetBoolean(2), [.. ranges[row.GetString(0)]], links[row.GetString(0)].ToDictionary(l => l.Other, l => l.By), [.. routes[row.GetString(0)]],
                row.IsDBNull(3) ? null : row.GetFieldValue<IPAddress>(3), [.. behind[row.GetString(0)]], row.GetBoolean(4)), cancel, Columns.Texts(ids))).ToDictionary(n => n.Id);
    }

    /// <summary>Port forwards of an address of the account.</summary>
    public async Task<List<TraceForward>> ForwardsAsync(string accountId, IPAddress address, CancellationToken cancel)
    {
        var rows = await database.QueryAsync("SELECT protocol, port, interface_id, target_port FROM port_forwards WHERE account_id = $1 AND address = $2",
            row => (Protocol: row.GetString(0), Port: row.GetInt32(1), Interface: row.GetString(2), Target: row.GetInt32(3)), cancel, accountId, Columns.Inet(address));
        var faces = (await database.QueryAsync(Faces + " i.account_id = $1 AND i.id = ANY($2)", Face, cancel, accountId, Columns.Texts(rows.Select(row => row.Interface)))).ToDictionary(face => face.Id);
        return [.. rows.Where(row => faces.ContainsKey(row.Interface)).Select(row => new TraceForward(address, row.Protocol, row.Port, faces[row.Interface], row.Target))];
    }

    /// <summary>Load balancers that have one of the addresses, own or public: the account's, and those in networks that its own are linked with.</summary>
    public async Task<List<TraceBalancer>> BalancersAsync(string accountId, IReadOnlyList<IPAddress> addresses, CancellationToken cancel)
    {
        var found = await database.QueryAsync(
            """
            SELECT b.id, b.name, b.network_id, b.address, b.address6, b.account_id <> $1,
                   (SELECT coalesce(array_agg(a.address ORDER BY a.address), '{}') FROM load_balancer_addresses a WHERE a.load_balancer_id = b.id) FROM load_balancers b
            WHERE (b.address = ANY($2) OR b.address6 = ANY($2) OR EXISTS (SELECT 1 FROM load_balancer_addresses a WHERE a.load_balancer_id = b.id AND a.address = ANY($2)))
              AND (b.account_id = $1 OR b.network_id IN (SELECT l.other_id FROM network_links l JOIN networks n ON n.id = l.network_id WHERE n.account_id = $1)) ORDER BY b.id
            """, row => (Id: row.GetString(0), Balancer: new TraceBalancer(
                row.GetString(1), row.GetString(2), row.IsDBNull(4) ? [row.GetFieldValue<IPAddress>(3)] : [row.GetFieldValue<IPAddress>(3), row.GetFieldValue<IPAddress>(4)], row.GetFieldValue<IPAddress[]>(6), [], row.GetBoolean(5))),
            cancel, accountId, Columns.Inets(addresses));
        if (found.Count == 0) return [];
        var rows = await database.QueryAsync(
            """
            SELECT l.load_balancer_id, l.id, l.protocol, l.transport, l.port, i.id, v.name, m.port, m.weight > 0 AND NOT m.draining, l.algorithm, l.sends_proxy FROM load_balancer_listeners l
            LEFT JOIN load_balancer_members m ON m.listener_id = l.id LEFT JOIN interfaces i ON i.id = m.interface_id LEFT JOIN instances v ON v.id = i.instance_id
            WHERE l.load_balancer_id = ANY($1) ORDER BY l.port, l.transport, m.id
            """, row => (Balancer: row.GetString(0), Id: row.GetString(1), Listener: new TraceListener(row.GetString(2), row.GetString(3), row.GetInt32(4), ListenerSettings.Proxies(row.GetString(2), row.GetString(9), row.GetBoolean(10)), []),
                Member: row.IsDBNull(5) ? null : new TraceMember(row.GetString(5), row.GetString(6), row.GetInt32(7), row.GetBoolean(8))), cancel, Columns.Texts(found.Select(b => b.Id)));
        return found.ConvertAll(b => b.Balancer with
        {
            Listeners = [.. rows.Where(row => row.Balancer == b.Id).GroupBy(row => row.Id).Select(l => l.First().Listener with { Members = [.. l.Select(row => row.Member).OfType<TraceMember>()] })],
        });
    }

    /// <summary>The account's load balancer of a name or id, by its first address; null if there is none.</summary>
    public Task<IPAddress?> BalancerAddressAsync(string accountId, string key, CancellationToken cancel) =>
        database.FindAsync("SELECT address FROM load_balancers WHERE account_id = $1 AND (id = $2 OR name = $2)", row => row.GetFieldValue<IPAddress>(0), cancel, accountId, key);

    public async Task<Dictionary<string, SecurityGroup>> GroupsAsync(IEnumerable<string> ids, CancellationToken cancel) =>
        (await groups.ReadAsync([.. ids.Distinct()], cancel)).ToDictionary(group => group.Id);
}
