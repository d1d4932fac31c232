using System.Net;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Routers;

/// <summary>Two networks that cannot reach each other because their ranges overlap.</summary>
public sealed record LinkConflict(string Network, string Range, string Other, string OtherRange);

/// <summary>What holds for networks that reach each other, however they are joined.</summary>
public static class LinkStore
{
    /// <summary>Holds networks and those that they are linked with, so that nothing of their ranges and links changes until the transaction ends.</summary>
    public static Task<List<string>> LockAsync(Transaction transaction, IReadOnlyCollection<string> networkIds, CancellationToken cancel) => transaction.QueryAsync(
        "SELECT id FROM networks WHERE id = ANY($1) OR id IN (SELECT other_id FROM network_links WHERE network_id = ANY($1)) ORDER BY id FOR UPDATE",
        row => row.GetString(0), cancel, Columns.Texts(networkIds));

    /// <summary>Ranges that overlap, of all that one of the networks, or one that it is linked with, would reach; null if there are none. An address
    /// must mean one guest wherever it is sent from.</summary>
    public static Task<LinkConflict?> ConflictAsync(Transaction transaction, IReadOnlyCollection<string> networkIds, CancellationToken cancel) => transaction.FindAsync(
        """
        WITH centers AS (SELECT unnest($1::text[]) AS id UNION SELECT other_id FROM network_links WHERE network_id = ANY($1)),
             reach AS (SELECT id AS center, id AS member FROM centers UNION SELECT l.network_id, l.other_id FROM network_links l JOIN centers c ON c.id = l.network_id),
             ranges AS (SELECT r.center, r.member, s.cidr FROM reach r JOIN subnets s ON s.network_id = r.member
                        UNION SELECT r.center, r.member, t.destination FROM reach r JOIN network_routes t ON t.network_id = r.member WHERE r.member = r.center
                        UNION SELECT r.center, r.member, v.range FROM reach r JOIN vpn_ranges v ON v.network_id = r.member WHERE r.member = r.center)
        SELECT n.name, a.cidr, o.name, b.cidr FROM ranges a JOIN ranges b ON b.center = a.center AND a.member < b.member AND a.cidr && b.cidr
        JOIN networks n ON n.id = a.member JOIN networks o ON o.id = b.member ORDER BY n.id, a.cidr LIMIT 1
        """, row => new LinkConflict(row.GetString(0), row.GetFieldValue<IPNetwork>(1).ToString(), row.GetString(2), row.GetFieldValue<IPNetwork>(3).ToString()), cancel, Columns.Texts(networkIds));
}
