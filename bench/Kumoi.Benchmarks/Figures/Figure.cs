namespace Kumoi.Benchmarks.Figures;

/// <summary>One line of the table.</summary>
/// <param name="Name">What was measured, in words.</param>
/// <param name="Unit">Of the numbers: <c>ms</c>, <c>s</c>, <c>MB</c>, <c>/s</c>.</param>
/// <param name="Digits">Behind the point.</param>
/// <param name="Goal">What it should be; null if nothing is asked of it.</param>
public sealed record Figure(string Name, Sample Sample, string Unit, int Digits, Goal? Goal);

/// <summary>A bound that the worst told of a figure keeps: p99 where there is one, else p95, else the largest.</summary>
/// <param name="Limit">In the figure's unit; what is measured must be less.</param>
/// <param name="OfMedian">For the difference of two figures, whose tails are the noise of both: its median is judged.</param>
public sealed record Goal(double Limit, bool OfMedian = false)
{
    public (string Name, double Value) Judged(Sample sample) =>
        OfMedian ? ("median", sample.Median) : sample.P99 is { } p99 ? ("p99", p99) : sample.P95 is { } p95 ? ("p95", p95) : ("max", sample.Max);

    public bool IsMet(Sample sample) => Judged(sample).Value < Limit;
}

/// <summary>Figures that belong together, and how they came about.</summary>
public sealed record Section(string Title, IReadOnlyList<Figure> Figures);
