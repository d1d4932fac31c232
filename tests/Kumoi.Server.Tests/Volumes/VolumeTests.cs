using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: a volume has one holder, a place with room for it, and a record that tells the truth, whoever asks for what together.</summary>
public sealed class VolumeTests
{
    private const string Own = "st-00000000000000001", Shared = "st-0000000000000000a";

    private static ObservedStore Local(string id = Own, int capacity = 100) => new(id, "local", StoreDrivers.Directory, false, true, capacity, 1);

    private static ObservedStore Reached(int capacity = 50) => new(Shared, "shared", StoreDrivers.Directory, true, false, capacity, 1);

    private static async Task<Scene> StartAsync(params ObservedStore[] stores)
    {
        var scene = await Scene.StartAsync();
        Assert.Equal(HttpStatusCode.OK, await scene.Host.ReportStoresAsync(stores.Length > 0 ? stores : [Local()]));
        return scene;
    }

    private static Task<Volume> MakeAsync(Scene scene, string name, int size = 5, string? pool = null) => scene.Tenant.PostAsync<Volume>("/volumes", new { name, sizeGib = size, pool });

    private static Task<Volume> AttachAsync(Scene scene, string volume, string instance) => scene.Tenant.PostAsync<Volume>($"/volumes/{volume}/attach", new { instance });

    private static async Task<string> StateAsync(Scene scene, string volume) => (await scene.Tenant.GetAsync<Volume>("/volumes/" + volume)).State;

    private static async Task<int> DiskAsync(Scene scene) => (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib;

    [Fact]
    public async Task A_volume_is_made_where_its_first_guest_is_grows_moves_on_and_is_deleted()
    {
        await using var scene = await StartAsync();
        var made = await MakeAsync(scene, "data");
        Assert.Equal(("available", null, "vol" + made.Id[4..]), (made.State, made.Host, made.Serial));
        Assert.Equal(20, made.Serial.Length);
        foreach (var name in (string[])["web-1", "web-2"]) await scene.LaunchAsync(name);
        await scene.Host.ObeyWithVolumesAsync();
        var before = await DiskAsync(scene);
        Assert.Equal("attaching", (await AttachAsync(scene, "data", "web-1")).State);
        Assert.Equal(before + 5, await DiskAsync(scene));
        var told = Assert.Single((await scene.Host.ObeyWithVolumesAsync()).Volumes!);
        Assert.Equal((made.Id, Own, 5, 1), (told.Id, told.Store, told.SizeGib, told.Slot));
        var attached = await scene.Tenant.GetAsync<Volume>("/volumes/data");
        Assert.Equal(("in-use", "web-1", "host-1", 1, 196_624L), (attached.State, attached.Instance!.Name, attached.Host!.Name, attached.Slot, attached.UsedBytes));
        // A word of before the change, or of another placement, changes nothing.
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(told) with { Incarnation = 2, SizeGib = null }, FakeHost.Obeyed(told) with { Generation = told.Generation - 1, SizeGib = null });
        Assert.Equal("in-use", await StateAsync(scene, "data"));

        Assert.Equal(8, (await scene.Tenant.PutAsync<Volume>("/volumes/data", new { sizeGib = 8 })).SizeGib);
        Assert.Equal(before + 8, await DiskAsync(scene));
        Assert.Equal("wait-timeout", (await scene.Tenant.FailAsync(408, HttpMethod.Get, "/volumes/data?wait=in-use&timeout=1")).Code);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(8, (await scene.Tenant.GetAsync<Volume>("/volumes/data?wait=in-use&timeout=1")).SizeGib);
        Assert.Equal("volume-attached", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes/data/attach", new { instance = "web-2" })).Code);
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/volumes/data")).Code);

        Assert.Equal("detaching", (await scene.Tenant.PostAsync<Volume>("/volumes/data/detach", new { })).State);
        Assert.Equal("detaching", (await scene.Tenant.PostAsync<Volume>("/volumes/data/detach", new { })).State);
        // The guest has it still: nobody else may.
        var document = (await scene.Host.DesiredAsync())!;
        var web = document.Instances.Single(instance => instance.Name == "web-1");
        await scene.Host.ReportAsync(FakeHost.Obeyed(web) with { Volumes = [made.Id] });
        Assert.Equal("detaching", await StateAsync(scene, "data"));
        await scene.Host.ReportAsync(FakeHost.Obeyed(web));
        Assert.Equal("detaching", await StateAsync(scene, "data"));
        Assert.Equal("volume-attached", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes/data/attach", new { instance = "web-2" })).Code);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", await StateAsync(scene, "data"));
        await AttachAsync(scene, "data", "web-2");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("in-use", await StateAsync(scene, "data"));
        await scene.Tenant.PostAsync<Volume>("/volumes/data/detach", new { });
        await scene.Host.ObeyWithVolumesAsync();
        (await scene.Tenant.SendAsync(HttpMethod.Delete, "/volumes/data")).EnsureSuccessStatusCode().Dispose();
        Assert.Equal("deleting", await StateAsync(scene, "data"));
        Assert.Equal("being-deleted", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes/data/attach", new { instance = "web-2" })).Code);
        Assert.Equal("wait-unreachable", (await scene.Tenant.FailAsync(409, HttpMethod.Get, "/volumes/data?wait=available&timeout=1")).Code);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/volumes/data")).Code);
        Assert.Equal(before, await DiskAsync(scene));
        Assert.Null((await scene.Host.DesiredAsync())!.Volumes);
        var actions = (await scene.Tenant.GetAsync<Page<Event>>("/events?resource=" + made.Id)).Items.Select(e => e.Action).Order().Distinct();
        Assert.Equal(["volume.attach", "volume.attached", "volume.create", "volume.delete", "volume.deleted", "volume.detach", "volume.detached", "volume.made", "volume.resize"], actions);
    }

    [Fact]
    public async Task A_volume_that_was_made_stays_so_whatever_its_host_does_not_find()
    {
        await using var scene = await StartAsync();
        await scene.LaunchAsync("web-1");
        await MakeAsync(scene, "data");
        await AttachAsync(scene, "data", "web-1");
        Assert.False((await scene.Host.ObeyWithVolumesAsync()).Volumes!.Single().Made);
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { deleteOnTermination = false });
        var told = (await scene.Host.DesiredAsync())!.Volumes!.Single();
        Assert.True(told.Made);
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(told) with { SizeGib = null, UsedBytes = 0, Conditions = [new Condition("Volume", "volume-missing", "It is gone.", DateTimeOffset.UtcNow, null)] });
        Assert.True((await scene.Host.DesiredAsync())!.Volumes!.Single().Made);
        Assert.Equal("volume-missing", (await scene.Tenant.GetAsync<Volume>("/volumes/data")).Conditions.Single().Reason);
    }

