using System.Net.WebSockets;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Control;

/// <summary>The way of a host that has joined: its identity, kept fresh, and the link made with it.</summary>
public sealed class HostLink : IServerLink
{
    private readonly Action<Identity> _keep;
    private readonly Random _random;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private Identity _identity;
    private ServerLink _link;

    private HostLink(Identity identity, Action<Identity> keep, Random random, TimeProvider clock, ILogger log)
    {
        (_identity, _keep, _random, _clock, _log) = (identity, keep, random, clock, log);
        _link = ServerLink.For(identity, clock);
    }

    /// <summary>Joins if need be, waiting for a server that is away. A <see cref="ServerRefusedException"/> tells that the token is not accepted.</summary>
    public static async Task<IServerLink> ConnectAsync(
        AgentOptions options, Func<HostFacts> facts, Random random, TimeProvider clock, ILogger log, CancellationToken cancel)
    {
        var joining = new Joining(options.Paths, new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(15), random), clock, log);
        return For(await joining.EnsureAsync(options.JoinToken, facts, cancel), renewed => renewed.Save(options.Paths), random, clock, log);
    }

    /// <summary>The way of a host whose identity is kept by others, who are handed each new one.</summary>
    public static HostLink For(Identity identity, Action<Identity> keep, Random random, TimeProvider clock, ILogger log) => new(identity, keep, random, clock, log);

    public Task<DesiredDocument?> DesiredAsync(long after, CancellationToken cancel) => _link.DesiredAsync(after, cancel);

    public Task<NetworkPeers> PeersAsync(string networkId, long revision, CancellationToken cancel) => _link.PeersAsync(networkId, revision, cancel);

    public Task<ReportAnswer> ReportAsync(ObservedReport report, CancellationToken cancel) => _link.ReportAsync(report, cancel);

    public Task<HttpResponseMessage> OpenImageAsync(string imageId, long offset, CancellationToken cancel) => _link.OpenImageAsync(imageId, offset, cancel);

    public Task<WebSocket> OpenConsoleAsync(DesiredConsole console, CancellationToken cancel) => _link.OpenConsoleAsync(console.Session, cancel);

    /// <summary>Renews the certificate in time.</summary>
    public async Task KeepAsync(CancellationToken stop)
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(30), TimeSpan.FromHours(1), _random);
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            var rest = _identity.RenewAt() - _clock.GetUtcNow();
            // Timers take no more than some weeks; looking once a day is often enough.
            if (rest > TimeSpan.Zero) await Task.Delay(rest < TimeSpan.FromDays(1) ? rest : TimeSpan.FromDays(1), _clock, stop);
            if (_identity.RenewAt() > _clock.GetUtcNow()) continue;
            try
            {
                var (key, request) = Identity.NewKey();
                var answer = await _link.RenewAsync(new RenewRequest(request), stop);
                _identity = _identity with { PrivateKey = key, Certificate = answer.Certificate };
                _keep(_identity);
                // The old link is left to calls under way, and to the collector after them.
                _link = ServerLink.For(_identity, _clock);
                _log.Renewed();
                failures = 0;
            }
            catch (IOException e)
            {
                _log.RenewFailed(e.Message);
                await Task.Delay(backoff.After(++failures), _clock, stop);
            }
        }
    }

    public void Dispose() => _link.Dispose();
}
