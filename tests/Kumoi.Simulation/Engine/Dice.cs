namespace Kumoi.Simulation.Engine;

/// <summary>
/// Every chance of a schedule, drawn from its seed: SplitMix64 (Steele, Lea and Flood, 2014), which is quick, and the same on every machine.
/// </summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 to <paramref name="count"/> - 1.</summary>
    public int Below(int count) => (int)Math.BigMul(Next(), (ulong)count, out _);

    public bool OneIn(int count) => Below(count) == 0;

    /// <summary>True so many times in a thousand.</summary>
    public bool PerMille(int rate) => rate > 0 && Below(1000) < rate;

    public T Of<T>(IReadOnlyList<T> choices) => choices[Below(choices.Count)];

    /// <summary>A time between the two, and more often a short one.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most)
    {
        var share = (Next() >> 11) * (1.0 / (1L << 53));
        return least + (most - least) * (share * share);
    }

    public Random Fork() => new((int)Next());
}
