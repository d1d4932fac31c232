using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: a volume begins as another one is at that moment, by a snapshot that nobody sees and that goes when it has been copied.</summary>
public sealed class VolumeCopyTests
{
    [Fact]
    public async Task A_volume_is_copied_while_its_guest_runs_and_nothing_is_left_between_them()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        var data = await scene.VolumeAsync("data");
        var copy = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "copy", volume = "data", sizeGib = 3 });
        Assert.Equal(("creating", 3, "host-1", null, data.Id, "data"), (copy.State, copy.SizeGib, copy.Host!.Name, copy.Snapshot, copy.Source!.Id, copy.Source.Name));
        var between = Assert.Single((await scene.ToldAsync(data.Id)).Snapshots!);
        Assert.Equal(new SnapshotSource(data.Id, between.Id), (await scene.ToldAsync(copy.Id)).Source);
        Assert.Equal(0, (await scene.VolumeAsync("data")).Snapshots);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots")).Items);
        await scene.Tenant.FailAsync(404, HttpMethod.Get, "/snapshots/" + between.Id);
        // The loop that lets go of what nobody needs has looked, and left it.
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(await scene.ToldAsync(data.Id)));
        Assert.Equal(VolumeDesire.Present, Assert.Single((await scene.ToldAsync(data.Id)).Snapshots!).Desired);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", (await scene.VolumeAsync("copy")).State);
        await Wait.UntilAsync(async () =>
        {
            await scene.Host.ObeyWithVolumesAsync();
            return (await scene.ToldAsync(data.Id)).Snapshots is not { Count: > 0 };
        });
        Assert.Equal("data", (await scene.VolumeAsync("copy")).Source!.Name);
        Assert.DoesNotContain("snapshot.create", await scene.ActionsAsync(between.Id));
    }

    [Fact]
    public async Task One_that_is_given_up_lets_its_source_go()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        await scene.DetachAsync("data");
        var data = await scene.VolumeAsync("data");
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "copy", volume = "data" });
        // The source may go meanwhile: what it was stays until it has been copied, or nobody wants it any more.
        await scene.DeleteAsync("/volumes/data");
        Assert.Equal("retained", Assert.Single((await scene.Tenant.GetAsync<Page<Volume>>("/volumes?state=retained")).Items).State);
        await scene.DeleteAsync("/volumes/copy");
        await Wait.UntilAsync(async () =>
        {
            await scene.Host.ObeyWithVolumesAsync();
            return (await scene.Tenant.GetAsync<Page<Volume>>("/volumes?state=retained")).Items.Count == 0 && ((await scene.Host.DesiredAsync())!.Volumes is not { } told || told.All(volume => volume.Id != data.Id));
        });
    }

    [Fact]
    public async Task What_cannot_be_copied_is_refused_and_leaves_nothing()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "unplaced", sizeGib = 1 });
        Assert.Equal("volume no-such", await scene.BrokenAsync("/volumes", new { name = "copy", volume = "none" }));
        Assert.Equal("snapshot one-beginning", await scene.BrokenAsync("/volumes", new { name = "copy", volume = "data", snapshot = "s" }));
        Assert.Equal("volume-not-made", await scene.CodeAsync(HttpMethod.Post, "/volumes", new { name = "copy", volume = "unplaced" }));
        Assert.Equal("sizeGib smaller-than-volume", await scene.BrokenAsync("/volumes", new { name = "copy", volume = "data", sizeGib = 1 }));
        Assert.Equal("pool pool-of-volume", await scene.BrokenAsync("/volumes", new { name = "copy", volume = "data", pool = "shared" }));
        Assert.Equal("insufficient-storage", await scene.CodeAsync(HttpMethod.Post, "/volumes", new { name = "copy", volume = "data", sizeGib = 1000 }));
        Assert.Equal("name-taken", await scene.CodeAsync(HttpMethod.Post, "/volumes", new { name = "unplaced", volume = "data" }));
        var stranger = await scene.Cloud.TenantAsync("stranger");
        Assert.Equal("no-such", Assert.Single((await stranger.FailAsync(400, HttpMethod.Post, "/volumes", new { name = "copy", volume = (await scene.VolumeAsync("data")).Id })).Errors!).Rule);
        Assert.Null((await scene.ToldAsync((await scene.VolumeAsync("data")).Id)).Snapshots);
        await scene.ExecuteAsync("UPDATE hosts SET state = 'unreachable' WHERE name = 'host-1'");
        Assert.Equal("volume-host-away", await scene.CodeAsync(HttpMethod.Post, "/volumes", new { name = "copy", volume = "data" }));
    }
}
