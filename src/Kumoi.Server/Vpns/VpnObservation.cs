using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Vpns;

/// <summary>Takes in what hosts tell of VPN gateways; a host is heard only about those whose public address it has.</summary>
public sealed class VpnObservation(Database database) : IReportObserver
{
    // What a host says is shown to the account: enough for a sentence, and for any address with its port.
    private const int ProblemLengthMax = 500, EndpointLengthMax = 64;

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        // Of several reports the last one counts.
        var vpns = reports.SelectMany(host => (host.Report.Vpns ?? []).Select(vpn => (host.HostId, Vpn: vpn))).GroupBy(one => (one.HostId, one.Vpn.Id)).Select(same => same.Last()).ToList();
        if (vpns.Count == 0) return;
        await database.ExecuteAsync(
            """
            UPDATE vpns v SET reported_by = n.host, problem = n.problem FROM unnest($1::text[], $2::text[], $3::text[]) AS n(host, id, problem), network_gateways g
            WHERE v.id = n.id AND g.address = v.address AND g.host_id = n.host AND (v.reported_by IS DISTINCT FROM n.host OR v.problem IS DISTINCT FROM n.problem)
            """, cancel, Columns.Texts(vpns.Select(one => one.HostId)), Columns.Texts(vpns.Select(one => one.Vpn.Id)), Columns.TextsOrNull(vpns.Select(one => Cut(one.Vpn.Problem, ProblemLengthMax))));
        var peers = vpns.SelectMany(one => one.Vpn.Peers.DistinctBy(peer => peer.Id).Select(peer => (one.HostId, Vpn: one.Vpn.Id, Peer: peer))).OrderBy(one => one.Peer.Id, StringComparer.Ordinal).ToList();
        if (peers.Count == 0) return;
        // A host's clock that is ahead must not make anybody connect in the future.
        await database.ExecuteAsync(
            """
            UPDATE vpn_peers p SET handshake_at = least(n.at, clock_timestamp()), endpoint = n.endpoint, bytes_in = n.bytes_in, bytes_out = n.bytes_out
            FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bigint[], $7::bigint[]) AS n(host, vpn, id, at, endpoint, bytes_in, bytes_out), vpns v, network_gateways g
            WHERE p.id = n.id AND p.vpn_id = n.vpn AND v.id = n.vpn AND g.address = v.address AND g.host_id = n.host
              AND (p.handshake_at, p.endpoint, p.bytes_in, p.bytes_out) IS DISTINCT FROM (n.at, n.endpoint, n.bytes_in, n.bytes_out)
            """, cancel,
            Columns.Texts(peers.Select(one => one.HostId)), Columns.Texts(peers.Select(one => one.Vpn)), Columns.Texts(peers.Select(one => one.Peer.Id)),
            Columns.Times(peers.Select(one => (DateTimeOffset?)one.Peer.HandshakeAt.ToUniversalTime())), Columns.TextsOrNull(peers.Select(one => Cut(one.Peer.Endpoint, EndpointLengthMax))),
            Columns.Bigints(peers.Select(one => one.Peer.BytesIn)), Columns.Bigints(peers.Select(one => one.Peer.BytesOut)));
    }

    private static string? Cut(string? text, int length) => text is null ? null : PlainText.Of(text, length);
}
