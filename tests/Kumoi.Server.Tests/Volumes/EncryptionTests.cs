using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: each encrypted volume has a key of its own that only the volume's host is told, that is stored in clear nowhere, and that is gone with the volume.</summary>
public sealed class EncryptionTests
{
    private static async Task<Scene> StartAsync()
    {
        var scene = await SnapshotScene.StartAsync();
        Assert.True((await scene.Admin.PostAsync<VolumeType>("/volume-types", new { name = "secret", iops = 100, encrypted = true })).Encrypted);
        Assert.False((await scene.Admin.PostAsync<VolumeType>("/volume-types", new { name = "clear" })).Encrypted);
        return scene;
    }

    private static Task<byte[]?> StoredAsync(Scene scene, string id) => scene.Cloud.Services.GetRequiredService<Database>().FindAsync(
        "SELECT sealed_key FROM volumes WHERE id = $1 AND sealed_key IS NOT NULL", row => row.GetFieldValue<byte[]>(0), default, id);

    [Fact]
    public async Task A_volume_of_a_type_that_encrypts_has_a_key_that_its_host_alone_is_told()
    {
        await using var scene = await StartAsync();
        var one = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "one", sizeGib = 1, pool = "shared", type = "secret" });
        var two = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "two", sizeGib = 1, pool = "shared", type = "secret" });
        var clear = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "three", sizeGib = 1, pool = "shared", type = "clear" });
        Assert.Equal((true, true, false), (one.Encrypted, two.Encrypted, clear.Encrypted));
        var keys = new[] { (await scene.ToldAsync(one.Id)).Encryption!.Key!, (await scene.ToldAsync(two.Id)).Encryption!.Key! };
        Assert.Null((await scene.ToldAsync(clear.Id)).Encryption);
        Assert.Equal(2, keys.Distinct().Count());
        Assert.All(keys, key => Assert.Equal(32, Convert.FromBase64String(key).Length));
        var stored = (await StoredAsync(scene, one.Id))!;
        Assert.Equal(-1, stored.AsSpan().IndexOf(Convert.FromBase64String(keys[0])));
        // In another row it is no key: the host is told that it is encrypted, and cannot do anything with it.
        await scene.ExecuteAsync("UPDATE volumes SET sealed_key = $2, generation = generation + 1 WHERE id = $1", two.Id, stored);
        await scene.ExecuteAsync("UPDATE hosts SET revision = revision + 1");
        Assert.Equal(new VolumeEncryption(null), (await scene.ToldAsync(two.Id)).Encryption);

        Assert.Equal("type type-does-not-encrypt", await UpdateAsync(scene, "three", "secret"));
        Assert.Equal("type type-encrypts", await UpdateAsync(scene, "one", "clear"));
        Assert.True((await scene.Tenant.PutAsync<Volume>("/volumes/one", new { type = "none" })).Encrypted);
        Assert.Equal(keys[0], (await scene.ToldAsync(one.Id)).Encryption!.Key);

        await scene.Host.ObeyWithVolumesAsync();
        await scene.DeleteAsync("/volumes/one");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Null(await StoredAsync(scene, one.Id));
        Assert.NotNull(await StoredAsync(scene, two.Id));
    }

    private static async Task<string> UpdateAsync(Scene scene, string volume, string type) =>
        string.Join(", ", (await scene.Tenant.FailAsync(400, HttpMethod.Put, "/volumes/" + volume, new { type })).Errors!.Select(e => $"{e.Field} {e.Rule}"));

    [Fact]
    public async Task What_begins_with_an_encrypted_snapshot_is_encrypted_with_another_key()
    {
        await using var scene = await StartAsync();
        var volume = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1, pool = "shared", type = "secret" });
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "clear", sizeGib = 1, pool = "shared" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.TakeAsync("data", "s");
        await scene.TakeAsync("clear", "c");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("type type-encrypts", await scene.BrokenAsync("/volumes", new { name = "copy", snapshot = "s", type = "clear" }));
        var copy = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "copy", snapshot = "s" });
        Assert.Equal((true, null), (copy.Encrypted, copy.Type));
        Assert.NotEqual((await scene.ToldAsync(volume.Id)).Encryption!.Key, (await scene.ToldAsync(copy.Id)).Encryption!.Key);
        // So one that was in clear becomes encrypted.
        Assert.True((await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "sealed", snapshot = "c", type = "secret" })).Encrypted);
        // An image would have it in clear.
        Assert.Equal("image-of-encrypted", await scene.CodeAsync(HttpMethod.Post, "/images", new { name = "gold", fromSnapshot = "s" }));
        Assert.Equal("image-of-encrypted", await scene.CodeAsync(HttpMethod.Post, "/images", new { name = "gold", fromVolume = "data" }));
        // Deleted, it keeps its key for its snapshots.
        await scene.DeleteAsync("/volumes/data");
        await scene.Host.ObeyWithVolumesAsync();
        Assert.NotNull((await scene.ToldAsync(volume.Id)).Encryption!.Key);
    }

    [Fact]
    public async Task A_stray_that_is_encrypted_is_taken_back_with_its_key_and_not_without()
    {
        await using var scene = await StartAsync();
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 5, pool = "local", type = "secret" });
        await scene.Tenant.PostAsync<Volume>("/volumes/data/attach", new { instance = "web-1" });
        await scene.Host.ObeyWithVolumesAsync();
        var volume = await scene.VolumeAsync("data");
        var key = (await scene.ToldAsync(volume.Id)).Encryption!.Key;
        await scene.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now(), fenced_by = 'operator'");
        await (await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using var back = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-1"));
        var other = "vol-19a3f2b4c5d6e0001";
        StrayVolume Found(string id) => new(id, SnapshotScene.Own.Id, 5, 1, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), null, true);
        await back.ReportStoresAsync([SnapshotScene.Own], Found(volume.Id), Found(other));
        Assert.Equal("stray-key-gone", (await scene.Admin.FailAsync(409, HttpMethod.Post, $"/hosts/host-1/strays/{other}/adopt", new { })).Code);
        Assert.True((await scene.Tenant.PostAsync<Volume>("/recoverable-volumes/data/recover", new { })).Encrypted);
        Assert.Equal(key, (await back.DesiredAsync())!.Volumes!.Single(one => one.Id == volume.Id).Encryption!.Key);
    }
}
