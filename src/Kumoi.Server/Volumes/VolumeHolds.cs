using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>What instances' volumes mean for the instances, and what instances' ends and moves mean for their volumes.</summary>
public static class VolumeHolds
{
    /// <summary>Counts anew how many volumes hold each instance to its host: those that are not where its root disk is.</summary>
    public static Task<int> CountAsync(Transaction transaction, IReadOnlyCollection<string> instanceIds, CancellationToken cancel) => transaction.ExecuteAsync(Count, cancel, Columns.Texts(instanceIds));

    /// <summary>The statement of <see cref="CountAsync"/>, for those who send it with others.</summary>
    public const string Count = "UPDATE instances i SET fixed_volumes = (SELECT count(*) FROM volumes v WHERE v.instance_id = i.id AND v.store_id IS DISTINCT FROM i.storage) WHERE i.id = ANY($1)";

    /// <summary>Whether it may move may have changed: a host that is lost before it has heard so may not have acted on it. After the host's revision was raised.</summary>
    public static Task<int> NoteRevisionAsync(Transaction transaction, IReadOnlyCollection<string> instanceIds, CancellationToken cancel) => transaction.ExecuteAsync(
        "UPDATE instances v SET recovery_revision = h.revision FROM hosts h WHERE v.id = ANY($1) AND h.id = v.host_id AND v.recovery = 'restart'", cancel, Columns.Texts(instanceIds));

    /// <summary>What a volume that is kept for its snapshots is called: its name is free for another one.</summary>
    /// <param name="kept">The condition under which it is.</param>
    public static string NameGivenBack(string kept) => $"former_name = CASE WHEN {kept} THEN coalesce(former_name, name) ELSE former_name END, name = CASE WHEN {kept} THEN id ELSE name END";

    /// <summary>Frees the volumes of instances that are gone; those that go with them are to be removed. Their hosts are told by whoever ends the instances.</summary>
    public static Task<int> FreeAsync(Transaction transaction, IReadOnlyCollection<string> instanceIds, CancellationToken cancel) => transaction.ExecuteAsync(
        $"""
        UPDATE volumes SET {NameGivenBack("delete_on_termination AND snapshots > 0")}, desired = CASE WHEN delete_on_termination THEN 'deleted' ELSE desired END, generation = generation + 1, instance_id = NULL, slot = NULL, attached = false,
                           attached_generation = NULL, detached_at = NULL, detached_generation = NULL WHERE instance_id = ANY($1)
        """, cancel, Columns.Texts(instanceIds));

    /// <summary>Gives the volumes of an instance to its new host, which reaches their store, too; and those that are being filled from snapshots of them.</summary>
    public static Task<int> MoveAsync(Transaction transaction, string instanceId, string hostId, CancellationToken cancel) => transaction.ExecuteAsync(
        """
        UPDATE volumes SET host_id = $2, incarnation = incarnation + 1, generation = generation + 1, observed_generation = 0, attached = false 
        WHERE id IN (SELECT id FROM volumes WHERE instance_id = $1
                     UNION ALL SELECT c.id FROM volumes v JOIN volumes c ON c.source_volume_id = v.id AND c.made_gib IS NULL AND c.deleted_at IS NULL WHERE v.instance_id = $1)
        """, cancel, instanceId, hostId);
}
