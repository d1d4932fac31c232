using System.Net;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Vpns;
using Npgsql;

namespace Kumoi.Server.Hosts;

/// <summary>What hosts are told of VPN gateways: where each is and what it leads to; the one that is it, its keys and who may connect, too.</summary>
public sealed class VpnDocuments
{
    private readonly Dictionary<string, Row> _byNetwork;
    private readonly ILookup<string, PeerRow> _peers;

    private VpnDocuments(Dictionary<string, Row> byNetwork, ILookup<string, PeerRow> peers) => (_byNetwork, _peers) = (byNetwork, peers);

    private sealed record Row(string HostId, byte[] Key, DesiredVpn Vpn);

    private sealed record PeerRow(string Vpn, int? Number, byte[]? Preshared, DesiredVpnPeer Peer);

    public static async Task<VpnDocuments> ReadAsync(NpgsqlConnection connection, NpgsqlParameter networkIds)
    {
        var rows = (await connection.RowsAsync(
            """
            SELECT v.network_id, g.host_id, v.encrypted_private_key, v.id, host(v.address), v.port, h.address, (SELECT array_agg(r.range::text ORDER BY r.range) FROM vpn_ranges r WHERE r.vpn_id = v.id)
            FROM vpns v JOIN network_gateways g ON g.address = v.address JOIN hosts h ON h.id = g.host_id WHERE v.network_id = ANY($1)
            """, row => (Network: row.GetString(0), Row: new Row(row.GetString(1), row.GetFieldValue<byte[]>(2), new DesiredVpn(row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetString(6), row.Texts(7), null, null))),
            default, networkIds.Clone())).ToDictionary(row => row.Network, row => row.Row);
        var peers = rows.Count == 0 ? [] : await connection.RowsAsync(
            """
            SELECT p.vpn_id, p.number, p.encrypted_preshared_key, p.id, p.public_key, p.configured_endpoint,
                   (SELECT array_agg(r.range::text ORDER BY r.range) FROM vpn_ranges r WHERE r.vpn_id = p.vpn_id AND r.peer_id IS NOT DISTINCT FROM CASE WHEN p.number IS NULL THEN p.id END)
            FROM vpn_peers p WHERE p.vpn_id = ANY($1) ORDER BY p.id
            """, row => new PeerRow(row.GetString(0), row.IntOrNull(1), row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2), new DesiredVpnPeer(row.GetString(3), row.GetString(4), null, row.TextOrNull(5), row.Texts(6))),
            default, Columns.Texts(rows.Values.Select(row => row.Vpn.Id)));
        return new VpnDocuments(rows, peers.ToLookup(peer => peer.Vpn));
    }

    /// <summary>The gateway of a network, as one host is told; null: none.</summary>
    public DesiredVpn? For(string networkId, string hostId, VpnKeys keys)
    {
        if (!_byNetwork.TryGetValue(networkId, out var row)) return null;
        if (row.HostId != hostId) return row.Vpn;
        return row.Vpn with { PrivateKey = keys.Open(row.Key, row.Vpn.Id), Peers = [.. _peers[row.Vpn.Id].Select(peer => Peer(peer, keys)).OfType<DesiredVpnPeer>()] };
    }

    /// <summary>A client's ranges are its own addresses. One whose secret cannot be read must not connect without it.</summary>
    private static DesiredVpnPeer? Peer(PeerRow row, VpnKeys keys)
    {
        var secret = row.Preshared is null ? null : keys.Open(row.Preshared, row.Peer.Id);
        if (secret is null && row.Preshared is not null) return null;
        return row.Peer with
        {
            PresharedKey = secret,
            Ranges = row.Number is { } number ? [.. row.Peer.Ranges.Select(range => Networks.AddressRange.Of(Networks.AddressRange.At(IPNetwork.Parse(range), number)).ToString())] : row.Peer.Ranges,
        };
    }
}
