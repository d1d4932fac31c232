using System.Globalization;
using Kumoi.Agent.Instances;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>A snapshot that is there.</summary>
internal sealed record TakenPoint(BlockDisk Disk, BlockPoint Point, ObservedSnapshot Snapshot);

/// <summary>
/// What a volume's disks mean, by their marks alone, so that each change of meaning is one mark: the content is the disk with the highest head, unless that is gone; a
/// snapshot is a point with its mark. What has none means nothing. Pure.
/// </summary>
internal sealed class BlockSight
{
    private readonly string _volumeId;

    public BlockSight(string volumeId, IReadOnlyList<BlockDisk> found)
    {
        _volumeId = volumeId;
        Disks = [.. found.Where(disk => BlockNames.NumberOf(disk.Name, volumeId) is not null).OrderBy(disk => BlockNames.NumberOf(disk.Name, volumeId))];
        Begun = [.. found.Where(disk => BlockNames.IsBegun(disk.Name, volumeId))];
        Trash = [.. found.Where(disk => BlockNames.IsTrash(disk.Name))];
        var last = Disks.Where(disk => HeadOf(disk) is not null).MaxBy(HeadOf);
        Restored = last is null ? 0 : HeadOf(last)!.Value;
        Head = last?.Marks.ContainsKey(BlockNames.Gone) == false ? last : null;
        Taken = [.. Disks.SelectMany(disk => disk.Points.Select(point => Understand(disk, point))).OfType<TakenPoint>()];
    }

    /// <summary>From the oldest on.</summary>
    public IReadOnlyList<BlockDisk> Disks { get; }

    /// <summary>Those that are being filled, or were.</summary>
    public IReadOnlyList<BlockDisk> Begun { get; }

    public IReadOnlyList<BlockDisk> Trash { get; }

    /// <summary>What guests write to; null: it is not made, or removed.</summary>
    public BlockDisk? Head { get; }

    /// <summary>Number of the last restoration.</summary>
    public long Restored { get; }

    public IReadOnlyList<TakenPoint> Taken { get; }

    /// <summary>Snapshots that are to be taken from a process.</summary>
    public IReadOnlyList<string> Pending => Head is null ? [] : [.. KeysOf(Head, BlockNames.Pending).Where(id => Taken.All(taken => taken.Snapshot.Id != id))];

    /// <summary>Disks that are the content of nothing.</summary>
    public IReadOnlyList<BlockDisk> Unneeded => [.. Disks.Where(disk => disk != Head && Taken.All(taken => taken.Disk != disk))];

    /// <summary>Points that mean nothing.</summary>
    public IEnumerable<(BlockDisk Disk, BlockPoint Point)> LoosePoints =>
        Disks.SelectMany(disk => disk.Points.Select(point => (disk, point))).Where(one => !one.disk.Marks.ContainsKey(BlockNames.Snapshot + one.point.Name) && !(one.disk == Head && one.disk.Marks.ContainsKey(BlockNames.Pending + one.point.Name)));

    /// <summary>Marks of snapshots to be taken that were.</summary>
    public IEnumerable<string> Settled => Head is null ? [] : KeysOf(Head, BlockNames.Pending).Where(id => Taken.Any(taken => taken.Snapshot.Id == id));

    public bool IsUntidy => Unneeded.Count > 0 || LoosePoints.Any() || Settled.Any();

    public bool HasTraces => Disks.Count + Begun.Count > 0;

    public long UsedBytes => Disks.Concat(Begun).Sum(disk => disk.UsedBytes + disk.Points.Sum(point => point.UsedBytes));

    /// <summary>A name that no disk of the volume has, or had.</summary>
    public string FreeName() =>
        BlockNames.Disk(_volumeId, Disks.Select(disk => BlockNames.NumberOf(disk.Name, _volumeId)!.Value).Concat(Trash.Select(disk => BlockNames.NumberOf(disk.Name[BlockNames.Trash("").Length..], _volumeId) ?? -1)).Append(-1).Max() + 1);

    public TakenPoint? Find(string snapshotId) => Taken.FirstOrDefault(taken => taken.Snapshot.Id == snapshotId);

    /// <summary>What the mark of a snapshot says.</summary>
    public static string Note(DateTimeOffset moment, string consistency) => string.Create(CultureInfo.InvariantCulture, $"{moment.ToUnixTimeMilliseconds()}.{consistency}");

    /// <exception cref="HypervisorException">The volume is not made.</exception>
    public BlockDisk NeedHead() => Head ?? throw new HypervisorException("volume-not-ready", $"The volume {_volumeId} is not in its store.", null);

    private static long? HeadOf(BlockDisk disk) => disk.Marks.TryGetValue(BlockNames.Head, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static IEnumerable<string> KeysOf(BlockDisk disk, string prefix) => disk.Marks.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key[prefix.Length..]).Order(StringComparer.Ordinal);

    private static TakenPoint? Understand(BlockDisk disk, BlockPoint point)
    {
        if (!disk.Marks.TryGetValue(BlockNames.Snapshot + point.Name, out var note) || note.Split('.') is not [var moment, SnapshotConsistency.Crash or SnapshotConsistency.FileSystem] parts
            || !long.TryParse(moment, NumberStyles.None, CultureInfo.InvariantCulture, out var at) || at > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()) return null;
        return new TakenPoint(disk, point, new ObservedSnapshot(point.Name, DateTimeOffset.FromUnixTimeMilliseconds(at), parts[1], point.UsedBytes));
    }
}
