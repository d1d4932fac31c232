using System.Net;
using System.Net.Http.Headers;
using Kumoi.Api;
using Kumoi.Server.Images;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Kumoi.Server.Tests.Images;

/// <summary>Goal: what came of an image is not sent again, whoever broke off, and what is offered in the end is what was sent.</summary>
public sealed class ImagePartTests
{
    private static ByteArrayContent Part(byte[] all, int from, int count)
    {
        var part = new ByteArrayContent(all, from, count);
        part.Headers.ContentRange = new ContentRangeHeaderValue(from, from + count - 1, all.Length);
        return part;
    }

    [Fact]
    public async Task Parts_follow_each_other_and_the_last_makes_the_image()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var all = Qcow2.Good();
        var image = await tenant.PostAsync<Image>("/images", new { name = "img", sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(all)) });
        var third = all.Length / 3;
        var first = await tenant.PutAsync<Image>("/images/img/content", Part(all, 0, third));
        Assert.Equal(("pending", third, all.Length), (first.State, first.ReceivedBytes, first.ExpectedBytes));
        // Out of turn, and a part that was sent already.
        var refused = await tenant.FailAsync(409, HttpMethod.Put, "/images/img/content", Part(all, third + 1, 10));
        Assert.Equal("upload-offset", refused.Code);
        Assert.Contains(third.ToString(System.Globalization.CultureInfo.InvariantCulture), refused.Title, StringComparison.Ordinal);
        var part = new ByteArrayContent(all, 0, 10);
        part.Headers.TryAddWithoutValidation("Content-Range", "bytes 5-14/*");
        Assert.Equal("content-range", (await tenant.FailAsync(400, HttpMethod.Put, "/images/img/content", part)).Errors!.Single().Rule);
        Assert.Equal(2 * third, (await tenant.PutAsync<Image>("/images/img/content", Part(all, third, third))).ReceivedBytes);
        var done = await tenant.PutAsync<Image>("/images/img/content", Part(all, 2 * third, all.Length - (2 * third)));
        Assert.Equal(("available", all.Length), (done.State, done.SizeBytes));
        Assert.Equal([image.Id], Directory.GetFiles(cloud.Options.ImageDirectory).Select(path => Path.GetFileName(path)!));
        using var whole = await tenant.SendAsync(HttpMethod.Get, "/images/img/content");
        Assert.Equal(all, await whole.Content.ReadAsByteArrayAsync());
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cloud.Url + "/api/v1/images/img/content")) { Headers = { Range = new RangeHeaderValue(third, null) } };
        request.Headers.Authorization = tenant.Http.DefaultRequestHeaders.Authorization;
        using var rest = await tenant.Http.SendAsync(request);
        Assert.Equal((HttpStatusCode.PartialContent, $"\"{done.Sha256}\""), (rest.StatusCode, rest.Headers.ETag!.Tag));
        Assert.Equal(all[third..], await rest.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Only_what_was_flushed_counts_after_a_server_has_died()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var all = Qcow2.Good();
        var image = await tenant.PostAsync<Image>("/images", new { name = "img" });
        var database = cloud.Services.GetRequiredService<Database>();
        // A writer that may live still: it wrote more than it told, and not the same.
        var left = Path.Combine(cloud.Options.ImageDirectory, image.Id + ".tok-dead.part");
        await File.WriteAllBytesAsync(left, [.. all[..1000], .. new byte[5000]]);
        await database.ExecuteAsync("UPDATE images SET lease_holder = 'dead', lease_until = now() - interval '1 second', received_bytes = 1000 WHERE id = $1", default, image.Id);
        await using var alive = new FileStream(left, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        Assert.Equal("upload-offset", (await tenant.FailAsync(409, HttpMethod.Put, "/images/img/content", Part(all, 6000, 10))).Code);
        alive.Seek(500, SeekOrigin.Begin);
        await alive.WriteAsync(new byte[4000]);
        await alive.FlushAsync();
        Assert.Equal("available", (await tenant.PutAsync<Image>("/images/img/content", Part(all, 1000, all.Length - 1000))).State);
        Assert.Equal(all, await File.ReadAllBytesAsync(Path.Combine(cloud.Options.ImageDirectory, image.Id)));
    }

    [Fact]
    public async Task An_import_goes_on_where_it_broke_off_while_the_source_has_the_same_bytes()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var all = Qcow2.Good();
        var (asked, tag, breaks) = (new List<string>(), "\"one\"", 2);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var web = builder.Build();
        var port = TestCloud.FreePort();
        web.Urls.Add($"http://127.0.0.1:{port}");
        web.MapGet("/image", async http =>
        {
            var range = http.Request.GetTypedHeaders().Range?.Ranges.Single().From;
            lock (asked) asked.Add($"{range} {http.Request.Headers.IfRange}");
            var from = range is { } offset && http.Request.Headers.IfRange == tag ? (int)offset : 0;
            http.Response.StatusCode = from > 0 ? 206 : 200;
            http.Response.Headers.ETag = tag;
            if (from > 0) http.Response.Headers.ContentRange = $"bytes {from}-{all.Length - 1}/{all.Length}";
            http.Response.ContentLength = all.Length - from;
            var some = breaks-- > 0 ? Math.Min(50_000, (all.Length - from) / 2) : all.Length - from;
            await http.Response.Body.WriteAsync(all.AsMemory(from, some));
            if (some == all.Length - from) return;
            await http.Response.Body.FlushAsync();
            // What is on its way when a connection is broken off may be lost.
            await Task.Delay(300);
            if (breaks == 0) tag = "\"two\"";
            http.Abort();
        });
        await web.StartAsync();
        await admin.PostAsync<Image>("/images", new { name = "imported", url = $"http://127.0.0.1:{port}/image" });
        var database = cloud.Services.GetRequiredService<Database>();
        await Wait.UntilAsync(async () =>
        {
            await database.ExecuteAsync("UPDATE images SET lease_until = NULL WHERE lease_holder IS NULL", default);
            return (await admin.GetAsync<Image>("/images/imported")).State == "available";
        }, what: "the image is there");
        var kept = int.Parse(asked[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(kept, 1, all.Length / 2);
        Assert.Equal((" ", $"{kept} \"one\""), (asked[0], asked[1]));
        Assert.EndsWith("\"one\"", asked[2], StringComparison.Ordinal);
        using var whole = await admin.SendAsync(HttpMethod.Get, "/images/imported/content");
        Assert.Equal(all, await whole.Content.ReadAsByteArrayAsync());
    }

    /// <summary>All of the bytes had come when the server died, so that nothing is behind them; or the source has fewer now.</summary>
    [Fact]
    public async Task An_import_whose_source_has_nothing_behind_what_is_kept_begins_anew()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var all = Qcow2.Good();
        var (asked, ready) = (new List<string>(), false);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var web = builder.Build();
        var port = TestCloud.FreePort();
        web.Urls.Add($"http://127.0.0.1:{port}");
        web.MapGet("/image", async http =>
        {
            http.Response.Headers.ETag = "\"one\"";
            if (!ready)
            {
                http.Response.StatusCode = 503;
                return;
            }
            var range = http.Request.GetTypedHeaders().Range?.Ranges.Single().From;
            lock (asked) asked.Add($"{range}");
            if (range >= all.Length)
            {
                http.Response.StatusCode = 416;
                http.Response.Headers.ContentRange = $"bytes */{all.Length}";
                return;
            }
            http.Response.ContentLength = all.Length;
            await http.Response.Body.WriteAsync(all);
        });
        await web.StartAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "imported", url = $"http://127.0.0.1:{port}/image" });
        await Wait.UntilAsync(async () => (await admin.GetAsync<Image>("/images/imported")).Conditions is [{ Message: "The source answered 503." }], what: "the source is not ready");
        // What is kept are not its bytes at all: they are not gone on with.
        await File.WriteAllBytesAsync(Path.Combine(cloud.Options.ImageDirectory, image.Id + ".tok-dead.part"), new byte[all.Length]);
        ready = true;
        var database = cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("UPDATE images SET lease_holder = 'dead', lease_until = now() - interval '1 second', received_bytes = $2, source_tag = '\"one\"' WHERE id = $1", default, image.Id, (long)all.Length);
        await Wait.UntilAsync(async () =>
        {
            await database.ExecuteAsync("UPDATE images SET lease_until = NULL WHERE lease_holder IS NULL", default);
            return (await admin.GetAsync<Image>("/images/imported")).State == "available";
        }, what: "the image is there");
        lock (asked) Assert.Equal([$"{all.Length}", ""], asked);
        using var whole = await admin.SendAsync(HttpMethod.Get, "/images/imported/content");
        Assert.Equal(all, await whole.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task What_nobody_goes_on_with_is_forgotten()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var image = await tenant.PostAsync<Image>("/images", new { name = "img" });
        await tenant.PutAsync<Image>("/images/img/content", Part(Qcow2.Good(), 0, 1000));
        var idle = Path.Combine(cloud.Options.ImageDirectory, image.Id + ".idle.part");
        var imports = cloud.Services.GetRequiredService<ImageImports>();
        await imports.SweepAsync(default);
        Assert.True(File.Exists(idle));
        File.SetLastWriteTimeUtc(idle, DateTime.UtcNow.AddDays(-2));
        await imports.SweepAsync(default);
        Assert.False(File.Exists(idle));
        Assert.Equal(0, (await tenant.GetAsync<Image>("/images/img")).ReceivedBytes);
    }
}
