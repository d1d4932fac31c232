using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Images;

/// <summary>Every statement on images.</summary>
public sealed class ImageStore(Database database)
{
    private const string Columns_ =
        """
        SELECT m.id, m.name, a.id, a.name, m.visibility, m.state, m.format, m.source_url, m.default_user, m.size_bytes, m.virtual_size_bytes, m.sha256, m.received_bytes,
               m.expected_bytes, (CASE WHEN m.source_snapshot_id IS NOT NULL AND m.state = 'pending' THEN m.conditions || coalesce((SELECT v.conditions FROM volumes v WHERE v.image_upload_id = m.id AND v.deleted_at IS NULL), '[]') ELSE m.conditions END)::text, m.created_at, m.description, m.os, m.min_disk_gib, m.min_memory_mib, m.deprecated_at,
               m.architecture, m.firmware, m.device_model,
               CASE WHEN m.account_id = $1 THEN (SELECT array_agg(s.id ORDER BY s.name) FROM image_accounts x JOIN accounts s ON s.id = x.account_id WHERE x.image_id = m.id) END,
               CASE WHEN m.account_id = $1 THEN (SELECT array_agg(s.name ORDER BY s.name) FROM image_accounts x JOIN accounts s ON s.id = x.account_id WHERE x.image_id = m.id) END
        FROM images m JOIN accounts a ON a.id = m.account_id
        """;

