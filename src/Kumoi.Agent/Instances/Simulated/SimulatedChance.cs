namespace Kumoi.Agent.Instances.Simulated;

/// <summary>Chance for all simulated hosts of a process, from one seed.</summary>
public sealed class SimulatedChance(int seed)
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);

    /// <summary>0 to 1, 1 excluded.</summary>
    public double Next()
    {
        lock (_gate) return _random.NextDouble();
    }

    public int Below(int limit) => (int)(Next() * limit);

    public bool Happens(double share) => share > 0 && Next() < share;

    public TimeSpan In(TimeRange range) => range.Min == range.Max ? range.Min : range.At(Next());

    /// <summary>How often something happens in a while that happens <paramref name="expected"/> times on average: the whole part, and one more by chance.</summary>
    public int Times(double expected) => (int)expected + (Happens(expected - (int)expected) ? 1 : 0);

    /// <summary>0 to 1, always the same for a name: what one host or guest is like, whenever it is asked.</summary>
    public double Of(string name)
    {
        // FNV-1a; string.GetHashCode differs from run to run. The last mixing spreads names that differ in one digit.
        var hash = 14695981039346656037UL ^ (uint)seed;
        foreach (var letter in name) hash = (hash ^ letter) * 1099511628211UL;
        hash = (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15UL;
        return (hash >> 11) * (1.0 / (1UL << 53));
    }
}
