using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Volumes;

/// <summary>A snapshot as its changes need it.</summary>
public sealed record SnapshotRecord(string Id, string Name, string VolumeId, string State, int SizeGib);

/// <summary>Statements on snapshots, except those of their hosts' reports.</summary>
public sealed class SnapshotStore(Database database)
{
    private const string Select =
        """
        SELECT s.id, s.name, s.description, a.id, a.name, s.state, v.id, coalesce(v.former_name, v.name), s.size_gib, s.used_bytes, s.consistency, s.instance_id, s.instance_name, s.group_id, s.taken_at,
               v.conditions::text, s.created_at, s.tags::text
        FROM snapshots s JOIN accounts a ON a.id = s.account_id JOIN volumes v ON v.id = s.volume_id WHERE s.account_id = $1 AND NOT s.internal
        """;

    private static Snapshot Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), new Ref(row.GetString(3), row.GetString(4)), row.GetString(5), new Ref(row.GetString(6), row.GetString(7)), row.GetInt32(8), row.GetInt64(9),
        row.TextOrNull(10), row.IsDBNull(11) ? null : new Ref(row.GetString(11), row.GetString(12)), row.TextOrNull(13), row.TimeOrNull(14),
        [.. row.Conditions(15).Where(condition => row.GetString(5) != "available" || Concerns(condition, row.GetString(0)))], row.Time(16), Tags.Read(row, 17));

    /// <summary>
    /// True if a host tells of a volume what keeps this snapshot of it from being used: that it is the one that is missing, or that no layer of the volume is as it was made. Which one
    /// is missing is told by its id only, in words that are the host's.
    /// </summary>
    private static bool Concerns(Condition condition, string id) => condition.Reason == "snapshot-missing" ? condition.Message.Contains(id, StringComparison.Ordinal) : condition.Reason == "snapshot-refused";

    public Task<List<Snapshot>> ListAsync(string accountId, string? state, string? volume, string? instance, string? name, TagFilter tags, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        Select + """
         AND s.id > $2 AND ($3::text IS NULL OR s.state = $3) AND ($4::text IS NULL OR $4 IN (v.id, v.name, v.former_name)) AND ($5::text IS NULL OR $5 IN (s.instance_id, s.instance_name))
         AND ($6::text IS NULL OR s.name LIKE replace(replace(replace($6, '\', '\\'), '%', '\%'), '_', '\_') || '%') AND s.tags @> $8 AND s.tags ?& $9 ORDER BY s.id LIMIT $7
        """, Read, cancel, accountId, page.After, Columns.Text(state), Columns.Text(volume), Columns.Text(instance), Columns.Text(name), page.Limit + 1, tags.WantedColumn, tags.KeysColumn);

    public Task<Snapshot?> FindAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(Select + " AND (s.id = $2 OR s.name = $2)", Read, cancel, accountId, key);

    public static Task<List<Snapshot>> ReadAsync(Transaction transaction, string accountId, IReadOnlyCollection<string> ids, CancellationToken cancel) =>
        transaction.QueryAsync(Select + " AND s.id = ANY($2) ORDER BY s.id", Read, cancel, accountId, Columns.Texts(ids));

    /// <summary>The snapshot that a key means, held until the transaction ends. Its volume is held before it, as everywhere.</summary>
    public static async Task<SnapshotRecord?> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("SELECT 1 FROM volumes WHERE id = (SELECT volume_id FROM snapshots WHERE account_id = $1 AND (id = $2 OR name = $2)) FOR UPDATE", cancel, accountId, key);
        return await transaction.FindAsync(Record + " FOR UPDATE", ReadRecord, cancel, accountId, key);
    }

    /// <summary>The snapshot that a key means, for who holds the volume that it should be of: while that is held nobody changes what becomes of it.</summary>
    public static Task<SnapshotRecord?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(Record, ReadRecord, cancel, accountId, key);

    private const string Record = "SELECT id, name, volume_id, state, size_gib FROM snapshots WHERE account_id = $1 AND (id = $2 OR name = $2) AND NOT internal";

    private static SnapshotRecord ReadRecord(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt32(4));

    /// <summary>Volumes that need the snapshot still: they are being filled from it, or put back to it, unless their host has told that it cannot.</summary>
    public static async Task<List<Ref>> UsersAsync(Transaction transaction, SnapshotRecord snapshot, CancellationToken cancel) => [.. (await transaction.QueryAsync(
        """
        SELECT coalesce(m.id, v.id), coalesce(m.name, v.name), '[]' FROM volumes v LEFT JOIN images m ON m.id = v.image_upload_id
        WHERE v.source_volume_id = $2 AND v.source_snapshot_id = $1 AND v.made_gib IS NULL AND v.deleted_at IS NULL AND v.desired = 'present'
        UNION ALL SELECT id, name, conditions::text FROM volumes WHERE id = $2 AND restore_snapshot_id = $1 AND restored_number < restore_number AND desired = 'present' ORDER BY 1 LIMIT 20
        """, row => (User: new Ref(row.GetString(0), row.GetString(1)), Conditions: row.Conditions(2)), cancel, snapshot.Id, snapshot.VolumeId))
        .Where(one => !one.Conditions.Any(condition => Concerns(condition, snapshot.Id))).Select(one => one.User)];
}
