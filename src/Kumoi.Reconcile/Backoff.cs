namespace Kumoi.Reconcile;

/// <summary>
/// Exponential backoff with jitter. The n-th wait is drawn evenly from the upper half of <c>First · 2^n</c>, limited by
/// <c>Most</c>: long enough to relieve what failed, and different for everyone who failed together.
/// </summary>
/// <param name="first">The wait after the first failure, before jitter.</param>
/// <param name="most">The longest wait, before jitter.</param>
/// <param name="random">The source of jitter; seeded by the caller, so that a run can be repeated.</param>
public sealed class Backoff(TimeSpan first, TimeSpan most, Random random)
{
    private readonly Lock _gate = new();

    /// <summary>The wait after <paramref name="failures"/> failures in a row (1 or more).</summary>
    public TimeSpan After(int failures)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failures, 1);
        // 2^30 times any sensible first wait is beyond any sensible limit; a greater exponent would overflow.
        var grown = first.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 30));
        var limited = Math.Min(grown, most.TotalMilliseconds);
        lock (_gate) return TimeSpan.FromMilliseconds(limited * (0.5 + random.NextDouble() / 2));
    }
}
