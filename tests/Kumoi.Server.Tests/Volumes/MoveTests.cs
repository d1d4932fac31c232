using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes.Moves;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: a volume that moves is the same to its account, is at one place at each moment, and what was its place is given back.</summary>
public sealed class MoveTests
{
    [Fact]
    public async Task It_is_what_it_was_to_everybody_and_its_former_place_is_removed()
    {
        var (scene, other) = await MoveScene.StartAsync();
        await using var _ = scene;
        using var __ = other;
        await scene.FreeAsync(other);
        var before = await scene.VolumeAsync("data");
        var local = await scene.RoomAsync("local", MoveScene.FirstLocal.Id);
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { tags = new { env = "test" }, deleteOnTermination = true });

        var moving = await scene.MoveAsync(new { pool = "fast" });
        Assert.Equal(("moving", "local", "fast", "host-1"), (moving.State, moving.Pool.Name, moving.MovingTo!.Pool.Name, moving.MovingTo.Host.Name));
        Assert.Equal((local, 5L), (await scene.RoomAsync("local", MoveScene.FirstLocal.Id), await scene.RoomAsync("fast", MoveScene.FirstFast.Id)));
        Assert.Equal("data", Assert.Single((await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items).Name);
        var given = await scene.ToldAsync(moving.Id);
        var taking = (await scene.Host.DesiredAsync())!.Volumes!.Single(one => one.Move is not null);
        Assert.Equal((true, taking.Id, given.Id, null, MoveScene.FirstFast.Id), (given.Export!.ReadOnly, given.Export.InstanceId, taking.Move!.VolumeId, taking.Move.From.Port, taking.Store));
        Assert.Equal((given.Export.Key, given.Export.Incarnation), (taking.Move.From.Key, taking.Move.From.Incarnation));
        // A port of another incarnation is none; nor is what is not whole.
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(given) with { Export = new ObservedExport(11_000, given.Export.Incarnation + 7) });
        Assert.Null((await scene.ToldAsync(taking.Id)).Move!.From.Port);
        await scene.Host.ObeyWithVolumesAsync();
        taking = await scene.ToldAsync(taking.Id);
        Assert.Equal((FakeHost.ExportPort, "127.0.0.1", 196_624L), (taking.Move!.From.Port, taking.Move.From.Address, taking.Move.UsedBytes));
        await scene.Host.ReportVolumesAsync(new ObservedVolume(taking.Id, taking.Incarnation, taking.Generation - 1, null, 10, [], Work: new VolumeWork(VolumeWorks.Move, 40, 100, DateTimeOffset.UnixEpoch)));
        var half = await scene.VolumeAsync("data");
        Assert.Equal(("moving", VolumeWorks.Move, 40L), (half.State, half.Work!.Kind, half.Work.DoneBytes));

        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(taking));
        var told = (await scene.Host.DesiredAsync())!.Volumes!;
        var (now, former) = (told.Single(one => one.Id == taking.Id), told.Single(one => one.Id == moving.Id));
        Assert.Equal((VolumeDesire.Present, true, MoveScene.FirstFast.Id, moving.Id, null), (now.Desired, now.Made, now.Store, now.Of, now.Move));
        Assert.Equal((VolumeDesire.Deleted, MoveScene.FirstLocal.Id, null), (former.Desired, former.Store, former.Export));
        Assert.True(now.Incarnation > taking.Incarnation && former.Incarnation > given.Incarnation);
        // What was said before of either means neither: not that it is not there, and not that it is given to somebody.
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(given) with { SizeGib = null, Generation = given.Generation }, FakeHost.Obeyed(taking) with { SizeGib = null });
        Assert.Equal(VolumeDesire.Deleted, (await scene.ToldAsync(moving.Id)).Desired);
        await MoveScene.ObeyAsync(scene, other);

        var after = await scene.VolumeAsync("data");
        Assert.Equal(("available", before.Id, before.Serial, "fast", "host-1", "test", true, null), (after.State, after.Id, after.Serial, after.Pool.Name, after.Host!.Name, after.Tags["env"], after.DeleteOnTermination, after.MovingTo));
        Assert.Equal((local - 5, 5L), (await scene.RoomAsync("local", MoveScene.FirstLocal.Id), await scene.RoomAsync("fast", MoveScene.FirstFast.Id)));
        Assert.Equal(taking.Id, Assert.Single((await scene.Host.DesiredAsync())!.Volumes!).Id);
        Assert.Equal(["volume.attach", "volume.attached", "volume.create", "volume.detach", "volume.detached", "volume.made", "volume.move", "volume.moved", "volume.update"], await scene.ActionsAsync(before.Id));

        // Attached, told and freed by the id of its data; and moved again, to another host, and back.
        await scene.Tenant.PostAsync<Volume>("/volumes/data/attach", new { instance = "web-1" });
        await MoveScene.ObeyAsync(scene, other);
        Assert.Equal("in-use", (await scene.VolumeAsync("data")).State);
        await scene.FreeAsync(other);
        foreach (var (to, host) in new[] { ("host-2", "host-2"), ("host-1", "host-1") })
        {
            await scene.MoveAsync(new { pool = (string?)null, host = to });
            await MoveScene.ObeyAsync(scene, other);
            Assert.Equal(("available", "fast", host), await scene.VolumeAsync("data") is var moved ? (moved.State, moved.Pool.Name, moved.Host!.Name) : default);
        }
        Assert.Equal((5L, 0L), (await scene.RoomAsync("fast", MoveScene.FirstFast.Id), await scene.RoomAsync("fast", MoveScene.SecondFast.Id)));
        await scene.DeleteAsync("/volumes/data");
        await MoveScene.ObeyAsync(scene, other);
        Assert.Equal(0, await scene.RoomAsync("fast", MoveScene.FirstFast.Id));
        Assert.Empty((await scene.Host.DesiredAsync())!.Volumes ?? []);
    }

    [Fact]
    public async Task One_of_a_stopped_instance_moves_and_its_guest_finds_it_wherever_it_is()
    {
        var (scene, other) = await MoveScene.StartAsync();
        await using var _ = scene;
        using var __ = other;
        var id = (await scene.VolumeAsync("data")).Id;
        Assert.Equal("volume-held", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/move", new { pool = "fast" }));
        await scene.StopAsync("web-1", other);
        await scene.MoveAsync(new { pool = "fast", host = "host-2" });
        // Its guest cannot have it before it is there.
        Assert.Equal("volume-moving", await scene.CodeAsync(HttpMethod.Post, "/instances/web-1/start", new { }));
        await MoveScene.ObeyAsync(scene, other);
        var moved = await scene.VolumeAsync("data");
        Assert.Equal(("in-use", "host-2", "web-1"), (moved.State, moved.Host!.Name, moved.Instance!.Name));
        // It is given to its guest's host as any volume of another host.
        var had = Assert.Single((await scene.Host.DesiredAsync())!.Volumes!);
        Assert.Equal((id, FakeHost.ExportPort), (had.Of, had.Remote!.Port));
        Assert.NotEqual(id, had.Id);
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/start", new { });
        await MoveScene.ObeyAsync(scene, other);
        Assert.Equal("in-use", (await scene.VolumeAsync("data")).State);

        // From there, where it is given, to a place that its guest's host reaches.
        await scene.StopAsync("web-1", other);
        await scene.MoveAsync(new { pool = "shared" });
        had = Assert.Single((await scene.Host.DesiredAsync())!.Volumes!, one => one.Remote is not null);
        Assert.Equal((null, ""), (had.Remote!.Port, had.Remote.Key));
        await MoveScene.ObeyAsync(scene, other);
        moved = await scene.VolumeAsync("data");
        Assert.Equal(("in-use", "shared", "host-1"), (moved.State, moved.Pool.Name, moved.Host!.Name));
        Assert.Null(Assert.Single((await scene.Host.DesiredAsync())!.Volumes!).Remote);
        Assert.Empty((await other.DesiredAsync())!.Volumes ?? []);
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/start", new { });
        await scene.FreeAsync(other);
        Assert.Equal("available", (await scene.VolumeAsync("data")).State);
    }

    [Fact]
    public async Task A_move_that_is_given_up_leaves_the_volume_where_it_was()
    {
        var (scene, other) = await MoveScene.StartAsync();
        await using var _ = scene;
        using var __ = other;
        Assert.Equal("volume-not-moving", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/cancel-move", new { }));
        await scene.Tenant.PostAsync<Snapshot>("/volumes/data/snapshots", new { name = "monday" });
        await MoveScene.ObeyAsync(scene, other);
        await scene.StopAsync("web-1", other);
        Assert.Equal("volume-has-snapshots", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/move", new { pool = "fast" }));
        await scene.DeleteAsync("/snapshots/monday");
        await MoveScene.ObeyAsync(scene, other);
        await scene.MoveAsync(new { pool = "fast", host = "host-2" });
        await scene.Host.ObeyWithVolumesAsync();
        var taking = Assert.Single((await other.DesiredAsync())!.Volumes!);
        foreach (var (method, path, body) in new (HttpMethod, string, object?)[]
        {
            (HttpMethod.Post, "/volumes/data/move", new { pool = "shared" }), (HttpMethod.Post, "/volumes/data/snapshots", new { name = "now" }), (HttpMethod.Put, "/volumes/data", new { sizeGib = 9 }), (HttpMethod.Delete, "/volumes/data", null),
            (HttpMethod.Post, "/volumes/data/detach", new { }), (HttpMethod.Post, "/instances/web-1/start", new { }), (HttpMethod.Post, "/volumes", new { name = "copy", volume = "data" }),
        }) Assert.Equal("volume-moving", await scene.CodeAsync(method, path, body));
        await (await scene.Cloud.TenantAsync("beta")).FailAsync(404, HttpMethod.Post, "/volumes/data/cancel-move", new { });

        var kept = await scene.Tenant.PostAsync<Volume>("/volumes/data/cancel-move", new { });
        Assert.Equal(("in-use", "local", null), (kept.State, kept.Pool.Name, kept.MovingTo));
        // It was whole just then: too late.
        await other.ReportVolumesAsync(FakeHost.Obeyed(taking));
        Assert.Equal("local", (await scene.VolumeAsync("data")).Pool.Name);
        Assert.Equal(VolumeDesire.Deleted, Assert.Single((await other.DesiredAsync())!.Volumes!).Desired);
        await MoveScene.ObeyAsync(scene, other);
        Assert.Empty((await other.DesiredAsync())!.Volumes ?? []);
        Assert.Null(Assert.Single((await scene.Host.DesiredAsync())!.Volumes!).Export);
        Assert.Equal(0, await scene.RoomAsync("fast", MoveScene.SecondFast.Id));

        // An instance that ends with it takes its move along.
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { deleteOnTermination = true });
        await scene.MoveAsync(new { pool = "fast", host = "host-2" });
        await scene.DeleteAsync("/instances/web-1");
        await MoveScene.ObeyAsync(scene, other);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items);
        Assert.Equal(0, await scene.RoomAsync("fast", MoveScene.SecondFast.Id));
    }

    [Fact]
    public async Task What_cannot_be_moved_is_refused_with_its_reason()
    {
        var (scene, other) = await MoveScene.StartAsync();
        await using var _ = scene;
        using var __ = other;
        await scene.FreeAsync(other);
        Assert.Equal("pool required", await scene.BrokenAsync("/volumes/data/move", new { }));
        Assert.Equal("pool no-such", await scene.BrokenAsync("/volumes/data/move", new { pool = "none" }));
        Assert.Equal("host no-such", await scene.BrokenAsync("/volumes/data/move", new { host = "none" }));
        Assert.Equal("volume-there", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/move", new { pool = "local" }));
        Assert.Equal("volume-there", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/move", new { host = "host-1" }));
        await (await scene.Cloud.TenantAsync("beta")).FailAsync(404, HttpMethod.Post, "/volumes/data/move", new { pool = "fast" });
        await scene.Admin.PutAsync<Pool>("/pools/fast", new { accounts = new[] { "beta" } });
        Assert.Equal("pool no-such", await scene.BrokenAsync("/volumes/data/move", new { pool = "fast" }));
        await scene.Admin.PutAsync<Pool>("/pools/fast", new { accounts = Array.Empty<string>(), maintenance = true });
        Assert.Equal("pool-maintenance", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/move", new { pool = "fast" }));
        await scene.Admin.PutAsync<Pool>("/pools/fast", new { maintenance = false });
        // Of the pool, and no more than there is.
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { sizeGib = 60 });
        await MoveScene.ObeyAsync(scene, other);
        Assert.Equal("insufficient-storage", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/move", new { pool = "fast" }));
        Assert.Equal((0L, 0L), (await scene.RoomAsync("fast", MoveScene.FirstFast.Id), await scene.RoomAsync("fast", MoveScene.SecondFast.Id)));
        // An agent that does not know of moves would make an empty one.
        await other.ReportAsFactsAsync(MoveScene.Facts("host-2", VolumeProtocols.Nbd, VolumeProtocols.Iscsi));
        Assert.Equal("move-nowhere", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/move", new { host = "host-2" }));
        await scene.Host.ReportAsFactsAsync(MoveScene.Facts("host-1", VolumeProtocols.Nbd));
        Assert.Equal("move-unsupported", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/move", new { host = "host-2" }));
        // One without a place has nothing to be moved.
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "later", sizeGib = 5, pool = "local" });
        Assert.Equal(("available", "fast", null), await scene.Tenant.PostAsync<Volume>("/volumes/later/move", new { pool = "fast" }) is var later ? (later.State, later.Pool.Name, later.Host) : default);
        Assert.Equal(("shared", true), await scene.Tenant.PostAsync<Volume>("/volumes/later/move", new { pool = "shared" }) is var put ? (put.Pool.Name, put.Host is not null) : default);
    }

    [Fact]
    public async Task A_server_that_was_killed_before_it_had_ended_a_move_is_followed_by_one_that_does()
    {
        var (scene, other) = await MoveScene.StartAsync();
        await using var _ = scene;
        using var __ = other;
        await scene.FreeAsync(other);
        await scene.MoveAsync(new { pool = "fast", host = "host-2" });
        await scene.Host.ObeyWithVolumesAsync();
        // The report was taken in, and nothing more.
        await scene.ExecuteAsync("UPDATE volumes SET made_gib = size_gib, observed_generation = generation WHERE move_source_id IS NOT NULL");
        foreach (var again in new[] { 1, 2 }) await scene.Cloud.Services.GetRequiredService<MoveObservation>().FinishAsync(default);
        Assert.Equal(("available", "fast", "host-2"), await scene.VolumeAsync("data") is var moved ? (moved.State, moved.Pool.Name, moved.Host!.Name) : default);
        await MoveScene.ObeyAsync(scene, other);
        Assert.Empty((await scene.Host.DesiredAsync())!.Volumes ?? []);
        Assert.True(Assert.Single((await other.DesiredAsync())!.Volumes!).Made);
    }

    [Fact]
    public async Task A_host_that_is_lost_takes_its_end_of_a_move_along_and_what_it_had_is_offered_again_by_the_volumes_id()
    {
        var (scene, other) = await MoveScene.StartAsync();
        await using var _ = scene;
        using var __ = other;
        await scene.FreeAsync(other);
        var id = (await scene.VolumeAsync("data")).Id;
        await scene.MoveAsync(new { pool = "fast", host = "host-2" });
        await MoveScene.ObeyAsync(scene, other);
        var data = Assert.Single((await other.DesiredAsync())!.Volumes!).Id;
        // On its way back, and the host that has it is lost: what was to take its place is removed.
        await scene.MoveAsync(new { pool = "fast", host = "host-1" });
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator' WHERE name = 'host-2'", default);
        await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-2?lost=true");
        Assert.Empty((await scene.Tenant.GetAsync<Page<Volume>>("/volumes")).Items);
        Assert.Equal(VolumeDesire.Deleted, Assert.Single((await scene.Host.DesiredAsync())!.Volumes!).Desired);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(0, await scene.RoomAsync("fast", MoveScene.FirstFast.Id));

        using var back = await FakeHost.JoinAsync(scene.Cloud, MoveScene.Facts("host-2"));
        await back.ReportStoresAsync([MoveScene.SecondFast], new StrayVolume(data, MoveScene.SecondFast.Id, 5, 4096, DateTimeOffset.UtcNow, null));
        Assert.Equal((id, "data"), Assert.Single((await scene.Tenant.GetAsync<Page<RecoverableVolume>>("/recoverable-volumes")).Items) is var found ? (found.Id, found.Name) : default);
        Assert.Equal((id, "data"), await scene.Tenant.PostAsync<Volume>("/recoverable-volumes/data/recover", new { }) is var recovered ? (recovered.Id, recovered.Name) : default);
        var told = Assert.Single((await back.DesiredAsync())!.Volumes!);
        Assert.Equal((data, id, true), (told.Id, told.Of, told.Made));
        await back.ObeyWithVolumesAsync();
        Assert.Equal("available", (await scene.VolumeAsync("data")).State);

        // What a volume has left somewhere is no other volume's, and gets an id of its own.
        await scene.Host.ReportStoresAsync([MoveScene.FirstLocal, MoveScene.FirstFast, MoveScene.Shared], new StrayVolume(id, MoveScene.FirstLocal.Id, 5, 4096, DateTimeOffset.UtcNow, null));
        var adopted = await scene.Admin.PostAsync<Volume>($"/hosts/host-1/strays/{id}/adopt", new { account = "acme", name = "found" });
        Assert.NotEqual(id, adopted.Id);
        Assert.Equal((id, adopted.Id), Assert.Single((await scene.Host.DesiredAsync())!.Volumes!) is var kept ? (kept.Id, kept.Of) : default);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(("available", "available"), ((await scene.VolumeAsync("found")).State, (await scene.VolumeAsync("data")).State));
    }

    [Fact]
    public async Task A_pool_is_emptied_as_its_volumes_are_let_go_of_and_tells_what_waits()
    {
        var (scene, other) = await MoveScene.StartAsync();
        await using var _ = scene;
        using var __ = other;
        var draining = scene.Cloud.Services.GetRequiredService<PoolDraining>();
        foreach (var name in new[] { "free", "kept" }) await scene.Tenant.PostAsync<Volume>("/volumes", new { name, sizeGib = 1, pool = "local" });
        await scene.Tenant.PostAsync<Volume>("/volumes/kept/attach", new { instance = "web-2" });
        await MoveScene.ObeyAsync(scene, other);
        await scene.Tenant.PostAsync<Snapshot>("/volumes/kept/snapshots", new { name = "monday" });
        await MoveScene.ObeyAsync(scene, other);
        await scene.Tenant.FailAsync(403, HttpMethod.Post, "/pools/local/drain", new { to = "fast" });
        Assert.Equal("drain-to-itself", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/pools/local/drain", new { to = "local" })).Code);
        await scene.Admin.FailAsync(404, HttpMethod.Post, "/pools/none/drain", new { });
        await scene.Admin.FailAsync(400, HttpMethod.Post, "/pools/local/drain", new { to = "none" });

        var pool = await scene.Admin.PostAsync<Pool>("/pools/local/drain", new { to = "fast" });
        Assert.Equal((true, "fast", 3), (pool.Maintenance, pool.Drain!.To.Name, pool.Drain.Left));
        Assert.Equal("pool-maintenance", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/pools/fast/drain", new { to = "local" })).Code);
        await draining.LookAsync(default);
        // One without a place went at once; the others wait, and say for what.
        Assert.Equal("fast", (await scene.VolumeAsync("free")).Pool.Name);
        pool = await scene.Admin.GetAsync<Pool>("/pools/local");
        Assert.Equal([("data", "volume-held", "web-1"), ("kept", "volume-has-snapshots", "web-2")], pool.Drain!.Waits.Select(wait => (wait.Volume.Name, wait.Reason, wait.Instance!.Name)).Order());
        Assert.Null((await scene.Tenant.GetAsync<Pool>("/pools/local")).Drain);

        await scene.StopAsync("web-1", other);
        await draining.LookAsync(default);
        await draining.LookAsync(default);
        Assert.Equal((2, 1, 0), (await scene.Admin.GetAsync<Pool>("/pools/local")).Drain is { } half ? (half.Left, half.Moving, half.Leaving) : default);
        await MoveScene.ObeyAsync(scene, other);
        Assert.Equal(("in-use", "fast", "host-1"), await scene.VolumeAsync("data") is var moved ? (moved.State, moved.Pool.Name, moved.Host!.Name) : default);
        await scene.DeleteAsync("/snapshots/monday");
        await scene.StopAsync("web-2", other);
        await draining.LookAsync(default);
        await MoveScene.ObeyAsync(scene, other);
        Assert.Equal((0, 0, 0, 0), (await scene.Admin.GetAsync<Pool>("/pools/local")).Drain is { } done ? (done.Left, done.Moving, done.Leaving, done.Waits.Count) : default);

        pool = await scene.Admin.PutAsync<Pool>("/pools/local", new { maintenance = false });
        Assert.Equal((false, null), (pool.Maintenance, pool.Drain));
    }

    [Fact]
    public async Task After_a_move_an_increment_is_a_full_backup_and_encrypted_ones_keep_their_keys_apart()
    {
        var (scene, other) = await MoveScene.StartAsync();
        await using var _ = scene;
        using var __ = other;
        await scene.Admin.PostAsync<VolumeType>("/volume-types", new { name = "secret", encrypted = true });
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "safe", sizeGib = 2, pool = "local", type = "secret" });
        await scene.Tenant.PostAsync<Volume>("/volumes/safe/attach", new { instance = "web-1" });
        await MoveScene.ObeyAsync(scene, other);
        await scene.Tenant.PostAsync<Volume>("/volumes/safe/detach", new { });
        await MoveScene.ObeyAsync(scene, other);
        var safe = (await scene.VolumeAsync("safe")).Id;
        var key = (await scene.ToldAsync(safe)).Encryption!.Key;
        await scene.Tenant.PostAsync<Volume>("/volumes/safe/move", new { pool = "fast" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Host.ObeyWithVolumesAsync();
        var told = (await scene.Host.DesiredAsync())!.Volumes!;
        var (now, former) = (told.Single(one => one.Of == safe && one.Desired == VolumeDesire.Present), told.Single(one => one.Id == safe));
        // Each data has the key that it was written with, for as long as it is there.
        Assert.Equal(key, former.Encryption!.Key);
        Assert.NotNull(now.Encryption!.Key);
        Assert.NotEqual(key, now.Encryption.Key);
        await MoveScene.ObeyAsync(scene, other);
        Assert.Equal(HttpStatusCode.OK, await scene.Host.ReportVolumesAsync());
        Assert.True((await scene.VolumeAsync("safe")).Encrypted);
    }
}
