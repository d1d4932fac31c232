using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: of what hosts find, nothing is done by itself; a word of an operator, or of whom it was of, makes it a volume or has it removed.</summary>
public sealed class StrayTests
{
    private const string Own = "st-00000000000000001", Found = "vol-19a3f2b4c5d6e0001";

    private static readonly DateTimeOffset Written = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static ObservedStore Store(bool shared = false) => new(Own, shared ? "shared" : "local", StoreDrivers.Directory, shared, !shared, 100, 1, true);

    private static Task<Page<Stray>> StraysAsync(Scene scene, string host = "host-1") => scene.Admin.GetAsync<Page<Stray>>($"/hosts/{host}/strays");

    [Fact]
    public async Task Strays_are_told_and_adopted_or_deleted_by_an_operator_only()
    {
        await using var scene = await Scene.StartAsync();
        var image = (await scene.Admin.GetAsync<Image>("/images/tiny")).Sha256!;
        StrayVolume one = new(Found, Own, 4, 123_456, Written, image), two = one with { Id = "vol-19a3f2b4c5d6e0002", SizeGib = 0, ImageSha256 = null }, three = one with { Id = "vol-19a3f2b4c5d6e0003", ImageSha256 = new string('a', 64) };
        await scene.Host.ReportStoresAsync([Store()], one, two, three, one with { Id = "no-volume" }, one with { Id = "vol-19a3f2b4c5d6e0009", Store = "st-00000000000000009" });
        var strays = (await StraysAsync(scene)).Items;
        Assert.Equal([one.Id, two.Id, three.Id], strays.Select(stray => stray.Id));
        Assert.Equal((4, 123_456L, Written, "tiny", null, null), (strays[0].SizeGib, strays[0].UsedBytes, strays[0].WrittenAt, strays[0].Image!.Name, strays[0].Account, strays[0].Name));
        Assert.Equal("forbidden", (await scene.Tenant.FailAsync(403, HttpMethod.Get, "/hosts/host-1/strays")).Code);
        Assert.Equal("forbidden", (await scene.Tenant.FailAsync(403, HttpMethod.Post, $"/hosts/host-1/strays/{one.Id}/adopt", new { })).Code);
        Assert.Empty((await scene.Tenant.GetAsync<Page<RecoverableVolume>>("/recoverable-volumes")).Items);
        Assert.Equal("stray-unreadable", (await scene.Admin.FailAsync(409, HttpMethod.Post, $"/hosts/host-1/strays/{two.Id}/adopt", new { })).Code);
        Assert.Equal("stray-image-gone", (await scene.Admin.FailAsync(409, HttpMethod.Post, $"/hosts/host-1/strays/{three.Id}/adopt", new { })).Code);
        Assert.Equal("account", (await scene.Admin.FailAsync(400, HttpMethod.Post, $"/hosts/host-1/strays/{one.Id}/adopt", new { account = "none-such" })).Errors![0].Field);

        var adopted = await scene.Admin.PostAsync<Volume>($"/hosts/host-1/strays/{one.Id}/adopt", new { account = "acme", name = "found" });
        Assert.Equal((one.Id, "found", "available", 4, "tiny", "host-1"), (adopted.Id, adopted.Name, adopted.State, adopted.SizeGib, adopted.Image!.Name, adopted.Host!.Name));
        Assert.Equal("found", (await scene.Tenant.GetAsync<Volume>("/volumes/found")).Name);
        Assert.Equal(4, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib);
        Assert.True(Assert.Single((await scene.Host.DesiredAsync())!.Volumes!) is { Made: true, Desired: VolumeDesire.Present, SizeGib: 4 });
        // The host may tell of it once more before it has heard.
        await scene.Host.ReportStoresAsync([Store()], one, two, three);
        Assert.Equal([two.Id, three.Id], (await StraysAsync(scene)).Items.Select(stray => stray.Id));

        using (await scene.Admin.SendAsync(HttpMethod.Delete, $"/hosts/host-1/strays/{two.Id}")) { }
        await scene.Admin.FailAsync(404, HttpMethod.Delete, $"/hosts/host-1/strays/{two.Id}");
        Assert.Equal(VolumeDesire.Deleted, (await scene.Host.DesiredAsync())!.Volumes!.Single(volume => volume.Id == two.Id).Desired);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(4, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib);
        // What a host tells of no more is none.
        await scene.Host.ReportStoresAsync([Store()], []);
        Assert.Empty((await StraysAsync(scene)).Items);
    }

