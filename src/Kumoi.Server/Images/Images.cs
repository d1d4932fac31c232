using System.Net.Http.Headers;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Images;

/// <summary>Images: registered, then filled by an upload or by an import that the cloud does itself.</summary>
public sealed class ImageUseCases(Database database, ImageStore store, ImageFiles files, ImageIntake intake, EventLog events, EventBell bell, Ids ids, Prefetches prefetches, ImageMaking making, HostRevisions hosts, TimeProvider clock)
{
    /// <summary>Images for everybody, and imports from addresses inside the cloud's own network: those who run it.</summary>
    public static readonly Permission Publish = Permission.Cloud("images", "publish");

    public async Task<Result<Page<Image>>> ListAsync(Caller caller, string? visibility, string? state, string? name, bool deprecated, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, visibility, state, name, deprecated, page, cancel), image => image.Id);

    public async Task<Result<Image>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is not { } image ? Failure.NotFound("image", key) : caller.May(Permission.Cloud("images", "prefetch")) ? image with { Hosts = await prefetches.OnHostsAsync(image, cancel) } : image;

    public async Task<Result<Image>> WaitAsync(Caller caller, string key, string state, TimeSpan timeout, CancellationToken cancel)
    {
        if (state is not ("available" or "failed")) return Failure.Invalid("wait", "one-of", "available, failed");
        return await Waits.ForAsync(bell, clock, state, timeout, () => GetAsync(caller, key, cancel),
            image => image.State == state ? true : image.State is "failed" or "available" ? null : false, image => (image.Name, image.State, image.Conditions), cancel);
    }

    public async Task<Result<Image>> CreateAsync(Caller caller, CreateImage create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        var violations = new List<Violation?>
        {
            Names.Check("name", name),
            create.Format is null or ImageFormats.Qcow2 or ImageFormats.Raw or ImageFormats.Iso ? null : new Violation("format", "one-of", "qcow2, raw, iso"),
            create.Visibility is null or "private" or "public" ? null : new Violation("visibility", "one-of", "private, public"),
            create.Sha256 is null || (create.Sha256.Length == 64 && create.Sha256.All(char.IsAsciiHexDigit)) ? null : new Violation("sha256", "sha256"),
            create.Url is null || (create.Url.Length <= 2048 && Uri.TryCreate(create.Url, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0) ? null : new Violation("url", "http-url"),
        }.OfType<Violation>().Concat(ImageRules.Check(create.DefaultUser, create.Description, create.Os, create.MinDiskGib, create.MinMemoryMib)).Concat(ImageRules.CheckMachine(create.Architecture, create.Firmware, create.DeviceModel)).Concat(ImageMaking.IsAsked(create) ? ImageMaking.Check(create) : []).Concat(Tags.CheckNew(create.Tags)).ToArray();
        if (violations.Length > 0) return Failure.Invalid(violations);
        // A public image is started by people who trust the cloud, not its author.
        if (create.Visibility == "public" && !caller.May(Publish)) return new Failure("public-image", 403);
        if (ImageMaking.IsAsked(create)) return await making.CreateAsync(caller, name, create, once, cancel);
        var result = await database.TransactionAsync<Image>(transaction => Idempotency.OnceAsync<Image>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var id = ids.New(Ids.Image);
            if (!await ImageStore.InsertAsync(transaction, id, caller.AccountId, name, create, caller.May(Publish), clock.GetUtcNow(), cancel)) return Failure.NameTaken("image", name);
            await Tags.SetAsync(transaction, "images", id, create.Tags, cancel);
            await events.WriteAsync(transaction, caller, "image.create", new Subject("image", id, name), cancel);
            return (await store.FindAsync(transaction, caller.AccountId, id, cancel))!;
        }), cancel);
        return result;
    }

    public async Task<Result<Image>> UpdateAsync(Caller caller, string key, UpdateImage update, CancellationToken cancel)
    {
        if (ImageRules.Check(update).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        if (update.Visibility == "public" && !caller.May(Publish)) return new Failure("public-image", 403);
        return await database.TransactionAsync<Image>(async transaction =>
        {
            var image = await transaction.FindAsync("SELECT id, name FROM images WHERE account_id = $1 AND (id = $2 OR name = $2) AND deleted_at IS NULL FOR UPDATE",
                row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key);
            if (image is null) return Failure.NotFound("image", key);
            var name = update.Name is null ? image.Name : Names.Normal(update.Name);
            if (name != image.Name && await transaction.FindAsync("SELECT 1 FROM images WHERE account_id = $1 AND name = $2 AND deleted_at IS NULL", row => row.GetInt32(0), cancel, caller.AccountId, name) == 1) return Failure.NameTaken("image", name);
            await transaction.ExecuteAsync(
                """
                UPDATE images SET name = $2, description = coalesce($3, description), os = coalesce($4, os), min_disk_gib = coalesce($5, min_disk_gib), min_memory_mib = coalesce($6, min_memory_mib),
                                  default_user = coalesce($7, default_user), visibility = coalesce($8, visibility), deprecated_at = CASE $9 WHEN true THEN coalesce(deprecated_at, $10) WHEN false THEN NULL ELSE deprecated_at END,
                                  architecture = coalesce($11, architecture), firmware = coalesce($12, firmware), device_model = coalesce($13, device_model)
                WHERE id = $1
                """, cancel, image.Id, name, Columns.Text(update.Description), Columns.Text(update.Os), Columns.Integer(update.MinDiskGib), Columns.Integer(update.MinMemoryMib), Columns.Text(update.DefaultUser),
                Columns.Text(update.Visibility), Columns.Boolean(update.Deprecated), clock.GetUtcNow(), Columns.Text(update.Architecture), Columns.Text(update.Firmware), Columns.Text(update.DeviceModel));
            if (update.Accounts is { } accounts && await ShareAsync(transaction, image.Id, accounts, cancel) is { } failure) return failure;
            await events.WriteAsync(transaction, caller, update.Accounts is null ? "image.update" : "image.share", new Subject("image", image.Id, name), cancel);
            return (await store.FindAsync(transaction, caller.AccountId, image.Id, cancel))!;
        }, cancel);
    }

    /// <summary>Instances that started from it stay; those who may no longer use it start no others.</summary>
    private static async Task<Failure?> ShareAsync(Transaction transaction, string imageId, IReadOnlyList<string> accounts, CancellationToken cancel)
    {
        var found = await transaction.QueryAsync("SELECT id, name FROM accounts WHERE id = ANY($1) OR name = ANY($1) ORDER BY id FOR KEY SHARE", row => new Ref(row.GetString(0), row.GetString(1)), cancel, Columns.Texts(accounts));
        Violation[] missing = [.. accounts.Index().Where(asked => !found.Any(account => account.Id == asked.Item || account.Name == asked.Item)).Select(asked => new Violation($"accounts[{asked.Index}]", "no-such", new Noun("account"), asked.Item))];
        if (missing.Length > 0) return Failure.Invalid(missing);
        await transaction.ExecuteAsync("DELETE FROM image_accounts WHERE image_id = $1 AND account_id <> ALL($2)", cancel, imageId, Columns.Texts(found.Select(account => account.Id)));
        await transaction.ExecuteAsync("INSERT INTO image_accounts (image_id, account_id) SELECT $1, a FROM unnest($2::text[]) AS a ON CONFLICT DO NOTHING", cancel, imageId, Columns.Texts(found.Select(account => account.Id).Distinct()));
        return null;
    }

    /// <summary>The file of an image that the caller may use.</summary>
    public async Task<Result<(Image Image, string Path)>> ReadAsync(Caller caller, string key, CancellationToken cancel)
    {
        var found = await GetAsync(caller, key, cancel);
        if (found.Failure is { } failure) return failure;
        return found.Value.State == "available" ? (found.Value, files.PathOf(found.Value.Id)) : new Failure("image-not-available", 409, found.Value.Name, found.Value.State);
    }

    /// <summary>Takes an upload: the bytes are checked before the answer, and refused bytes leave nothing behind.</summary>
    /// <param name="range">Which part of the image the body is; null: all of it. Parts come in their order, each behind those that are there.</param>
    public async Task<Result<Image>> UploadAsync(Caller caller, string key, Stream body, long? length, ContentRangeHeaderValue? range, CancellationToken cancel)
    {
        var found = await GetAsync(caller, key, cancel);
        if (found.Failure is not null) return found;
        var image = found.Value;
        if (image.Account.Id != caller.AccountId) return Failure.NotFound("image", key);
        if (image.State is not ("pending" or "failed") || image.SourceUrl is not null || await database.FindAsync("SELECT true FROM images WHERE id = $1 AND source_snapshot_id IS NOT NULL", row => row.GetBoolean(0), cancel, image.Id)) return new Failure("image-filled", 409, image.Name);
        var taken = await intake.TakeAsync(image.Id, EventActor.Of(caller), (kept, _) => Task.FromResult<Result<Incoming>>(
            range is null ? new Incoming(body, 0, length) : range.From == kept.Bytes || range.From == 0 ? new Incoming(body, range.From!.Value, range.Length, IsPart: true) : new Failure("upload-offset", 409, image.Name, kept.Bytes)), cancel);
        return taken.Failure is { } failure ? failure : await GetAsync(caller, image.Id, cancel);
    }

    public async Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel)
    {
        string? deleted = null;
        var result = await database.TransactionAsync<Done>(async transaction =>
        {
            var image = await transaction.FindAsync("SELECT id, name FROM images WHERE account_id = $1 AND (id = $2 OR name = $2) AND deleted_at IS NULL FOR UPDATE",
                row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key);
            if (image is null) return Failure.NotFound("image", key);
            var users = await transaction.QueryAsync(
                """
                SELECT id, name FROM instances WHERE (image_id = $1 OR cd_image_id = $1) AND terminated_at IS NULL
                UNION ALL SELECT id, coalesce(former_name, name) FROM volumes WHERE image_id = $1 AND deleted_at IS NULL ORDER BY 1 LIMIT 20
                """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, image.Id);
            if (users.Count > 0) return Failure.InUse("image", image.Name, users);
            await transaction.ExecuteAsync("UPDATE images SET state = 'deleted', deleted_at = $2 WHERE id = $1", cancel, image.Id, clock.GetUtcNow());
            await prefetches.ForgetAsync(transaction, image.Id, cancel);
            await ImageMaking.EndAsync(transaction, hosts, image.Id, cancel);
            await events.WriteAsync(transaction, caller, "image.delete", new Subject("image", image.Id, image.Name), cancel);
            deleted = image.Id;
            return new Done();
        }, cancel);
        // Killed here, the file stays until the next sweep.
        if (result.Failure is null) files.Delete(deleted!);
        return result;
    }

    public async Task<bool> IsUsedByHostAsync(string imageId, string hostId, CancellationToken cancel) => await database.FindAsync(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM instances WHERE (image_id = $1 OR cd_image_id = $1) AND host_id = $2 AND terminated_at IS NULL) OR EXISTS (SELECT 1 FROM volumes WHERE image_id = $1 AND host_id = $2 AND deleted_at IS NULL)"
        + $" OR EXISTS (SELECT 1 FROM hosts h JOIN image_prefetches p ON p.image_id = $1 AND {Prefetches.MeansHost} WHERE h.id = $2)", row => row.GetInt32(0), cancel, imageId, hostId) == 1;
}