    [Fact]
    public async Task Of_many_who_attach_one_volume_together_one_gets_it_and_no_store_promises_more_than_it_has()
    {
        await using var scene = await StartAsync(Local(capacity: 100), Reached(50));
        foreach (var i in Enumerable.Range(1, 4)) await scene.LaunchAsync($"web-{i}");
        await MakeAsync(scene, "data", 2);
        var answers = await Task.WhenAll(Enumerable.Range(1, 4).Select(i => scene.Tenant.SendAsync(HttpMethod.Post, "/volumes/data/attach", new { instance = $"web-{i}" })));
        Assert.Equal(1, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Equal(3, answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict));
        foreach (var answer in answers) answer.Dispose();
        var made = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => scene.Tenant.SendAsync(HttpMethod.Post, "/volumes", new { name = $"s{i}", sizeGib = 10, pool = "shared" })));
        Assert.Equal(5, made.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        foreach (var answer in made) answer.Dispose();
        var store = (await scene.Admin.GetAsync<Pool>("/pools/shared")).Stores!.Single();
        Assert.Equal((50, 50L), (store.CapacityGib, store.AllocatedGib));
        Assert.Equal("insufficient-storage", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes", new { name = "more", sizeGib = 1, pool = "shared" })).Code);
        await scene.Admin.PutAsync<Pool>("/pools/shared", new { overcommit = 2 });
        await MakeAsync(scene, "more", 50, "shared");
        Assert.Equal("insufficient-storage", (await scene.Tenant.FailAsync(409, HttpMethod.Put, "/volumes/more", new { sizeGib = 51 })).Code);
    }

    [Fact]
    public async Task Volumes_go_with_their_instance_or_stay_as_was_asked()
    {
        await using var scene = await StartAsync();
        await scene.LaunchAsync("web-1");
        foreach (var name in (string[])["goes", "stays"]) await MakeAsync(scene, name);
        await scene.Tenant.PostAsync<Volume>("/volumes/goes/attach", new { instance = "web-1", deleteOnTermination = true });
        await AttachAsync(scene, "stays", "web-1");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(("deleting", "available"), (await StateAsync(scene, "goes"), await StateAsync(scene, "stays")));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(["stays"], (await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items.Select(volume => volume.Name));
    }

    [Fact]
    public async Task What_another_host_has_is_refused_with_its_place()
    {
        await using var scene = await StartAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "here", flavor = "tiny", image = "tiny", host = "host-1" });
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "there", flavor = "tiny", image = "tiny", host = "host-2" });
        await scene.Admin.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1 });
        Assert.Equal("pool-not-on-host", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/volumes/data/attach", new { instance = "there" })).Code);
        // Nobody takes another host's store for its own by saying so.
        await other.ReportStoresAsync(Local(), Local("st-00000000000000002", 10) with { Own = false, Pool = "fast" });
        Assert.Equal("pool-not-on-host", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/volumes/data/attach", new { instance = "there" })).Code);
        await scene.Admin.PostAsync<Volume>("/volumes/data/attach", new { instance = "here" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Volume>("/volumes/data/detach", new { });
        await scene.Host.ObeyWithVolumesAsync();
        await other.ReportStoresAsync(Local("st-00000000000000003"));
        var problem = await scene.Admin.FailAsync(409, HttpMethod.Post, "/volumes/data/attach", new { instance = "there" });
        Assert.Equal("volume-elsewhere", problem.Code);
        Assert.Contains("host-1", problem.Title, StringComparison.Ordinal);
        Assert.Equal("in-use", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/hosts/host-1")).Code);
    }

    [Fact]
    public async Task Pools_are_for_the_accounts_that_they_are_given_to()
    {
        await using var scene = await StartAsync(Local(), Reached());
        Assert.Equal([("local", true), ("shared", false)], (await scene.Admin.GetAsync<Page<Pool>>("/pools")).Items.Select(pool => (pool.Name, pool.Default)).Order());
        Assert.All((await scene.Tenant.GetAsync<Page<Pool>>("/pools")).Items, pool => Assert.Null(pool.Stores));
        await scene.Cloud.TenantAsync("other");
        await scene.Admin.PutAsync<Pool>("/pools/shared", new { accounts = new[] { "other" } });
        Assert.Equal(["local"], (await scene.Tenant.GetAsync<Page<Pool>>("/pools")).Items.Select(pool => pool.Name));
        Assert.Equal("pool no-such", Rules(await scene.Tenant.FailAsync(400, HttpMethod.Post, "/volumes", new { name = "data", sizeGib = 1, pool = "shared" })));
        Assert.Equal("accounts[1] no-such", Rules(await scene.Admin.FailAsync(400, HttpMethod.Put, "/pools/shared", new { accounts = new[] { "other", "nobody" } })));
        await scene.Admin.PutAsync<Pool>("/pools/shared", new { accounts = Array.Empty<string>(), @default = true });
        Assert.Equal("shared", (await MakeAsync(scene, "data")).Pool.Name);
        await scene.Admin.PutAsync<Pool>("/pools/shared", new { maintenance = true });
        Assert.Equal("pool-maintenance", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes", new { name = "more", sizeGib = 1 })).Code);
        Assert.Equal("default one-of, overcommit between, protocol one-of, warnPercent between", Rules(await scene.Admin.FailAsync(400, HttpMethod.Put, "/pools/shared", new { @default = false, overcommit = 0, warnPercent = 101, protocol = "aoe" })));
    }

    [Fact]
    public async Task Types_limit_what_guests_may_use_and_stay_while_volumes_have_them()
    {
        await using var scene = await StartAsync();
        await scene.Admin.PostAsync<VolumeType>("/volume-types", new { name = "slow", iops = 100, mibPerSecond = 5 });
        Assert.Equal("iops between, name not-none", Rules(await scene.Admin.FailAsync(400, HttpMethod.Post, "/volume-types", new { name = "none", iops = 0 })));
        await scene.LaunchAsync("web-1");
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1, type = "slow" });
        await AttachAsync(scene, "data", "web-1");
        Assert.Equal(new VolumeLimits(100, 5), (await scene.Host.ObeyWithVolumesAsync()).Volumes!.Single().Limits);
        Assert.Equal("in-use", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/volume-types/slow")).Code);
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { type = "none", name = "renamed" });
        Assert.Null((await scene.Host.ObeyWithVolumesAsync()).Volumes!.Single().Limits);
        (await scene.Admin.SendAsync(HttpMethod.Delete, "/volume-types/slow")).EnsureSuccessStatusCode().Dispose();
        Assert.Equal("renamed", Assert.Single((await scene.Tenant.GetAsync<Page<Volume>>("/volumes?instance=web-1&state=in-use")).Items).Name);
    }

    [Theory]
    [InlineData("""{"name":"data"}""", "sizeGib required")]
    [InlineData("""{"name":" data","sizeGib":0}""", "name name-characters, sizeGib between")]
    [InlineData("""{"name":"data","sizeGib":65537}""", "sizeGib between")]
    [InlineData("""{"name":"data","sizeGib":1,"image":"nothing"}""", "image no-such")]
    [InlineData("""{"name":"data","sizeGib":1,"type":"nothing"}""", "type no-such")]
    [InlineData("""{"name":"data","sizeGib":1,"pool":"nothing"}""", "pool no-such")]
    public async Task What_cannot_be_made_is_refused_by_field(string body, string broken)
    {
        await using var scene = await StartAsync();
        Assert.Equal(broken, Rules(await scene.Tenant.FailAsync(400, HttpMethod.Post, "/volumes", new StringContent(body, System.Text.Encoding.UTF8, "application/json"))));
        Assert.Equal("no-default-pool", await NoPoolAsync());

        static async Task<string> NoPoolAsync()
        {
            await using var bare = await Scene.StartAsync();
            return (await bare.Tenant.FailAsync(409, HttpMethod.Post, "/volumes", new { name = "data", sizeGib = 1 })).Code;
        }
    }

    [Fact]
    public async Task A_volume_begins_as_an_image_that_then_stays()
    {
        await using var scene = await StartAsync();
        await scene.LaunchAsync("web-1");
        var made = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", image = "tiny" });
        Assert.Equal("tiny", made.Image!.Name);
        Assert.True(made.SizeGib >= 1);
        await AttachAsync(scene, "data", "web-1");
        var document = await scene.Host.ObeyWithVolumesAsync();
        Assert.Contains(document.Images, image => image.Id == document.Volumes!.Single().ImageId);
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("in-use", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/images/tiny")).Code);
    }

    [Fact]
    public async Task A_shared_volume_that_waits_for_a_lost_host_is_given_to_another_and_the_first_is_not_believed_again()
    {
        await using var scene = await StartAsync(Reached());
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        await other.ReportStoresAsync(Reached());
        var made = await MakeAsync(scene, "data", 5, "shared");
        var (first, second) = made.Host!.Name == "host-1" ? (scene.Host, other) : (other, scene.Host);
        var wanted = (await first.DesiredAsync())!.Volumes!.Single();
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator' WHERE id = $1", default, first.Id);
        await scene.Cloud.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<Server.Volumes.VolumeRecovery>().Single().MoveAsync(default);
        var moved = Assert.Single((await second.DesiredAsync())!.Volumes!);
        Assert.Equal((made.Id, wanted.Incarnation + 1), (moved.Id, moved.Incarnation));
        await first.ReportVolumesAsync(FakeHost.Obeyed(wanted));
        Assert.Equal("creating", await StateAsync(scene, "data"));
        await second.ReportVolumesAsync(FakeHost.Obeyed(moved));
        Assert.Equal("available", await StateAsync(scene, "data"));
    }

    [Fact]
    public async Task An_instance_with_a_volume_of_its_host_s_own_stays_with_its_host()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Storage = Shared });
        await scene.Host.ReportStoresAsync(Reached(), Local() with { Own = false });
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", image = "tiny", recovery = "restart" });
        Assert.True((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Movable);
        await MakeAsync(scene, "near", 1, "local");
        await MakeAsync(scene, "far", 1, "shared");
        await AttachAsync(scene, "far", "web-1");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.True((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Movable);
        await AttachAsync(scene, "near", "web-1");
        var document = await scene.Host.ObeyWithVolumesAsync();
        Assert.False(document.Instances.Single().Movable);
        Assert.False((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Movable);
        await scene.Tenant.PostAsync<Volume>("/volumes/near/detach", new { });
        await scene.Host.ObeyWithVolumesAsync();
        Assert.True((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).Movable);
    }

    private static string Rules(Problem problem) => string.Join(", ", problem.Errors!.Select(e => $"{e.Field} {e.Rule}").Order(StringComparer.Ordinal));
}
