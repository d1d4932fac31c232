namespace Kumoi.Agent.Control;

/// <summary>
/// Waits drawn evenly between nothing and a limit that doubles with each failure ("full jitter", M. Brooker, "Exponential Backoff And Jitter",
/// 2015): ten thousand hosts that lost a server in the same moment come to the next one spread over the whole of it.
/// </summary>
/// <param name="random">Seeded by the caller, so that a run can be repeated.</param>
public sealed class FullJitter(Random random)
{
    /// <summary>The first limit, and the last. Too low: hosts crowd a server that has just come; too high: they stay away from one that is well.</summary>
    public static readonly TimeSpan First = TimeSpan.FromSeconds(0.2), Last = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();

    /// <summary>The wait after that many failures in a row (1 or more).</summary>
    /// <param name="most">A last limit lower than the usual one: a host must not be silent for its retries' sake longer than its server bears.</param>
    public TimeSpan After(int failures, TimeSpan? most = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failures, 1);
        // 2^10 times the first is beyond the last.
        var limit = Math.Min(First.TotalSeconds * (1 << Math.Min(failures - 1, 10)), most is { } lower && lower < Last ? lower.TotalSeconds : Last.TotalSeconds);
        lock (_gate) return TimeSpan.FromSeconds(limit * random.NextDouble());
    }
}
