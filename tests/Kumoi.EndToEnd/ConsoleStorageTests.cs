using System.Security.Cryptography;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>Goal: what the console does of backups, of images, and of volumes that were lost and found. Method: a browser, and a host that says what the test wants.</summary>
public sealed class ConsoleStorageTests
{
    /// <summary>Volumes of this size are being filled, and backups of them made, to 40 %, and stay so.</summary>
    private const int HeldUpGib = 3;

    private const long HeldUpBytes = 1L << 30;

    private const string Store = "st-00000000000000001";

    private static readonly ObservedStore[] Stores = [new(Store, "local", StoreDrivers.Directory, false, true, 100, 12, Root: true)];

    private static readonly ObservedBackupPlace Place = new("st-000000000000000b0", "backups", false, 100, 1);

    [Fact]
    public async Task A_browser_makes_backups_by_hand_and_by_schedule() => await BrowseAsync("backups.mjs", "ok: the same in Japanese", async (_, tenant, host) =>
    {
        await host.ReportBackupPlacesAsync(Stores, Place);
        await LaunchAsync(tenant, "web-1", ("notes", 2), ("big", HeldUpGib));
        return host;
    }, async tenant =>
    {
        Assert.Equal("first", Assert.Single((await tenant.GetAsync<Page<Backup>>("/backups?state=available")).Items).Name);
        var nightly = Assert.Single((await tenant.GetAsync<Page<BackupSchedule>>("/backup-schedules")).Items);
        Assert.Equal(("nightly", "notes", "03:30", "UTC", 9, 30, 5, true), (nightly.Name, nightly.Volume.Name, nightly.At, nightly.TimeZone, nightly.Keep, nightly.KeepDays, nightly.FullEvery, nightly.Enabled));
    }, "console-backups.png", "console-schedules.png");

    [Fact]
    public async Task A_browser_makes_images_shares_them_and_has_hosts_fetch_them() => await BrowseAsync("images.mjs", "ok: the same in Japanese", async (cloud, tenant, host) =>
    {
        await cloud.TenantAsync("beta");
        await host.ReportStoresAsync(Stores);
        await LaunchAsync(tenant, "web-1", ("notes", 2), ("big", HeldUpGib));
        return host;
    }, async tenant =>
    {
        var images = (await tenant.GetAsync<Page<Image>>("/images?visibility=private")).Items.ToDictionary(image => image.Name);
        Assert.Equal(["gold", "gold-monday", "sent"], images.Keys.Order());
        Assert.Equal(("debian", 64, "beta", "available"), (images["gold"].Os, images["gold"].MinMemoryMib, Assert.Single(images["gold"].Accounts!).Name, images["gold-monday"].State));
    }, "console-image.png");

