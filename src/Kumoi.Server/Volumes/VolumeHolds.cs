using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes.Moves;

namespace Kumoi.Server.Volumes;

/// <summary>What instances' volumes mean for the instances, and what instances' ends and moves mean for their volumes.</summary>
public static class VolumeHolds
{
    /// <summary>Whether an instance (named <c>v</c>) starts from a volume that another host gives it.</summary>
    public const string Networked = "EXISTS (SELECT 1 FROM volumes w WHERE w.instance_id = v.id AND w.slot = 0 AND w.exported)";

    /// <summary>Counts anew how many volumes hold each instance to its host: those that are not where its root disk is, and that no other host gives it.</summary>
    public static Task<int> CountAsync(Transaction transaction, IReadOnlyCollection<string> instanceIds, CancellationToken cancel) => transaction.ExecuteAsync(Count, cancel, Columns.Texts(instanceIds));

    /// <summary>The statement of <see cref="CountAsync"/>, for those who send it with others.</summary>
    public const string Count = "UPDATE instances i SET fixed_volumes = (SELECT count(*) FROM volumes v WHERE v.instance_id = i.id AND v.store_id IS DISTINCT FROM i.storage AND NOT v.exported) WHERE i.id = ANY($1)";

    /// <summary>Whether it may move may have changed: a host that is lost before it has heard so may not have acted on it. After the host's revision was raised.</summary>
    public static Task<int> NoteRevisionAsync(Transaction transaction, IReadOnlyCollection<string> instanceIds, CancellationToken cancel) => transaction.ExecuteAsync(
        "UPDATE instances v SET recovery_revision = h.revision FROM hosts h WHERE v.id = ANY($1) AND h.id = v.host_id AND v.recovery = 'restart'", cancel, Columns.Texts(instanceIds));

    /// <summary>What a volume that is kept for its snapshots is called: its name is free for another one.</summary>
    /// <param name="kept">The condition under which it is.</param>
    public static string NameGivenBack(string kept) => $"former_name = CASE WHEN {kept} THEN coalesce(former_name, name) ELSE former_name END, name = CASE WHEN {kept} THEN id ELSE name END";

    /// <summary>Frees the volumes of instances that are gone; those that go with them are to be removed. The instances' hosts are told by whoever ends the instances.</summary>
    /// <returns>Hosts that gave some of them to others.</returns>
    public static async Task<IReadOnlyList<string>> FreeAsync(Transaction transaction, ExportKeys keys, IReadOnlyCollection<string> instanceIds, CancellationToken cancel)
    {
        // One that is to go has no other place to go to.
        var moving = await transaction.QueryAsync("SELECT id FROM volumes WHERE instance_id = ANY($1) AND moving_to IS NOT NULL AND delete_on_termination", row => row.GetString(0), cancel, Columns.Texts(instanceIds));
        return [.. (await MoveRecords.CancelAsync(transaction, keys, moving, cancel)).Union(await FreeAsync(transaction, instanceIds, cancel))];
    }

    private static async Task<IEnumerable<string>> FreeAsync(Transaction transaction, IReadOnlyCollection<string> instanceIds, CancellationToken cancel) => (await transaction.QueryAsync(
        $"""
        UPDATE volumes v SET {NameGivenBack("delete_on_termination AND snapshots > 0")}, desired = CASE WHEN delete_on_termination THEN 'deleted' ELSE desired END, generation = generation + 1, instance_id = NULL, slot = NULL, attached = false,
                           attached_generation = NULL, detached_at = NULL, detached_generation = NULL, exported = false, export_key = NULL, export_port = NULL, drain_reason = NULL
        FROM (SELECT id AS freed, exported AS was FROM volumes WHERE instance_id = ANY($1)) o WHERE v.id = o.freed RETURNING CASE WHEN o.was THEN v.host_id END
        """, row => row.TextOrNull(0), cancel, Columns.Texts(instanceIds))).OfType<string>();

    /// <summary>Whether a host can have the volumes of instances: it reaches their stores, or their hosts can give them to it.</summary>
    public static async Task<bool> CanMoveAsync(Transaction transaction, IReadOnlyCollection<string> instanceIds, string hostId, CancellationToken cancel)
    {
        // They are given as their pools say now, which is what their hosts are asked for.
        await transaction.QueryAsync("SELECT 1 FROM pools WHERE id IN (SELECT pool_id FROM volumes WHERE instance_id = ANY($1)) ORDER BY id FOR SHARE", row => row.GetInt32(0), cancel, Columns.Texts(instanceIds));
        var others = await transaction.QueryAsync(
            "SELECT DISTINCT v.host_id, p.protocol FROM volumes v JOIN pools p ON p.id = v.pool_id WHERE v.instance_id = ANY($1) AND v.host_id <> $2 AND NOT EXISTS (SELECT 1 FROM store_hosts x WHERE x.store_id = v.store_id AND x.host_id = $2)",
            row => (Host: row.GetString(0), Protocol: row.GetString(1)), cancel, Columns.Texts(instanceIds), hostId);
        foreach (var (other, protocol) in others)
            if (!await VolumeExports.CanAsync(transaction, other, hostId, protocol, cancel)) return false;
        return true;
    }

    /// <summary>
    /// Gives the volumes of an instance to its new host: those whose store that reaches are its own from now on, with those that are being filled from snapshots of them; the others are given
    /// to it by the hosts that have them, by which the former one is cut off.
    /// </summary>
    /// <returns>Hosts that are to hear of it.</returns>
    public static async Task<IReadOnlyList<string>> MoveAsync(Transaction transaction, ExportKeys keys, string instanceId, string hostId, CancellationToken cancel)
    {
        var left = await MoveRecords.CancelOfInstanceAsync(transaction, keys, instanceId, cancel);
        await transaction.ExecuteAsync(
            """
            UPDATE volumes SET host_id = $2, incarnation = incarnation + 1, generation = generation + 1, observed_generation = 0, attached = false, exported = false, export_key = NULL, export_port = NULL
            WHERE id IN (SELECT v.id FROM volumes v JOIN store_hosts x ON x.store_id = v.store_id AND x.host_id = $2 WHERE v.instance_id = $1
                         UNION ALL SELECT c.id FROM volumes v JOIN store_hosts x ON x.store_id = v.store_id AND x.host_id = $2
                                   JOIN volumes c ON c.source_volume_id = v.id AND c.made_gib IS NULL AND c.deleted_at IS NULL WHERE v.instance_id = $1)
            """, cancel, instanceId, hostId);
        var given = await transaction.QueryAsync(
            "UPDATE volumes SET generation = generation + 1, attached = false WHERE instance_id = $1 AND host_id <> $2 RETURNING id, host_id", row => (Id: row.GetString(0), Host: row.GetString(1)), cancel, instanceId, hostId);
        foreach (var (id, _) in given) await VolumeExports.GiveAsync(transaction, keys, id, cancel);
        await CountAsync(transaction, [instanceId], cancel);
        return [.. given.Select(one => one.Host).Append(hostId).Union(left)];
    }
}
