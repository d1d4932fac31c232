using Kumoi.Api;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Testing;

namespace Kumoi.Benchmarks.Measures;

/// <summary>
/// A host in a zone of its own that has room for everything and nothing to boot, so that the control plane alone is measured. It speaks the agent's protocol over TLS like any
/// other, and either only says that it lives or does at once what it is told.
/// </summary>
public sealed class BoundlessHost : IAsyncDisposable
{
    public const string Zone = "bench";

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(20);

    private readonly FakeHost _host;
    private CancellationTokenSource _stop = new();
    private Task _doing = Task.CompletedTask;

    private BoundlessHost(FakeHost host) => _host = host;

    public static async Task<BoundlessHost> JoinAsync(Tenant tenant)
    {
        using var admin = tenant.Admin();
        await admin.PostAsync<CreateZone, Zone>("zones", new CreateZone(Zone));
        var token = await admin.PostAsync<CreateJoinToken, JoinToken>("hosts/join-tokens", new CreateJoinToken(Zone, null, null));
        var host = await FakeHost.JoinAsync(tenant.Cloud.AgentUrl, token.Token, FakeHost.Facts("bench-boundless", vcpus: 10_000, memoryMib: 100_000_000, diskGib: 10_000_000));
        await host.ReportAsync();
        return new BoundlessHost(host);
    }

    /// <summary>Reports that it lives and does nothing: creates and deletes are acknowledged, and stay at that.</summary>
    public Task BeSilentAsync() => ChangeAsync(async stop =>
    {
        while (true)
        {
            await _host.ReportAsync();
            await Task.Delay(Heartbeat, stop);
        }
    });

    public Task ObeyAsync() => ChangeAsync(_host.ObeyAsync);

    private async Task ChangeAsync(Func<CancellationToken, Task> work)
    {
        await StopAsync();
        _stop = new CancellationTokenSource();
        _doing = Task.Run(() => work(_stop.Token));
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _doing;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }
        _stop.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _host.Dispose();
    }
}
