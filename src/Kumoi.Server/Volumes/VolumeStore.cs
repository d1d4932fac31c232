using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Volumes;

/// <summary>A volume as its changes need it, locked.</summary>
public sealed record VolumeRecord(
    string Id, string Name, string AccountId, string State, int SizeGib, string PoolId, string? StoreId, string? HostId, string? InstanceId, bool Detaching, string Desired, string? ImageId, int? Slot, bool Made, bool Restoring, int Snapshots, bool Encrypted, string? MovingTo)
{
    public Ref Ref => new(Id, Name);
}

/// <summary>Statements on volumes, except those of their hosts' reports.</summary>
public sealed class VolumeStore(Database database)
{
    /// <summary>True of a volume <c>v</c> that its account may know of: not of one that is gone, nor of one that is only there to become an image, or the new place of another.</summary>
    public const string Shown = "v.deleted_at IS NULL AND v.image_upload_id IS NULL AND v.move_source_id IS NULL";

    private const string Select =
        $"""
        SELECT v.id, coalesce(v.former_name, v.name), a.id, a.name, v.state, v.size_gib, v.used_bytes, p.id, p.name, t.id, t.name, h.id, h.name, m.id, m.name, i.id, i.name, v.slot, v.delete_on_termination, (v.conditions || coalesce(d.conditions, '[]'))::text, v.created_at, v.generation, v.observed_generation,
               CASE WHEN v.source_is_volume THEN v.source_volume_id ELSE v.source_snapshot_id END, v.source_name, v.snapshots - CASE WHEN v.snapshots = 0 THEN 0 ELSE (SELECT count(*)::int FROM snapshots s WHERE s.volume_id = v.id AND s.internal) END, coalesce(d.work, v.work)::text,
               v.sealed_key IS NOT NULL, v.source_backup_id, v.source_backup_name, v.tags::text, v.source_is_volume, dp.id, dp.name, dh.id, dh.name
        FROM volumes v JOIN accounts a ON a.id = v.account_id JOIN pools p ON p.id = v.pool_id LEFT JOIN volume_types t ON t.id = v.type_id LEFT JOIN hosts h ON h.id = v.host_id
        LEFT JOIN images m ON m.id = v.image_id LEFT JOIN instances i ON i.id = v.instance_id
        LEFT JOIN volumes d ON d.id = v.moving_to LEFT JOIN pools dp ON dp.id = d.pool_id LEFT JOIN hosts dh ON dh.id = d.host_id WHERE v.account_id = $1 AND {Shown}
        """;

    private static Ref? Maybe(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : new Ref(row.GetString(column), row.GetString(column + 1));

    private static Volume Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetInt32(5), row.GetInt64(6), new Ref(row.GetString(7), row.GetString(8)), Maybe(row, 9), Maybe(row, 11),
        Maybe(row, 13), Maybe(row, 15), row.IntOrNull(17), SerialOf(row.GetString(0)), row.GetBoolean(18), row.GetInt64(21), row.GetInt64(22), row.Conditions(19), row.Time(20),
        row.GetBoolean(31) ? null : Maybe(row, 23), row.GetInt32(25), row.TextOrNull(26) is { } work ? JsonSerializer.Deserialize(work, ApiJson.Default.VolumeWork) : null, row.GetBoolean(27), Tags.Read(row, 30), Maybe(row, 28), row.GetBoolean(31) ? Maybe(row, 23) : null,
        Maybe(row, 32) is { } pool ? new VolumeDestination(pool, Maybe(row, 34)!) : null);

    /// <summary>What guests read as the disk's serial number: the most that virtio has room for, 20 characters.</summary>
    public static string SerialOf(string id) => id.Replace("-", "", StringComparison.Ordinal);

    public Task<List<Volume>> ListAsync(string accountId, string? state, string? instance, string? pool, TagFilter tags, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        Select + """
         AND v.id > $2 AND ($3::text IS NULL AND v.state <> 'retained' OR v.state = $3) AND ($4::text IS NULL OR i.id = $4 OR i.name = $4) AND ($5::text IS NULL OR p.id = $5 OR p.name = $5) AND v.tags @> $7 AND v.tags ?& $8 ORDER BY v.id LIMIT $6
        """, Read, cancel, accountId, page.After, Columns.Text(state), Columns.Text(instance), Columns.Text(pool), page.Limit + 1, tags.WantedColumn, tags.KeysColumn);

    public Task<Volume?> FindAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(Select + " AND (v.id = $2 OR v.name = $2)", Read, cancel, accountId, key);

    public static async Task<Volume> ReadAsync(Transaction transaction, string accountId, string id, CancellationToken cancel) =>
        await transaction.FindAsync(Select + " AND v.id = $2", Read, cancel, accountId, id) ?? throw new InvalidOperationException($"The volume {id} is gone within its own transaction.");

    private const string Record =
        """
        SELECT id, coalesce(former_name, name), account_id, state, size_gib, pool_id, store_id, host_id, instance_id, detached_at IS NOT NULL, desired, image_id, slot, made_gib IS NOT NULL, restored_number < restore_number, snapshots, sealed_key IS NOT NULL, moving_to
        FROM volumes v
        """;

    private static VolumeRecord ReadRecord(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt32(4), row.GetString(5), row.TextOrNull(6), row.TextOrNull(7), row.TextOrNull(8), row.GetBoolean(9), row.GetString(10), row.TextOrNull(11),
        row.IntOrNull(12), row.GetBoolean(13), row.GetBoolean(14), row.GetInt32(15), row.GetBoolean(16), row.TextOrNull(17));

    public static Task<VolumeRecord?> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        transaction.FindAsync(Record + " WHERE account_id = $1 AND (id = $2 OR name = $2) AND " + Shown + " FOR UPDATE", ReadRecord, cancel, accountId, key);

    /// <summary>The volumes that an instance has and is to keep, held; the one that it starts from first.</summary>
    public static async Task<List<VolumeRecord>> LockOfAsync(Transaction transaction, string instanceId, CancellationToken cancel) =>
        [.. (await transaction.QueryAsync(Record + " WHERE instance_id = $1 AND detached_at IS NULL ORDER BY id FOR UPDATE", ReadRecord, cancel, instanceId)).OrderBy(volume => volume.Slot)];

    /// <summary>The instance that a volume is attached to, without a lock: instances are locked before volumes.</summary>
    public static Task<string?> InstanceOfAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(
        "SELECT instance_id FROM volumes WHERE account_id = $1 AND (id = $2 OR name = $2) AND deleted_at IS NULL AND instance_id IS NOT NULL", row => row.GetString(0), cancel, accountId, key);
}
