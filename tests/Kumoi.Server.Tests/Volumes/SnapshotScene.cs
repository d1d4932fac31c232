using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>What the tests of snapshots begin with: a host with a store of its own, and an instance with a volume that is there.</summary>
internal static class SnapshotScene
{
    public static readonly ObservedStore Own = new("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 1), Shared = new("st-0000000000000000a", "shared", StoreDrivers.Directory, true, false, 50, 1);

    public static async Task<Scene> StartAsync(params string[] volumes)
    {
        var scene = await Scene.StartAsync();
        await scene.Host.ReportStoresAsync(Own, Shared);
        await scene.LaunchAsync("web-1");
        foreach (var name in volumes)
        {
            await scene.Tenant.PostAsync<Volume>("/volumes", new { name, sizeGib = 2, pool = "local" });
            await scene.Tenant.PostAsync<Volume>($"/volumes/{name}/attach", new { instance = "web-1" });
        }
        await scene.Host.ObeyWithVolumesAsync();
        return scene;
    }

    public static Task<Snapshot> TakeAsync(this Scene scene, string volume, string name) => scene.Tenant.PostAsync<Snapshot>($"/volumes/{volume}/snapshots", new { name });

    public static Task<Volume> VolumeAsync(this Scene scene, string key) => scene.Tenant.GetAsync<Volume>("/volumes/" + key);

    public static Task<Snapshot> SnapshotAsync(this Scene scene, string key) => scene.Tenant.GetAsync<Snapshot>("/snapshots/" + key);

    public static async Task<string> CodeAsync(this Scene scene, HttpMethod method, string path, object? body = null) => (await scene.Tenant.FailAsync(409, method, path, body)).Code;

    public static async Task<string> BrokenAsync(this Scene scene, string path, object body) => string.Join(", ", (await scene.Tenant.FailAsync(400, HttpMethod.Post, path, body)).Errors!.Select(e => $"{e.Field} {e.Rule}").Order(StringComparer.Ordinal));

    public static async Task DetachAsync(this Scene scene, string volume)
    {
        await scene.Tenant.PostAsync<Volume>($"/volumes/{volume}/detach", new { });
        await scene.Host.ObeyWithVolumesAsync();
    }

    public static async Task DeleteAsync(this Scene scene, string path) => (await scene.Tenant.SendAsync(HttpMethod.Delete, path)).EnsureSuccessStatusCode().Dispose();

    /// <summary>The volume as the host is told of it.</summary>
    public static async Task<DesiredVolume> ToldAsync(this Scene scene, string id) => (await scene.Host.DesiredAsync())!.Volumes!.Single(volume => volume.Id == id);

    public static async Task<IEnumerable<string>> ActionsAsync(this Scene scene, string id) => (await scene.Tenant.GetAsync<Page<Event>>("/events?resource=" + id)).Items.Select(e => e.Action).Order();

    /// <summary>The instance starts from the volume, as if it had been launched so.</summary>
    public static Task RootAsync(this Scene scene, string volume) => scene.ExecuteAsync("UPDATE volumes SET slot = 0 WHERE name = $1", volume);

    public static async Task ExecuteAsync(this Scene scene, string sql, params object?[] values) => Assert.True(await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync(sql, default, values) > 0);
}
