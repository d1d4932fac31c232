using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>What becomes of the two records of a move.</summary>
public static class MoveRecords
{
    /// <summary>A volume of the instance that moves: until then its guest is not started.</summary>
    public static Task<string?> UnderWayAsync(Transaction transaction, string instanceId, CancellationToken cancel) => transaction.FindAsync(
        "SELECT name FROM volumes WHERE instance_id = $1 AND moving_to IS NOT NULL ORDER BY slot LIMIT 1", row => row.GetString(0), cancel, instanceId);

    /// <summary>Has volumes stay where they are; what was to take their places is removed. Nothing happens to those that do not move.</summary>
    /// <returns>Hosts that are to hear of it.</returns>
    public static async Task<IReadOnlyList<string>> CancelAsync(Transaction transaction, ExportKeys keys, IReadOnlyCollection<string> volumeIds, CancellationToken cancel)
    {
        if (volumeIds.Count == 0) return [];
        await transaction.ExecuteAsync("SELECT 1 FROM volumes WHERE id = ANY($1) OR move_source_id = ANY($1) ORDER BY id FOR UPDATE", cancel, Columns.Texts(volumeIds));
        var told = await transaction.QueryAsync(
            "UPDATE volumes d SET desired = 'deleted', generation = d.generation + 1, move_key = NULL, move_port = NULL FROM volumes v WHERE v.id = ANY($1) AND d.id = v.moving_to RETURNING d.host_id", row => row.GetString(0), cancel, Columns.Texts(volumeIds));
        var kept = await transaction.QueryAsync(
            "UPDATE volumes SET moving_to = NULL, generation = generation + 1 WHERE id = ANY($1) AND moving_to IS NOT NULL RETURNING id, host_id, exported AND export_key IS NOT NULL, (SELECT i.host_id FROM instances i WHERE i.id = instance_id)",
            row => (Id: row.GetString(0), Host: row.GetString(1), Given: row.GetBoolean(2), InstanceHost: row.TextOrNull(3)), cancel, Columns.Texts(volumeIds));
        // To its instance's host again, as its pool says now.
        foreach (var one in kept.Where(one => one.Given)) await VolumeExports.GiveAsync(transaction, keys, one.Id, cancel);
        return [.. told.Concat(kept.Select(one => one.Host)).Concat(kept.Select(one => one.InstanceHost).OfType<string>()).Distinct()];
    }

    /// <summary>Those of a host that is given up cannot go on, at either end.</summary>
    public static async Task<IReadOnlyList<string>> CancelOfHostAsync(Transaction transaction, ExportKeys keys, string hostId, CancellationToken cancel) => await CancelAsync(transaction, keys, await transaction.QueryAsync(
        "SELECT v.id FROM volumes v JOIN volumes d ON d.id = v.moving_to WHERE v.host_id = $1 OR d.host_id = $1", row => row.GetString(0), cancel, hostId), cancel);

    /// <summary>Those of volumes that go to another host with their instances begin anew from there, if anybody asks for them.</summary>
    public static async Task<IReadOnlyList<string>> CancelOfInstanceAsync(Transaction transaction, ExportKeys keys, string instanceId, CancellationToken cancel) => await CancelAsync(transaction, keys, await transaction.QueryAsync(
        "SELECT id FROM volumes WHERE instance_id = $1 AND moving_to IS NOT NULL", row => row.GetString(0), cancel, instanceId), cancel);

    /// <summary>
    /// Exchanges the places of a volume and the record that is whole by now; both are held, and the volume's instance. From here on the volume is what is there, and the other record is what
    /// was the volume's, and is deleted. The incarnations of both grow: what hosts say of before means neither.
    /// </summary>
    public static async Task ExchangeAsync(Transaction transaction, string volumeId, string movedId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync(
            """
            UPDATE volumes v SET pool_id = o.pool_id, store_id = o.store_id, host_id = o.host_id, data_id = coalesce(o.data_id, o.id), sealed_key = o.sealed_key, made_gib = o.made_gib, used_bytes = o.used_bytes, snapshots = o.snapshots,
                                 incarnation = greatest(v.incarnation, o.incarnation) + 1, generation = greatest(v.generation, o.generation) + 1, observed_generation = 0, conditions = '[]', work = NULL, work_at = NULL,
                                 attached = false, exported = false, export_key = NULL, export_port = NULL, moving_to = NULL, move_key = NULL, move_port = NULL, drain_reason = NULL,
                                 desired = CASE WHEN v.id = $2 THEN 'deleted' ELSE v.desired END
            FROM volumes o WHERE v.id = $1 AND o.id = $2 OR v.id = $2 AND o.id = $1
            """, cancel, volumeId, movedId);
        // Only those are left that backups could have built on: they go with what they are of.
        await transaction.ExecuteAsync(
            "UPDATE snapshots s SET volume_id = v.id, desired = 'deleted', deleted_generation = v.generation FROM volumes v WHERE v.id = $2 AND s.volume_id = $1", cancel, volumeId, movedId);
    }
}
