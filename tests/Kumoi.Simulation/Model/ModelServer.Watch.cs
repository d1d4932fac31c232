using Kumoi.Server.Hosts;

namespace Kumoi.Simulation.Model;

/// <summary>How a server notices that a host is silent.</summary>
internal sealed partial class ModelServer
{
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromSeconds(HostStates.HeartbeatSeconds(0) * HostStates.UnreachableBeats / 10.0);

    private async Task WatchAsync()
    {
        var (watchedSince, lookedAt) = (Clock.GetTimestamp(), Clock.GetTimestamp());
        for (; ; )
        {
            await Task.Delay(WatchPeriod, Clock);
            try
            {
                // This process was held: what it thinks of the time before is worth nothing.
                if (Clock.GetElapsedTime(lookedAt) > WatchPeriod * 3) watchedSince = Clock.GetTimestamp();
                await LookAtHostsAsync(Clock.GetElapsedTime(watchedSince));
            }
            catch (DatabaseGoneException)
            {
                watchedSince = Clock.GetTimestamp();
            }
            lookedAt = Clock.GetTimestamp();
        }
    }

    private async Task LookAtHostsAsync(TimeSpan watched)
    {
        await HopAsync();
        var silent = Read(() => Records.Hosts.Values.Where(IsSilent(HostStates.UnreachableBeats)).Select(host => (Host: host, host.State, Silence: Records.Now - host.HeardAt)).ToArray());
        foreach (var (host, state, silence) in silent)
        {
            var next = HostStates.Next(state, silence, watched, host.HeartbeatSeconds);
            if (next != state) await CommitAsync(() => Mark(host, state, next), _ => []);
        }
    }

    private Func<HostRow, bool> IsSilent(int beats) =>
        host => host.State != HostStates.Down && Records.Now - host.HeardAt > TimeSpan.FromSeconds(host.HeartbeatSeconds * beats);

    /// <summary>Guarded by what was read: a report in between keeps the host up.</summary>
    private int Mark(HostRow host, string state, string next)
    {
        if (host.State != state || !IsSilent(HostStates.BeatsMissed(next))(host)) return 0;
        (host.State, host.Fenced) = (next, next == HostStates.Down);
        _cloud.Trace.Note(Name, $"finds {host.Name} {next}");
        return 1;
    }
}
