using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Images;

/// <summary>Takes in which images hosts have: a hint for whoever looks, and for hosts that look for one. What is believed of it is checked by its SHA-256 where it is used.</summary>
public sealed class ImageObservation(Database database) : IReportObserver
{
    private const int ImagesMax = 1000, MessageMax = 500, WordMax = 100;

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.Where(r => r.Report.Images is not null).GroupBy(r => r.HostId).ToDictionary(r => r.Key, r => r.Last().Report.Images!);
        if (told.Count == 0) return;
        var known = (await database.QueryAsync("SELECT host_id, sha256, bytes, whole, condition::text FROM host_images WHERE host_id = ANY($1)",
            row => (Host: row.GetString(0), Image: new ObservedImage(row.GetString(1), row.GetInt64(2), row.GetBoolean(3), row.IsDBNull(4) ? null : System.Text.Json.JsonSerializer.Deserialize(row.GetString(4), ApiJson.Default.Condition))),
            cancel, Columns.Texts(told.Keys))).ToLookup(k => k.Host, k => k.Image);
        var ports = (await database.QueryAsync("SELECT id, image_port FROM hosts WHERE id = ANY($1)", row => (Id: row.GetString(0), Port: row.IntOrNull(1)), cancel, Columns.Texts(told.Keys))).ToDictionary(h => h.Id, h => h.Port);
        foreach (var (host, seen) in told)
        {
            var port = seen.Port is >= 1 and <= ushort.MaxValue ? seen.Port : null;
            if (ports.TryGetValue(host, out var before) && before != port) await database.ExecuteAsync("UPDATE hosts SET image_port = $2 WHERE id = $1", cancel, host, Columns.Integer(port));
            ObservedImage[] images = [.. seen.Images.Where(IsSound).DistinctBy(image => image.Sha256).Take(ImagesMax).OrderBy(image => image.Sha256, StringComparer.Ordinal)];
            if (!images.SequenceEqual(known[host].OrderBy(image => image.Sha256, StringComparer.Ordinal))) await KeepAsync(host, images, cancel);
        }
    }

    private static bool IsSound(ObservedImage image) =>
        image is { Sha256.Length: 64, Bytes: >= 0 } && image.Sha256.All(char.IsAsciiHexDigitLower) && image.Condition is null or { Type.Length: <= WordMax, Reason.Length: <= WordMax, Message.Length: <= MessageMax };

    private Task KeepAsync(string hostId, IReadOnlyList<ObservedImage> images, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await transaction.FindAsync("SELECT 1 FROM hosts WHERE id = $1 FOR KEY SHARE", row => row.GetInt32(0), cancel, hostId) != 1) return new Done();
        await transaction.ExecuteAsync("DELETE FROM host_images WHERE host_id = $1 AND sha256 <> ALL($2)", cancel, hostId, Columns.Texts(images.Select(image => image.Sha256)));
        await transaction.ExecuteAsync(
            """
            INSERT INTO host_images (host_id, sha256, bytes, whole, condition) SELECT $1, n.* FROM unnest($2::text[], $3::bigint[], $4::boolean[], $5::jsonb[]) AS n(sha256, bytes, whole, condition)
            ON CONFLICT (host_id, sha256) DO UPDATE SET bytes = excluded.bytes, whole = excluded.whole, condition = excluded.condition
            """, cancel, hostId, Columns.Texts(images.Select(image => image.Sha256)), Columns.Bigints(images.Select(image => image.Bytes)), Columns.Booleans(images.Select(image => image.Whole)),
            Columns.Jsons(images.Select(image => image.Condition is { } condition ? System.Text.Json.JsonSerializer.Serialize(condition, ApiJson.Default.Condition) : null)));
        return new Done();
    }, cancel);
}
