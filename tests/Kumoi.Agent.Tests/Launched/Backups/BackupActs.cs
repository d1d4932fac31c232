using Kumoi.Agent.Tests.Launched.Snapshots;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Backups;

/// <summary>What is done with backups as the servers would have it done, until it is.</summary>
internal static class BackupActs
{
    /// <summary>Has a backup made as the servers do: with a snapshot of its own, and that of the one before let go.</summary>
    public static async Task<(DesiredVolume, MadeBackup)> BackUpAsync(SnapshotStand stand, DesiredVolume volume, int number, int? parent, string? baseSnapshot = null)
    {
        volume = volume with { Snapshots = [.. (volume.Snapshots ?? []).Select(one => one with { Taken = true }), new(Snapshot(number), VolumeDesire.Present)] };
        await stand.SettleAsync(volume);
        var backup = new DesiredBackup(Backup(number), stand.BackupPlace, volume.Id, VolumeDesire.Present, 1,
            new BackupMaking(Snapshot(number), parent is { } of ? Backup(of) : null, baseSnapshot ?? (parent is { } below ? Snapshot(below) : null)), Encryption: volume.Encryption);
        var made = (await stand.SettleAsync(backup)).Made!;
        Assert.Equal(made.Sha256, await SumAsync(Path.Combine(stand.BackupsOf(volume), $"{backup.Id}.qcow2")));
        volume = volume with { Snapshots = [.. volume.Snapshots!.Select(one => one.Id == Snapshot(number) ? one with { Taken = true } : one with { Taken = true, Desired = VolumeDesire.Deleted })] };
        await stand.SettleAsync(volume);
        volume = volume with { Snapshots = [.. volume.Snapshots!.Where(one => one.Desired == VolumeDesire.Present)] };
        stand.Know(volume);
        return (volume, made);
    }

    public static async Task MergeAsync(SnapshotStand stand, DesiredVolume volume, List<BackupFile> sums, int index)
    {
        var (gone, next) = (sums[index], sums[index + 1]);
        var sight = await stand.SettleAsync(new DesiredBackup(gone.Id, stand.BackupPlace, volume.Id, VolumeDesire.Deleted, 1, Into: new BackupMerge(next.Id, next.Sha256, gone.Sha256, gone.ParentId), Encryption: volume.Encryption));
        sums[index + 1] = new BackupFile(next.Id, sight.Merged!.Sha256, gone.ParentId);
        sums.RemoveAt(index);
    }

    public static List<BackupFile> Chain(List<BackupFile> sums, int index)
    {
        var chain = new List<BackupFile> { sums[index] };
        while (chain[^1].ParentId is { } parent) chain.Add(sums.Single(one => one.Id == parent));
        return chain;
    }

    public static Task RestoredAsync(SnapshotStand stand, DesiredVolume volume, int number, List<BackupFile> sums, int index, params string[] reads) =>
        RestoredAsync(stand, volume, stand.Volume(number), sums, index, reads);

    public static async Task RestoredAsync(SnapshotStand stand, DesiredVolume volume, DesiredVolume restored, List<BackupFile> sums, int index, params string[] reads)
    {
        restored = restored with { InstanceId = null, Slot = null, Backup = new BackupSource(stand.BackupPlace, volume.Id, Chain(sums, index), volume.Encryption) };
        await stand.SettleAsync(restored);
        Assert.Equal([LayerNames.Base], stand.FilesOf(restored));
        await stand.ReadAsync(restored, null, reads);
    }

    public static Task<string> SumAsync(string path) => Kumoi.Agent.Backups.Directories.BackupFiles.HashAsync(path, _ => { }, default);
}