    [Fact]
    public async Task A_guest_whose_record_is_over_is_ended_on_a_host_that_was_given_up_and_is_back()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportStoresAsync([Store()]);
        var over = await scene.LaunchAsync("web-1");
        await scene.Host.ObeyWithVolumesAsync();
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator'", default);
        using (await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")) { }
        using var back = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-1"));
        await back.ReportStoresAsync([Store()]);
        var lives = await scene.LaunchAsync("web-2");

        // Of what lives, is a namespace, or was never known, nothing is said.
        Assert.Equal(HttpStatusCode.OK, await back.ReportStraysAsync("kumoi-1", "../" + over.Id, lives.Id, "i-19a3f2b4c5d6e0001", over.Id));
        var document = (await back.DesiredAsync())!;
        var former = Assert.Single(document.Former);
        Assert.Equal((over.Id, 1), (former.Id, former.Incarnation));
        await back.ReportStraysAsync(over.Id);
        Assert.Equal(document.Revision, (await back.DesiredAsync())!.Revision);
        await back.ReportDepartedAsync(former);
        Assert.Empty((await back.DesiredAsync())!.Former);
    }

    [Fact]
    public async Task One_whose_only_disk_is_in_the_agents_directory_is_left_alone()
    {
        await using var scene = await Scene.StartAsync();
        var over = await scene.LaunchAsync("web-1");
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("UPDATE instances SET root_volume = false", default);
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator'", default);
        using (await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")) { }
        using var back = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-1"));
        await back.ReportStraysAsync(over.Id);
        Assert.Empty((await back.DesiredAsync())!.Former);
    }

    [Fact]
    public async Task What_was_lost_with_a_host_and_is_found_again_is_offered_to_whom_it_was_of()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportStoresAsync([Store()]);
        await scene.LaunchAsync("web-1");
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 5 });
        await scene.Tenant.PostAsync<Volume>("/volumes/data/attach", new { instance = "web-1", deleteOnTermination = true });
        await scene.Host.ObeyWithVolumesAsync();
        var (data, root) = (await scene.Tenant.GetAsync<Volume>("/volumes/data"), await scene.Tenant.GetAsync<Volume>("/volumes/web-1-root"));
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator'", default);
        using (await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")) { }
        Assert.Empty((await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items);

        using var back = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-1"));
        var image = (await scene.Admin.GetAsync<Image>("/images/tiny")).Sha256!;
        await back.ReportStoresAsync([Store()], new StrayVolume(data.Id, Own, 5, 1, Written, null), new StrayVolume(root.Id, Own, root.SizeGib, 1, Written, image));
        Assert.Equal([("data", "data"), ("web-1-root", "web-1-root")], (await scene.Tenant.GetAsync<Page<RecoverableVolume>>("/recoverable-volumes")).Items.Select(one => (one.Name, one.Name)).Order());
        Assert.All((await StraysAsync(scene)).Items, stray => Assert.Equal("acme", stray.Account!.Name));
        // Nobody else's.
        Assert.Empty((await scene.Admin.GetAsync<Page<RecoverableVolume>>("/recoverable-volumes")).Items);
        await scene.Admin.FailAsync(404, HttpMethod.Post, "/recoverable-volumes/data/recover", new { });

        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1 });
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/recoverable-volumes/data/recover", new { })).Code);
        Assert.Equal(("data-again", data.Id, false), await scene.Tenant.PostAsync<Volume>("/recoverable-volumes/data/recover", new { name = "data-again" }) is var again ? (again.Name, again.Id, again.DeleteOnTermination) : default);
        Assert.Equal("web-1-root", (await scene.Tenant.PostAsync<Volume>($"/recoverable-volumes/{root.Id}/recover", new { })).Name);
        Assert.Empty((await scene.Tenant.GetAsync<Page<RecoverableVolume>>("/recoverable-volumes")).Items);
        Assert.Equal(5 + root.SizeGib, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib);
        Assert.Equal(root.Id, await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "tiny", rootVolume = "web-1-root" }) is { } instance ? (await scene.Tenant.GetAsync<Page<Volume>>("/volumes?instance=" + instance.Id)).Items.Single().Id : "");
    }

    [Fact]
    public async Task Another_account_s_image_is_nothing_to_build_on()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Admin.PutAsync<Image>("/images/" + scene.Image.Id, new { visibility = "private" });
        await scene.Host.ReportStoresAsync([Store()], new StrayVolume(Found, Own, 4, 1, Written, scene.Image.Sha256));
        Assert.Equal("stray-image-gone", (await scene.Admin.FailAsync(409, HttpMethod.Post, $"/hosts/host-1/strays/{Found}/adopt", new { account = "acme" })).Code);
        await scene.Admin.PutAsync<Image>("/images/" + scene.Image.Id, new { accounts = (string[])["acme"] });
        Assert.Equal("tiny", (await scene.Admin.PostAsync<Volume>($"/hosts/host-1/strays/{Found}/adopt", new { account = "acme" })).Image!.Name);
    }

    [Fact]
    public async Task Of_a_store_that_others_reach_nobody_says_what_is_nobody_s()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportStoresAsync([Store(shared: true)], new StrayVolume(Found, Own, 4, 1, Written, null));
        Assert.Empty((await StraysAsync(scene)).Items);
    }
}
