using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Platform;

/// <summary>Goal: servers tell each other of changes, and do not only find them by looking. Method: a ring for a host that no record knows, which looking can never find.</summary>
public sealed class ServerBusTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_ring_at_one_server_wakes_those_who_wait_at_another()
    {
        await using var first = await TestCloud.StartAsync();
        await using var second = await TestCloud.StartAsync(options => first.Options with { Listen = options.Listen, AgentListen = options.AgentListen, AgentUrl = options.AgentUrl });
        // The second has said that it lives when it was started, and the first need not wait to hear of it.
        var registry = first.Services.GetRequiredService<ServerRegistry>();
        await Wait.UntilAsync(async () =>
        {
            await registry.LookAsync(default);
            return registry.Count == 2;
        }, what: "the first server knows the second");
        var (here, there) = (first.Services.GetRequiredService<HostBell>(), second.Services.GetRequiredService<HostBell>());
        const string host = "h-00000000000000000";
        // A server that begins to listen wakes everybody once; so the second time it was the other server.
        for (var time = 0; time < 2; time++)
        {
            var woken = there.Next(host, after: 0);
            // What is told before the other listens is lost.
            await Wait.UntilAsync(() =>
            {
                here.Ring(host);
                return Task.FromResult(woken.IsCompleted);
            }, (int)Limit.TotalSeconds, "the other server's waiter is woken");
        }
    }
}
