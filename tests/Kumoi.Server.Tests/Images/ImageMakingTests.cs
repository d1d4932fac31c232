using System.Net;
using System.Security.Cryptography;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Images;

/// <summary>Goal: an image of what is on a volume has exactly its bytes, from the host that has them, and leaves nothing behind.</summary>
public sealed class ImageMakingTests
{
    private static async Task<Scene> StartAsync()
    {
        var scene = await Scene.StartAsync();
        await scene.Host.ReportStoresAsync(new ObservedStore("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 1, true));
        await scene.LaunchAsync("web-1");
        await scene.Host.ObeyWithVolumesAsync();
        return scene;
    }

    private static async Task<int> DiskAsync(Scene scene) => (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib;

    [Fact]
    public async Task An_image_of_an_instance_is_made_by_its_host_and_nothing_else_is_left()
    {
        await using var scene = await StartAsync();
        var before = await DiskAsync(scene);
        var image = await scene.Tenant.PostAsync<Image>("/images", new { name = "gold", fromInstance = "web-1", description = "as it was" });
        Assert.Equal(("pending", "as it was"), (image.State, image.Description));
        var document = await scene.Host.ObeyWithVolumesAsync();
        var upload = Assert.Single(document.Volumes!, volume => volume.UploadTo is not null);
        var root = Assert.Single(document.Volumes!, volume => volume.Slot == 0);
        Assert.Equal((image.Id, root.Id, Assert.Single(root.Snapshots!).Id, root.SizeGib, null), (upload.UploadTo, upload.Source!.VolumeId, upload.Source.SnapshotId, upload.SizeGib, upload.ImageId));
        // Room is taken, and nobody sees more of it than the image.
        Assert.Equal(2 * before, await DiskAsync(scene));
        Assert.Equal(["web-1-root"], (await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items.Select(volume => volume.Name));
        Assert.Empty((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots")).Items);
        await scene.Tenant.FailAsync(404, HttpMethod.Get, "/volumes/" + upload.Id);
        await scene.Tenant.FailAsync(404, HttpMethod.Delete, "/snapshots/" + upload.Source.SnapshotId);
        // Only the host that has the volume may send it, and only what it says that it sends.
        using var stranger = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        var bytes = Qcow2.Good();
        var sum = Convert.ToHexStringLower(SHA256.HashData(bytes));
        Assert.Equal(HttpStatusCode.NotFound, await stranger.SendImageAsync(image.Id, sum, bytes));
        Assert.Equal(HttpStatusCode.BadRequest, await scene.Host.SendImageAsync(image.Id, "none", bytes));
        Assert.Equal("image-filled", await CodeAsync(scene, bytes));

        Assert.Equal(HttpStatusCode.OK, await scene.Host.SendImageAsync(image.Id, sum, bytes));
        var made = await scene.Tenant.GetAsync<Image>("/images/gold?wait=available&timeout=5");
        Assert.Equal(("available", sum), (made.State, made.Sha256));
        Assert.Equal(HttpStatusCode.NotFound, await scene.Host.SendImageAsync(image.Id, sum, bytes));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Single((await scene.Host.ObeyWithVolumesAsync()).Volumes!);
        Assert.Equal(before, await DiskAsync(scene));
        Assert.Equal("gold", (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-2", flavor = "tiny", image = "gold" })).Image.Name);

        async Task<string> CodeAsync(Scene one, byte[] content)
        {
            using var answer = await one.Tenant.SendAsync(HttpMethod.Put, $"/images/{image.Id}/content", new ByteArrayContent(content));
            return System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("type").GetString()!.Split(':')[^1];
        }
    }

    [Fact]
    public async Task What_arrives_damaged_or_is_not_wanted_any_more_leaves_nothing()
    {
        await using var scene = await StartAsync();
        var before = await DiskAsync(scene);
        var bytes = Qcow2.Good();
        foreach (var refused in new[] { true, false })
        {
            var image = await scene.Tenant.PostAsync<Image>("/images", new { name = "gold", fromVolume = "web-1-root" });
            await scene.Host.ObeyWithVolumesAsync();
            if (refused)
            {
                Assert.Equal(HttpStatusCode.BadRequest, await scene.Host.SendImageAsync(image.Id, new string('a', 64), bytes));
                Assert.Equal("failed", (await scene.Tenant.GetAsync<Image>("/images/gold")).State);
            }
            using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/images/gold")) { }
            await scene.Host.ObeyWithVolumesAsync();
            Assert.Single((await scene.Host.ObeyWithVolumesAsync()).Volumes!);
            Assert.Equal(before, await DiskAsync(scene));
        }
    }

    [Fact]
    public async Task A_snapshot_becomes_an_image_and_stays()
    {
        await using var scene = await StartAsync();
        await scene.Tenant.PostAsync<Snapshot>("/volumes/web-1-root/snapshots", new { name = "s1" });
        await scene.Host.ObeyWithVolumesAsync();
        var image = await scene.Tenant.PostAsync<Image>("/images", new { name = "gold", fromSnapshot = "s1" });
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/snapshots/s1")).Code);
        await scene.Host.ObeyWithVolumesAsync();
        var bytes = Qcow2.Good();
        Assert.Equal(HttpStatusCode.OK, await scene.Host.SendImageAsync(image.Id, Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", (await scene.Tenant.GetAsync<Snapshot>("/snapshots/s1")).State);
    }

    [Fact]
    public async Task Of_what_it_cannot_be_made_is_told_by_its_field()
    {
        await using var scene = await StartAsync();
        var stranger = await scene.Cloud.TenantAsync("stranger");
        foreach (var field in (string[])["fromInstance", "fromVolume", "fromSnapshot"])
            Assert.Equal(field, (await stranger.FailAsync(400, HttpMethod.Post, "/images", new Dictionary<string, string> { ["name"] = "gold", [field] = field == "fromInstance" ? "web-1" : "web-1-root" })).Errors![0].Field);
        Assert.Equal("fromInstance", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/images", new { name = "gold", fromInstance = "web-1", url = "http://example.com/x" })).Errors![0].Field);
        Assert.Equal("sha256", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/images", new { name = "gold", fromInstance = "web-1", sha256 = new string('a', 64) })).Errors![0].Field);
        await scene.Tenant.PostAsync<Image>("/images", new { name = "taken" });
        var before = await DiskAsync(scene);
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/images", new { name = "taken", fromInstance = "web-1" })).Code);
        Assert.Equal(before, await DiskAsync(scene));
        Assert.Single((await scene.Host.ObeyWithVolumesAsync()).Volumes!);
    }
}
