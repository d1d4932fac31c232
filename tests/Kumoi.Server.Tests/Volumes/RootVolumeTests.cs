using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: what an instance starts from is a volume with a record and a way back, and room is counted once.</summary>
public sealed class RootVolumeTests
{
    private const string Own = "st-00000000000000001", Shared = "st-0000000000000000a";

    private static ObservedStore Local(int capacity = 100) => new(Own, "local", StoreDrivers.Directory, false, true, capacity, 1, true);

    private static async Task<Scene> StartAsync(params ObservedStore[] stores)
    {
        var scene = await Scene.StartAsync();
        Assert.Equal(HttpStatusCode.OK, await scene.Host.ReportStoresAsync(stores.Length > 0 ? stores : [Local()]));
        return scene;
    }

    private static async Task<int> DiskAsync(Scene scene) => (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib;

    private static Task<Volume> VolumeAsync(Scene scene, string key) => scene.Tenant.GetAsync<Volume>("/volumes/" + key);

    private static async Task StopAsync(Scene scene, string instance)
    {
        await scene.Tenant.PostAsync<Instance>($"/instances/{instance}/stop", new { });
        await scene.Host.ObeyWithVolumesAsync();
    }

    [Fact]
    public async Task An_instance_that_is_launched_as_soon_as_its_host_has_joined_has_one_too()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Admin.PutAsync<Host>("/hosts/host-1", new { schedulable = false });
        using var host = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"), Local());
        await scene.LaunchAsync("web-1");
        var root = await VolumeAsync(scene, "web-1-root");
        Assert.Equal((0, "host-2", "local"), (root.Slot, root.Host!.Name, root.Pool.Name));
    }

