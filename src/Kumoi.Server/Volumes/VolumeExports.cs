using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>Volumes that are given to instances of other hosts than theirs.</summary>
public static class VolumeExports
{
    /// <summary>Whether one host can give volumes to the other: both know how, and are in one zone.</summary>
    /// <param name="protocol">How volumes of the pool are given.</param>
    public static async Task<bool> CanAsync(Transaction transaction, string fromHostId, string toHostId, string protocol, CancellationToken cancel) => await transaction.FindAsync(
        "SELECT 1 FROM hosts a JOIN hosts b ON b.zone_id = a.zone_id WHERE a.id = $1 AND b.id = $2 AND a.id <> b.id AND $3 = ANY (a.volume_protocols) AND $3 = ANY (b.volume_protocols)",
        row => row.GetInt32(0), cancel, fromHostId, toHostId, protocol) == 1;

    /// <summary>Gives a volume, anew and as its pool says now, which is locked since its hosts were asked for that: whoever had it before is cut off by that.</summary>
    public static async Task GiveAsync(Transaction transaction, ExportKeys keys, string volumeId, CancellationToken cancel)
    {
        var incarnation = await transaction.FindAsync(
            "UPDATE volumes SET exported = true, export_incarnation = export_incarnation + 1, export_port = NULL, export_protocol = (SELECT p.protocol FROM pools p WHERE p.id = volumes.pool_id) WHERE id = $1 RETURNING export_incarnation",
            row => row.GetInt32(0), cancel, volumeId);
        await transaction.ExecuteAsync("UPDATE volumes SET export_key = $2 WHERE id = $1", cancel, volumeId, keys.New(volumeId, incarnation));
    }

    /// <summary>Has the giving of volumes ended, whose guests have let go of them. They are free when their hosts have done so.</summary>
    public static Task<List<string>> EndAsync(Transaction transaction, IReadOnlyCollection<string> volumeIds, CancellationToken cancel) => transaction.QueryAsync(
        "UPDATE volumes SET export_key = NULL, generation = generation + 1 WHERE id = ANY($1) AND exported AND export_key IS NOT NULL AND detached_at IS NOT NULL RETURNING host_id", row => row.GetString(0), cancel, Columns.Texts(volumeIds));
}
