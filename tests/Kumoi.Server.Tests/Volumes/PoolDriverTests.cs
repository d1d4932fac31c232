using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Pools of Ceph, LVM and ZFS: which stores hosts may tell of, and what is refused before anything is promised.</summary>
public sealed class PoolDriverTests
{
    private static readonly ObservedStore Ceph = new("st-0000000000000000c", "ceph", StoreDrivers.Rbd, true, false, 100, 1), Thin = new("st-0000000000000000d", "nvme", StoreDrivers.LvmThin, false, false, 100, 1), Zfs = new("st-0000000000000000e", "tank", StoreDrivers.Zfs, false, false, 100, 1);

    [Fact]
    public async Task Stores_of_each_kind_make_pools_and_what_cannot_be_one_is_passed_over()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportStoresAsync(
            SnapshotScene.Own, Ceph, Thin, Zfs, Ceph with { Id = "st-00000000000000010", Pool = "a", Shared = false }, Thin with { Id = "st-00000000000000011", Pool = "b", Shared = true }, Zfs with { Id = "st-00000000000000012", Pool = "c", Own = true },
            Zfs with { Id = "st-00000000000000013", Pool = "d", Root = true }, Zfs with { Id = "st-00000000000000014", Pool = "e", Driver = "floppy" }, Zfs with { Id = "st-00000000000000015", Pool = "ceph" });
        Assert.Equal(
            ["ceph rbd True st-0000000000000000c", "local directory False st-00000000000000001", "nvme lvm-thin False st-0000000000000000d", "tank zfs False st-0000000000000000e"],
            (await scene.Admin.GetAsync<Page<Pool>>("/pools")).Items.Select(pool => $"{pool.Name} {pool.Driver} {pool.Shared} {string.Join(' ', pool.Stores!.Select(store => store.Id))}").Order());
        Assert.Equal(Ceph.Id, (await scene.ToldAsync((await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 2, pool = "ceph" })).Id)).Store);
    }

    [Fact]
    public async Task Encrypted_volumes_and_images_of_volumes_are_refused_and_nothing_is_promised()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportStoresAsync(SnapshotScene.Own, Ceph, Thin);
        await scene.Admin.PostAsync<VolumeType>("/volume-types", new { name = "secret", encrypted = true });
        foreach (var pool in new[] { "ceph", "nvme" }) Assert.Equal("encryption-unsupported", await scene.CodeAsync(HttpMethod.Post, "/volumes", new { name = "data", sizeGib = 1, pool, type = "secret" }));
        Assert.Empty((await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items);
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 3, pool = "ceph" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.TakeAsync("data", "s");
        await scene.Host.ObeyWithVolumesAsync();
        foreach (var body in new object[] { new { name = "gold", fromVolume = "data" }, new { name = "gold", fromSnapshot = "s" } }) Assert.Equal("image-unsupported", await scene.CodeAsync(HttpMethod.Post, "/images", body));
        Assert.Equal(3, (await scene.Admin.GetAsync<Pool>("/pools/ceph")).Stores!.Single().AllocatedGib);
        Assert.Equal("s", Assert.Single((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots")).Items).Name);
    }
}
