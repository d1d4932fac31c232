using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Backups;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Backups as accounts ask for them and hosts tell of them: what is kept for the next increment, what is let go, and what is believed.</summary>
public sealed class BackupTests
{
    private static readonly ObservedBackupPlace Place = new("st-000000000000000b0", "backups", false, 100, 1);

    private static readonly string Sum = new('a', 64), Other = new('b', 64);

    private static async Task<Scene> StartAsync()
    {
        var scene = await SnapshotScene.StartAsync("data");
        await scene.Host.ReportBackupPlacesAsync([SnapshotScene.Own, SnapshotScene.Shared], Place);
        return scene;
    }

    private static Task<Backup> AskAsync(Scene scene, string name, bool incremental = false) => scene.Tenant.PostAsync<Backup>("/volumes/data/backups", new { name, incremental });

    private static Task<Backup> FindAsync(Scene scene, string name) => scene.Tenant.GetAsync<Backup>("/backups/" + name);

    private static async Task<DesiredBackup> ToldAsync(Scene scene, string id) => (await scene.Host.DesiredAsync())!.Backups!.Single(backup => backup.Id == id);

    private static ObservedBackup Made(DesiredBackup told, string sum, string? parent) =>
        new(told.Id, told.Incarnation, new MadeBackup(parent, null, sum, 4096, 4096, DateTimeOffset.UtcNow, SnapshotConsistency.FileSystem), false, null, 0, null, [], null);

    /// <summary>The host takes the snapshot, makes the backup, and drops what it is told to.</summary>
    private static async Task<Backup> MakeAsync(Scene scene, string name, bool incremental = false)
    {
        var asked = await AskAsync(scene, name, incremental);
        await scene.Host.ObeyWithVolumesAsync();
        var told = await ToldAsync(scene, asked.Id);
        await scene.Host.ReportBackupsAsync(Made(told, Sum, told.Make!.ParentId));
        await scene.Host.ObeyWithVolumesAsync();
        return await FindAsync(scene, name);
    }

    [Fact]
    public async Task One_snapshot_is_kept_as_the_base_of_the_next_and_nobody_sees_it()
    {
        await using var scene = await StartAsync();
        var first = await MakeAsync(scene, "one", incremental: true);
        // There was nothing to build on.
        Assert.Equal(("available", "full", "base-missing", "filesystem"), (first.State, first.Kind, Assert.Single(first.Conditions).Reason, first.Consistency));
        Assert.Equal((Sum, 4096L, "backups"), (first.Sha256, first.StoredBytes, first.Store.Name));
        var second = await MakeAsync(scene, "two", incremental: true);
        Assert.Equal(("incremental", first.Id), (second.Kind, second.Parent!.Id));
        Assert.Empty(second.Conditions);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots")).Items);
        Assert.Equal(0, (await scene.VolumeAsync("data")).Snapshots);
        var volume = await scene.ToldAsync(first.Volume.Id);
        Assert.Single(volume.Snapshots!, snapshot => snapshot.Desired == VolumeDesire.Present);
        Assert.Equal(["backup.create", "backup.made"], await scene.ActionsAsync(second.Id));
        Assert.DoesNotContain((await scene.Tenant.GetAsync<Page<Event>>("/events")).Items, one => one.Action.StartsWith("snapshot.", StringComparison.Ordinal));
        // With the volume the last goes, too, and the backups stay.
        await scene.DetachAsync("data");
        await scene.DeleteAsync("/volumes/data");
        await scene.LookAsync();
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/volumes/data")).Code);
        Assert.Equal(2, (await scene.Tenant.GetAsync<Page<Backup>>("/backups?volume=data")).Items.Count);
    }

