using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Kumoi.Api.Metrics;

/// <summary>
/// Listens to meters of this process and writes what they said in Prometheus' text format 0.0.4. A measurement costs a look-up and allocates
/// nothing once its labels are known; writing costs what there are series.
/// </summary>
public sealed class MetricCollector : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);

    /// <param name="meters">Names of the meters to listen to.</param>
    /// <param name="scope">Meters that were made for a scope count only if it is this one; null: all count.</param>
    public MetricCollector(IReadOnlyCollection<string> meters, object? scope)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!meters.Contains(instrument.Meter.Name) || (scope is not null && instrument.Meter.Scope is { } made && made != scope)) return;
            listener.EnableMeasurementEvents(instrument, Family(instrument));
        };
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.Start();
    }

    private MetricFamily Family(Instrument instrument)
    {
        var kind = MetricFamily.KindOf(instrument);
        var name = NameOf(instrument, kind);
        lock (_gate) return FindOrAdd(name, () => new MetricFamily(name, kind, instrument));
    }

    private MetricFamily FindOrAdd(string name, Func<MetricFamily> make) =>
        _families.TryGetValue(name, out var known) ? known : _families[name] = make();

    /// <summary>The text of everything known now.</summary>
    public string Write()
    {
        MetricFamily[] families;
        lock (_gate)
        {
            families = [.. _families.Values];
            foreach (var family in families) family.Forget();
            _listener.RecordObservableInstruments();
        }
        var text = new StringBuilder(64 * 1024);
        foreach (var family in families) family.Write(text);
        return text.ToString();
    }

    /// <summary>Dots become underscores, units a suffix, and what only grows ends in <c>_total</c>, as Prometheus' naming rules have it.</summary>
    private static string NameOf(Instrument instrument, MetricKind kind)
    {
        var name = new StringBuilder(instrument.Name);
        for (var i = 0; i < name.Length; i++)
            if (!char.IsAsciiLetterOrDigit(name[i])) name[i] = '_';
        var unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        if (unit.Length > 0 && !name.ToString().EndsWith(unit, StringComparison.Ordinal)) name.Append(unit);
        if (kind == MetricKind.Counter && !name.ToString().EndsWith("_total", StringComparison.Ordinal)) name.Append("_total");
        return name.ToString();
    }

    public void Dispose() => _listener.Dispose();
}

internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>All series of one instrument.</summary>
internal sealed class MetricFamily(string name, MetricKind kind, Instrument instrument)
{
    // Labels come from this program, not from callers; more series than this means that one slipped through, and must not fill memory.
    private const int SeriesMax = 500;

    // From a millisecond to ten seconds: what a person waits for an answer.
    private static readonly double[] SecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10], CountBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

    private readonly Lock _gate = new();
    private readonly List<MetricSeries> _series = [];
    private readonly bool _observed = instrument.IsObservable;
    private readonly double[] _bounds = kind != MetricKind.Histogram ? [] : Bounds(instrument);

    public static MetricKind KindOf(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        return type == typeof(Histogram<>) ? MetricKind.Histogram : type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? MetricKind.Counter : MetricKind.Gauge;
    }

    private static double[] Bounds(Instrument instrument) => instrument switch
    {
        Instrument<double> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised],
        Instrument<long> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised.Select(bound => (double)bound)],
        { Unit: "s" } => SecondsBuckets,
        _ => CountBuckets,
    };

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_gate)
        {
            if (Find(tags) is not { } series) return;
            if (kind == MetricKind.Histogram)
            {
                var bucket = Array.BinarySearch(_bounds, value);
                series.Buckets[bucket < 0 ? ~bucket : bucket]++;
                series.Sum += value;
            }
            else if (_observed || kind == MetricKind.Gauge && instrument.GetType().GetGenericTypeDefinition() == typeof(Gauge<>)) series.Sum = value;
            else series.Sum += value;
            series.Set = true;
        }
    }

    private MetricSeries? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (var series in CollectionsMarshal.AsSpan(_series))
            if (series.Is(tags)) return series;
        if (_series.Count >= SeriesMax) return null;
        var made = new MetricSeries(tags.ToArray(), kind == MetricKind.Histogram ? new long[_bounds.Length + 1] : []);
        _series.Add(made);
        return made;
    }

    /// <summary>What is observed anew at each writing counts only if it is seen again.</summary>
    public void Forget()
    {
        if (!_observed) return;
        lock (_gate)
            foreach (var series in _series) series.Set = false;
    }

    public void Write(StringBuilder text)
    {
        lock (_gate)
        {
            if (!_series.Exists(series => series.Set)) return;
            if (instrument.Description is { Length: > 0 } help) text.Append("# HELP ").Append(name).Append(' ').Append(help.ReplaceLineEndings(" ").Replace("\\", @"\\", StringComparison.Ordinal)).Append('\n');
            text.Append("# TYPE ").Append(name).Append(' ').Append(kind switch { MetricKind.Counter => "counter", MetricKind.Gauge => "gauge", _ => "histogram" }).Append('\n');
            foreach (var series in _series)
            {
                if (!series.Set) continue;
                if (kind == MetricKind.Histogram) WriteHistogram(text, series);
                else Line(text, name, series.Labels, null, series.Sum);
            }
        }
    }

    private void WriteHistogram(StringBuilder text, MetricSeries series)
    {
        long count = 0;
        for (var i = 0; i < series.Buckets.Length; i++)
        {
            count += series.Buckets[i];
            Line(text, name + "_bucket", series.Labels, i < _bounds.Length ? _bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf", count);
        }
        Line(text, name + "_sum", series.Labels, null, series.Sum);
        Line(text, name + "_count", series.Labels, null, count);
    }

    private static void Line(StringBuilder text, string name, string labels, string? bound, double value)
    {
        text.Append(name);
        if (labels.Length > 0 || bound is not null)
        {
            text.Append('{').Append(labels);
            if (bound is not null) text.Append(labels.Length > 0 ? "," : "").Append("le=\"").Append(bound).Append('"');
            text.Append('}');
        }
        text.Append(' ').Append(CultureInfo.InvariantCulture, $"{value}").Append('\n');
    }
}

/// <summary>One series: an instrument with one set of labels.</summary>
internal sealed class MetricSeries(KeyValuePair<string, object?>[] tags, long[] buckets)
{
    public string Labels { get; } = string.Join(',', tags.Select(tag => $"{Label(tag.Key)}=\"{Escape(Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "")}\""));

    public long[] Buckets { get; } = buckets;

    public double Sum { get; set; }

    public bool Set { get; set; }

    public bool Is(ReadOnlySpan<KeyValuePair<string, object?>> others)
    {
        if (others.Length != tags.Length) return false;
        for (var i = 0; i < tags.Length; i++)
            if (tags[i].Key != others[i].Key || !Equals(tags[i].Value, others[i].Value)) return false;
        return true;
    }

    private static string Label(string key) => string.Concat(key.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    private static string Escape(string value) => value.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
