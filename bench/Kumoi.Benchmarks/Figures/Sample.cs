namespace Kumoi.Benchmarks.Figures;

/// <summary>Repeated measurements of one thing.</summary>
public sealed class Sample
{
    private readonly double[] _sorted;

    public Sample(IEnumerable<double> values)
    {
        _sorted = [.. values.Order()];
        if (_sorted.Length < 2) throw new ArgumentException("One measurement is none.", nameof(values));
    }

    public int Count => _sorted.Length;

    public double Min => _sorted[0];

    public double Max => _sorted[^1];

    public double Median => Count % 2 == 1 ? _sorted[Count / 2] : (_sorted[Count / 2 - 1] + _sorted[Count / 2]) / 2;

    /// <summary>95 of 100 measurements are not above this. Of less than twenty it would be another word for the largest: null.</summary>
    public double? P95 => Count >= 20 ? Rank(0.95) : null;

    /// <summary>The same for 99 of 100; null for less than a hundred measurements.</summary>
    public double? P99 => Count >= 100 ? Rank(0.99) : null;

    // Nearest rank: a value that was measured, never one between two.
    private double Rank(double share) => _sorted[(int)Math.Ceiling(share * Count) - 1];
}
