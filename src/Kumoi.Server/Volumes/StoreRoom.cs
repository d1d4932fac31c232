using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>Room in stores: taken before a volume is made or grown, given back when nothing of it is left. Never more than there is, times what its pool promises.</summary>
public static class StoreRoom
{
    private sealed record Place(string Id, bool Own);

    /// <summary>
    /// Takes room for a new volume in a store of the pool, the emptiest first, that the host reaches; any host's if none is named. The store, and the host
    /// that is to look after the volume there; null if there is no room.
    /// </summary>
    public static async Task<(string Store, string Host)?> PlaceAsync(Transaction transaction, string poolId, string? hostId, int sizeGib, CancellationToken cancel)
    {
        var places = await transaction.QueryAsync(
            """
            SELECT s.id, s.own, h.id FROM stores s JOIN pools p ON p.id = s.pool_id JOIN store_hosts x ON x.store_id = s.id JOIN hosts h ON h.id = x.host_id
            WHERE s.pool_id = $1 AND ($2::text IS NULL OR h.id = $2) AND h.state = 'up' AND NOT p.maintenance AND ($2::text IS NOT NULL OR NOT h.maintenance)
            ORDER BY CASE WHEN s.own THEN h.allocated_disk_gib::float / greatest(1, h.disk_gib) ELSE s.allocated_gib::float / greatest(1, s.capacity_gib) END, s.id, h.instances, h.id
            """, row => (Place: new Place(row.GetString(0), row.GetBoolean(1)), Host: row.GetString(2)), cancel, poolId, Columns.Text(hostId));
        foreach (var (place, host) in places.DistinctBy(place => place.Place.Id))
            if (await TakeAsync(transaction, place, host, sizeGib, cancel)) return (place.Id, host);
        return null;
    }

    /// <summary>Takes more room where a volume is; false if there is none.</summary>
    public static async Task<bool> GrowAsync(Transaction transaction, string storeId, string hostId, int moreGib, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT s.id, s.own FROM stores s JOIN pools p ON p.id = s.pool_id WHERE s.id = $1 AND NOT p.maintenance", row => new Place(row.GetString(0), row.GetBoolean(1)), cancel, storeId) is { } place
        && await TakeAsync(transaction, place, hostId, moreGib, cancel);

    private static async Task<bool> TakeAsync(Transaction transaction, Place place, string hostId, int gib, CancellationToken cancel)
    {
        // The account that root disks are on, too.
        if (place.Own)
            return await transaction.ExecuteAsync(
                """
                UPDATE hosts h SET allocated_disk_gib = allocated_disk_gib + $2 FROM stores s JOIN pools p ON p.id = s.pool_id
                WHERE h.id = $1 AND s.id = $3 AND h.allocated_disk_gib + $2 <= h.disk_gib * p.overcommit
                """, cancel, hostId, gib, place.Id) == 1;
        // Hosts are locked before stores: whoever takes room tells the host, too.
        await transaction.ExecuteAsync(HostRevisions.Lock, cancel, Columns.Texts([hostId]));
        return await transaction.ExecuteAsync(
            "UPDATE stores s SET allocated_gib = allocated_gib + $2 FROM pools p WHERE s.id = $1 AND p.id = s.pool_id AND s.allocated_gib + $2 <= s.capacity_gib * p.overcommit", cancel, place.Id, gib) == 1;
    }

    /// <summary>Counts a volume that is there already, whether there is room for it or not.</summary>
    public static Task AddAsync(Transaction transaction, string storeId, string hostId, int gib, CancellationToken cancel) => transaction.ExecuteAsync(
    [
        ("UPDATE hosts h SET allocated_disk_gib = allocated_disk_gib + $2 FROM stores s WHERE h.id = $1 AND s.id = $3 AND s.own", [hostId, gib, storeId]),
        ("UPDATE stores SET allocated_gib = allocated_gib + $2 WHERE id = $1 AND NOT own", [storeId, gib]),
    ]);

    /// <summary>Gives back what volumes had, when they are gone.</summary>
    public static async Task GiveBackAsync(Transaction transaction, IReadOnlyCollection<(string StoreId, string HostId, int Gib)> volumes, CancellationToken cancel)
    {
        if (volumes.Count == 0) return;
        await transaction.ExecuteAsync(
        [
            (HostRevisions.Lock, [Columns.Texts(volumes.Select(v => v.HostId).Distinct())]),
            ("""
            UPDATE hosts h SET allocated_disk_gib = h.allocated_disk_gib - n.gib
            FROM (SELECT n.host, sum(n.gib)::int AS gib FROM unnest($1::text[], $2::text[], $3::int[]) AS n(store, host, gib) JOIN stores s ON s.id = n.store WHERE s.own GROUP BY n.host) n WHERE h.id = n.host
            """, Values()),
            ("SELECT id FROM stores WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", [Columns.Texts(volumes.Select(v => v.StoreId).Distinct())]),
            ("""
            UPDATE stores s SET allocated_gib = s.allocated_gib - n.gib
            FROM (SELECT n.store, sum(n.gib) AS gib FROM unnest($1::text[], $2::text[], $3::int[]) AS n(store, host, gib) GROUP BY n.store) n WHERE s.id = n.store AND NOT s.own
            """, Values()),
        ]);

        object?[] Values() => [Columns.Texts(volumes.Select(v => v.StoreId)), Columns.Texts(volumes.Select(v => v.HostId)), Columns.Integers(volumes.Select(v => v.Gib))];
    }
}