    [Fact]
    public async Task A_browser_takes_back_what_was_lost_and_launches_from_it() => await BrowseAsync("recovered.mjs", "ok: the same in Japanese", async (cloud, tenant, lost) =>
    {
        var image = (await tenant.GetAsync<Image>("/images/tiny")).Sha256!;
        await lost.ReportStoresAsync(Stores);
        await LaunchAsync(tenant, "web-1", ("data", 5));
        await lost.ObeyWithVolumesAsync();
        var (data, root) = (await tenant.GetAsync<Volume>("/volumes/data"), await tenant.GetAsync<Volume>("/volumes/web-1-root"));
        await cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator'", default);
        using (var removed = await (await cloud.LoginAsync()).SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")) removed.EnsureSuccessStatusCode();
        var back = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        StrayVolume one = new(data.Id, Store, 5, 123_456_789, DateTimeOffset.UtcNow.AddDays(-3), null);
        await back.ReportStoresAsync(
            Stores, one, one with { Id = root.Id, SizeGib = root.SizeGib, ImageSha256 = image }, one with { Id = "vol-19a3f2b4c5d6e0001", SizeGib = 4 }, one with { Id = "vol-19a3f2b4c5d6e0002", SizeGib = 0, WrittenAt = DateTimeOffset.UtcNow.AddDays(-90) });
        await tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1 });
        return back;
    }, async tenant =>
    {
        var volumes = (await tenant.GetAsync<Page<Volume>>("/volumes")).Items.ToDictionary(volume => volume.Name);
        Assert.Equal(["data", "data-again", "found", "web-1-root"], volumes.Keys.Order());
        Assert.Equal((0, "web-9", "web-8", 5, 1), (volumes["web-1-root"].Slot, volumes["web-1-root"].Instance?.Name, volumes["data-again"].Instance?.Name, volumes["data-again"].SizeGib, volumes["data"].SizeGib));
    }, "console-strays.png");

    /// <summary>A cloud with one host, an image and an account, and the script that a browser follows in it.</summary>
    /// <param name="prepare">Says which host there is when the browser comes.</param>
    private static async Task BrowseAsync(string script, string last, Func<TestCloud, TestClient, FakeHost, Task<FakeHost>> prepare, Func<TestClient, Task> check, params string[] shown)
    {
        var tree = QuickstartCloud.FindTree();
        await using var cloud = await TestCloud.StartAsync(options => options with { ConsoleDirectory = Path.Combine(tree, "console/dist") });
        var files = Directory.CreateTempSubdirectory("kumoi-console-").FullName;
        using var stop = new CancellationTokenSource();
        using var first = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        var admin = await cloud.LoginAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "tiny", visibility = "public" });
        await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good()));
        var tenant = await cloud.TenantAsync("acme");
        await tenant.PostAsync<User>("/users", new { name = "acme-reader", password = "tenant-password", role = "reader" });
        using var host = await prepare(cloud, tenant, first);
        var keeping = KeepAsync(host, stop.Token);
        try
        {
            var pictures = Directory.CreateDirectory(Environment.GetEnvironmentVariable("KUMOI_PICTURES") is { Length: > 0 } kept ? kept : Path.Combine(files, "pictures")).FullName;
            var ran = await Machine.RunAsync("node", [Path.Combine(tree, "tests/console", script), cloud.Url, pictures],
                new Dictionary<string, string> { ["KUMOI_ADMIN_PASSWORD"] = TestCloud.AdminPassword, ["KUMOI_DEMO_PASSWORD"] = "tenant-password" }, seconds: 300);
            Assert.True(ran.Code == 0, ran.Output + ran.Error);
            Assert.Contains(last, ran.Output, StringComparison.Ordinal);
            await check(tenant);
            if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1")
                foreach (var picture in shown) File.Copy(Path.Combine(pictures, picture), Path.Combine(tree, "docs/images", picture), overwrite: true);
        }
        finally
        {
            await stop.CancelAsync();
            await keeping;
            Directory.Delete(files, recursive: true);
        }
    }

    private static async Task LaunchAsync(TestClient tenant, string name, params (string Name, int SizeGib)[] volumes)
    {
        await tenant.PostAsync<Instance>("/instances", new { name, flavor = "small", image = "tiny" });
        foreach (var volume in volumes)
        {
            await tenant.PostAsync<Volume>("/volumes", new { name = volume.Name, sizeGib = volume.SizeGib });
            await tenant.PostAsync<Volume>($"/volumes/{volume.Name}/attach", new { instance = name });
        }
    }

    /// <summary>Does what it is asked for as soon as it hears of it, except for what is held up. Of images that it is to keep it has the beginning.</summary>
    private static Task KeepAsync(FakeHost host, CancellationToken stop)
    {
        var sent = new HashSet<string>();
        return host.KeepAsync(volume => IsHeldUp(volume) ? Filling(volume) : FakeHost.Obeyed(volume), async (document, volumes) =>
        {
            await host.ReportBackupsAsync([.. (document.Backups ?? []).Select(backup => Seen(backup, volumes.Any(volume => volume.Id == backup.VolumeId && volume.SizeGib == HeldUpGib)))]);
            await host.ReportImagesAsync(null, [.. document.Images.Where(image => image.Prefetch).Select(image => new ObservedImage(image.Sha256, image.SizeBytes * 2 / 5 + 1, false))]);
            foreach (var made in volumes.Where(volume => volume.UploadTo is not null && !IsHeldUp(volume) && sent.Add(volume.UploadTo)))
                await host.SendImageAsync(made.UploadTo!, Convert.ToHexStringLower(SHA256.HashData(Qcow2.Good())), Qcow2.Good());
        }, stop);
    }

    private static bool IsHeldUp(DesiredVolume volume) => volume.SizeGib == HeldUpGib && volume.Desired == VolumeDesire.Present && (volume.Source is not null || volume.Backup is not null);

    private static VolumeWork Work(string kind) => new(kind, HeldUpBytes * 2 / 5 + 1, HeldUpBytes, DateTimeOffset.UtcNow.AddMinutes(-2));

    private static ObservedVolume Filling(DesiredVolume volume) =>
        FakeHost.Obeyed(volume) with { Generation = volume.Generation - 1, SizeGib = null, Work = Work(volume.Backup is null ? VolumeWorks.Copy : VolumeWorks.Restore) };

    private static ObservedBackup Seen(DesiredBackup told, bool heldUp) => new(
        told.Id, told.Incarnation, told.Make is { } make && !heldUp ? new MadeBackup(make.ParentId, null, new string('a', 64), 196_624, 196_624, DateTimeOffset.UtcNow, SnapshotConsistency.FileSystem) : null, told.Desired == VolumeDesire.Deleted, null,
        told.Verify, null, [], told.Make is not null && heldUp ? Work(VolumeWorks.Backup) : null);
}
