using Kumoi.Server.Hosts;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Backups;

/// <summary>What follows from the records of backups, and is brought about whenever they change, and now and then: a server that was killed in between has missed nothing.</summary>
public static class BackupOffers
{
    /// <summary>Something of the chain above <c>b</c> is being read.</summary>
    private const string IsRead =
        """
        EXISTS (WITH RECURSIVE above AS (SELECT b.id UNION ALL SELECT c.id FROM backups c JOIN above ON c.parent_id = above.id)
                SELECT 1 FROM above a WHERE EXISTS (SELECT 1 FROM volumes v WHERE v.source_backup_id = a.id AND v.made_gib IS NULL AND v.deleted_at IS NULL)
                   OR EXISTS (SELECT 1 FROM backups x WHERE x.id = a.id AND x.id <> b.id AND x.verified_number < x.verify_number))
        """;

    /// <summary>A host that reaches the place of <c>b</c>, its own before others.</summary>
    private const string Reaching = "(SELECT h.id FROM backup_place_hosts x JOIN hosts h ON h.id = x.host_id WHERE x.place_id = b.place_id AND h.state = 'up' ORDER BY h.id IS NOT DISTINCT FROM b.host_id DESC, h.id LIMIT 1)";

    /// <summary>One that was never made may be being made, and is nobody else's to remove, while its host is not heard of: what that writes afterwards would be left for ever.</summary>
    private const string MayBeMade = "(b.sha256 IS NULL AND EXISTS (SELECT 1 FROM hosts o WHERE o.id = b.host_id AND o.state <> 'up'))";

    public static async Task SettleAsync(Transaction transaction, HostRevisions hosts, DateTimeOffset now, CancellationToken cancel)
    {
        var touched = new List<string>();
        // The volume is gone, or on its way without the snapshot: there is nothing to make it of. Nothing is known to build on what it would have.
        await transaction.ExecuteAsync(
            """
            UPDATE backups b SET failed = true, kind = 'full', parent_id = NULL, work = NULL, conditions = jsonb_build_array(jsonb_build_object('type', 'Backup', 'reason', 'volume-gone', 'message', 'The volume went before its backup was made.', 'since', $1::timestamptz, 'nextTryAt', NULL))
            WHERE b.state = 'creating' AND NOT EXISTS (SELECT 1 FROM snapshots s JOIN volumes v ON v.id = s.volume_id WHERE s.id = b.snapshot_id AND (s.taken_at IS NOT NULL OR v.desired = 'present'))
            """, cancel, now);
        // A backup is made by the host that has the volume.
        touched.AddRange(await transaction.QueryAsync(
            """
            UPDATE backups b SET host_id = v.host_id, incarnation = b.incarnation + 1 FROM volumes v WHERE b.state = 'creating' AND v.id = b.volume_id AND v.host_id IS DISTINCT FROM b.host_id
              AND EXISTS (SELECT 1 FROM backup_place_hosts x WHERE x.place_id = b.place_id AND x.host_id = v.host_id) RETURNING b.host_id
            """, row => row.GetString(0), cancel));
        // One that is deleted waits for what builds on it and is itself on its way, for what is read, and for what is becoming part of it: then it is for a host to remove.
        touched.AddRange(await transaction.QueryAsync(
            $"""
            UPDATE backups b SET offered = true, host_id = n.host, incarnation = b.incarnation + CASE WHEN n.host IS DISTINCT FROM b.host_id THEN 1 ELSE 0 END
            FROM (SELECT b.id, {Reaching} AS host FROM backups b WHERE b.state = 'deleting' AND NOT b.offered
                    AND NOT EXISTS (SELECT 1 FROM backups c WHERE c.parent_id = b.id AND (c.state IN ('creating', 'deleting') OR c.offered)) AND NOT EXISTS (SELECT 1 FROM backups p WHERE p.id = b.parent_id AND p.offered) AND NOT {IsRead} AND NOT {MayBeMade} ORDER BY b.id FOR UPDATE OF b) n
            WHERE b.id = n.id AND n.host IS NOT NULL RETURNING b.host_id
            """, row => row.GetString(0), cancel));
        // What waits for a host that is down is another's to do, if one reaches the place.
        touched.AddRange(await transaction.QueryAsync(
            $"""
            UPDATE backups b SET host_id = n.host, incarnation = b.incarnation + 1
            FROM (SELECT b.id, {Reaching} AS host FROM backups b WHERE (b.offered OR b.verified_number < b.verify_number) AND NOT EXISTS (SELECT 1 FROM hosts h WHERE h.id = b.host_id AND h.state = 'up') AND NOT {MayBeMade} ORDER BY b.id FOR UPDATE OF b) n
            WHERE b.id = n.id AND n.host IS NOT NULL AND n.host IS DISTINCT FROM b.host_id RETURNING b.host_id
            """, row => row.GetString(0), cancel));
        touched.AddRange(await ReleaseAsync(transaction, cancel));
        if (touched.Count > 0) await hosts.TouchAsync(transaction, [.. touched.Distinct().Order(StringComparer.Ordinal)], cancel);
    }

    /// <summary>
    /// Lets those snapshots for backups and copies go that none needs: one is kept of each volume and place, as the base of the next increment, and those that backups or copies are being made of.
    /// </summary>
    private static async Task<IEnumerable<string>> ReleaseAsync(Transaction transaction, CancellationToken cancel)
    {
        const string Unneeded =
            """
            s.internal AND s.image_upload_id IS NULL AND s.desired = 'present'
            AND NOT EXISTS (SELECT 1 FROM volumes c WHERE c.source_volume_id = s.volume_id AND c.source_snapshot_id = s.id AND c.made_gib IS NULL AND c.deleted_at IS NULL AND c.desired = 'present')
            AND NOT EXISTS (SELECT 1 FROM backups b WHERE b.state = 'creating' AND s.id IN (b.snapshot_id, b.base_snapshot_id))
            AND NOT EXISTS (SELECT 1 FROM backups b JOIN volumes v ON v.id = b.volume_id AND v.desired = 'present' WHERE b.snapshot_id = s.id AND b.state = 'available'
                            AND NOT EXISTS (SELECT 1 FROM backups later WHERE later.volume_id = b.volume_id AND later.place_id = b.place_id AND later.state = 'available' AND later.id > b.id))
            """;
        var volumes = await transaction.QueryAsync($"SELECT DISTINCT s.volume_id FROM snapshots s WHERE {Unneeded} ORDER BY 1", row => row.GetString(0), cancel);
        if (volumes.Count == 0) return [];
        await transaction.ExecuteAsync("SELECT 1 FROM volumes WHERE id = ANY($1) ORDER BY id FOR UPDATE", cancel, Columns.Texts(volumes));
        return await transaction.QueryAsync(
            $"""
            WITH told AS (UPDATE volumes v SET generation = v.generation + 1 WHERE v.id = ANY($1) AND EXISTS (SELECT 1 FROM snapshots s WHERE s.volume_id = v.id AND {Unneeded}) RETURNING v.id, v.generation, v.host_id),
                 gone AS (UPDATE snapshots s SET desired = 'deleted', deleted_generation = told.generation FROM told WHERE s.volume_id = told.id AND {Unneeded} RETURNING s.id)
            SELECT host_id FROM told WHERE host_id IS NOT NULL
            """, row => row.GetString(0), cancel, Columns.Texts(volumes));
    }
}
