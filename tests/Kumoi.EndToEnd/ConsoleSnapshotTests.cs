using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>Goal: what the console shows of snapshots and of the work that they make. Method: a browser, and a host that says what the test wants.</summary>
public sealed class ConsoleSnapshotTests
{
    /// <summary>Volumes of this size are being filled, and stay so: how far that is is to be seen.</summary>
    private const int FillingGib = 3;

    [Fact]
    public async Task A_browser_takes_snapshots_and_uses_them()
    {
        var tree = QuickstartCloud.FindTree();
        await using var cloud = await TestCloud.StartAsync(options => options with { ConsoleDirectory = Path.Combine(tree, "console/dist") });
        var files = Directory.CreateTempSubdirectory("kumoi-console-").FullName;
        using var stop = new CancellationTokenSource();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        await host.ReportStoresAsync(new ObservedStore("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 12));
        var admin = await cloud.LoginAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "tiny", visibility = "public" });
        await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good()));
        var tenant = await cloud.TenantAsync("acme");
        await tenant.PostAsync<User>("/users", new { name = "acme-reader", password = "tenant-password", role = "reader" });
        await tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "small", image = "tiny" });
        foreach (var name in (string[])["root", "data"])
        {
            await tenant.PostAsync<Volume>("/volumes", new { name, sizeGib = 2 });
            await tenant.PostAsync<Volume>($"/volumes/{name}/attach", new { instance = "web-1" });
        }
        await host.ObeyWithVolumesAsync();
        // The instance starts from it, as if it had been launched so.
        await cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE volumes SET slot = 0 WHERE name = 'root'", default);
        var keeping = KeepAsync(host, stop.Token);
        try
        {
            var pictures = Directory.CreateDirectory(Environment.GetEnvironmentVariable("KUMOI_PICTURES") is { Length: > 0 } kept ? kept : Path.Combine(files, "pictures")).FullName;
            var ran = await Machine.RunAsync("node", [Path.Combine(tree, "tests/console/snapshots.mjs"), cloud.Url, pictures], new Dictionary<string, string> { ["KUMOI_DEMO_PASSWORD"] = "tenant-password" }, seconds: 300);
            Assert.True(ran.Code == 0, ran.Output + ran.Error);
            Assert.Contains("ok: the same in Japanese", ran.Output, StringComparison.Ordinal);
            var left = (await tenant.GetAsync<Page<Snapshot>>("/snapshots")).Items;
            Assert.Equal([("monday", "before the upgrade", "data"), ("night", "", "root")], left.Select(s => (s.Name, s.Description, s.Volume.Name)));
            Assert.Equal(["copy", "root"], (await tenant.GetAsync<Page<Volume>>("/volumes")).Items.Select(volume => volume.Name).Order());
            if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1") File.Copy(Path.Combine(pictures, "console-snapshots.png"), Path.Combine(tree, "docs/images/console-snapshots.png"), overwrite: true);
        }
        finally
        {
            await stop.CancelAsync();
            await keeping;
            Directory.Delete(files, recursive: true);
        }
    }

    /// <summary>Does what it is asked for as soon as it hears of it, except for volumes that are being filled.</summary>
    private static Task KeepAsync(FakeHost host, CancellationToken stop) =>
        host.KeepAsync(volume => volume is { SizeGib: FillingGib, Source: not null } ? Filling(volume) : FakeHost.Obeyed(volume), (_, _) => Task.CompletedTask, stop);

    private static ObservedVolume Filling(DesiredVolume volume) =>
        FakeHost.Obeyed(volume) with { Generation = volume.Generation - 1, SizeGib = null, Work = new VolumeWork(VolumeWorks.Copy, (1L << 30) * 2 / 5 + 1, 1L << 30, DateTimeOffset.UtcNow.AddMinutes(-2)) };
}
