using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Recovery;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kumoi.Server.Tests.HostPools;

/// <summary>A cloud with host-1 in the pool default and a host of the pool gold, host-2, which is the account acme's; the account other has none.</summary>
internal sealed class PoolScene : IAsyncDisposable
{
    private readonly List<FakeHost> _hosts = [];

    private PoolScene(Scene scene, TestClient other) => (Scene, Other) = (scene, other);

    public Scene Scene { get; }

    public TestClient Other { get; }

    public TestClient Admin => Scene.Admin;

    public TestClient Acme => Scene.Tenant;

    public Database Database => Scene.Cloud.Services.GetRequiredService<Database>();

    /// <param name="storage">What all hosts keep disks on; null: each its own.</param>
    public static async Task<PoolScene> StartAsync(int memoryMib = 8192, string? storage = null)
    {
        var scene = await Scene.StartAsync(memoryMib);
        if (storage is not null) await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1", memoryMib: memoryMib) with { Storage = storage });
        var pools = new PoolScene(scene, await scene.Cloud.TenantAsync("other"));
        await pools.Admin.PostAsync<HostPool>("/host-pools", new { name = "gold", accounts = new[] { "acme" } });
        await pools.JoinAsync("host-2", "gold", memoryMib, storage);
        return pools;
    }

    public async Task<FakeHost> JoinAsync(string name, string pool, int memoryMib = 8192, string? storage = null)
    {
        var token = await Admin.PostAsync<JoinToken>("/hosts/join-tokens", new { hostPool = pool });
        var host = await FakeHost.JoinAsync(Scene.Cloud.AgentUrl, token.Token, FakeHost.Facts(name, memoryMib: memoryMib) with { Storage = storage });
        _hosts.Add(host);
        return host;
    }

    public static Task<Instance> LaunchAsync(TestClient client, string name, string? hostPool = null, object? requiredLabels = null, string? recovery = null, string? placementGroup = null, string flavor = "tiny") =>
        client.PostAsync<Instance>("/instances", new { name, flavor, image = "tiny", hostPool, requiredLabels, recovery, placementGroup });

    public static async Task<string[]> RefusedAsync(TestClient client, string? hostPool = null, object? requiredLabels = null, string? placementGroup = null, string flavor = "tiny")
    {
        var problem = await client.FailAsync(409, HttpMethod.Post, "/instances", new { name = "refused", flavor, image = "tiny", hostPool, requiredLabels, placementGroup });
        return [problem.Code, .. problem.Reasons!.Select(reason => $"{reason.Filter} {reason.Hosts}")];
    }

    /// <summary>Lets a host be silent so long that it is down, and what can move, move.</summary>
    public async Task LoseAsync(string host)
    {
        await Database.ExecuteAsync("UPDATE hosts SET heard_at = clock_timestamp() - interval '95 seconds' WHERE name = $1", default, host);
        await Scene.Cloud.Services.GetRequiredService<HostWatch>().LookAsync(TimeSpan.FromHours(1), default);
        await Scene.Cloud.Services.GetRequiredService<RecoveryController>().LookAsync(default);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts) host.Dispose();
        await Scene.DisposeAsync();
    }
}
