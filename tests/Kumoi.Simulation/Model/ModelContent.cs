namespace Kumoi.Simulation.Model;

/// <summary>What a volume of the model holds: the number of the write that made it so. No two writes have the same, so that equal numbers are equal contents.</summary>
internal sealed class ModelContent
{
    public const long Empty = 0, Image = -1, Torn = -2;

    private readonly List<(long Moment, long Content)> _history = [];

    public long Content { get; private set; }

    public long Restored { get; set; }

    /// <summary>By the snapshot's id: what it holds, and when it was taken; null while it waits for the guest.</summary>
    public SortedDictionary<string, (long Content, DateTimeOffset? TakenAt)> Snapshots { get; } = new(StringComparer.Ordinal);

    /// <summary>What it began with.</summary>
    public long First => _history.Count == 0 ? Empty : _history[0].Content;

    public void Become(long moment, long content)
    {
        Content = content;
        _history.Add((moment, content));
    }

    /// <summary>The moments between which it held this; the last is after all of them if it still does.</summary>
    public IEnumerable<(long From, long Until)> Held(long content)
    {
        for (var index = 0; index < _history.Count; index++)
            if (_history[index].Content == content) yield return (_history[index].Moment, index + 1 < _history.Count ? _history[index + 1].Moment : long.MaxValue);
    }

    /// <summary>Takes what waits, now.</summary>
    public void Settle(DateTimeOffset now)
    {
        foreach (var (id, _) in Snapshots.Where(one => one.Value.TakenAt is null).ToArray()) Snapshots[id] = (Content, now);
    }
}
