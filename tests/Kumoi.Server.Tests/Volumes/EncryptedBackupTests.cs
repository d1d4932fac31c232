using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: backups of an encrypted volume are in its key, which hosts are told for all that they do with them, as long as there are any; what is restored has a key of its own.</summary>
public sealed class EncryptedBackupTests
{
    private static readonly string Sum = new('a', 64), Other = new('b', 64);

    private static async Task<Scene> StartAsync()
    {
        var scene = await SnapshotScene.StartAsync();
        await scene.Admin.PostAsync<VolumeType>("/volume-types", new { name = "secret", encrypted = true });
        await scene.Host.ReportBackupPlacesAsync([SnapshotScene.Own, SnapshotScene.Shared], new ObservedBackupPlace("st-000000000000000b0", "backups", false, 100, 1));
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1, pool = "shared", type = "secret" });
        await scene.Host.ObeyWithVolumesAsync();
        return scene;
    }

    private static async Task<DesiredBackup> ToldAsync(Scene scene, string id) => (await scene.Host.DesiredAsync())!.Backups!.Single(backup => backup.Id == id);

    /// <summary>The backup, and the key that its host was told to make it with.</summary>
    private static async Task<(Backup Backup, string? Key)> MakeAsync(Scene scene, string name, string volume = "data", bool incremental = false)
    {
        var asked = await scene.Tenant.PostAsync<Backup>($"/volumes/{volume}/backups", new { name, incremental });
        await scene.Host.ObeyWithVolumesAsync();
        var told = await ToldAsync(scene, asked.Id);
        await scene.Host.ReportBackupsAsync(new ObservedBackup(told.Id, told.Incarnation, new MadeBackup(told.Make!.ParentId, null, Sum, 4096, 4096, DateTimeOffset.UtcNow, SnapshotConsistency.FileSystem), false, null, 0, null, [], null));
        await scene.Host.ObeyWithVolumesAsync();
        return (await scene.Tenant.GetAsync<Backup>("/backups/" + name), told.Encryption?.Key);
    }

    [Fact]
    public async Task The_key_is_told_for_all_that_is_done_with_them_also_when_the_volume_is_gone()
    {
        await using var scene = await StartAsync();
        var volume = await scene.VolumeAsync("data");
        var key = (await scene.ToldAsync(volume.Id)).Encryption!.Key!;
        var (one, madeWith) = await MakeAsync(scene, "one");
        var (two, addedWith) = await MakeAsync(scene, "two", incremental: true);
        Assert.Equal((key, key, "incremental", true, true), (madeWith, addedWith, two.Kind, one.Encrypted, two.Encrypted));
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "plain", sizeGib = 1, pool = "shared" });
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal((false, null), await MakeAsync(scene, "plain", "plain") is var plain ? (plain.Backup.Encrypted, plain.Key) : default);

        await scene.DeleteAsync("/volumes/data");
        await scene.LookAsync();
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Tenant.FailAsync(404, HttpMethod.Get, "/volumes/" + volume.Id);
        await scene.ExecuteAsync("DELETE FROM volumes WHERE id = $1 AND sealed_key IS NULL", volume.Id);

        await scene.Tenant.PostAsync<Backup>("/backups/two/verify", new { });
        var verified = await ToldAsync(scene, two.Id);
        Assert.Equal((key, 2), (verified.Encryption!.Key, verified.Chain!.Count));
        await scene.Host.ReportBackupsAsync(new ObservedBackup(two.Id, verified.Incarnation, null, false, null, 1, null, [], null));

        var back = await scene.Tenant.PostAsync<Volume>("/backups/two/restore", new { name = "back", pool = "shared" });
        Assert.True(back.Encrypted);
        var restored = await scene.ToldAsync(back.Id);
        Assert.Equal(key, restored.Backup!.Encryption!.Key);
        Assert.Equal(32, Convert.FromBase64String(restored.Encryption!.Key!).Length);
        Assert.NotEqual(key, restored.Encryption.Key);
        await scene.Host.ObeyWithVolumesAsync();

        await scene.DeleteAsync("/backups/one");
        await scene.LookAsync();
        var merged = await ToldAsync(scene, one.Id);
        Assert.Equal((key, two.Id), (merged.Encryption!.Key, merged.Into!.ChildId));
        await scene.Host.ReportBackupsAsync(new ObservedBackup(one.Id, merged.Incarnation, null, true, new MergedBackup(two.Id, Other, 8192), 0, null, [], null));
        Assert.Equal(("full", true), await scene.Tenant.GetAsync<Backup>("/backups/two") is var left ? (left.Kind, left.Encrypted) : default);
        await scene.Tenant.PostAsync<Volume>("/backups/two/restore", new { name = "again", pool = "shared" });
        Assert.Equal(key, (await scene.ToldAsync((await scene.VolumeAsync("again")).Id)).Backup!.Encryption!.Key);
    }

    [Fact]
    public async Task Without_the_master_key_that_it_was_kept_under_nothing_is_done_in_clear()
    {
        await using var scene = await StartAsync();
        var (one, _) = await MakeAsync(scene, "one");
        await scene.ExecuteAsync("UPDATE backups SET sealed_key = decode(repeat('00', 64), 'hex') WHERE id = $1", one.Id);
        await scene.Tenant.PostAsync<Backup>("/backups/one/verify", new { });
        Assert.Equal(new VolumeEncryption(null), (await ToldAsync(scene, one.Id)).Encryption);
        var back = await scene.Tenant.PostAsync<Volume>("/backups/one/restore", new { name = "back", pool = "shared" });
        Assert.Equal(new VolumeEncryption(null), (await scene.ToldAsync(back.Id)).Backup!.Encryption);
    }
}
