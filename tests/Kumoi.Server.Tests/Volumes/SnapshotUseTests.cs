using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: volumes are put back to snapshots only while no guest has them, begin with snapshots where those are, and are kept for them when they are deleted.</summary>
public sealed class SnapshotUseTests
{
    [Fact]
    public async Task A_volume_is_put_back_while_no_guest_has_it()
    {
        await using var scene = await SnapshotScene.StartAsync("data", "other");
        await scene.TakeAsync("data", "s");
        Assert.Equal("snapshot-not-available", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/restore", new { snapshot = "s" }));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("snapshot no-such", await scene.BrokenAsync("/volumes/data/restore", new { snapshot = "none" }));
        Assert.Equal("snapshot snapshot-of-other", await scene.BrokenAsync("/volumes/other/restore", new { snapshot = "s" }));
        var held = await scene.Tenant.FailAsync(409, HttpMethod.Post, "/volumes/data/restore", new { snapshot = "s" });
        Assert.Equal("volume-held", held.Code);
        Assert.Contains("web-1", held.Title, StringComparison.Ordinal);
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/stop", new { });
        // It is asked to stop, and has not done so yet.
        Assert.Equal("volume-held", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/restore", new { snapshot = "s" }));
        await scene.Host.ObeyWithVolumesAsync();
        var restoring = await scene.Tenant.PostAsync<Volume>("/volumes/data/restore", new { snapshot = "s" });
        Assert.Equal("restoring", restoring.State);
        var first = (await scene.ToldAsync(restoring.Id)).Restore!.Number;
        Assert.Equal("volume-restoring", await scene.CodeAsync(HttpMethod.Post, "/instances/web-1/start"));
        Assert.Equal("volume-restoring", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/snapshots", new { name = "t" }));
        Assert.Equal("in-use", await scene.CodeAsync(HttpMethod.Delete, "/snapshots/s"));
        // One that does not come to its end gives way to another.
        await scene.Tenant.PostAsync<Volume>("/volumes/data/restore", new { snapshot = "s" });
        var told = await scene.ToldAsync(restoring.Id);
        Assert.True(told.Restore!.Number > first);
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(told) with { Restored = first });
        Assert.Equal("restoring", (await scene.VolumeAsync("data")).State);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("in-use", (await scene.VolumeAsync("data")).State);
        Assert.Contains("volume.restored", await scene.ActionsAsync(restoring.Id));
        // What a host says of a number that nobody asked for means nothing.
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(await scene.ToldAsync(restoring.Id)) with { Restored = told.Restore.Number + 7 });
        await scene.DetachAsync("data");
        Assert.Equal("restoring", (await scene.Tenant.PostAsync<Volume>("/volumes/data/restore", new { snapshot = "s" })).State);
        Assert.Equal("volume-restoring", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/attach", new { instance = "web-1" }));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", (await scene.Tenant.GetAsync<Volume>("/volumes/data?wait=available&timeout=1")).State);
        await scene.DeleteAsync("/snapshots/s");
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/start", new { });
    }

    [Fact]
    public async Task One_whose_snapshot_is_lost_is_let_go_with_the_snapshot()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        var snapshot = await scene.TakeAsync("data", "s");
        await scene.DetachAsync("data");
        var told = await scene.ToldAsync((await scene.Tenant.PostAsync<Volume>("/volumes/data/restore", new { snapshot = "s" })).Id);
        var missing = new Condition("Volume", "snapshot-missing", $"The snapshot {snapshot.Id} is gone.", DateTimeOffset.UtcNow, null);
        Assert.Equal("in-use", await scene.CodeAsync(HttpMethod.Delete, "/snapshots/s"));
        // That another one is missing is no reason.
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(told) with { Generation = told.Generation - 1, Restored = 0, Snapshots = [], Conditions = [missing with { Message = "The snapshot snap-00000000000000001 is gone." }] });
        Assert.Equal("in-use", await scene.CodeAsync(HttpMethod.Delete, "/snapshots/s"));
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(told) with { Generation = told.Generation - 1, Restored = 0, Snapshots = [], Conditions = [missing] });
        Assert.Equal(("restoring", "snapshot-missing"), ((await scene.VolumeAsync("data")).State, (await scene.SnapshotAsync("s")).Conditions.Single().Reason));
        await scene.DeleteAsync("/snapshots/s");
        Assert.Null((await scene.ToldAsync(told.Id)).Restore);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", (await scene.VolumeAsync("data")).State);
        Assert.DoesNotContain("volume.restored", await scene.ActionsAsync(told.Id));
        // The next one is another one, whatever the host did of the first.
        await scene.TakeAsync("data", "t");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Tenant.PostAsync<Volume>("/volumes/data/restore", new { snapshot = "t" });
        Assert.True((await scene.ToldAsync(told.Id)).Restore!.Number > told.Restore!.Number);
    }

    [Fact]
    public async Task One_whose_record_does_not_know_how_often_it_was_put_back_is_put_back_again()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        await scene.TakeAsync("data", "s");
        await scene.DetachAsync("data");
        var done = (await scene.ToldAsync((await scene.Tenant.PostAsync<Volume>("/volumes/data/restore", new { snapshot = "s" })).Id)).Restore!.Number;
        await scene.Host.ObeyWithVolumesAsync();
        // As after its adoption, or with an older copy of the database.
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE volumes SET restored_number = 0, restore_number = 0", default);
        var again = await scene.ToldAsync((await scene.Tenant.PostAsync<Volume>("/volumes/data/restore", new { snapshot = "s" })).Id);
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(again) with { Restored = done });
        Assert.Equal("restoring", (await scene.VolumeAsync("data")).State);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", (await scene.VolumeAsync("data")).State);
    }

    [Fact]
    public async Task A_volume_begins_with_a_snapshot_where_that_is()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        var snapshot = await scene.TakeAsync("data", "s");
        // While it is still to be taken, too: the host does one after the other.
        var early = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "early", snapshot = "s" });
        Assert.Equal(("creating", new SnapshotSource(snapshot.Volume.Id, snapshot.Id)), (early.State, (await scene.ToldAsync(early.Id)).Source));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", (await scene.VolumeAsync("early")).State);
        Assert.Equal("snapshot no-such", await scene.BrokenAsync("/volumes", new { name = "copy", snapshot = "none" }));
        Assert.Equal("image one-beginning", await scene.BrokenAsync("/volumes", new { name = "copy", snapshot = "s", image = "tiny" }));
        Assert.Equal("sizeGib smaller-than-snapshot", await scene.BrokenAsync("/volumes", new { name = "copy", snapshot = "s", sizeGib = 1 }));
        Assert.Equal("pool pool-of-snapshot", await scene.BrokenAsync("/volumes", new { name = "copy", snapshot = "s", pool = "shared" }));
        Assert.Equal("insufficient-storage", await scene.CodeAsync(HttpMethod.Post, "/volumes", new { name = "copy", snapshot = "s", sizeGib = 1000 }));
        var disk = (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib;
        var copy = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "copy", snapshot = "s" });
        Assert.Equal(("creating", 2, "host-1", "local", new Ref(snapshot.Id, "s")), (copy.State, copy.SizeGib, copy.Host!.Name, copy.Pool.Name, copy.Snapshot));
        Assert.Equal(disk + 2, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib);
        Assert.Equal(new SnapshotSource(snapshot.Volume.Id, snapshot.Id), (await scene.ToldAsync(copy.Id)).Source);
        var problem = await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/snapshots/s");
        Assert.Equal(("in-use", "copy"), (problem.Code, Assert.Single(problem.UsedBy!).Name));
        Assert.Equal("volume-filling", await scene.CodeAsync(HttpMethod.Post, "/volumes/copy/attach", new { instance = "web-1" }));
        Assert.Equal("volume-not-made", await scene.CodeAsync(HttpMethod.Post, "/volumes/copy/snapshots", new { name = "t" }));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Null((await scene.ToldAsync(copy.Id)).Source);
        await scene.DeleteAsync("/snapshots/s");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("s", (await scene.VolumeAsync("copy")).Snapshot!.Name);
        await scene.TakeAsync("data", "t");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.ExecuteAsync("UPDATE hosts SET state = 'unreachable' WHERE name = 'host-1'");
        Assert.Equal("snapshot-host-away", await scene.CodeAsync(HttpMethod.Post, "/volumes", new { name = "more", snapshot = "t" }));
    }

    [Fact]
    public async Task A_deleted_volume_is_kept_for_its_snapshots_and_goes_with_the_last()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        var disk = (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib;
        foreach (var name in (string[])["s", "t"]) await scene.TakeAsync("data", name);
        await scene.DetachAsync("data");
        var id = (await scene.VolumeAsync("data")).Id;
        await scene.DeleteAsync("/volumes/data");
        await scene.DeleteAsync("/volumes/" + id);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items);
        Assert.Equal(("data", "retained", 2), Assert.Single((await scene.Tenant.GetAsync<Page<Volume>>("/volumes?state=retained")).Items) is var kept ? (kept.Name, kept.State, kept.Snapshots) : default);
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/volumes/data")).Code);
        Assert.Equal("being-deleted", await scene.CodeAsync(HttpMethod.Post, $"/volumes/{id}/attach", new { instance = "web-1" }));
        Assert.Equal("being-deleted", await scene.CodeAsync(HttpMethod.Post, $"/volumes/{id}/restore", new { snapshot = "s" }));
        Assert.Equal("being-deleted", await scene.CodeAsync(HttpMethod.Post, $"/volumes/{id}/snapshots", new { name = "u" }));
        Assert.Equal("data", (await scene.SnapshotAsync("s")).Volume.Name);
        var told = await scene.ToldAsync(id);
        Assert.Equal(("deleted", 2), (told.Desired, told.Snapshots!.Count));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("retained", (await scene.Tenant.GetAsync<Volume>($"/volumes/{id}?wait=deleted&timeout=1")).State);
        Assert.Equal("wait-unreachable", await scene.CodeAsync(HttpMethod.Get, $"/volumes/{id}?wait=available&timeout=1"));
        // Its name is free, and it can be used for a new volume although nothing but the snapshot is there.
        Assert.Equal("s", (await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", snapshot = "s" })).Snapshot!.Name);
        Assert.Contains(id, (await scene.Host.DesiredAsync())!.Volumes!.Select(volume => volume.Id));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(2, (await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?volume=data")).Items.Count);
        Assert.Equal(disk + 2, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib);
        foreach (var name in (string[])["s", "t"])
        {
            await scene.DeleteAsync("/snapshots/" + name);
            await scene.Host.ObeyWithVolumesAsync();
        }
        Assert.Equal("deleting", (await scene.VolumeAsync(id)).State);
        Assert.Null((await scene.ToldAsync(id)).Snapshots);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/volumes/" + id)).Code);
        Assert.Equal(disk, (await scene.Admin.GetAsync<Host>("/hosts/host-1")).Allocated.DiskGib);
        Assert.Equal("available", (await scene.VolumeAsync("data")).State);
    }

    [Fact]
    public async Task Volumes_that_go_with_their_instance_stay_for_their_snapshots()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { deleteOnTermination = true });
        await scene.TakeAsync("data", "s");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("retained", Assert.Single((await scene.Tenant.GetAsync<Page<Volume>>("/volumes?state=retained")).Items).State);
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1 });
        Assert.Equal("in-use", (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/accounts/acme")).Code);
        Assert.Contains(("s", "in-use"), (await scene.Admin.FailAsync(409, HttpMethod.Delete, "/accounts/acme")) is var problem ? problem.UsedBy!.Select(user => (user.Name, problem.Code)) : []);
        Assert.Equal("data", Assert.Single((await scene.Admin.FailAsync(409, HttpMethod.Delete, "/hosts/host-1")).UsedBy!).Name);
        await scene.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator' WHERE name = 'host-1'");
        (await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")).EnsureSuccessStatusCode().Dispose();
        Assert.Empty((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots")).Items);
        Assert.Equal(["snapshot.lost", "volume.lost"], (await scene.Tenant.GetAsync<Page<Event>>("/events")).Items.Select(e => e.Action).Where(action => action.EndsWith("lost", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public async Task What_is_being_filled_and_the_volume_of_its_snapshot_go_to_one_host()
    {
        await using var scene = await SnapshotScene.StartAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        await other.ReportStoresAsync(SnapshotScene.Shared);
        var source = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 2, pool = "shared" });
        var (first, second) = source.Host!.Name == "host-1" ? (scene.Host, other) : (other, scene.Host);
        await first.ObeyWithVolumesAsync();
        await scene.TakeAsync("data", "s");
        await first.ObeyWithVolumesAsync();
        var copy = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "copy", snapshot = "s" });
        Assert.Equal(source.Host, copy.Host);
        (await scene.Admin.SendAsync(HttpMethod.Post, "/instances", new { name = "elsewhere", flavor = "tiny", image = "tiny", host = second.Name }, ("Kumoi-Account", "acme"))).EnsureSuccessStatusCode().Dispose();
        Assert.Equal("volume-filling", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/attach", new { instance = "elsewhere" }));
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator' WHERE id = $1", default, first.Id);
        await scene.Cloud.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<Server.Volumes.VolumeRecovery>().Single().MoveAsync(default);
        var told = (await second.DesiredAsync())!.Volumes!;
        Assert.Equal([source.Id, copy.Id], told.Select(volume => volume.Id));
        Assert.Equal(source.Id, told[1].Source!.VolumeId);
        await second.ObeyWithVolumesAsync();
        Assert.Equal("available", (await scene.VolumeAsync("copy")).State);
        Assert.Equal("attaching", (await scene.Tenant.PostAsync<Volume>("/volumes/data/attach", new { instance = "elsewhere" })).State);
    }

    [Fact]
    public async Task What_is_being_filled_goes_with_the_guest_that_has_the_volume_of_its_snapshot()
    {
        await using var scene = await SnapshotScene.StartAsync();
        var source = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 2, pool = "shared" });
        var instance = (await scene.Tenant.PostAsync<Volume>("/volumes/data/attach", new { instance = "web-1" })).Instance!.Id;
        await scene.Host.ObeyWithVolumesAsync();
        await scene.TakeAsync("data", "s");
        await scene.Host.ObeyWithVolumesAsync();
        var copy = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "copy", snapshot = "s" });
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        await other.ReportStoresAsync(SnapshotScene.Shared);
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        // Nobody gives the one being filled away by itself while a guest has the other.
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator' WHERE id = $1", default, scene.Host.Id);
        await scene.Cloud.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<Server.Volumes.VolumeRecovery>().Single().MoveAsync(default);
        Assert.Equal("host-1", (await scene.VolumeAsync("copy")).Host!.Name);
        await database.TransactionAsync<Server.Platform.Done>(async transaction =>
        {
            Assert.Equal([other.Id], await Server.Volumes.VolumeHolds.MoveAsync(transaction, scene.Cloud.Services.GetRequiredService<Server.Volumes.ExportKeys>(), instance, other.Id, default));
            return new Server.Platform.Done();
        }, default);
        Assert.Equal([(source.Id, null), (copy.Id, source.Id)], (await other.DesiredAsync())!.Volumes!.Select(volume => (volume.Id, volume.Source?.VolumeId)));
    }
}