    [Fact]
    public async Task One_is_launched_with_its_instance_and_goes_with_it()
    {
        await using var scene = await StartAsync();
        var disk = (await scene.LaunchAsync("web-1")).DiskGib;
        Assert.Equal(disk, await DiskAsync(scene));
        var root = await VolumeAsync(scene, "web-1-root");
        Assert.Equal(("attaching", disk, 0, "web-1", "tiny", "host-1", true), (root.State, root.SizeGib, root.Slot, root.Instance!.Name, root.Image!.Name, root.Host!.Name, root.DeleteOnTermination));
        var document = await scene.Host.ObeyWithVolumesAsync();
        Assert.True(Assert.Single(document.Instances).RootVolume);
        var told = Assert.Single(document.Volumes!);
        Assert.Equal((root.Id, Own, 0, document.Images[0].Id), (told.Id, told.Store, told.Slot, told.ImageId));
        Assert.Equal("in-use", (await VolumeAsync(scene, "web-1-root")).State);

        // Larger while it runs; the instance says so, too.
        await scene.Tenant.PutAsync<Volume>("/volumes/web-1-root", new { sizeGib = disk + 3 });
        Assert.Equal((disk + 3, disk + 3), ((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).DiskGib, await DiskAsync(scene)));
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/volumes/web-1-root")).Code);
        Assert.Equal("instance-stop-first", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes/web-1-root/detach", new { })).Code);

        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyWithVolumesAsync();
        // Its bytes are there until its host has removed them, and so is its room.
        Assert.Equal(("deleting", disk + 3), ((await VolumeAsync(scene, root.Id)).State, await DiskAsync(scene)));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(0, await DiskAsync(scene));
        Assert.Equal(
            ["instance.launch", "volume.create", "volume.resize", "instance.terminate", "instance.terminated", "volume.deleted"],
            (await scene.Tenant.GetAsync<Page<Event>>("/events?limit=100")).Items.Select(one => one.Action).Where(action => action.StartsWith("volume.", StringComparison.Ordinal) || action is "instance.launch" or "instance.terminate" or "instance.terminated").Reverse());
    }

    [Fact]
    public async Task It_is_taken_out_of_a_stopped_instance_and_another_put_in()
    {
        await using var scene = await StartAsync();
        foreach (var name in (string[])["web-1", "web-2"]) await scene.LaunchAsync(name);
        await scene.Host.ObeyWithVolumesAsync();
        await StopAsync(scene, "web-1");
        await scene.Tenant.PostAsync<Volume>("/volumes/web-1-root/detach", new { });
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", (await VolumeAsync(scene, "web-1-root")).State);
        Assert.Equal("no-root-volume", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances/web-1/start", new { })).Code);
        // A running one takes it as a further disk, to be looked at, and not as what it starts from.
        Assert.Equal("instance-stop-first", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes/web-1-root/attach", new { instance = "web-2", slot = 0 })).Code);
        Assert.Equal(1, (await scene.Tenant.PostAsync<Volume>("/volumes/web-1-root/attach", new { instance = "web-2" })).Slot);
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Tenant.PostAsync<Volume>("/volumes/web-1-root/detach", new { });
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(0, (await scene.Tenant.PostAsync<Volume>("/volumes/web-1-root/attach", new { instance = "web-1", slot = 0 })).Slot);
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/start", new { });
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(("running", "in-use"), ((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State, (await VolumeAsync(scene, "web-1-root")).State));
        // One that was taken out and kept does not go with the instance that it came from.
        var before = await DiskAsync(scene);
        await scene.Tenant.PutAsync<Volume>("/volumes/web-1-root", new { deleteOnTermination = false });
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(("available", before), ((await VolumeAsync(scene, "web-1-root")).State, await DiskAsync(scene)));
    }

    [Fact]
    public async Task An_instance_starts_from_a_volume_that_is_there_or_gets_its_place_then()
    {
        await using var scene = await StartAsync();
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "boot", image = "tiny", sizeGib = 7 });
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "empty", sizeGib = 1 });
        Assert.Equal("image", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "web-1", flavor = "tiny" })).Errors![0].Field);
        Assert.Equal("image", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "web-1", flavor = "tiny", rootVolume = "empty" })).Errors![0].Field);
        Assert.Equal("rootVolume", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "web-1", flavor = "tiny", rootVolume = "boot", count = 2 })).Errors![0].Field);
        Assert.Equal("rootVolume", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "web-1", flavor = "tiny", rootVolume = "none-such" })).Errors![0].Field);
        Assert.Equal("diskGib", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "web-1", flavor = "tiny", rootVolume = "boot", diskGib = 9 })).Errors![0].Field);

        var made = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", rootVolume = "boot" });
        Assert.Equal((7, "tiny"), (made.DiskGib, made.Image.Name));
        Assert.Equal(7, await DiskAsync(scene));
        Assert.Equal("volume-attached", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "web-2", flavor = "tiny", rootVolume = "boot" })).Code);
        var told = Assert.Single((await scene.Host.ObeyWithVolumesAsync()).Volumes!);
        Assert.Equal((0, 7, made.Id), (told.Slot, told.SizeGib, told.InstanceId));
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(("available", 7), ((await VolumeAsync(scene, "boot")).State, await DiskAsync(scene)));
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-2", flavor = "tiny", rootVolume = "boot" });
        Assert.Equal(7, await DiskAsync(scene));

        // Of another size than the flavor's.
        Assert.Equal(9, (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-3", flavor = "tiny", image = "tiny", diskGib = 9 })).DiskGib);
        Assert.Equal((9, 16), ((await VolumeAsync(scene, "web-3-root")).SizeGib, await DiskAsync(scene)));
    }

    [Fact]
    public async Task In_a_store_that_others_reach_room_is_the_store_s_and_names_that_are_taken_do_not_matter()
    {
        await using var scene = await StartAsync(new ObservedStore(Shared, "shared", StoreDrivers.Directory, true, false, 3, 1, true));
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "web-1-root", sizeGib = 1 });
        var disk = (await scene.LaunchAsync("web-1")).DiskGib;
        Assert.Equal(0, await DiskAsync(scene));
        Assert.Equal(1 + disk, (await scene.Admin.GetAsync<Pool>("/pools/shared")).Stores!.Single().AllocatedGib);
        var root = (await scene.Tenant.GetAsync<Page<Volume>>("/volumes?instance=web-1")).Items.Single();
        Assert.Equal(root.Id, root.Name);
        // Without room there nothing of the launch is left.
        var before = (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated;
        Assert.Equal("insufficient-capacity", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "web-2", flavor = "tiny", image = "tiny", diskGib = 3 })).Code);
        Assert.Equal(before, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated);
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal((0, 1L), (await DiskAsync(scene), (await scene.Admin.GetAsync<Pool>("/pools/shared")).Stores!.Single().AllocatedGib));
    }

    [Fact]
    public async Task A_host_that_does_not_keep_them_starts_instances_from_disks_of_their_own()
    {
        await using var scene = await StartAsync(Local() with { Root = false });
        var disk = (await scene.LaunchAsync("web-1")).DiskGib;
        Assert.False(Assert.Single((await scene.Host.ObeyWithVolumesAsync()).Instances).RootVolume);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items);
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "boot", image = "tiny" });
        await StopAsync(scene, "web-1");
        Assert.Equal("instance-own-disk", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes/boot/attach", new { instance = "web-1", slot = 0 })).Code);
        var before = await TakenAsync(scene);
        Assert.Equal("insufficient-capacity", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "web-2", flavor = "tiny", rootVolume = "boot" })).Code);
        Assert.Equal((disk, before), (await DiskAsync(scene), await TakenAsync(scene)));
    }

    private static async Task<(Capacity, int)> TakenAsync(Scene scene) => (
        (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated,
        await scene.Cloud.Services.GetRequiredService<Database>().FindAsync("SELECT instances FROM hosts WHERE name = 'host-1'", row => row.GetInt32(0), default));

    [Fact]
    public async Task One_that_several_hosts_could_have_leaves_the_choice_to_placement()
    {
        await using var scene = await StartAsync(new ObservedStore(Shared, "shared", StoreDrivers.Directory, true, false, 50, 1, true));
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"), new ObservedStore(Shared, "shared", StoreDrivers.Directory, true, false, 50, 1, true));
        foreach (var name in (string[])["boot", "more"]) await scene.Tenant.PostAsync<Volume>("/volumes", new { name, image = "tiny", sizeGib = 2 });
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(("available", "host-1"), await VolumeAsync(scene, "boot") is var boot ? (boot.State, boot.Host!.Name) : default);
        // The host that looks after it takes nothing new; another one reaches it, and the former one hears that it is gone.
        await scene.Admin.PutAsync<Host>("/hosts/host-1", new { schedulable = false });
        var revision = (await scene.Host.DesiredAsync())!.Revision;
        Assert.Equal("host-2", (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", rootVolume = "boot" })).Host!.Name);
        var told = (await scene.Host.DesiredAsync())!;
        Assert.True(told.Revision > revision);
        Assert.DoesNotContain(told.Volumes ?? [], volume => volume.Id == boot.Id);
        Assert.Equal(2, Assert.Single((await other.DesiredAsync())!.Volumes!).Incarnation);

        // As long as one is filled from a snapshot of it, it stays.
        await scene.Tenant.PostAsync<Snapshot>("/volumes/more/snapshots", new { name = "s" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "copy", snapshot = "s" });
        Assert.Equal("root-volume", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "web-2", flavor = "tiny", rootVolume = "more" })).Reasons!.Select(reason => reason.Filter).Single(filter => filter != "schedulable"));
        await scene.Admin.PostAsync<Volume>("/volumes", new { name = "mine", image = "tiny", sizeGib = 2 });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Snapshot>("/volumes/mine/snapshots", new { name = "s" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Volume>("/volumes", new { name = "copy", snapshot = "s" });
        Assert.Equal("volume-filling", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/instances", new { name = "web-3", flavor = "tiny", rootVolume = "mine", host = "host-2" })).Code);
    }

    [Fact]
    public async Task One_without_a_place_goes_where_the_instance_can_be()
    {
        await using var scene = await StartAsync();
        using var far = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2", memoryMib: 4096), Local() with { Id = "st-00000000000000002" });
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "boot", image = "tiny", sizeGib = 60 });
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "more", image = "tiny", sizeGib = 60 });
        await scene.Admin.PutAsync<Host>("/hosts/host-1", new { schedulable = false });
        Assert.Equal("host-2", (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", rootVolume = "boot" })).Host!.Name);
        await scene.Admin.PutAsync<Host>("/hosts/host-1", new { schedulable = true });
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await far.ObeyWithVolumesAsync();
        // The other one has more memory free now, and no room for a second volume of that size.
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "busy", flavor = "tiny", image = "tiny", host = "host-1" });
        Assert.Equal("host-1", (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-2", flavor = "tiny", rootVolume = "more" })).Host!.Name);
    }
}
