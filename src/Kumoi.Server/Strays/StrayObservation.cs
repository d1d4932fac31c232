using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Strays;

/// <summary>Notes which volumes hosts have found in stores of their own without a record.</summary>
public sealed class StrayObservation(Database database, TimeProvider clock) : IReportObserver
{
    // What a host that was taken over may make the servers keep.
    private const int StraysMax = 1000;

    private sealed record Known(string Host, StrayVolume Volume);

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var told = reports.Where(r => r.Report is { Full: true, StrayVolumes: not null }).GroupBy(r => r.HostId)
            .ToDictionary(r => r.Key, r => r.Last().Report.StrayVolumes!.Where(IsSound).DistinctBy(one => one.Id).Take(StraysMax).Select(one => Kept(one, now)).ToHashSet());
        if (told.Count == 0) return;
        var known = (await database.QueryAsync(
            "SELECT host_id, id, store_id, size_gib, used_bytes, written_at, image_sha256, encrypted FROM stray_volumes WHERE host_id = ANY($1)",
            row => new Known(row.GetString(0), new StrayVolume(row.GetString(1), row.GetString(2), row.GetInt32(3), row.GetInt64(4), row.Time(5), row.TextOrNull(6), row.GetBoolean(7))), cancel, Columns.Texts(told.Keys))).ToLookup(one => one.Host, one => one.Volume);
        foreach (var (host, strays) in told)
            if (!strays.SetEquals(known[host])) await database.TransactionAsync<Done>(transaction => KeepAsync(transaction, host, [.. strays], now, cancel), cancel);
    }

    private static bool IsSound(StrayVolume one) =>
        Ids.Looks(one.Id) && one.Id.StartsWith(Ids.Volume + "-", StringComparison.Ordinal) && Ids.Looks(one.Store) && one.ImageSha256 is null or { Length: 64 };

    /// <summary>As the database keeps it.</summary>
    private static StrayVolume Kept(StrayVolume one, DateTimeOffset now)
    {
        var written = one.WrittenAt > now || one.WrittenAt < DateTimeOffset.UnixEpoch ? now : one.WrittenAt.ToUniversalTime();
        return one with { SizeGib = Math.Clamp(one.SizeGib, 0, VolumeRules.SizeMax), UsedBytes = Math.Clamp(one.UsedBytes, 0, 1L << 50), WrittenAt = new DateTimeOffset(written.Ticks / 10 * 10, TimeSpan.Zero) };
    }

    /// <summary>Only stores that are the host's own word count: of one that others reach, nobody can say what is nobody's.</summary>
    private static async Task<Result<Done>> KeepAsync(Transaction transaction, string hostId, StrayVolume[] strays, DateTimeOffset now, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM stray_volumes WHERE host_id = $1 AND id <> ALL($2)", cancel, hostId, Columns.Texts(strays.Select(one => one.Id)));
        await transaction.ExecuteAsync(
            """
            INSERT INTO stray_volumes AS s (host_id, id, store_id, size_gib, used_bytes, written_at, image_sha256, first_seen_at, encrypted)
            SELECT $1, n.id, n.store, n.size, n.used, n.written, n.image, $8, n.encrypted FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::timestamptz[], $7::text[], $9::boolean[]) AS n(id, store, size, used, written, image, encrypted)
            JOIN store_hosts x ON x.store_id = n.store AND x.host_id = $1 JOIN stores t ON t.id = n.store JOIN pools p ON p.id = t.pool_id AND NOT p.shared
            ON CONFLICT (host_id, id) DO UPDATE SET store_id = excluded.store_id, size_gib = excluded.size_gib, used_bytes = excluded.used_bytes, written_at = excluded.written_at, image_sha256 = excluded.image_sha256, encrypted = excluded.encrypted
            WHERE (s.store_id, s.size_gib, s.used_bytes, s.written_at, s.image_sha256, s.encrypted) IS DISTINCT FROM (excluded.store_id, excluded.size_gib, excluded.used_bytes, excluded.written_at, excluded.image_sha256, excluded.encrypted)
            """, cancel, hostId, Columns.Texts(strays.Select(one => one.Id)), Columns.Texts(strays.Select(one => one.Store)), Columns.Integers(strays.Select(one => one.SizeGib)), Columns.Bigints(strays.Select(one => one.UsedBytes)),
            Columns.Times(strays.Select(one => (DateTimeOffset?)one.WrittenAt)), Columns.TextsOrNull(strays.Select(one => one.ImageSha256)), now, Columns.Booleans(strays.Select(one => one.Encrypted)));
        return new Done();
    }
}
