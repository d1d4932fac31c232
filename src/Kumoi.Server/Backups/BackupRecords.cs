using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Backups;

/// <summary>A backup as its changes need it, locked.</summary>
public sealed record BackupRecord(string Id, string Name, string VolumeId, string State, string PlaceId, string? HostId, int SizeGib, string? ParentId, bool Encrypted);

/// <summary>Statements on backups that accounts' requests need.</summary>
public sealed class BackupRecords(Database database)
{
    private const string Select =
        """
        SELECT b.id, b.name, a.id, a.name, b.state, b.kind, b.volume_id, b.volume_name, b.size_gib, s.id, s.name, h.id, h.name, p.id, p.name, b.moved_bytes, b.stored_bytes, b.sha256, b.consistency, b.taken_at, b.verified_at,
               c.id, c.name, b.conditions::text, b.work::text, b.created_at, b.damaged, b.sealed_key IS NOT NULL
        FROM backups b JOIN accounts a ON a.id = b.account_id JOIN backup_places x ON x.id = b.place_id JOIN backup_stores s ON s.id = x.store_id LEFT JOIN hosts h ON h.id = b.host_id
        LEFT JOIN backups p ON p.id = b.parent_id LEFT JOIN backup_schedules c ON c.id = b.schedule_id WHERE b.account_id = $1
        """;

    private static Ref? Maybe(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : new Ref(row.GetString(column), row.GetString(column + 1));

    private static Backup Read(NpgsqlDataReader row)
    {
        var conditions = row.Conditions(23);
        if (row.TextOrNull(26) is { } damaged) conditions = [.. conditions, new Condition("Backup", "backup-damaged", damaged, row.TimeOrNull(20) ?? row.Time(25), null)];
        return new Backup(
            row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetString(5), new Ref(row.GetString(6), row.GetString(7)), row.GetInt32(8), new Ref(row.GetString(9), row.GetString(10)),
            Maybe(row, 11), Maybe(row, 13), row.GetInt64(15), row.GetInt64(16), row.TextOrNull(17), row.TextOrNull(18), row.TimeOrNull(19), row.TimeOrNull(20), Maybe(row, 21), conditions,
            row.TextOrNull(24) is { } work ? JsonSerializer.Deserialize(work, ApiJson.Default.VolumeWork) : null, row.Time(25), row.GetBoolean(27));
    }

    public Task<List<Backup>> ListAsync(string accountId, string? state, string? volume, string? name, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        Select + """
         AND b.id > $2 AND ($3::text IS NULL OR b.state = $3) AND ($4::text IS NULL OR $4 IN (b.volume_id, b.volume_name))
         AND ($5::text IS NULL OR b.name LIKE replace(replace(replace($5, '\', '\\'), '%', '\%'), '_', '\_') || '%') ORDER BY b.id LIMIT $6
        """, Read, cancel, accountId, page.After, Columns.Text(state), Columns.Text(volume), Columns.Text(name), page.Limit + 1);

    public Task<Backup?> FindAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(Select + " AND (b.id = $2 OR b.name = $2)", Read, cancel, accountId, key);

    public static async Task<Backup> ReadAsync(Transaction transaction, string accountId, string id, CancellationToken cancel) =>
        await transaction.FindAsync(Select + " AND b.id = $2", Read, cancel, accountId, id) ?? throw new InvalidOperationException($"The backup {id} is gone within its own transaction.");

    public static Task<BackupRecord?> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(
        "SELECT id, name, volume_id, state, place_id, host_id, size_gib, parent_id, sealed_key IS NOT NULL FROM backups WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE",
        row => new BackupRecord(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.TextOrNull(5), row.GetInt32(6), row.TextOrNull(7), row.GetBoolean(8)), cancel, accountId, key);

    /// <summary>The states of a backup and of those that it builds on, held so that none of them goes meanwhile.</summary>
    public static Task<List<string>> LockChainAsync(Transaction transaction, string id, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT state FROM backups WHERE id IN (WITH RECURSIVE below AS (SELECT id, parent_id FROM backups WHERE id = $1 UNION ALL SELECT p.id, p.parent_id FROM backups p JOIN below ON p.id = below.parent_id) SELECT id FROM below)
        ORDER BY id FOR SHARE
        """, row => row.GetString(0), cancel, id);

    /// <summary>Volumes that are being filled from it.</summary>
    public static Task<List<Ref>> UsersAsync(Transaction transaction, string id, CancellationToken cancel) => transaction.QueryAsync(
        "SELECT id, name FROM volumes WHERE source_backup_id = $1 AND made_gib IS NULL AND deleted_at IS NULL ORDER BY id LIMIT 20", row => new Ref(row.GetString(0), row.GetString(1)), cancel, id);
}
