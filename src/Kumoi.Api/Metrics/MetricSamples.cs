using System.Globalization;
using System.Text.RegularExpressions;

namespace Kumoi.Api.Metrics;

/// <summary>What a scrape said, read back from Prometheus' text format.</summary>
public sealed partial class MetricSamples
{
    private readonly List<(string Name, Dictionary<string, string> Labels, double Value)> _samples = [];

    public static MetricSamples Read(string text)
    {
        var read = new MetricSamples();
        foreach (var line in text.Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            var match = Sample().Match(line);
            if (!match.Success || !double.TryParse(match.Groups["value"].Value.Replace("+Inf", "Infinity", StringComparison.Ordinal), CultureInfo.InvariantCulture, out var value)) continue;
            read._samples.Add((match.Groups["name"].Value, Label().Matches(match.Groups["labels"].Value).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value), value));
        }
        return read;
    }

    /// <summary>Only the series whose label has such a value.</summary>
    public MetricSamples Where(string label, Func<string, bool> holds)
    {
        var some = new MetricSamples();
        some._samples.AddRange(_samples.Where(s => s.Labels.TryGetValue(label, out var value) && holds(value)));
        return some;
    }

    /// <summary>The sum of all series of a name; null if there is none.</summary>
    public double? Sum(string name) => _samples.Exists(s => s.Name == name) ? _samples.Where(s => s.Name == name).Sum(s => s.Value) : null;

    /// <summary>The values of a name by one of its labels.</summary>
    public IReadOnlyDictionary<string, double> By(string name, string label) =>
        _samples.Where(s => s.Name == name && s.Labels.ContainsKey(label)).GroupBy(s => s.Labels[label]).ToDictionary(g => g.Key, g => g.Sum(s => s.Value));

    /// <summary>
    /// A quantile of what a histogram got since an earlier scrape, all series together: interpolated within its bucket, as Prometheus'
    /// <c>histogram_quantile</c> does. Null if it got nothing.
    /// </summary>
    public double? Quantile(string name, double quantile, MetricSamples? since)
    {
        var before = since?.By(name + "_bucket", "le");
        var buckets = By(name + "_bucket", "le").Select(b => (Bound: b.Key == "+Inf" ? double.PositiveInfinity : double.Parse(b.Key, CultureInfo.InvariantCulture), Count: b.Value - (before?.GetValueOrDefault(b.Key) ?? 0)))
            .OrderBy(b => b.Bound).ToList();
        if (buckets.Count == 0 || buckets[^1].Count <= 0) return null;
        var rank = quantile * buckets[^1].Count;
        var i = buckets.FindIndex(b => b.Count >= rank);
        if (double.IsInfinity(buckets[i].Bound)) return buckets.Count > 1 ? buckets[^2].Bound : null;
        var (lower, below) = i == 0 ? (0, 0) : buckets[i - 1];
        return lower + (buckets[i].Bound - lower) * (rank - below) / Math.Max(buckets[i].Count - below, double.Epsilon);
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$""")]
    private static partial Regex Sample();

    [GeneratedRegex(@"([a-zA-Z_]+)=""((?:[^""\\]|\\.)*)""")]
    private static partial Regex Label();
}