    [Fact]
    public async Task One_at_a_time_and_one_that_is_cancelled_leaves_nothing()
    {
        await using var scene = await StartAsync();
        var asked = await AskAsync(scene, "one");
        Assert.Equal("backup-under-way", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/backups", new { name = "two" }));
        await scene.Host.ObeyWithVolumesAsync();
        var told = await ToldAsync(scene, asked.Id);
        await scene.Host.ReportBackupsAsync(new ObservedBackup(told.Id, told.Incarnation, null, false, null, 0, null, [new Condition("Backup", "backup-store-full", "The backup store is full.", DateTimeOffset.UtcNow, null)], new VolumeWork("backup", 5, 10, DateTimeOffset.UtcNow)));
        var waits = await FindAsync(scene, "one");
        Assert.Equal(("creating", "backup-store-full", 5L), (waits.State, Assert.Single(waits.Conditions).Reason, waits.Work!.DoneBytes));
        Assert.Equal("deleting", (await scene.Tenant.PostAsync<Backup>("/backups/one/cancel", new { })).State);
        var gone = await ToldAsync(scene, asked.Id);
        Assert.Equal((VolumeDesire.Deleted, null), (gone.Desired, gone.Make));
        // What it says of before is of no account.
        await scene.Host.ReportBackupsAsync(Made(told, Sum, null));
        Assert.Equal("deleting", (await FindAsync(scene, asked.Id)).State);
        await scene.Host.ReportBackupsAsync(new ObservedBackup(gone.Id, gone.Incarnation, null, true, null, 0, null, [], null));
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/backups/" + asked.Id)).Code);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Null((await scene.ToldAsync(asked.Volume.Id)).Snapshots);
        Assert.Equal("backup-not-creating", await CancelledAsync(scene));

        static async Task<string> CancelledAsync(Scene scene)
        {
            await MakeAsync(scene, "three");
            return await scene.CodeAsync(HttpMethod.Post, "/backups/three/cancel");
        }
    }

    [Fact]
    public async Task One_that_its_silent_host_may_be_making_is_nobody_elses_to_remove()
    {
        await using var scene = await StartAsync();
        var asked = await AskAsync(scene, "one");
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'unreachable'", default);
        await scene.Tenant.PostAsync<Backup>("/backups/one/cancel", new { });
        await scene.LookAsync();
        Assert.False(await OfferedAsync());
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'up'", default);
        await scene.LookAsync();
        Assert.True(await OfferedAsync());

        async Task<bool> OfferedAsync() => (await scene.Cloud.Services.GetRequiredService<Database>().QueryAsync("SELECT offered FROM backups WHERE id = $1", row => row.GetBoolean(0), default, asked.Id)).Single();
    }

    [Fact]
    public async Task One_that_others_build_on_becomes_part_of_the_next()
    {
        await using var scene = await StartAsync();
        var (one, two) = (await MakeAsync(scene, "one"), await MakeAsync(scene, "two", incremental: true));
        await scene.DeleteAsync("/backups/one");
        var told = await ToldAsync(scene, one.Id);
        Assert.Equal(new BackupMerge(two.Id, Sum, Sum, null), told.Into);
        Assert.Equal("backup-chain-busy", await scene.CodeAsync(HttpMethod.Post, "/backups/two/restore", new { name = "back", pool = "local" }));
        // Gone without having become part of the next is not believed.
        await scene.Host.ReportBackupsAsync(new ObservedBackup(one.Id, told.Incarnation, null, true, null, 0, null, [], null));
        Assert.Equal("deleting", (await FindAsync(scene, one.Id)).State);
        await scene.Host.ReportBackupsAsync(new ObservedBackup(one.Id, told.Incarnation, null, true, new MergedBackup(two.Id, Other, 8192), 0, null, [], null));
        var left = await FindAsync(scene, "two");
        Assert.Equal(("full", null, Other, 8192L), (left.Kind, left.Parent, left.Sha256, left.StoredBytes));
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/backups/" + one.Id)).Code);
    }

    [Fact]
    public async Task One_that_is_becoming_more_is_not_removed_before_it_is()
    {
        await using var scene = await StartAsync();
        var (one, two, three) = (await MakeAsync(scene, "one"), await MakeAsync(scene, "two", incremental: true), await MakeAsync(scene, "three", incremental: true));
        await scene.DeleteAsync("/backups/one");
        var told = await ToldAsync(scene, one.Id);
        await scene.DeleteAsync("/backups/two");
        // Without it the third could not be read any more.
        Assert.Equal(new BackupMerge(two.Id, Sum, Sum, null), (await ToldAsync(scene, one.Id)).Into);
        Assert.DoesNotContain((await scene.Host.DesiredAsync())!.Backups!, backup => backup.Id == two.Id);
        await scene.Host.ReportBackupsAsync(new ObservedBackup(one.Id, told.Incarnation, null, true, null, 0, null, [], null));
        Assert.Equal("deleting", (await FindAsync(scene, one.Id)).State);
        await scene.Host.ReportBackupsAsync(new ObservedBackup(one.Id, told.Incarnation, null, true, new MergedBackup(two.Id, Other, 8192), 0, null, [], null));
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/backups/" + one.Id)).Code);
        Assert.Equal(new BackupMerge(three.Id, Sum, Other, null), (await ToldAsync(scene, two.Id)).Into);
    }

    [Fact]
    public async Task A_volume_is_restored_where_the_backup_is_reached_and_its_chain_stays_meanwhile()
    {
        await using var scene = await StartAsync();
        var (one, two) = (await MakeAsync(scene, "one"), await MakeAsync(scene, "two", incremental: true));
        Assert.Equal("sizeGib smaller-than-backup", await scene.BrokenAsync("/backups/two/restore", new { name = "back", pool = "local", sizeGib = 1 }));
        var volume = await scene.Tenant.PostAsync<Volume>("/backups/two/restore", new { name = "back", pool = "local", sizeGib = 3 });
        Assert.Equal(("creating", "two", 3), (volume.State, volume.Backup!.Name, volume.SizeGib));
        var told = await scene.ToldAsync(volume.Id);
        Assert.Equal([new BackupFile(two.Id, Sum, one.Id), new BackupFile(one.Id, Sum, null)], told.Backup!.Chain);
        Assert.Equal("in-use", await scene.CodeAsync(HttpMethod.Delete, "/backups/two"));
        Assert.Equal("volume-filling", await scene.CodeAsync(HttpMethod.Post, "/volumes/back/attach", new { instance = "web-1" }));
        // What is below is removed when nobody reads it any more.
        await scene.DeleteAsync("/backups/one");
        Assert.DoesNotContain((await scene.Host.DesiredAsync())!.Backups ?? [], backup => backup.Id == one.Id);
        await scene.Host.ObeyWithVolumesAsync();
        await scene.LookAsync();
        Assert.Equal(VolumeDesire.Deleted, (await ToldAsync(scene, one.Id)).Desired);
        Assert.Equal("available", (await scene.VolumeAsync("back")).State);
        Assert.Null((await scene.ToldAsync(volume.Id)).Backup);
    }

    [Fact]
    public async Task What_a_verification_finds_is_told_and_nothing_builds_on_what_is_damaged()
    {
        await using var scene = await StartAsync();
        var backup = await MakeAsync(scene, "one");
        await scene.Tenant.PostAsync<Backup>("/backups/one/verify", new { });
        var told = await ToldAsync(scene, backup.Id);
        Assert.Equal((1L, new BackupFile(backup.Id, Sum, null)), (told.Verify, Assert.Single(told.Chain!)));
        await scene.Host.ReportBackupsAsync(new ObservedBackup(told.Id, told.Incarnation, null, false, null, 1, "The file is not as it was written.", [], null));
        var damaged = await FindAsync(scene, "one");
        Assert.Equal(("available", "backup-damaged"), (damaged.State, Assert.Single(damaged.Conditions).Reason));
        Assert.NotNull(damaged.VerifiedAt);
        Assert.Null((await scene.Host.DesiredAsync())!.Backups);
        Assert.Equal("full", (await AskAsync(scene, "two", incremental: true)).Kind);
        Assert.Equal("backup-not-available", await scene.CodeAsync(HttpMethod.Post, "/backups/two/verify"));
    }

    [Fact]
    public async Task Nobody_answers_for_another_host_and_other_accounts_see_nothing()
    {
        await using var scene = await StartAsync();
        using var hostile = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        var asked = await AskAsync(scene, "one");
        await scene.Host.ObeyWithVolumesAsync();
        var told = await ToldAsync(scene, asked.Id);
        await hostile.ReportBackupsAsync(Made(told, Sum, null));
        await scene.Host.ReportBackupsAsync(Made(told, Sum, null) with { Incarnation = 7 });
        await scene.Host.ReportBackupsAsync(Made(told, "x", null));
        await scene.Host.ReportBackupsAsync(Made(told, Sum, "bk-00000000000000001"));
        Assert.Equal("creating", (await FindAsync(scene, "one")).State);
        // A place of one host is not another's.
        await hostile.ReportBackupPlacesAsync([], Place);
        Assert.Equal("host-1", Assert.Single(Assert.Single((await scene.Admin.GetAsync<BackupStore>("/backup-stores/backups")).Places!).Hosts).Name);
        Assert.Null((await scene.Tenant.GetAsync<BackupStore>("/backup-stores/backups")).Places);
        Assert.Equal("not-found", (await scene.Admin.FailAsync(404, HttpMethod.Get, "/backups/" + asked.Id)).Code);
    }
}

internal static class BackupLooks
{
    /// <summary>What the servers do now and then.</summary>
    public static Task LookAsync(this Scene scene) => scene.Cloud.Services.GetRequiredService<BackupLoop>().LookAsync(default);
}
