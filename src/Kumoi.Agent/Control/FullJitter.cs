namespace Kumoi.Agent.Control;

/// <summary>
/// Waits drawn evenly between nothing and a limit that doubles with each failure ("full jitter", M. Brooker, "Exponential Backoff And Jitter",
/// 2015): ten thousand hosts that lost a server in the same moment come to the next one spread over the whole of it.
/// </summary>
/// <param name="random">Seeded by the caller, so that a run can be repeated.</param>
public sealed class FullJitter(Random random)
{
    /// <summary>The last limit. Too high: hosts stay away from a server that is well.</summary>
    public static readonly TimeSpan Last = TimeSpan.FromSeconds(15);

    // The first limit is a part of a heartbeat, and heartbeats are longer where there are many hosts: each then knocks less often, and a server that starts hears as
    // many knocks a second in a large cloud as in a small one.
    private const double FirstPart = 0.1;

    // A host must not be silent for its retries' sake longer than its server bears.
    private const double LastBeats = 1.5;

    private readonly Lock _gate = new();

    /// <summary>The wait after that many failures in a row (1 or more).</summary>
    public TimeSpan After(int failures, TimeSpan heartbeat)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failures, 1);
        // 2^10 times the first is beyond the last.
        var limit = Math.Min(heartbeat.TotalSeconds * FirstPart * (1 << Math.Min(failures - 1, 10)), Math.Min(heartbeat.TotalSeconds * LastBeats, Last.TotalSeconds));
        lock (_gate) return TimeSpan.FromSeconds(limit * random.NextDouble());
    }
}
