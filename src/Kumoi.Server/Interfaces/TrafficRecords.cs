using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Interfaces;

/// <summary>
/// Adds up what hosts count at interfaces. A host tells how much passed since its counting began; what is more than it told last is new, and after a new
/// beginning all of it. So a report that comes twice, late, or not at all, changes nothing in the end.
/// </summary>
public sealed class TrafficRecords(Database database, TimeProvider clock) : IReportObserver
{
    /// <summary>Hours are kept this long.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(400);

    // No device carries this much between two reports, or ever; a host that says so must not make sums overflow.
    private const long MostAtOnce = 1L << 50, Most = 1L << 62;

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.SelectMany(r => (r.Report.Traffic ?? []).Select(traffic => (r.HostId, Traffic: traffic))).ToList();
        if (told.Count == 0) return;
        // In one order, so that two servers do not wait for each other.
        var last = told.GroupBy(one => (one.HostId, one.Traffic.Interface)).Select(one => one.Last()).OrderBy(one => one.Traffic.Interface, StringComparer.Ordinal).ToList();
        await database.ExecuteAsync(
            """
            WITH told AS (
                SELECT n.*, i.account_id, i.instance_id, i.network_id FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS n(host, id, counting, bs, br, ps, pr)
                JOIN interfaces i ON i.id = n.id JOIN instances v ON v.id = i.instance_id AND v.host_id = n.host
            ), before AS (
                SELECT t.* FROM interface_traffic t WHERE t.interface_id IN (SELECT id FROM told) ORDER BY t.interface_id FOR UPDATE
            ), news AS (
                SELECT t.*, coalesce(b.counting = t.counting, false) AS goes_on, b.*
                FROM told t LEFT JOIN before b ON b.interface_id = t.id
            ), more AS (
                SELECT n.id, n.account_id, n.instance_id, n.network_id, n.host, greatest(0, least($9::bigint, n.bs - CASE WHEN goes_on THEN last_bytes_sent ELSE 0 END)) AS bs, greatest(0, least($9::bigint, n.br - CASE WHEN goes_on THEN last_bytes_received ELSE 0 END)) AS br,
                       greatest(0, least($9::bigint, n.ps - CASE WHEN goes_on THEN last_packets_sent ELSE 0 END)) AS ps, greatest(0, least($9::bigint, n.pr - CASE WHEN goes_on THEN last_packets_received ELSE 0 END)) AS pr FROM news n
            ), kept AS (
                INSERT INTO interface_traffic AS t (interface_id, counting, last_bytes_sent, last_bytes_received, last_packets_sent, last_packets_received, bytes_sent, bytes_received, packets_sent, packets_received, told_at)
                SELECT m.id, d.counting, d.bs, d.br, d.ps, d.pr, m.bs, m.br, m.ps, m.pr, $8 FROM more m JOIN told d ON d.id = m.id
                -- Less under the same counting is a report that was overtaken.
                ON CONFLICT (interface_id) DO UPDATE SET counting = excluded.counting, told_at = excluded.told_at,
                    last_bytes_sent = CASE WHEN t.counting = excluded.counting THEN greatest(t.last_bytes_sent, excluded.last_bytes_sent) ELSE excluded.last_bytes_sent END,
                    last_bytes_received = CASE WHEN t.counting = excluded.counting THEN greatest(t.last_bytes_received, excluded.last_bytes_received) ELSE excluded.last_bytes_received END,
                    last_packets_sent = CASE WHEN t.counting = excluded.counting THEN greatest(t.last_packets_sent, excluded.last_packets_sent) ELSE excluded.last_packets_sent END,
                    last_packets_received = CASE WHEN t.counting = excluded.counting THEN greatest(t.last_packets_received, excluded.last_packets_received) ELSE excluded.last_packets_received END,
                    bytes_sent = least($10::bigint, t.bytes_sent + excluded.bytes_sent), bytes_received = least($10::bigint, t.bytes_received + excluded.bytes_received), packets_sent = least($10::bigint, t.packets_sent + excluded.packets_sent), packets_received = least($10::bigint, t.packets_received + excluded.packets_received)
            )
            INSERT INTO interface_traffic_hours AS h (account_id, interface_id, hour, instance_id, network_id, bytes_sent, bytes_received, packets_sent, packets_received)
            SELECT account_id, id, date_trunc('hour', $8::timestamptz, 'UTC'), instance_id, network_id, bs, br, ps, pr FROM more WHERE bs + br + ps + pr > 0
            ON CONFLICT (interface_id, hour) DO UPDATE SET
                bytes_sent = least($10::bigint, h.bytes_sent + excluded.bytes_sent), bytes_received = least($10::bigint, h.bytes_received + excluded.bytes_received), packets_sent = least($10::bigint, h.packets_sent + excluded.packets_sent), packets_received = least($10::bigint, h.packets_received + excluded.packets_received)
            """, cancel,
            Columns.Texts(last.Select(one => one.HostId)), Columns.Texts(last.Select(one => one.Traffic.Interface)), Columns.Texts(last.Select(one => one.Traffic.Counting)),
            Columns.Bigints(last.Select(one => Sound(one.Traffic.BytesSent))), Columns.Bigints(last.Select(one => Sound(one.Traffic.BytesReceived))),
            Columns.Bigints(last.Select(one => Sound(one.Traffic.PacketsSent))), Columns.Bigints(last.Select(one => Sound(one.Traffic.PacketsReceived))), clock.GetUtcNow(), MostAtOnce, Most);
    }

    private static long Sound(long count) => Math.Clamp(count, 0, long.MaxValue / 8);

    /// <summary>What passed an interface in all, and in each hour of a time; null if the account never had it, or had it too long ago. Of one that is gone, what was in all is
    /// what the hours say that are kept.</summary>
    public async Task<InterfaceTraffic?> FindAsync(string accountId, string interfaceId, DateTimeOffset since, DateTimeOffset? until, CancellationToken cancel)
    {
        var hours = await database.QueryAsync(
            """
            SELECT hour, bytes_sent, bytes_received, packets_sent, packets_received FROM interface_traffic_hours
            WHERE account_id = $1 AND interface_id = $2 AND hour >= date_trunc('hour', $3::timestamptz, 'UTC') AND ($4::timestamptz IS NULL OR hour < $4) ORDER BY hour DESC
            """, row => new TrafficHour(row.Time(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4)), cancel, accountId, interfaceId, since, Columns.TimeValue(until));
        return await database.FindAsync(
            """
            SELECT coalesce(t.bytes_sent, 0), coalesce(t.bytes_received, 0), coalesce(t.packets_sent, 0), coalesce(t.packets_received, 0), t.told_at
            FROM interfaces i LEFT JOIN interface_traffic t ON t.interface_id = i.id WHERE i.account_id = $1 AND i.id = $2
            UNION ALL
            SELECT least($3, sum(h.bytes_sent))::bigint, least($3, sum(h.bytes_received))::bigint, least($3, sum(h.packets_sent))::bigint, least($3, sum(h.packets_received))::bigint, NULL FROM interface_traffic_hours h
            WHERE h.account_id = $1 AND h.interface_id = $2 AND NOT EXISTS (SELECT 1 FROM interfaces i WHERE i.id = $2) HAVING count(*) > 0
            """, row => new InterfaceTraffic(interfaceId, row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.TimeOrNull(4), hours), cancel, accountId, interfaceId, long.MaxValue);
    }
}
