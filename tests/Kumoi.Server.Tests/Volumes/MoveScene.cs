using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>What the tests of moves begin with: two hosts with stores of two pools each, and a shared one; an instance on the first, and a volume there.</summary>
internal static class MoveScene
{
    public static readonly ObservedStore FirstLocal = new("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 1), FirstFast = new("st-00000000000000002", "fast", StoreDrivers.Directory, false, false, 50, 1),
        SecondLocal = new("st-00000000000000003", "local", StoreDrivers.Directory, false, true, 100, 1), SecondFast = new("st-00000000000000004", "fast", StoreDrivers.Directory, false, false, 50, 1),
        Shared = new("st-0000000000000000a", "shared", StoreDrivers.Directory, true, false, 50, 1);

    public static HostFacts Facts(string name, params string[] protocols) => FakeHost.Facts(name) with { VolumeProtocols = protocols.Length > 0 ? protocols : [VolumeProtocols.Nbd, VolumeProtocols.Move] };

    public static async Task<(Scene Scene, FakeHost Other)> StartAsync()
    {
        var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(Facts("host-1"));
        await scene.Host.ReportStoresAsync(FirstLocal, FirstFast, Shared);
        var other = await FakeHost.JoinAsync(scene.Cloud, Facts("host-2"));
        await other.ReportStoresAsync(SecondLocal, SecondFast, Shared);
        // Accounts do not choose hosts: what is launched while one is in maintenance is on the other.
        foreach (var (name, away) in new[] { ("web-1", "host-2"), ("web-2", "host-1") })
        {
            await scene.Admin.PutAsync<Host>("/hosts/" + away, new { schedulable = false });
            await scene.LaunchAsync(name);
            await scene.Admin.PutAsync<Host>("/hosts/" + away, new { schedulable = true });
        }
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 5, pool = "local" });
        await scene.Tenant.PostAsync<Volume>("/volumes/data/attach", new { instance = "web-1" });
        await ObeyAsync(scene, other);
        return (scene, other);
    }

    /// <summary>Both hosts do what they are asked for, until nothing is left of it.</summary>
    public static async Task ObeyAsync(Scene scene, FakeHost other)
    {
        for (var round = 0; round < 4; round++)
        {
            await scene.Host.ObeyWithVolumesAsync();
            await other.ObeyWithVolumesAsync();
        }
    }

    public static async Task FreeAsync(this Scene scene, FakeHost other)
    {
        await scene.Tenant.PostAsync<Volume>("/volumes/data/detach", new { });
        await ObeyAsync(scene, other);
    }

    public static async Task StopAsync(this Scene scene, string instance, FakeHost other)
    {
        await scene.Tenant.PostAsync<Instance>($"/instances/{instance}/stop", new { });
        await ObeyAsync(scene, other);
    }

    public static Task<Volume> MoveAsync(this Scene scene, object to) => scene.Tenant.PostAsync<Volume>("/volumes/data/move", to);

    public static Task<long> RoomAsync(this Scene scene, string pool, string store) => RoomAsync(scene.Admin, pool, store);

    private static async Task<long> RoomAsync(TestClient admin, string pool, string store) => (await admin.GetAsync<Pool>("/pools/" + pool)).Stores!.Single(one => one.Id == store).AllocatedGib;
}
