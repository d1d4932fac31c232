using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kumoi.Server.Tests.Subscriptions;

/// <summary>A cloud whose webhooks may go to this machine, a tenant, and a sink.</summary>
public sealed class DeliveryScene : IAsyncDisposable
{
    private DeliveryScene(TestCloud cloud, TestClient tenant, WebhookSink sink) => (Cloud, Tenant, Sink) = (cloud, tenant, sink);

    public TestCloud Cloud { get; }

    public TestClient Tenant { get; }

    public WebhookSink Sink { get; }

    public static ServerOptions Open(ServerOptions options) => options with { WebhookAllow = ["127.0.0.0/8"], WebhookHttp = true };

    public static async Task<DeliveryScene> StartAsync()
    {
        var cloud = await TestCloud.StartAsync(Open);
        return new DeliveryScene(cloud, await cloud.TenantAsync("acme"), await WebhookSink.StartAsync());
    }

    public Task<SubscriptionSecret> SubscribeAsync(string name = "hook", params string[] actions) =>
        Tenant.PostAsync<SubscriptionSecret>("/subscriptions", new { name, kind = "webhook", url = Sink.Url, actions });

    public async Task MakeAsync(params IEnumerable<string> networks)
    {
        foreach (var name in networks) await Tenant.PostAsync<Network>("/networks", new { name });
    }

    /// <summary>Names of the networks that the sink was told of, in the order in which they came.</summary>
    public List<string> Told() => [.. Sink.Events.Where(e => e.Action == "network.create").Select(e => e.Resource.Name)];

    public Task ToldAsync(params string[] networks) => Wait.UntilAsync(() => Task.FromResult(networks.All(Told().Contains)), what: "the sink was told of " + string.Join(' ', networks));

    public Task<Subscription> ShowAsync(string name = "hook") => Tenant.GetAsync<Subscription>("/subscriptions/" + name);

    public Task StateAsync(string state, string name = "hook") => Wait.UntilAsync(async () => (await ShowAsync(name)).State == state, what: $"{name} is {state}");

    /// <summary>What only time would do.</summary>
    public Task ExecuteAsync(string sql) => Cloud.Services.GetRequiredService<Database>().ExecuteAsync(sql, default);

    public async ValueTask DisposeAsync()
    {
        await Cloud.DisposeAsync();
        await Sink.DisposeAsync();
    }
}
