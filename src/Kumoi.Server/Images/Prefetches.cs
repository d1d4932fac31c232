using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Images;

/// <summary>Images that hosts fetch and keep at an operator's wish, and which host has which.</summary>
public sealed class Prefetches(Database database, ImageStore store, HostRevisions hosts, EventLog events, TimeProvider clock)
{
    /// <summary>True of a prefetch <c>p</c> that means the host <c>h</c>.</summary>
    public const string MeansHost = "(p.host_id = h.id OR p.zone_id = h.zone_id OR p.host_id IS NULL AND p.zone_id IS NULL)";

    public Task<Result<Image>> KeepAsync(Caller caller, string key, PrefetchImage prefetch, CancellationToken cancel) => ChangeAsync(caller, key, prefetch.Host, prefetch.Zone, "image.prefetch", async (transaction, image, host, zone) =>
    {
        if (image.State != "available") return new Failure("image-not-available", 409, image.Name, image.State);
        return await transaction.ExecuteAsync("INSERT INTO image_prefetches (image_id, host_id, zone_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", cancel, image.Id, Columns.Text(host), Columns.Text(zone), clock.GetUtcNow());
    }, cancel);

    /// <summary>Hosts may let the image go when nothing uses it. One that was asked to keep it by its zone goes on doing so.</summary>
    public Task<Result<Image>> ReleaseAsync(Caller caller, string key, string? hostKey, string? zoneKey, CancellationToken cancel) => ChangeAsync(caller, key, hostKey, zoneKey, "image.release", async (transaction, image, host, zone) =>
        await transaction.ExecuteAsync("DELETE FROM image_prefetches WHERE image_id = $1 AND host_id IS NOT DISTINCT FROM $2 AND zone_id IS NOT DISTINCT FROM $3", cancel, image.Id, Columns.Text(host), Columns.Text(zone)), cancel);

    private async Task<Result<Image>> ChangeAsync(Caller caller, string key, string? hostKey, string? zoneKey, string action, Func<Transaction, Image, string?, string?, Task<Result<int>>> change, CancellationToken cancel)
    {
        if (hostKey is not null && zoneKey is not null) return Failure.Invalid("zone", "host-or-zone");
        var done = await database.TransactionAsync<Image>(async transaction =>
        {
            if (await store.FindAsync(transaction, caller.AccountId, key, cancel) is not { } image) return Failure.NotFound("image", key);
            var (host, hostName) = hostKey is null ? default : await NamedAsync(transaction, "hosts", hostKey, cancel);
            if (hostKey is not null && host is null) return Failure.Invalid("host", "no-such", new Noun("host"), hostKey);
            var (zone, zoneName) = zoneKey is null ? default : await NamedAsync(transaction, "zones", zoneKey, cancel);
            if (zoneKey is not null && zone is null) return Failure.Invalid("zone", "no-such", new Noun("zone"), zoneKey);
            var changed = await change(transaction, image, host, zone);
            if (changed.Failure is { } failure) return failure;
            // Asking again for what is asked for already changes nothing and is no event.
            if (changed.Value == 0) return image;
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), action, new Subject("image", image.Id, image.Name), cancel, hostName ?? zoneName);
            await hosts.TouchAsync(transaction, await transaction.QueryAsync("SELECT id FROM hosts WHERE ($1::text IS NULL OR id = $1) AND ($2::text IS NULL OR zone_id = $2) ORDER BY id",
                row => row.GetString(0), cancel, Columns.Text(host), Columns.Text(zone)), cancel);
            return image;
        }, cancel);
        return done.Failure is null ? done.Value with { Hosts = await OnHostsAsync(done.Value, cancel) } : done;
    }

    private static Task<(string Id, string Name)> NamedAsync(Transaction transaction, string table, string key, CancellationToken cancel) =>
        transaction.FindAsync($"SELECT id, name FROM {table} WHERE id = $1 OR name = $1 FOR KEY SHARE", row => (row.GetString(0), row.GetString(1)), cancel, key);

    /// <summary>Forgets the prefetches of an image that is deleted; its hosts hear of it.</summary>
    public async Task ForgetAsync(Transaction transaction, string imageId, CancellationToken cancel)
    {
        var told = await transaction.QueryAsync($"SELECT h.id FROM hosts h WHERE EXISTS (SELECT 1 FROM image_prefetches p WHERE p.image_id = $1 AND {MeansHost}) ORDER BY h.id", row => row.GetString(0), cancel, imageId);
        if (told.Count == 0) return;
        await transaction.ExecuteAsync("DELETE FROM image_prefetches WHERE image_id = $1", cancel, imageId);
        await hosts.TouchAsync(transaction, told, cancel);
    }

    /// <summary>The hosts that have an image, or are to.</summary>
    public async Task<IReadOnlyList<ImageOnHost>> OnHostsAsync(Image image, CancellationToken cancel) => await database.QueryAsync(
        $"""
        SELECT h.id, h.name, z.id, z.name, coalesce(i.bytes, 0), coalesce(i.whole, false), i.condition::text, w.wanted FROM hosts h JOIN zones z ON z.id = h.zone_id
        CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM image_prefetches p WHERE p.image_id = $1 AND {MeansHost}) AS wanted) w
        LEFT JOIN host_images i ON i.host_id = h.id AND i.sha256 = $2 WHERE i.host_id IS NOT NULL OR w.wanted ORDER BY h.name
        """, row => new ImageOnHost(
            new Ref(row.GetString(0), row.GetString(1)), new Ref(row.GetString(2), row.GetString(3)), row.GetBoolean(5) ? "cached" : row.GetInt64(4) > 0 ? "fetching" : "waiting", row.GetInt64(4), row.GetBoolean(7),
            row.IsDBNull(6) ? null : System.Text.Json.JsonSerializer.Deserialize(row.GetString(6), ApiJson.Default.Condition)), cancel, image.Id, Columns.Text(image.Sha256));

    /// <summary>What hosts are to keep, for their documents.</summary>
    public static async Task<ILookup<string, DesiredImage>> ReadAsync(NpgsqlConnection connection, string[] hostIds) => (await connection.RowsAsync(
        $"""
        SELECT DISTINCT h.id, m.id, m.sha256, m.format, m.size_bytes, m.virtual_size_bytes FROM hosts h JOIN image_prefetches p ON {MeansHost} JOIN images m ON m.id = p.image_id
        WHERE h.id = ANY($1) AND m.state = 'available' ORDER BY m.id
        """, row => (Host: row.GetString(0), Image: new DesiredImage(row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt64(4), row.GetInt64(5), Prefetch: true)), default, Columns.Texts(hostIds))).ToLookup(row => row.Host, row => row.Image);
}

public static class PrefetchEndpoints
{
    public static void MapPrefetches(this IEndpointRouteBuilder routes, Prefetches prefetches)
    {
        routes.Post<PrefetchImage, Image>("/images/{image}/prefetch", Permission.Cloud("images", "prefetch"), "PrefetchImage", "Have a host, the hosts of a zone or all hosts fetch an image and keep it", 200,
            (call, prefetch) => prefetches.KeepAsync(call.Caller, call.Route("image"), prefetch, call.Cancelled)).Fails(409);
        routes.Delete<Image>("/images/{image}/prefetch", Permission.Cloud("images", "prefetch"), "ReleaseImage", "Let hosts give up an image that was prefetched, once nothing uses it",
            call => prefetches.ReleaseAsync(call.Caller, call.Route("image"), call.Query("host"), call.Query("zone"), call.Cancelled)).WithQuery("host", "Id or name of a host").WithQuery("zone", "Id or name of a zone; neither: all hosts");
    }
}
