using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>
/// Goal: whoever locks several rows locks them in one order. Method: the row that comes first is held, the request waits for it, and what comes later must then be free.
/// </summary>
public sealed class LockOrderTests
{
    /// <summary>Holds a row while the request is made; whether the other row is free while that waits.</summary>
    private static async Task<bool> IsFreeMeanwhileAsync(Scene scene, string held, string other, Func<Task> request)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var holder = new NpgsqlConnection(scene.Cloud.Options.ConnectionString);
        await holder.OpenAsync(cancel);
        Task asked;
        bool free;
        await using (var transaction = await holder.BeginTransactionAsync(cancel))
        {
            await using (var hold = new NpgsqlCommand(held + " FOR NO KEY UPDATE", holder, transaction)) Assert.NotNull(await hold.ExecuteScalarAsync(cancel));
            asked = request();
            var database = scene.Cloud.Services.GetRequiredService<Database>();
            while (await database.FindAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", row => row.GetInt64(0), cancel) == 0) Assert.False(asked.IsCompleted, "The request did not wait.");
            await using var probe = new NpgsqlCommand(other + " FOR NO KEY UPDATE SKIP LOCKED", holder, transaction);
            free = await probe.ExecuteScalarAsync(cancel) is not null;
        }
        await asked;
        return free;
    }

    [Fact]
    public async Task Hosts_come_before_stores()
    {
        await using var scene = await SnapshotScene.StartAsync();
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 1, pool = "shared" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.TakeAsync("data", "s");
        await scene.Host.ObeyWithVolumesAsync();
        string host = "SELECT 1 FROM hosts WHERE name = 'host-1'", store = $"SELECT 1 FROM stores WHERE id = '{SnapshotScene.Shared.Id}'";
        Assert.True(await IsFreeMeanwhileAsync(scene, host, store, () => scene.Tenant.PostAsync<Volume>("/volumes", new { name = "more", sizeGib = 1, pool = "shared" })));
        Assert.True(await IsFreeMeanwhileAsync(scene, host, store, () => scene.Tenant.PostAsync<Volume>("/volumes", new { name = "copy", snapshot = "s" })));
        Assert.True(await IsFreeMeanwhileAsync(scene, host, store, () => scene.Tenant.PostAsync<Image>("/images", new { name = "gold", fromSnapshot = "s" })));
    }

    [Fact]
    public async Task An_image_s_volume_comes_after_the_one_that_it_is_of()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        await scene.Tenant.PostAsync<Image>("/images", new { name = "gold", fromVolume = "data" });
        await scene.Host.ObeyWithVolumesAsync();
        Assert.True(await IsFreeMeanwhileAsync(scene, "SELECT 1 FROM volumes WHERE name = 'data'", "SELECT 1 FROM volumes WHERE image_upload_id IS NOT NULL", () => scene.DeleteAsync("/images/gold")));
    }
}
