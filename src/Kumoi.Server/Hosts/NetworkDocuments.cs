using System.Net;
using Kumoi.Api.Agent;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Vpns;
using Npgsql;

namespace Kumoi.Server.Hosts;

/// <summary>What hosts are told of networks, read for some hosts together. A host carries the networks in which it has guests, and those that are linked with
/// them: its guests' packets to these leave from there.</summary>
public sealed class NetworkDocuments
{
    private readonly Dictionary<string, (int Vni, DesiredNetwork Network)> _networks;
    private readonly ILookup<string, string> _links;
    private readonly VpnDocuments _vpns;

    private NetworkDocuments(Dictionary<string, (int, DesiredNetwork)> networks, ILookup<string, string> links, VpnDocuments vpns) => (_networks, _links, _vpns) = (networks, links, vpns);

    public static async Task<NetworkDocuments> ReadAsync(NpgsqlConnection connection, string[] own, ListenerKeys keys)
    {
        var links = await connection.RowsAsync("SELECT DISTINCT network_id, other_id FROM network_links WHERE network_id = ANY($1) ORDER BY 1, 2", row => (Network: row.GetString(0), Other: row.GetString(1)), default, Columns.Texts(own));
        var ids = Columns.Texts(own.Concat(links.Select(link => link.Other)).Distinct());
        var subnets = (await connection.RowsAsync("SELECT network_id, id, cidr, host(gateway), dns_servers, dhcp_options::text FROM subnets WHERE network_id = ANY($1) ORDER BY id",
            row => (Network: row.GetString(0), Subnet: new DesiredSubnet(
                row.GetString(1), row.GetFieldValue<IPNetwork>(2).ToString(), row.GetString(3), row.Texts(4),
                [.. NetworkStore.Options(row.GetString(5)).Select(option => new DesiredDhcpOption(option.Code, option.Value))])), default, ids.Clone())).ToLookup(s => s.Network, s => s.Subnet);
        var routes = (await connection.RowsAsync("SELECT network_id, destination, host(via) FROM network_routes WHERE network_id = ANY($1) ORDER BY id",
            row => (Network: row.GetString(0), Route: new DesiredRoute(row.GetFieldValue<IPNetwork>(1).ToString(), row.GetString(2))), default, ids.Clone())).ToLookup(r => r.Network, r => r.Route);
        var gateways = await GatewaysAsync(connection, ids);
        var balancers = await LoadBalancerDocuments.ReadAsync(connection, ids, keys);
        var networks = (await connection.RowsAsync($"SELECT n.id, n.name, n.vni, n.peers_revision, n.domain, {NetworkStore.Mtu}, n.outside, n.search_domains, n.segment_device, n.segment_vlan, n.external_dhcp FROM networks n WHERE n.id = ANY($1)",
            row => (Vni: row.GetInt32(2), Network: new DesiredNetwork(
                row.GetString(0), row.GetString(1), row.GetInt32(2), "", NetworkStore.Domain(row.GetString(0), row.GetString(1), row.TextOrNull(4)), [.. subnets[row.GetString(0)]], [], row.GetInt64(3),
                row.GetInt32(5), row.GetString(6), row.TextOrNull(8) is { } device ? new DesiredSegment(device, row.IntOrNull(9), row.GetBoolean(10)) : null, Routes: [.. routes[row.GetString(0)]], Gateways: [.. gateways[row.GetString(0)]], SearchDomains: row.Texts(7),
                LoadBalancers: [.. balancers[row.GetString(0)]])), default, ids.Clone()))
            .ToDictionary(n => n.Network.Id);
        return new NetworkDocuments(networks, links.ToLookup(link => link.Network, link => link.Other), await VpnDocuments.ReadAsync(connection, ids));
    }

    private static async Task<ILookup<string, DesiredGateway>> GatewaysAsync(NpgsqlConnection connection, NpgsqlParameter networkIds)
    {
        var forwards = (await connection.RowsAsync(
            """
            SELECT host(f.address), f.protocol, f.port, host(i.address), f.target_port FROM port_forwards f JOIN network_gateways g ON g.address = f.address JOIN interfaces i ON i.id = f.interface_id
            WHERE g.network_id = ANY($1) AND i.released_at IS NULL AND i.detached_at IS NULL
            UNION ALL SELECT host(a.address), l.transport, l.port, host(b.address), l.port FROM load_balancer_addresses a JOIN network_gateways g ON g.address = a.address
            JOIN load_balancers b ON b.id = a.load_balancer_id JOIN load_balancer_listeners l ON l.load_balancer_id = b.id WHERE g.network_id = ANY($1) ORDER BY 2, 3
            """, row => (Address: row.GetString(0), Forward: new DesiredForward(row.GetString(1), row.GetInt32(2), row.GetString(3), row.GetInt32(4))), default, networkIds.Clone())).ToLookup(f => f.Address, f => f.Forward);
        return (await connection.RowsAsync(
            "SELECT g.network_id, host(g.address), h.address, g.is_source FROM network_gateways g JOIN hosts h ON h.id = g.host_id WHERE g.network_id = ANY($1) ORDER BY g.address",
            row => (Network: row.GetString(0), Gateway: new DesiredGateway(row.GetString(1), row.GetString(2), row.GetBoolean(3), [.. forwards[row.GetString(1)]])), default, networkIds.Clone()))
            .ToLookup(g => g.Network, g => g.Gateway);
    }

    /// <summary>The networks of one host, in the order of their ids.</summary>
    /// <param name="own">Those in which it has guests.</param>
    public IReadOnlyList<DesiredNetwork> For(string hostId, IReadOnlyCollection<string> own, Uplinks uplinks, VpnKeys keys)
    {
        // Links come in pairs; one between two networks without guests here would carry nothing.
        var pairs = own.SelectMany(id => _links[id].Select(other => (id, other))).ToList();
        var linked = pairs.Concat(pairs.Select(pair => (id: pair.other, other: pair.id))).Distinct().ToLookup(pair => pair.id, pair => pair.other);
        return [.. own.Concat(pairs.Select(pair => pair.other)).Distinct().Order(StringComparer.Ordinal).Where(_networks.ContainsKey).Select(id => _networks[id]).Select(n => n.Network with
        {
            Uplink = uplinks.For(n.Vni).ToString(),
            Vpn = _vpns.For(n.Network.Id, hostId, keys),
            Links = [.. linked[n.Network.Id].Where(_networks.ContainsKey).Order(StringComparer.Ordinal).Select(other => new DesiredLink(other, [.. _networks[other].Network.Subnets.Select(s => s.Cidr)]))],
        })];
    }
}
