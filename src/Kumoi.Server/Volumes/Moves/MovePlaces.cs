using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>Where a volume is to be moved to.</summary>
/// <param name="Host">The host that is asked for; null: any.</param>
public sealed record MoveTarget(string PoolId, string PoolName, bool Shared, Ref? Host);

/// <summary>Chooses the place that a volume is moved to: with its instance's host before others, since no other then has to give it to that.</summary>
public static class MovePlaces
{
    /// <summary>Takes room there.</summary>
    /// <param name="instanceHost">Where the instance is that it is attached to; null: it is attached to none.</param>
    public static async Task<Result<(string Store, string Host)>> TakeAsync(Transaction transaction, VolumeRecord volume, MoveTarget target, string? instanceHost, string? instanceName, CancellationToken cancel)
    {
        var (source, isUp, knows) = await transaction.FindAsync(
            "SELECT name, state = 'up', $2 = ANY (volume_protocols) FROM hosts WHERE id = $1", row => (row.GetString(0), row.GetBoolean(1), row.GetBoolean(2)), cancel, volume.HostId!, VolumeProtocols.Move);
        if (!isUp) return new Failure("volume-host-away", 409, volume.Name);
        if (!knows) return new Failure("move-unsupported", 409, volume.Name, source!);
        var candidates = await transaction.QueryAsync(
            """
            SELECT h.id, bool_or(EXISTS (SELECT 1 FROM store_hosts y WHERE y.store_id = s.id AND y.host_id = $5)), p.protocol
            FROM stores s JOIN pools p ON p.id = s.pool_id JOIN store_hosts x ON x.store_id = s.id JOIN hosts h ON h.id = x.host_id JOIN hosts o ON o.id = $3 AND o.zone_id = h.zone_id
            WHERE s.pool_id = $1 AND s.id <> $2 AND h.state = 'up' AND $6 = ANY (h.volume_protocols) AND (h.id = $4 OR $4 IS NULL AND NOT h.maintenance)
            GROUP BY h.id, p.protocol ORDER BY 2 DESC, h.id = $3 DESC, min(CASE WHEN s.own THEN h.allocated_disk_gib::float / greatest(1, h.disk_gib) ELSE s.allocated_gib::float / greatest(1, s.capacity_gib) END), h.id
            """, row => (Host: row.GetString(0), Reached: row.GetBoolean(1), Protocol: row.GetString(2)), cancel, target.PoolId, volume.StoreId!, volume.HostId!, Columns.Text(target.Host?.Id), Columns.Text(instanceHost), VolumeProtocols.Move);
        if (candidates.Count == 0) return new Failure("move-nowhere", 409, volume.Name, target.PoolName);
        var isReached = false;
        foreach (var (host, reached, protocol) in candidates)
        {
            if (instanceHost is not null && !reached && (target.Shared || !await VolumeExports.CanAsync(transaction, host, instanceHost, protocol, cancel))) continue;
            isReached = true;
            if (await StoreRoom.PlaceAsync(transaction, target.PoolId, host, volume.SizeGib, cancel) is { } place) return place;
        }
        return isReached ? new Failure("insufficient-storage", 409, target.PoolName, volume.SizeGib)
            : new Failure("volume-elsewhere", 409, volume.Name, await transaction.FindAsync("SELECT name FROM hosts WHERE id = $1", row => row.GetString(0), cancel, candidates[0].Host) ?? "", instanceName!);
    }
}
