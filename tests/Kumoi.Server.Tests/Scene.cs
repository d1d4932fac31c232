using Kumoi.Api;
using Kumoi.Testing;

namespace Kumoi.Server.Tests;

/// <summary>A cloud with a host, a public image and a tenant: what most tests begin with.</summary>
public sealed class Scene : IAsyncDisposable
{
    private Scene(TestCloud cloud, FakeHost host, TestClient admin, TestClient tenant, Image image) => (Cloud, Host, Admin, Tenant, Image) = (cloud, host, admin, tenant, image);

    public TestCloud Cloud { get; }

    public FakeHost Host { get; }

    public TestClient Admin { get; }

    public TestClient Tenant { get; }

    public Image Image { get; }

    private static readonly Lazy<byte[]> ImageBytes = new(Qcow2.Good);

    public static async Task<Scene> StartAsync(int memoryMib = 8192, Func<ServerOptions, ServerOptions>? configure = null)
    {
        var cloud = await TestCloud.StartAsync(configure);
        var admin = await cloud.LoginAsync();
        var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1", memoryMib: memoryMib));
        var image = await admin.PostAsync<Image>("/images", new { name = "tiny", visibility = "public" });
        image = await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(ImageBytes.Value));
        return new Scene(cloud, host, admin, await cloud.TenantAsync("acme"), image);
    }

    public Task<Instance> LaunchAsync(string name, string flavor = "small") => Tenant.PostAsync<Instance>("/instances", new { name, flavor, image = "tiny" });

    public async ValueTask DisposeAsync()
    {
        Host.Dispose();
        await Cloud.DisposeAsync();
    }
}
