namespace Kumoi.Simulation.Model;

/// <summary>What a volume of the model holds, as a number that grows with each write, and what its snapshots do.</summary>
internal sealed class ModelContent
{
    public long Content { get; set; }

    public long Restored { get; set; }

    /// <summary>By the snapshot's id: what it holds, and when it was taken; null while it waits for the guest.</summary>
    public SortedDictionary<string, (long Content, DateTimeOffset? TakenAt)> Snapshots { get; } = new(StringComparer.Ordinal);
}
