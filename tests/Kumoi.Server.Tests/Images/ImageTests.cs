using System.Net;
using System.Text;
using Kumoi.Api;
using Kumoi.Server.Images;
using Kumoi.Server.Platform.Http;
using Kumoi.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Kumoi.Server.Tests.Images;

public sealed class ImageTests
{
    private static async Task<Image> RegisterAsync(TestClient client, string name, object? more = null) =>
        await client.PostAsync<Image>("/images", more ?? new { name });

    [Fact]
    public async Task A_good_image_is_taken_and_told_with_its_size_and_sum()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var bytes = Qcow2.Good();
        var sum = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        var image = await RegisterAsync(tenant, "good", new { name = "good", sha256 = sum.ToUpperInvariant() });
        Assert.Equal("pending", image.State);
        image = await tenant.PutAsync<Image>("/images/good/content", new ByteArrayContent(bytes));
        Assert.Equal(("available", "qcow2", 16L << 20, bytes.Length, sum), (image.State, image.Format, image.VirtualSizeBytes, image.SizeBytes, image.Sha256));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(cloud.Options.ImageDirectory, image.Id)));
        Assert.Equal("image-filled", (await tenant.FailAsync(409, HttpMethod.Put, "/images/good/content", new ByteArrayContent(bytes))).Code);
        Assert.Equal(204, (int)(await tenant.SendAsync(HttpMethod.Delete, "/images/good")).StatusCode);
        Assert.Empty(Directory.GetFiles(cloud.Options.ImageDirectory));
    }

    public static TheoryData<string, string> Hostile() => new()
    {
        { "backing-file", "qcow2-backing-file" }, { "data-file", "qcow2-data-file" }, { "absurd-size", "image-too-large" }, { "truncated", "qcow2-damaged" }, { "header-only", "qcow2-damaged" },
        { "text", "not-an-image" }, { "empty", "not-an-image" }, { "encrypted", "qcow2-encrypted" }, { "vmdk", "not-an-image" }, { "wrong-version", "qcow2-version" },
        { "vmdk-extent", "not-an-image" }, { "huge-l1", "qcow2-damaged" }, { "l1-outside", "qcow2-damaged" }, { "unknown-feature", "qcow2-damaged" }, { "refcounts", "qcow2-damaged" }, { "vhdx", "not-an-image" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_hostile_or_broken_image_is_refused_with_the_reason_and_leaves_nothing(string kind, string rule)
    {
        await using var cloud = await TestCloud.StartAsync(options => options with { ImageBytesMax = 1L << 40 });
        var tenant = await cloud.TenantAsync("acme");
        await RegisterAsync(tenant, "bad");
        var problem = await tenant.FailAsync(400, HttpMethod.Put, "/images/bad/content", new ByteArrayContent(Bytes(kind)));
        var error = Assert.Single(problem.Errors!);
        Assert.Equal(("content", rule), (error.Field, error.Rule));
        Assert.DoesNotContain("/tmp/", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.Exists(cloud.Options.ImageDirectory) ? Directory.GetFiles(cloud.Options.ImageDirectory) : []);
        var image = await tenant.GetAsync<Image>("/images/bad");
        Assert.Equal(("failed", rule), (image.State, image.Conditions.Single().Reason));
        var launch = await tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "x", flavor = "tiny", image = "bad" });
        Assert.Equal("image-not-available", launch.Errors![0].Rule);
        // The next try, with good bytes, succeeds.
        Assert.Equal("available", (await tenant.PutAsync<Image>("/images/bad/content", new ByteArrayContent(Qcow2.Good()))).State);
    }

    private static byte[] Bytes(string kind)
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-bad-").FullName;
        try
        {
            switch (kind)
            {
                case "backing-file": return File.ReadAllBytes(Qcow2.Make(directory, "16M", "-u", "-F", "raw", "-b", "/etc/shadow"));
                case "data-file": return File.ReadAllBytes(Qcow2.Make(directory, "16M", "-o", $"data_file={directory}/data,data_file_raw=on"));
                case "absurd-size": return File.ReadAllBytes(Qcow2.Make(directory, "64T"));
                case "truncated": return Qcow2.Good()[..^70_000];
                case "header-only": return Qcow2.Good()[..104];
                case "text": return Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("not a disk at all\n", 512)));
                case "empty": return [];
                case "encrypted":
                    // crypt_method of the header: 2 is LUKS.
                    var encrypted = Qcow2.Good();
                    encrypted[35] = 2;
                    return encrypted;
                case "vmdk":
                    Qcow2.Run("qemu-img", ["create", "-q", "-f", "vmdk", Path.Combine(directory, "d.vmdk"), "16M"]);
                    return File.ReadAllBytes(Path.Combine(directory, "d.vmdk"));
                case "vmdk-extent":
                    // A text that names another file of the host as the disk's content.
                    return Encoding.UTF8.GetBytes("# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\nRW 32768 FLAT \"/etc/shadow\" 0\n".PadRight(4096, '\n'));
                case "huge-l1": return Changed(36, 0x7F, 0xFF, 0xFF, 0xFF);
                case "l1-outside": return Changed(40, 0x00, 0x00, 0x7F, 0xFF, 0xFF, 0xFF, 0x00, 0x00);
                case "unknown-feature": return Changed(72, 0x40, 0, 0, 0, 0, 0, 0, 0);
                case "refcounts": return Changed(48, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08);
                case "vhdx":
                    Qcow2.Run("qemu-img", ["create", "-q", "-f", "vhdx", Path.Combine(directory, "d.vhdx"), "16M"]);
                    return File.ReadAllBytes(Path.Combine(directory, "d.vhdx"));
                default:
                    var bytes = Qcow2.Good();
                    bytes[7] = 9;
                    return bytes;
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static byte[] Changed(int offset, params byte[] with)
    {
        var bytes = Qcow2.Good();
        with.CopyTo(bytes, offset);
        return bytes;
    }

    [Fact]
    public async Task A_few_compressed_bytes_that_promise_much_are_kept_as_they_are_and_never_unfolded()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var directory = Directory.CreateTempSubdirectory("kumoi-bomb-").FullName;
        try
        {
            var (raw, packed) = (Path.Combine(directory, "raw"), Path.Combine(directory, "packed.qcow2"));
            await File.WriteAllBytesAsync(raw, Enumerable.Repeat((byte)1, 1 << 20).ToArray());
            await using (var file = File.OpenWrite(raw)) file.SetLength(1L << 30);
            Qcow2.Run("qemu-img", ["convert", "-c", "-f", "raw", "-O", "qcow2", raw, packed]);
            // All of its clusters compressed, each to some bytes.
            Qcow2.Run("qemu-io", ["-f", "qcow2", "-c", "write -c -P 7 1M 64k", packed]);
            var bytes = await File.ReadAllBytesAsync(packed);
            await RegisterAsync(tenant, "bomb");
            var image = await tenant.PutAsync<Image>("/images/bomb/content", new ByteArrayContent(bytes));
            Assert.Equal(("available", 1L << 30), (image.State, image.VirtualSizeBytes));
            Assert.Equal(bytes.Length, Directory.GetFiles(cloud.Options.ImageDirectory).Sum(path => new FileInfo(path).Length));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task An_upload_that_breaks_off_or_differs_from_its_sum_can_be_sent_again()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var bytes = Qcow2.Good();
        await RegisterAsync(tenant, "img", new { name = "img", sha256 = new string('0', 64) });
        Assert.Equal("sha256-differs", (await tenant.FailAsync(400, HttpMethod.Put, "/images/img/content", new ByteArrayContent(bytes))).Errors![0].Rule);
        var broken = new StreamContent(new BreakingStream(bytes));
        broken.Headers.ContentLength = bytes.Length;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => tenant.SendAsync(HttpMethod.Put, "/images/img/content", broken));
        await Wait.UntilAsync(async () => (await tenant.SendAsync(HttpMethod.Put, "/images/img/content", new ByteArrayContent(bytes))).StatusCode == HttpStatusCode.BadRequest);
        Assert.Empty(Directory.GetFiles(cloud.Options.ImageDirectory));
    }

    [Fact]
    public async Task An_import_fetches_by_itself_and_tells_why_when_it_cannot()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var bytes = Qcow2.Good();
        var fail = true;
        var port = TestCloud.FreePort();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var web = builder.Build();
        web.Urls.Add($"http://127.0.0.1:{port}");
        web.MapGet("/image", async http =>
        {
            if (fail) http.Response.StatusCode = 503;
            else await http.Response.Body.WriteAsync(bytes);
        });
        await web.StartAsync();
        await RegisterAsync(admin, "imported", new { name = "imported", url = $"http://127.0.0.1:{port}/image" });
        await Wait.UntilAsync(async () => (await admin.GetAsync<Image>("/images/imported")).Conditions is [{ Message: "The source answered 503.", NextTryAt: not null }]);
        fail = false;
        Assert.Equal("available", (await admin.GetAsync<Image>("/images/imported?wait=available&timeout=60")).State);
        // What is not there is not asked for again.
        await RegisterAsync(admin, "gone", new { name = "gone", url = $"http://127.0.0.1:{port}/none" });
        var gone = await admin.GetAsync<Image>("/images/gone?wait=failed&timeout=60");
        Assert.Equal(("The source answered 404.", (DateTimeOffset?)null), (gone.Conditions[0].Message, gone.Conditions[0].NextTryAt));
        // For a tenant the inside of the cloud does not exist.
        var tenant = await cloud.TenantAsync("acme");
        await RegisterAsync(tenant, "inside", new { name = "inside", url = $"http://127.0.0.1:{port}/image" });
        Assert.Contains("not a public address", (await tenant.GetAsync<Image>("/images/inside?wait=failed&timeout=60")).Conditions[0].Message, StringComparison.Ordinal);
        Assert.Equal("public-image", (await tenant.FailAsync(403, HttpMethod.Post, "/images", new { name = "p", visibility = "public" })).Code);
        Assert.Equal("http-url", (await tenant.FailAsync(400, HttpMethod.Post, "/images", new { name = "p", url = "file:///etc/passwd" })).Errors![0].Rule);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("169.254.169.254", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:192.168.1.1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("198.18.0.5", true)]
    [InlineData("93.184.216.34", false)]
    [InlineData("2606:2800:220:1::1", false)]
    public void Addresses_of_the_inside_are_known(string address, bool inside) => Assert.Equal(inside, Outside.IsInside(IPAddress.Parse(address)));

    [Fact]
    public async Task Files_that_no_record_explains_are_swept()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var image = await RegisterAsync(tenant, "img");
        await tenant.PutAsync<Image>("/images/img/content", new ByteArrayContent(Qcow2.Good()));
        var stray = Path.Combine(cloud.Options.ImageDirectory, "img-00000000000000001");
        await File.WriteAllTextAsync(stray, "left by a crash");
        await File.WriteAllTextAsync(Path.Combine(cloud.Options.ImageDirectory, "README"), "not ours");
        await ((ImageImports)cloud.Services.GetService(typeof(ImageImports))!).SweepAsync(default);
        Assert.False(File.Exists(stray));
        Assert.Equal(["README", image.Id], Directory.GetFiles(cloud.Options.ImageDirectory).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
    }

    /// <summary>Sends half and then fails, as a sender that is killed does.</summary>
    private sealed class BreakingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public Func<Task> Before { get; init; } = () => Task.CompletedTask;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position < Length / 2) return await base.ReadAsync(buffer[..Math.Min(buffer.Length, 4096)], cancellationToken);
            await Before();
            throw new IOException("The sender broke off.");
        }
    }

    [Fact]
    public async Task An_upload_that_broke_off_says_so_and_can_be_sent_again()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "broken" });
        var broken = new StreamContent(new BreakingStream(new byte[1024 * 1024]) { Before = () => Wait.UntilAsync(async () => (await admin.GetAsync<Image>("/images/broken")).ReceivedBytes > 0, what: "some have come") });
        broken.Headers.ContentLength = 1024 * 1024;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => admin.SendAsync(HttpMethod.Put, $"/images/{image.Id}/content", broken));
        await Wait.UntilAsync(async () => (await admin.GetAsync<Image>("/images/broken")).Conditions.Any(c => c.Reason == "broken-off"), 20, "the image says what became of the upload");
        var waits = await admin.GetAsync<Image>("/images/broken");
        Assert.Equal("pending", waits.State);
        Assert.InRange(waits.ReceivedBytes, 1, 512 * 1024);
        image = await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good()));
        Assert.Equal("available", image.State);
        Assert.Empty(image.Conditions);
    }

    [Fact]
    public async Task An_upload_whose_server_died_can_be_sent_again_once_its_lease_is_over()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "orphan" });
        var database = (Server.Platform.Postgres.Database)cloud.Services.GetService(typeof(Server.Platform.Postgres.Database))!;
        await database.ExecuteAsync("UPDATE images SET lease_holder = 'gone', lease_until = clock_timestamp() + interval '1 minute', received_bytes = 5 WHERE id = $1", default, image.Id);
        using (var busy = await admin.SendAsync(HttpMethod.Put, $"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good())))
            Assert.Equal((409, true), ((int)busy.StatusCode, busy.Headers.RetryAfter?.Delta > TimeSpan.Zero));
        await database.ExecuteAsync("UPDATE images SET lease_until = clock_timestamp() - interval '1 second' WHERE id = $1", default, image.Id);
        Assert.Equal("available", (await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good()))).State);
    }
}
