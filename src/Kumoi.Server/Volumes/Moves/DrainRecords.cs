using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>A volume of a pool that is emptied.</summary>
/// <param name="HasSnapshots">Of its account's, or of what is made of it.</param>
/// <param name="Reason">Why it stayed when it was looked at last.</param>
public sealed record DrainedVolume(string Id, string AccountId, string State, string? InstanceState, bool HasSnapshots, string? Reason);

/// <summary>Statements on pools that are emptied.</summary>
public static class DrainRecords
{
    // Told of one pool; a longer list helps nobody.
    private const int WaitsMax = 100;

    /// <summary>True of a volume <c>v</c> that is still to be moved out of its pool, or is kept there for its snapshots.</summary>
    private const string Left = VolumeStore.Shown + " AND v.state <> 'deleting'";

    /// <summary>How far those of the pools are that are emptied.</summary>
    public static async Task<IReadOnlyDictionary<string, PoolDrain>> ReadAsync(Database database, IReadOnlyCollection<string> poolIds, CancellationToken cancel)
    {
        var drains = await database.QueryAsync(
            $"""
            SELECT p.id, t.id, t.name, count(*) FILTER (WHERE {Left}), count(*) FILTER (WHERE {Left} AND v.state = 'moving'), count(*) FILTER (WHERE v.desired = 'deleted' AND v.state <> 'retained' OR v.image_upload_id IS NOT NULL)
            FROM pools p JOIN pools t ON t.id = p.drain_pool_id LEFT JOIN volumes v ON v.pool_id = p.id AND v.deleted_at IS NULL WHERE p.id = ANY($1) GROUP BY p.id, t.id
            """, row => (Pool: row.GetString(0), Drain: new PoolDrain(new Ref(row.GetString(1), row.GetString(2)), (int)row.GetInt64(3), (int)row.GetInt64(4), (int)row.GetInt64(5), [])), cancel, Columns.Texts(poolIds));
        var found = new Dictionary<string, PoolDrain>();
        foreach (var (pool, drain) in drains)
            found[pool] = drain with
            {
                Waits = drain.Left == drain.Moving ? [] : await database.QueryAsync(
                    $"""
                    SELECT v.id, coalesce(v.former_name, v.name), a.id, a.name, coalesce(v.drain_reason, 'waiting'), i.id, i.name FROM volumes v JOIN accounts a ON a.id = v.account_id LEFT JOIN instances i ON i.id = v.instance_id
                    WHERE v.pool_id = $1 AND {Left} AND v.state <> 'moving' ORDER BY v.id LIMIT $2
                    """, row => new DrainWait(new Ref(row.GetString(0), row.GetString(1)), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.IsDBNull(5) ? null : new Ref(row.GetString(5), row.GetString(6))), cancel, pool, WaitsMax),
            };
        return found;
    }

    public static Task<List<(string Pool, string To)>> PoolsAsync(Database database, CancellationToken cancel) =>
        database.QueryAsync("SELECT id, drain_pool_id FROM pools WHERE drain_pool_id IS NOT NULL ORDER BY id", row => (row.GetString(0), row.GetString(1)), cancel);

    /// <summary>What is left in a pool, those first that were not looked at before.</summary>
    public static Task<List<DrainedVolume>> VolumesAsync(Database database, string poolId, CancellationToken cancel) => database.QueryAsync(
        $"""
        SELECT v.id, v.account_id, v.state, i.state, EXISTS (SELECT 1 FROM snapshots s WHERE s.volume_id = v.id AND NOT (s.internal AND s.image_upload_id IS NULL)), v.drain_reason
        FROM volumes v LEFT JOIN instances i ON i.id = v.instance_id WHERE v.pool_id = $1 AND {Left} ORDER BY v.drain_reason IS NOT NULL, v.id
        """, row => new DrainedVolume(row.GetString(0), row.GetString(1), row.GetString(2), row.TextOrNull(3), row.GetBoolean(4), row.TextOrNull(5)), cancel, poolId);

    /// <summary>Notes why volumes stay, while they are in the pool that was looked at.</summary>
    public static Task<int> NoteAsync(Database database, string poolId, IReadOnlyCollection<(string Id, string Reason)> reasons, CancellationToken cancel) => database.ExecuteAsync(
        "UPDATE volumes v SET drain_reason = n.reason FROM unnest($2::text[], $3::text[]) AS n(id, reason) WHERE v.id = n.id AND v.pool_id = $1 AND v.moving_to IS NULL AND v.drain_reason IS DISTINCT FROM n.reason", cancel,
        poolId, Columns.Texts(reasons.Select(one => one.Id)), Columns.Texts(reasons.Select(one => one.Reason)));
}
