using Kumoi.Server.Platform;

namespace Kumoi.Server.Placement;

/// <summary>Labels that a host has, or that are asked of one. Two that say the same are equal.</summary>
public sealed class LabelSet : IEquatable<LabelSet>
{
    private readonly Dictionary<string, string> _labels;

    private LabelSet(IEnumerable<KeyValuePair<string, string>> labels)
    {
        _labels = new Dictionary<string, string>(labels, StringComparer.Ordinal);
        Json = Tags.Text(new SortedDictionary<string, string>(_labels, StringComparer.Ordinal));
    }

    public static LabelSet None { get; } = new([]);

    public static LabelSet Of(IReadOnlyDictionary<string, string> labels) => labels.Count == 0 ? None : new LabelSet(labels);

    /// <summary>As PostgreSQL tells the column.</summary>
    public static LabelSet Read(string json) => Of(Tags.Parse(json));

    /// <summary>The labels as a JSON object, in the order of their keys.</summary>
    public string Json { get; }

    public bool IsEmpty => _labels.Count == 0;

    /// <summary>True of a host that has all that is asked.</summary>
    public bool Covers(LabelSet asked)
    {
        foreach (var (key, value) in asked._labels)
            if (!_labels.TryGetValue(key, out var mine) || mine != value) return false;
        return true;
    }

    /// <summary>All of both; null if no host can have both, since they want two values of one key.</summary>
    public LabelSet? With(LabelSet other) =>
        other.IsEmpty ? this : IsEmpty ? other : Clash(other) is null ? new LabelSet(_labels.Concat(other._labels).DistinctBy(label => label.Key)) : null;

    /// <summary>A key of which both want another value.</summary>
    public string? Clash(LabelSet other) => _labels.Keys.Where(key => other._labels.TryGetValue(key, out var wanted) && wanted != _labels[key]).Order(StringComparer.Ordinal).FirstOrDefault();

    /// <summary>As people write them: <c>disk=ssd gpu=a100</c>.</summary>
    public override string ToString() => string.Join(' ', _labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));

    public bool Equals(LabelSet? other) => other is not null && Json == other.Json;

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode() => Json.GetHashCode(StringComparison.Ordinal);
}
