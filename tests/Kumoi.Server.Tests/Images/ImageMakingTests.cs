using System.Net;
using System.Security.Cryptography;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
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
        Assert.Equal("rootVolume", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "web-3", flavor = "tiny", image = "tiny", rootVolume = upload.Id })).Errors![0].Field);
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
        Assert.Equal(["image.create", "image.available"], await AboutAsync(scene, root.Id, "web-1"));
        Assert.Equal("gold", (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-2", flavor = "tiny", image = "gold" })).Image.Name);

        async Task<string> CodeAsync(Scene one, byte[] content)
        {
            using var answer = await one.Tenant.SendAsync(HttpMethod.Put, $"/images/{image.Id}/content", new ByteArrayContent(content));
            return System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("type").GetString()!.Split(':')[^1];
        }
    }

    /// <summary>What the account's log says since the launch, but of the instance and the volume that it starts from.</summary>
    private static async Task<IEnumerable<string>> AboutAsync(Scene scene, string volumeId, string instance) =>
        (await scene.Tenant.GetAsync<Page<Event>>("/events?limit=100")).Items.TakeWhile(one => one.Action != "instance.launch").Where(one => one.Resource.Id != volumeId && one.Resource.Name != instance).Select(one => one.Action).Reverse();

    [Fact]
    public async Task One_of_a_volume_whose_host_is_down_is_made_by_another_that_reaches_it()
    {
        await using var scene = await StartAsync();
        var shared = new ObservedStore("st-0000000000000000a", "shared", StoreDrivers.Directory, true, false, 100, 1);
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"), shared);
        Assert.Equal("host-2", (await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1, pool = "shared" })).Host!.Name);
        await scene.Host.ReportStoresAsync(new ObservedStore("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 1, true), shared);
        await other.ObeyWithVolumesAsync();
        var image = await scene.Tenant.PostAsync<Image>("/images", new { name = "gold", fromVolume = "data" });
        await other.ObeyWithVolumesAsync();
        Assert.Equal(2, (await other.DesiredAsync())!.Volumes!.Count);
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator' WHERE name = 'host-2'", default);
        await scene.Cloud.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<Server.Volumes.VolumeRecovery>().Single().MoveAsync(default);
        Assert.Equal((image.Id, 2), Assert.Single((await scene.Host.DesiredAsync())!.Volumes!, volume => volume.Slot != 0) is var upload ? (upload.UploadTo, upload.Incarnation) : default);
        await scene.Host.ObeyWithVolumesAsync();
        var bytes = Qcow2.Good();
        Assert.Equal(HttpStatusCode.OK, await scene.Host.SendImageAsync(image.Id, Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes));
        Assert.Equal("available", (await scene.Tenant.GetAsync<Image>("/images/gold")).State);
    }

    [Fact]
    public async Task One_whose_host_is_lost_fails_and_says_so()
    {
        await using var scene = await StartAsync();
        var root = await scene.Tenant.GetAsync<Volume>("/volumes/web-1-root");
        await scene.Tenant.PostAsync<Image>("/images", new { name = "gold", fromInstance = "web-1" });
        await scene.Host.ObeyWithVolumesAsync();
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator'", default);
        using (var removed = await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")) removed.EnsureSuccessStatusCode();
        var image = await scene.Tenant.GetAsync<Image>("/images/gold");
        Assert.Equal(("failed", "host-lost"), (image.State, Assert.Single(image.Conditions).Reason));
        Assert.Equal(["image.create", "image.failed"], await AboutAsync(scene, root.Id, "web-1"));
        Assert.Equal([root.Id], await database.QueryAsync("SELECT id FROM lost_volumes", row => row.GetString(0), default));
        using (var gone = await scene.Tenant.SendAsync(HttpMethod.Delete, "/images/gold")) gone.EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task It_is_for_the_machine_that_its_instance_has_whatever_the_volume_began_as()
    {
        await using var scene = await StartAsync();
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE instances SET firmware = 'uefi', device_model = 'emulated'; UPDATE volumes SET image_id = NULL", default);
        var image = await scene.Tenant.PostAsync<Image>("/images", new { name = "gold", fromInstance = "web-1", os = "debian" });
        Assert.Equal(("uefi", "emulated", "debian", "root"), (image.Firmware, image.DeviceModel, image.Os, image.DefaultUser));
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
