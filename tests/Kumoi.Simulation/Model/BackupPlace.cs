using System.Globalization;

namespace Kumoi.Simulation.Model;

/// <summary>One file of a backup: all of what it holds, or what is other than in the one that it builds on.</summary>
/// <param name="Base">What that holds.</param>
internal sealed record BackupFile(string? ParentId, long Base, long Content, string Sha256);

/// <summary>Where backups are kept; some hosts reach it.</summary>
internal sealed class BackupPlace
{
    private int _sums;

    public string Id => "st-19a3f2b4c5d6e7f85";

    public SortedDictionary<string, BackupFile> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Backups of which something is there that is not whole.</summary>
    public HashSet<string> Begun { get; } = [];

    /// <summary>True while nobody reaches it.</summary>
    public bool Away { get; set; }

    /// <summary>What the files from one down to a full one hold together; null if they do not fit.</summary>
    public long? Read(string id) =>
        !Files.TryGetValue(id, out var file) ? null : file.ParentId is not { } parent ? file.Content : Read(parent) == file.Base ? file.Content : null;

    /// <summary>No two files that were ever written have the same.</summary>
    public string NewSum() => (++_sums).ToString("x64", CultureInfo.InvariantCulture);
}
