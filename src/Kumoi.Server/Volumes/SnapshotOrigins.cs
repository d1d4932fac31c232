using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>The snapshot that a volume is to begin with, and where its volume is: the new one is made there, since there the bytes are.</summary>
public sealed record SnapshotOrigin(SnapshotRecord Snapshot, string PoolId, string PoolName, string StoreId, string HostId, bool HostReports, bool Encrypted);

/// <summary>Volumes that begin with snapshots, while they are filled.</summary>
public static class SnapshotOrigins
{
    /// <summary>What the key means; the snapshot and its volume are held until the transaction ends, so that neither goes meanwhile.</summary>
    public static async Task<Result<SnapshotOrigin>> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel)
    {
        if (await SnapshotStore.LockAsync(transaction, accountId, key, cancel) is not { } snapshot) return Failure.Invalid("snapshot", "no-such", new Noun("snapshot"), key);
        // One that is still to be taken will be: its host does that first.
        if (snapshot.State is not ("available" or "creating")) return new Failure("snapshot-not-available", 409, snapshot.Name, snapshot.State);
        return await OfAsync(transaction, snapshot, cancel);
    }

    /// <summary>The same of a snapshot whose volume is held.</summary>
    public static async Task<SnapshotOrigin> OfAsync(Transaction transaction, SnapshotRecord snapshot, CancellationToken cancel) => (await transaction.FindAsync(
        "SELECT p.id, p.name, v.store_id, h.id, h.state = 'up', v.sealed_key IS NOT NULL FROM volumes v JOIN pools p ON p.id = v.pool_id JOIN hosts h ON h.id = v.host_id WHERE v.id = $1",
        row => new SnapshotOrigin(snapshot, row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4), row.GetBoolean(5)), cancel, snapshot.VolumeId))!;

    /// <summary>The volume that is being filled: this one, or one that is filled from a snapshot of it, which is then to stay with its host.</summary>
    public static Task<string?> FillingAsync(Transaction transaction, string volumeId, bool stays, CancellationToken cancel) => transaction.FindAsync(
        "SELECT name FROM volumes WHERE (source_volume_id IS NOT NULL OR source_backup_id IS NOT NULL) AND made_gib IS NULL AND deleted_at IS NULL AND desired = 'present' AND (id = $1 OR source_volume_id = $1 AND NOT $2) ORDER BY id LIMIT 1",
        row => row.GetString(0), cancel, volumeId, stays);
}