    private static Image Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetString(5), row.GetString(6), row.TextOrNull(7), row.GetString(8),
        row.LongOrNull(9), row.LongOrNull(10), row.TextOrNull(11), row.GetInt64(12), row.LongOrNull(13), row.Conditions(14), row.Time(15),
        row.GetString(16), row.GetString(17), row.GetInt32(18), row.GetInt32(19), row.TimeOrNull(20),
        row.IsDBNull(24) ? null : [.. row.Texts(24).Zip(row.Texts(25), (id, name) => new Ref(id, name))], row.GetString(21), row.GetString(22), row.GetString(23));

    private const string Shared = "EXISTS (SELECT 1 FROM image_accounts x WHERE x.image_id = m.id AND x.account_id = $1)";

    /// <summary>True of an image <c>m</c> that the account $1 may use.</summary>
    public const string Usable = "(m.account_id = $1 OR m.visibility = 'public' OR " + Shared + ")";

    /// <summary>True of an image <c>m</c> that the account $1 may use and means by $2. A name means an own image or a public one: what others share is called by its id, so that
    /// nobody slips an image of a well-known name to anybody.</summary>
    public const string Meant = "((m.account_id = $1 OR m.visibility = 'public') AND (m.id = $2 OR m.name = $2) OR m.id = $2 AND " + Shared + ")";

    public Task<List<Image>> ListAsync(string accountId, string? visibility, string? state, string? name, bool deprecated, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        Columns_ + $" WHERE CASE $4 WHEN 'shared' THEN m.account_id <> $1 AND {Shared} ELSE (m.account_id = $1 OR m.visibility = 'public') AND ($4::text IS NULL OR m.visibility = $4) END AND m.deleted_at IS NULL AND m.id > $2 AND ($5::text IS NULL OR m.state = $5) AND ($6::text IS NULL OR m.name = $6) AND ($7 OR m.deprecated_at IS NULL) ORDER BY m.id LIMIT $3",
        Read, cancel, accountId, page.After, page.Limit + 1, Columns.Text(visibility), Columns.Text(state), Columns.Text(name), deprecated);

    private const string One = Columns_ + " WHERE " + Meant + " AND m.deleted_at IS NULL ORDER BY m.account_id = $1 DESC, m.id LIMIT 1";

    public Task<Image?> FindAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(One, Read, cancel, accountId, key);

    public Task<Image?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(One, Read, cancel, accountId, key);

    /// <summary>False if the account has an image of that name.</summary>
    public static async Task<bool> InsertAsync(
        Transaction transaction, string id, string accountId, string name, CreateImage create, bool trusted, DateTimeOffset now, CancellationToken cancel) => await transaction.ExecuteAsync(
        """
        INSERT INTO images (id, account_id, name, visibility, state, format, source_url, trusted_source, expected_sha256, default_user, created_at, description, os, min_disk_gib, min_memory_mib,
                            architecture, firmware, device_model)
        VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (account_id, name) WHERE deleted_at IS NULL DO NOTHING
        """, cancel,
        id, accountId, name, create.Visibility ?? "private", create.Format ?? "qcow2", Columns.Text(create.Url), trusted, Columns.Text(create.Sha256?.ToLowerInvariant()),
        create.DefaultUser ?? "root", now, create.Description ?? "", create.Os ?? "", create.MinDiskGib ?? 0, create.MinMemoryMib ?? 0,
        create.Architecture ?? ImageArchitectures.X64, create.Firmware ?? ImageFirmware.Bios, create.DeviceModel ?? ImageDevices.Virtio) == 1;

    /// <summary>
    /// Takes the right to write an image's bytes, for a time that must be renewed; what is kept of them. Null if another has it. Two writers would each
    /// check bytes that the other then replaces.
    /// </summary>
    public Task<KeptPart?> LeaseAsync(string id, string holder, DateTimeOffset now, TimeSpan life, CancellationToken cancel) => database.FindAsync(
        """
        UPDATE images SET lease_holder = $2, lease_until = $4 WHERE id = $1 AND state IN ('pending', 'failed') AND deleted_at IS NULL
          AND (lease_until IS NULL OR lease_until < $3) RETURNING CASE WHEN state = 'pending' THEN received_bytes ELSE 0 END, source_tag
        """, row => new KeptPart(row.GetInt64(0), row.TextOrNull(1)), cancel, id, holder, now, now + life);

    /// <summary>Tells progress and renews the lease; false if it is lost (the image was deleted).</summary>
    public async Task<bool> ProgressAsync(string id, string holder, long received, long? expected, string? tag, DateTimeOffset leaseUntil, CancellationToken cancel) => await database.ExecuteAsync(
        "UPDATE images SET received_bytes = $3, expected_bytes = $4, source_tag = $6, lease_until = $5 WHERE id = $1 AND lease_holder = $2 AND deleted_at IS NULL", cancel,
        id, holder, received, Columns.Bigint(expected), leaseUntil, Columns.Text(tag)) == 1;

    public static async Task<bool> AvailableAsync(Transaction transaction, string id, string holder, Inspection inspected, Received received, CancellationToken cancel) =>
        await transaction.ExecuteAsync(
            """
            UPDATE images SET state = 'available', format = $3, size_bytes = $4, virtual_size_bytes = $5, sha256 = $6, received_bytes = $4, conditions = '[]', lease_holder = NULL,
                              lease_until = NULL
            WHERE id = $1 AND lease_holder = $2 AND deleted_at IS NULL
            """, cancel, id, holder, inspected.Format, received.Bytes, inspected.VirtualSizeBytes, received.Sha256) == 1;

    public static async Task<bool> NotYetAsync(
        Transaction transaction, string id, string holder, string state, IReadOnlyList<Condition> conditions, DateTimeOffset? nextTry, CancellationToken cancel) => await transaction.ExecuteAsync(
        """
        UPDATE images SET state = $3, conditions = $4, attempts = attempts + 1, lease_holder = NULL, lease_until = $5 WHERE id = $1 AND lease_holder = $2 AND deleted_at IS NULL
        """, cancel, id, holder, state, Columns.Json(conditions), Columns.TimeValue(nextTry)) == 1;

    /// <summary>Imports that nobody is at: new ones, those whose server died, those whose next try has come.</summary>
    public Task<List<(string Id, string Url, bool Trusted, int Attempts)>> DueImportsAsync(DateTimeOffset now, CancellationToken cancel) => database.QueryAsync(
        """
        SELECT id, source_url, trusted_source, attempts FROM images
        WHERE state = 'pending' AND source_url IS NOT NULL AND deleted_at IS NULL AND (lease_until IS NULL OR lease_until < $1) ORDER BY id LIMIT 4
        """, row => (row.GetString(0), row.GetString(1), row.GetBoolean(2), row.GetInt32(3)), cancel, now);

    public Task<(string AccountId, string Name, string Format, string? Sha256)> ExpectationAsync(string id, CancellationToken cancel) => database.FindAsync(
        "SELECT account_id, name, format, expected_sha256 FROM images WHERE id = $1", row => (row.GetString(0), row.GetString(1), row.GetString(2), row.TextOrNull(3)), cancel, id);

    /// <summary>Which of these ids must keep their files.</summary>
    public async Task<HashSet<string>> LivingAsync(IEnumerable<string> ids, CancellationToken cancel) =>
        [.. await database.QueryAsync("SELECT id FROM images WHERE id = ANY($1) AND deleted_at IS NULL", row => row.GetString(0), cancel, Columns.Texts(ids))];
}
