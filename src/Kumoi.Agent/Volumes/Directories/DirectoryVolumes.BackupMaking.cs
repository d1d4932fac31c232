using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Kumoi.Agent.Backups;
using Kumoi.Agent.Backups.Directories;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>How backups are made.</summary>
public sealed partial class DirectoryVolumes
{
    public async Task MakeAsync(DesiredBackup backup, DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        var files = FilesOf(backup);
        var part = files.PartOf(backup);
        try
        {
            if (Runs(backup, "written", out var ended)) return;
            if (ended is { Kind: VolumeWorks.Backup, Words: { } sum })
            {
                if (!File.Exists(files.PathOf(backup.Id))) files.Finish(backup);
                files.WriteSum(backup.Id, sum);
                return;
            }
        }
        catch (IOException)
        {
            // Also in a store that is full.
            File.Delete(part);
            throw;
        }
        if (File.Exists(files.PathOf(backup.Id)))
        {
            // An agent was killed when it was in its place, and nothing said so.
            files.DeleteParts(backup.Id);
            Begin(backup, VolumeWorks.Backup, files.LengthOf(backup.Id), [], run => BackupFiles.HashAsync(files.PathOf(backup.Id), bytes => run.Done(bytes), run.Cancelled)!);
            return;
        }
        if (Blocks?.Keeps(volume.Store) == true) await BeginWritingAsync(backup, volume, Blocks, files, cancel);
        else await BeginWritingAsync(backup, volume, image, files, cancel);
    }

    private async Task BeginWritingAsync(DesiredBackup backup, DesiredVolume volume, DesiredImage? image, BackupFiles files, CancellationToken cancel)
    {
        var (make, part) = (backup.Make!, files.PartOf(backup));
        await _programs.EndAsync(backup.Id, files.Directory, cancel, BackupFiles.NameOf(backup.Id));
        using var sources = await GateAsync(volume.Id, cancel);
        var from = Find(volume).Item2;
        var layers = from.See();
        var snapshot = layers.State.Snapshots.FirstOrDefault(one => one.Id == make.SnapshotId && one.TakenAt is not null)
            ?? throw new HypervisorException("backup-waits", $"The snapshot {make.SnapshotId} of the volume, whose content the backup is, is not taken yet.", null);
        from.Check(snapshot.Layer, image);
        var chain = layers.ChainOf(snapshot.Layer)!;
        var below = make.ParentId is { } parent && make.BaseSnapshotId is { } known && File.Exists(files.PathOf(parent)) ? layers.State.Snapshots.FirstOrDefault(one => one.Id == known)?.Layer : null;
        var isIncrement = below is { } layer && chain.Any(one => one.Number == layer);
        // From the lowest on, so that what was written later stays.
        IReadOnlyList<Layer> changed = isIncrement ? [.. chain.TakeWhile(one => one.Number != below).Reverse()] : [];
        files.Begin();
        files.DeleteParts(backup.Id);
        var user = UserOf(volume);
        try
        {
            await CreateAsync(volume, part, null, chain[0].SizeBytes, cancel);
            DurableFiles.Own(part, user);
        }
        catch (IOException e)
        {
            File.Delete(part);
            throw FailedBackup(volume.Id, e.Message, "written");
        }
        var groups = Lend(from, chain, user, []);
        var total = isIncrement ? changed.Sum(one => one.UsedBytes) : chain.Sum(one => one.UsedBytes);
        var key = LayerKey.Of(volume, user);
        // What was written is read once more for its sum.
        Begin(backup, VolumeWorks.Backup, 2 * total, [key], async run =>
        {
            if (isIncrement)
            {
                foreach (var one in changed)
                    await run.WatchAsync(commands, "setpriv", DifferenceArguments(from, [.. chain.SkipWhile(above => above.Number != one.Number)], user, groups, key, part, chain[0].SizeBytes), [key], one.UsedBytes);
                var named = await RunAsync("setpriv", [.. As(user, []), ImageTool, "rebase", "-u", .. key.Arguments, "-F", "qcow2", "-b", BackupFiles.NameOf(make.ParentId!), TextOf(key, part, null)], key, run.Cancelled);
                if (!named.Succeeded) throw new IOException(named.Error.Trim());
            }
            else await run.WatchAsync(commands, "setpriv", [.. As(user, groups), .. Copy, .. key.Arguments, ChainText(from, chain, key), .. key.Into(part)], [key], total);
            DurableFiles.Seal(part, user);
            DurableFiles.Flush(part);
            return await BackupFiles.HashAsync(part, bytes => run.Done(bytes), run.Cancelled);
        }, new LayersRead(volume.Id, [.. chain.Select(one => one.Number)]));
    }

    /// <summary>The same of a volume that is no files. What has changed since the last backup is not told by its place: it is a full one.</summary>
    private async Task BeginWritingAsync(DesiredBackup backup, DesiredVolume volume, BlockVolumes blocks, BackupFiles files, CancellationToken cancel)
    {
        var part = files.PartOf(backup);
        await _programs.EndAsync(backup.Id, files.Directory, cancel, BackupFiles.NameOf(backup.Id));
        var taken = await blocks.FindAsync(volume, backup.Make!.SnapshotId, cancel) ?? throw new HypervisorException("backup-waits", $"The snapshot {backup.Make.SnapshotId} of the volume, whose content the backup is, is not taken yet.", null);
        files.Begin();
        files.DeleteParts(backup.Id);
        var user = UserOf(volume);
        try
        {
            await CreateAsync(volume, part, null, taken.Point.SizeBytes, cancel);
            DurableFiles.Own(part, user);
        }
        catch (IOException e)
        {
            File.Delete(part);
            throw FailedBackup(volume.Id, e.Message, "written");
        }
        var node = await blocks.LendAsync(volume, taken, user, cancel);
        var (key, total) = (LayerKey.OfPlace(node.Secret, user), taken.Point.UsedBytes + taken.Disk.UsedBytes);
        Begin(backup, VolumeWorks.Backup, 2 * total, [key], async run =>
        {
            try
            {
                await run.WatchAsync(commands, "setpriv", [.. As(user, []), .. Copy, .. key.Arguments, "-O", "qcow2", "json:" + LayerKey.Open(node, key).ToJsonString(), part], [key], total);
            }
            finally
            {
                await blocks.TakeBackAsync(volume, taken);
            }
            DurableFiles.Seal(part, user);
            DurableFiles.Flush(part);
            return await BackupFiles.HashAsync(part, bytes => run.Done(bytes), run.Cancelled);
        });
    }

    /// <summary>
    /// Writes what the uppermost layer of the chain has allocated, zeros included, and nothing else. What it will be over is not opened: behind it is something that
    /// reads as zeros, so that zeros are written where they may hide something.
    /// </summary>
    private string[] DifferenceArguments(VolumeFiles files, IReadOnlyList<Layer> chain, uint user, IReadOnlyCollection<uint> groups, LayerKey key, string target, long size) =>
        [.. As(user, groups), ImageTool, "convert", "-p", "-n", "-S", Cluster, .. key.Arguments, "-O", "qcow2", "-B", "below.qcow2", "-F", "qcow2", ChainText(files, chain, key), TextOf(key, target, Nothing(size))];

    private static string TextOf(LayerKey key, string path, JsonObject? below) => "json:" + key.Layer(path, below).ToJsonString();

    private static JsonObject Nothing(long size) => new() { ["driver"] = "null-co", ["read-zeroes"] = true, ["size"] = size };
}
