using Kumoi.Api;
using Kumoi.Server.Images;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Strays;

/// <summary>A stray as it is to become a volume.</summary>
/// <param name="Id">What its host knows it by.</param>
/// <param name="VolumeId">The volume that it was the data of; its own id if nothing is remembered.</param>
/// <param name="ImageSha256">It is a layer over an image of this sum; null: it is none.</param>
/// <param name="ImageId">The image that it was known to be of; null: nothing is remembered.</param>
/// <param name="AccountId">Whose it was; null: nothing is remembered.</param>
/// <param name="SealedKey">Its key, if that is remembered.</param>
public sealed record FoundVolume(string Id, string VolumeId, string HostId, string StoreId, string PoolId, int SizeGib, long UsedBytes, string? ImageSha256, string? ImageId, string? TypeId, string? AccountId, string? Name, bool Encrypted, byte[]? SealedKey);

/// <summary>Statements on strays. One that has a record by now is none, whatever the host has told before.</summary>
public sealed class StrayStore(Database database)
{
    private const string Joined =
        """
        FROM stray_volumes s JOIN hosts h ON h.id = s.host_id LEFT JOIN lost_volumes l ON coalesce(l.data_id, l.id) = s.id AND l.store_id = s.store_id
        LEFT JOIN accounts a ON a.id = l.account_id
        """;

    private const string Unexplained = " WHERE NOT EXISTS (SELECT 1 FROM volumes v WHERE (v.id = s.id AND v.data_id IS NULL OR v.data_id = s.id) AND v.deleted_at IS NULL)";

    private const string From = Joined + Unexplained;

    private const string WithImage = Joined
        + " LEFT JOIN LATERAL (SELECT m.id, m.name FROM images m WHERE m.deleted_at IS NULL AND m.sha256 = s.image_sha256 ORDER BY m.id IS NOT DISTINCT FROM l.image_id DESC, m.id LIMIT 1) m ON true" + Unexplained;

    private static Ref? Maybe(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : new Ref(row.GetString(column), row.GetString(column + 1));

    public Task<List<Stray>> ListAsync(string hostKey, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        "SELECT s.id, h.id, h.name, s.store_id, s.size_gib, s.used_bytes, s.written_at, s.first_seen_at, m.id, m.name, a.id, a.name, l.name " + WithImage + " AND (h.id = $1 OR h.name = $1) AND s.id > $2 ORDER BY s.id LIMIT $3",
        row => new Stray(row.GetString(0), new Ref(row.GetString(1), row.GetString(2)), row.GetString(3), row.GetInt32(4), row.GetInt64(5), row.Time(6), row.Time(7), Maybe(row, 8), Maybe(row, 10), row.TextOrNull(12)), cancel,
        hostKey, page.After, page.Limit + 1);

    public Task<List<RecoverableVolume>> OfAccountAsync(string accountId, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        "SELECT l.id, l.name, s.size_gib, s.used_bytes, s.written_at, l.lost_at " + From + " AND l.account_id = $1 AND s.size_gib > 0 AND l.id > $2 ORDER BY l.id LIMIT $3",
        row => new RecoverableVolume(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt64(3), row.Time(4), row.Time(5)), cancel, accountId, page.After, page.Limit + 1);

    private const string Found =
        "SELECT s.id, coalesce(l.id, s.id), s.host_id, s.store_id, (SELECT t.pool_id FROM stores t WHERE t.id = s.store_id), s.size_gib, s.used_bytes, s.image_sha256, l.image_id, (SELECT t.id FROM volume_types t WHERE t.id = l.type_id), l.account_id, l.name, s.encrypted, l.sealed_key " + From;

    private static FoundVolume Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetInt64(6), row.TextOrNull(7), row.TextOrNull(8), row.TextOrNull(9), row.TextOrNull(10), row.TextOrNull(11), row.GetBoolean(12), row.IsDBNull(13) ? null : row.GetFieldValue<byte[]>(13));

    /// <summary>A stray of a host, held until the transaction ends.</summary>
    public static Task<FoundVolume?> LockAsync(Transaction transaction, string hostId, string id, CancellationToken cancel) =>
        transaction.FindAsync(Found + " AND s.host_id = $1 AND s.id = $2 FOR UPDATE OF s", Read, cancel, hostId, id);

    /// <summary>An image that the stray is a layer over and that the account may use, rather the one that it was of; held against deletion until the transaction ends.</summary>
    public static Task<string?> ImageAsync(Transaction transaction, string accountId, FoundVolume stray, CancellationToken cancel) => transaction.FindAsync(
        "SELECT m.id FROM images m WHERE m.sha256 = $2 AND m.state = 'available' AND m.deleted_at IS NULL AND " + ImageStore.Usable + " ORDER BY m.id IS NOT DISTINCT FROM $3 DESC, m.id LIMIT 1 FOR KEY SHARE",
        row => row.GetString(0), cancel, accountId, Columns.Text(stray.ImageSha256), Columns.Text(stray.ImageId));

    /// <summary>The image that a volume had begun as which has moved since: its data is a layer over nothing. Held as above; null if it is gone.</summary>
    public static Task<string?> FormerImageAsync(Transaction transaction, FoundVolume stray, CancellationToken cancel) =>
        transaction.FindAsync("SELECT id FROM images WHERE id = $1 AND state = 'available' AND deleted_at IS NULL FOR KEY SHARE", row => row.GetString(0), cancel, Columns.Text(stray.ImageId));

    /// <summary>A volume that the account had and that was found, by its id or by the name that it had.</summary>
    public static Task<FoundVolume?> LockOfAccountAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        transaction.FindAsync(Found + " AND l.account_id = $1 AND (l.id = $2 OR l.name = $2) AND s.size_gib > 0 ORDER BY l.id = $2 DESC, l.lost_at DESC, l.id LIMIT 1 FOR UPDATE OF s", Read, cancel, accountId, key);
}
