using Kumoi.Api.Agent;
using Kumoi.Server.Backups;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Volumes;

/// <summary>The volumes of hosts, for their documents.</summary>
public sealed class VolumeDocuments
{
    private readonly ILookup<string, DesiredVolume> _volumes;
    private readonly ILookup<string, DesiredImage> _images;

    private VolumeDocuments(List<(string Host, DesiredVolume Volume, DesiredImage? Image)> rows)
    {
        _volumes = rows.ToLookup(row => row.Host, row => row.Volume);
        _images = rows.Where(row => row.Image is not null).ToLookup(row => row.Host, row => row.Image!);
    }

    public static async Task<VolumeDocuments> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<string> hostIds, BackupDocuments backups, VolumeKeys keys, ExportKeys exportKeys)
    {
        // In the order in which they were asked for.
        var snapshots = (await connection.RowsAsync(
            """
            SELECT s.volume_id, s.id, s.desired, s.group_id, s.taken_at IS NOT NULL FROM volumes v JOIN snapshots s ON s.volume_id = v.id
            WHERE v.host_id = ANY($1) AND v.deleted_at IS NULL AND v.snapshots > 0 ORDER BY s.volume_id, s.asked_generation
            """, row => (Volume: row.GetString(0), Snapshot: new DesiredSnapshot(row.GetString(1), row.GetString(2), row.TextOrNull(3), row.GetBoolean(4))), default, Columns.Texts(hostIds))).ToLookup(s => s.Volume, s => s.Snapshot);
        return new([.. await VolumesAsync(connection, hostIds, snapshots, backups, keys, exportKeys), .. await RemotesAsync(connection, hostIds, exportKeys)]);
    }

    private static Task<List<(string, DesiredVolume, DesiredImage?)>> VolumesAsync(NpgsqlConnection connection, IReadOnlyCollection<string> hostIds, ILookup<string, DesiredSnapshot> snapshots, BackupDocuments backups, VolumeKeys keys, ExportKeys exportKeys) => connection.RowsAsync(
        """
        SELECT v.host_id, coalesce(v.data_id, v.id), v.store_id, v.generation, v.incarnation, v.desired, v.size_gib, m.id, CASE WHEN v.detached_at IS NULL AND NOT v.exported THEN v.instance_id END, v.slot, t.iops, t.mib_per_second,
               m.sha256, m.format, m.size_bytes, m.virtual_size_bytes, v.made_gib IS NOT NULL, CASE WHEN v.made_gib IS NULL AND v.desired = 'present' THEN coalesce(s.data_id, v.source_volume_id) END, v.source_snapshot_id,
               CASE WHEN v.restored_number < v.restore_number AND v.desired = 'present' THEN v.restore_snapshot_id END, v.restore_number, CASE WHEN v.desired = 'present' THEN v.image_upload_id END, v.sealed_key,
               CASE WHEN v.made_gib IS NULL AND v.desired = 'present' THEN v.source_backup_id END, CASE WHEN v.exported THEN v.instance_id END, v.export_incarnation, v.export_key, v.export_protocol,
               v.id, d.id, d.move_incarnation, d.move_key, CASE WHEN v.made_gib IS NULL AND v.desired = 'present' THEN v.move_source_id END, f.data_id, f.used_bytes, h.address, v.move_port, v.move_incarnation, v.move_key
        FROM volumes v LEFT JOIN volume_types t ON t.id = v.type_id LEFT JOIN images m ON m.id = v.image_id AND v.data_id IS NULL LEFT JOIN volumes s ON s.id = v.source_volume_id
        LEFT JOIN volumes d ON d.id = v.moving_to LEFT JOIN volumes f ON f.id = v.move_source_id AND f.moving_to = v.id LEFT JOIN hosts h ON h.id = f.host_id WHERE v.host_id = ANY($1) AND v.deleted_at IS NULL ORDER BY v.id
        """, row => (row.GetString(0), Read(row, snapshots[row.GetString(28)], backups, keys, exportKeys), row.IsDBNull(7) ? null : new DesiredImage(row.GetString(7), row.GetString(12), row.GetString(13), row.GetInt64(14), row.GetInt64(15))), default, Columns.Texts(hostIds));

    private static DesiredVolume Read(NpgsqlDataReader row, IEnumerable<DesiredSnapshot> snapshots, BackupDocuments backups, VolumeKeys keys, ExportKeys exportKeys)
    {
        var (instance, iops, mib) = (row.TextOrNull(8), row.IntOrNull(10), row.IntOrNull(11));
        return new DesiredVolume(
            row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetInt32(4), row.GetString(5), row.GetInt32(6), row.TextOrNull(7), instance, instance is null ? null : row.IntOrNull(9),
            iops is null && mib is null ? null : new VolumeLimits(iops, mib), row.GetBoolean(16),
            snapshots.Any() ? [.. snapshots] : null, row.IsDBNull(17) ? null : new SnapshotSource(row.GetString(17), row.GetString(18)), row.IsDBNull(19) ? null : new SnapshotRestore(row.GetString(19), row.GetInt64(20)), row.TextOrNull(21),
            row.IsDBNull(22) ? null : keys.Open(row.GetString(1), row.GetFieldValue<byte[]>(22)),
            // One whose backup is not there is not made as an empty one.
            row.TextOrNull(23) is { } backup ? backups.SourceOf(backup) ?? new BackupSource("", "", []) : null,
            ExportOf(row, exportKeys), Move: MoveOf(row, exportKeys), Of: row.GetString(28) == row.GetString(1) ? null : row.GetString(28));
    }

    /// <summary>To the instance of another host; or, while it moves, to nobody but the host that fills its new place.</summary>
    private static VolumeExport? ExportOf(NpgsqlDataReader row, ExportKeys keys) =>
        row.TextOrNull(29) is { } moved ? row.IsDBNull(31) ? null : new VolumeExport(VolumeProtocols.Nbd, moved, row.GetInt32(30), keys.Open(moved, row.GetInt32(30), row.GetFieldValue<byte[]>(31)), ReadOnly: true)
            : row.IsDBNull(24) || row.IsDBNull(26) ? null : new VolumeExport(row.GetString(27), row.GetString(24), row.GetInt32(25), keys.Open(row.GetString(28), row.GetInt32(25), row.GetFieldValue<byte[]>(26)));

    /// <summary>Also of one whose move was given up just now: what takes a volume's place is never made as an empty one.</summary>
    private static VolumeMove? MoveOf(NpgsqlDataReader row, ExportKeys keys)
    {
        if (row.TextOrNull(32) is not { } source) return null;
        var isGiven = !row.IsDBNull(34) && !row.IsDBNull(38);
        return new VolumeMove(row.TextOrNull(33) ?? source, isGiven ? row.GetInt64(34) : 0, new VolumeRemote(
            VolumeProtocols.Nbd, row.TextOrNull(35) ?? "", isGiven ? row.IntOrNull(36) : null, row.GetInt32(37), isGiven ? keys.Open(row.GetString(28), row.GetInt32(37), row.GetFieldValue<byte[]>(38)) : ""));
    }

    /// <summary>Those that other hosts give to instances of these. As large as they are there by now: a guest's disk cannot be larger.</summary>
    private static Task<List<(string, DesiredVolume, DesiredImage?)>> RemotesAsync(NpgsqlConnection connection, IReadOnlyCollection<string> hostIds, ExportKeys keys) => connection.RowsAsync(
        """
        SELECT i.host_id, coalesce(v.data_id, v.id), v.store_id, v.generation, v.incarnation, coalesce(least(v.made_gib, v.size_gib), v.size_gib), i.id, v.slot, t.iops, t.mib_per_second, h.address, v.export_port, v.export_incarnation, CASE WHEN v.moving_to IS NULL THEN v.export_key END, v.export_protocol, v.id
        FROM volumes v JOIN instances i ON i.id = v.instance_id JOIN hosts h ON h.id = v.host_id LEFT JOIN volume_types t ON t.id = v.type_id
        WHERE i.host_id = ANY($1) AND v.exported AND v.export_key IS NOT NULL AND v.detached_at IS NULL AND v.deleted_at IS NULL ORDER BY v.id
        """, row => (row.GetString(0), new DesiredVolume(
            row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetInt32(4), VolumeDesire.Present, row.GetInt32(5), null, row.GetString(6), row.GetInt32(7),
            row.IsDBNull(8) && row.IsDBNull(9) ? null : new VolumeLimits(row.IntOrNull(8), row.IntOrNull(9)), true,
            // While it moves, its guest does not run, and its host gives it to nobody else.
            Remote: new VolumeRemote(row.GetString(14), row.GetString(10), row.IntOrNull(11), row.GetInt32(12), row.IsDBNull(13) ? "" : keys.Open(row.GetString(15), row.GetInt32(12), row.GetFieldValue<byte[]>(13))),
            Of: row.GetString(15) == row.GetString(1) ? null : row.GetString(15)), (DesiredImage?)null), default, Columns.Texts(hostIds));

    /// <summary>Null if there are none: most hosts' documents then say nothing of volumes.</summary>
    public IReadOnlyList<DesiredVolume>? Of(string hostId) => _volumes.Contains(hostId) ? [.. _volumes[hostId]] : null;

    public IEnumerable<DesiredImage> ImagesOf(string hostId) => _images[hostId];
}
