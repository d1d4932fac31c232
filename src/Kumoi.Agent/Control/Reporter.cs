using System.Collections.Concurrent;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Control;

/// <summary>Tells the server what is seen: changes as they happen, gathered for a moment; everything every 30 s, as the heartbeat.</summary>
public sealed class Reporter(
    AgentState state, InstanceController instances, NetworkController networks, Func<HostFacts> facts, Backoff backoff, TimeProvider clock, Action<Exception?> reached)
{
    /// <summary>Changes are gathered this long. Too low: a report for each step of a start; too high: people wait for what has happened.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan FullPeriod = TimeSpan.FromSeconds(30);

    /// <summary>How soon to try again for a full report while guests are still being looked at for the first time.</summary>
    private static readonly TimeSpan Incomplete = TimeSpan.FromSeconds(1);

    private readonly Doorbell _doorbell = new(clock);
    private readonly ConcurrentDictionary<string, byte> _changed = new();

    public void Ring(string instanceId)
    {
        _changed[instanceId] = 0;
        _doorbell.Ring();
    }

    public async Task RunAsync(IServerLink link, CancellationToken stop)
    {
        var failures = 0;
        var fullAt = clock.GetUtcNow();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var now = clock.GetUtcNow();
                if (now >= fullAt || !_changed.IsEmpty)
                {
                    if (await SendAsync(link, now >= fullAt, stop)) fullAt = now + FullPeriod;
                    if (failures > 0) reached(null);
                    failures = 0;
                }
                var rest = fullAt - clock.GetUtcNow();
                if (await _doorbell.WaitAsync(rest > Incomplete ? rest : Incomplete, stop)) await Task.Delay(Gather, clock, stop);
            }
            catch (IOException e)
            {
                reached(e);
                // Nothing is lost by a failed report: the next full one says all of it.
                fullAt = clock.GetUtcNow();
                await Task.Delay(backoff.After(++failures), clock, stop);
            }
        }
    }

    /// <summary>True if everything was told. Right after a start some guests have not been looked at, and a full report without
    /// them would say that they are gone.</summary>
    private async Task<bool> SendAsync(IServerLink link, bool wantFull, CancellationToken stop)
    {
        var document = state.Document;
        var seen = instances.Observed();
        var full = wantFull && document is not null && seen.Count == document.Instances.Count;
        var changed = _changed.Keys.ToArray();
        foreach (var id in changed) _changed.TryRemove(id, out _);
        var told = wantFull ? seen : [.. changed.Select(instances.Observed).OfType<ObservedInstance>()];
        var strays = document is null ? [] : instances.Strays().Concat(networks.Strays).ToArray();
        await link.ReportAsync(new ObservedReport(full, document?.Revision ?? 0, facts(), told, strays, networks.Conditions), stop);
        return full;
    }
}
