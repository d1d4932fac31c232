using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;
using Npgsql;

namespace Kumoi.Server.Backups;

/// <summary>What hosts have to do for backups, for their documents.</summary>
public sealed class BackupDocuments
{
    private readonly ILookup<string, DesiredBackup> _backups;
    private readonly ILookup<string, (string Place, string Volume, BackupFile File, VolumeEncryption? Encryption)> _chains;

    private BackupDocuments(ILookup<string, DesiredBackup> backups, ILookup<string, (string, string, BackupFile, VolumeEncryption?)> chains) => (_backups, _chains) = (backups, chains);

    public static async Task<BackupDocuments> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<string> hostIds, VolumeKeys keys)
    {
        // From each one down to a full one.
        var chains = (await connection.RowsAsync(
            """
            WITH RECURSIVE below AS (
                SELECT b.id AS top, b.id, b.parent_id, b.sha256, b.place_id, b.volume_id, b.sealed_key, b.data_id, 0 AS depth FROM backups b
                WHERE b.host_id = ANY($1) AND b.verified_number < b.verify_number
                   OR b.id IN (SELECT v.source_backup_id FROM volumes v WHERE v.host_id = ANY($1) AND v.source_backup_id IS NOT NULL AND v.made_gib IS NULL AND v.deleted_at IS NULL)
                UNION ALL SELECT below.top, p.id, p.parent_id, p.sha256, p.place_id, p.volume_id, p.sealed_key, p.data_id, below.depth + 1 FROM backups p JOIN below ON p.id = below.parent_id)
            SELECT top, place_id, volume_id, id, sha256, parent_id, sealed_key, coalesce(data_id, volume_id) FROM below WHERE sha256 IS NOT NULL ORDER BY top, depth
            """, row => (Top: row.GetString(0), Part: (row.GetString(1), row.GetString(2), new BackupFile(row.GetString(3), row.GetString(4), row.TextOrNull(5)), Key(row, 7, 6, keys))), default, Columns.Texts(hostIds))).ToLookup(c => c.Top, c => c.Part);
        var backups = (await connection.RowsAsync(
            """
            SELECT b.host_id, b.id, b.place_id, b.volume_id, b.desired, b.incarnation, b.state = 'creating', b.snapshot_id, b.parent_id, b.base_snapshot_id, b.verify_number, b.verified_number < b.verify_number, b.sha256, c.id, c.sha256, b.sealed_key, b.data_id, coalesce(b.data_id, b.volume_id)
            FROM backups b LEFT JOIN backups c ON c.parent_id = b.id AND c.sha256 IS NOT NULL AND b.offered
            WHERE b.host_id = ANY($1) AND (b.state = 'creating' OR b.offered OR b.state = 'available' AND b.verified_number < b.verify_number) ORDER BY b.id
            """, row => (Host: row.GetString(0), Backup: Read(row, chains, keys)), default, Columns.Texts(hostIds))).ToLookup(b => b.Host, b => b.Backup);
        return new BackupDocuments(backups, chains);
    }

    private static DesiredBackup Read(NpgsqlDataReader row, ILookup<string, (string, string, BackupFile File, VolumeEncryption?)> chains, VolumeKeys keys)
    {
        var (id, verify) = (row.GetString(1), row.GetBoolean(11));
        return new DesiredBackup(
            id, row.GetString(2), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetBoolean(6) ? new BackupMaking(row.GetString(7), row.TextOrNull(8), row.TextOrNull(9), row.TextOrNull(16)) : null,
            row.TextOrNull(13) is { } child && row.TextOrNull(12) is { } sum ? new BackupMerge(child, row.GetString(14), sum, row.TextOrNull(8)) : null, verify ? row.GetInt64(10) : 0, verify ? [.. chains[id].Select(part => part.File)] : null,
            Key(row, 17, 15, keys));
    }

    /// <param name="volume">What it is the key of: the data that a backup is of.</param>
    private static VolumeEncryption? Key(NpgsqlDataReader row, int volume, int column, VolumeKeys keys) => row.IsDBNull(column) ? null : keys.Open(row.GetString(volume), row.GetFieldValue<byte[]>(column));

    /// <summary>Null if there is nothing to do, as for most hosts.</summary>
    public IReadOnlyList<DesiredBackup>? Of(string hostId) => _backups.Contains(hostId) ? [.. _backups[hostId]] : null;

    /// <summary>What a volume begins with; null if the backup is not there.</summary>
    public BackupSource? SourceOf(string backupId) => _chains[backupId].FirstOrDefault() is { Place: { } place } top ? new BackupSource(place, top.Volume, [.. _chains[backupId].Select(part => part.File)], top.Encryption) : null;
}