public static class ImageEndpoints
{
    public static IServiceCollection AddImages(this IServiceCollection services) => services
        .AddSingleton<ImageStore>().AddSingleton<ImageFiles>().AddSingleton<ImageInspector>().AddSingleton<ImageIntake>().AddSingleton<ImageMaking>().AddSingleton<ImageUseCases>().AddSingleton<ImageFetch>().AddSingleton<Prefetches>().AddSingleton<ImageSpread>().AddSingleton<IReportObserver, ImageObservation>()
        .AddLoop<ImageImports>();

    public static void MapImages(this IEndpointRouteBuilder routes, ImageUseCases images)
    {
        routes.Get("/images", Permission.Read("images"), "ListImages", "List the account's images and the public ones, or what is shared with it",
            async call => await PageRequest.Read(call).Then(page => images.ListAsync(call.Caller, call.Query("visibility"), call.Query("state"), call.Query("name"), call.Query("deprecated") == "true", page, call.Cancelled)))
            .WithPaging().WithQuery("visibility", "private, public, or shared: what other accounts share with this one").WithQuery("deprecated", "true: deprecated ones, too").WithQuery("state", "pending, available or failed").WithQuery("name", "An image's name");
        routes.Post<CreateImage, Image>("/images", Permission.Write("images"), "CreateImage", "Register an image: with `url` the cloud fetches it, without one its bytes are sent next", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => images.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey().WithMetadata(new FurtherPermission(ImageUseCases.Publish));
        routes.Get("/images/{image}", Permission.Read("images"), "ShowImage", "Show an image, or wait until it is available",
            async call =>
            {
                if (call.Query("wait") is not { } state) return await images.GetAsync(call.Caller, call.Route("image"), call.Cancelled);
                return await Waits.Read(call).Then(timeout => images.WaitAsync(call.Caller, call.Route("image"), state, timeout, call.Cancelled));
            }).Fails(408).WithQuery("wait", "Answer when the image is in this state").WithQuery("timeout", "Seconds to wait, 1 to 300 (default 60)", Microsoft.OpenApi.JsonSchemaType.Integer);
        routes.Put<UpdateImage, Image>("/images/{image}", Permission.Write("images"), "UpdateImage", "Describe an image, share it with accounts, or say that another should be chosen", 200,
            (call, update) => images.UpdateAsync(call.Caller, call.Route("image"), update, call.Cancelled)).Fails(409);
        Endpoints.Map(routes, "GET", "/images/{image}/content", Permission.Read("images"), "DownloadImage", "Read an image's bytes, or a range of them", 200,
            async http =>
            {
                if (await Endpoints.AdmitAsync(http, Permission.Read("images")) is not { } call) return;
                var found = await images.ReadAsync(call.Caller, call.Route("image"), call.Cancelled);
                if (found.Failure is { } failure)
                {
                    await Problems.WriteAsync(http, failure);
                    return;
                }
                var (image, path) = found.Value;
                // Its bytes never change, so their sum is what names them.
                await Results.File(path, "application/octet-stream", $"{image.Id}.{image.Format}", entityTag: new Microsoft.Net.Http.Headers.EntityTagHeaderValue($"\"{image.Sha256}\""), enableRangeProcessing: true).ExecuteAsync(http);
            }).Produces(200, contentType: "application/octet-stream").Fails(409);
        Endpoints.Map(routes, "PUT", "/images/{image}/content", Permission.Write("images"), "UploadImage", "Send an image's bytes (qcow2, raw or ISO), all or, with Content-Range, the next part of them", 200,
            async http =>
            {
                if (await Endpoints.AdmitAsync(http, Permission.Write("images")) is not { } call) return;
                // An image is as large as it is; its limit is kept while it is written.
                if (http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature) feature.MaxRequestBodySize = null;
                await Endpoints.WriteAsync(http, 200, await ReadRange(http).Then(range => images.UploadAsync(call.Caller, call.Route("image"), http.Request.Body, http.Request.ContentLength, range, call.Cancelled)));
            }).WithMetadata(new Microsoft.AspNetCore.Http.Metadata.AcceptsMetadata(["application/octet-stream", "*/*"], typeof(byte[]), isOptional: true)).Produces<Image>().Fails(409).Fails(413);
        routes.Delete("/images/{image}", Permission.Write("images"), "DeleteImage", "Remove an image that no instance uses", call => images.DeleteAsync(call.Caller, call.Route("image"), call.Cancelled));
    }

    private static Result<ContentRangeHeaderValue?> ReadRange(HttpContext http)
    {
        if (http.Request.Headers.ContentRange.ToString() is not { Length: > 0 } text) return (ContentRangeHeaderValue?)null;
        return ContentRangeHeaderValue.TryParse(text, out var range) && range is { Unit: "bytes", HasRange: true, HasLength: true } && http.Request.ContentLength == range.To - range.From + 1
            ? range : Failure.Invalid("Content-Range", "content-range");
    }
}
