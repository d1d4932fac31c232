using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Kumoi.Agent.Backups.Directories;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// How volumes begin: empty; as an image, of which the place has one copy, whose point they are made from without copying; with a snapshot's point in the same way; or with a
/// backup, or what another volume has, which is copied. What is copied has a name that means nothing until it is whole.
/// </summary>
public sealed partial class BlockVolumes
{
    private const long Mib = 1024 * 1024;

    // Volumes that wait for an image's copy, by its name.
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, byte>> _waiting = new();

    public async Task MakeAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        CheckClear(volume);
        if (volume.ImageId is not null && image is null) throw new HypervisorException("image-unavailable", "The servers have not told this host of the volume's image.", null);
        if (image is not null && !await HasCopyAsync(stores.Need(volume.Store), volume, image, cancel)) return;
        await HoldAsync(volume, async (store, sight) =>
        {
            if (!await BeginAsync(store, sight, cancel)) return;
            var (name, size) = (sight.FreeName(), VolumeSizes.BytesOf(volume, image));
            if (image is null) await store.Tool.CreateAsync(name, size, cancel);
            else await CloneAsync(store, BlockNames.Image(ShaOf(image)), BlockNames.Whole, name, size, cancel);
            await store.Tool.MarkAsync(name, BlockNames.Head, "0", cancel);
        }, cancel);
    }

    public async Task CopyAsync(DesiredVolume volume, DesiredVolume source, DesiredImage? image, CancellationToken cancel)
    {
        CheckClear(volume);
        if (source.Store != volume.Store) throw new HypervisorException("snapshot-missing", $"The volume {source.Id} is in another store; a volume begins with a snapshot of its own store.", null);
        using var sources = await GateAsync(source.Id, cancel);
        await HoldAsync(volume, async (store, sight) =>
        {
            if (!await BeginAsync(store, sight, cancel)) return;
            var taken = (await SeeAsync(store, source.Id, cancel)).Find(volume.Source!.SnapshotId) ?? throw new HypervisorException("snapshot-missing", $"The snapshot {volume.Source!.SnapshotId}, with which the volume begins, is not in the store.", null);
            var name = sight.FreeName();
            await CloneAsync(store, taken.Disk.Name, taken.Point.Name, name, volume.SizeGib * VolumeSizes.Gib, cancel);
            await store.Tool.MarkAsync(name, BlockNames.Head, "0", cancel);
        }, cancel);
    }

    /// <summary>Removes what was begun and has no meaning; false if the volume is there.</summary>
    private async Task<bool> BeginAsync(BlockStore store, BlockSight sight, CancellationToken cancel)
    {
        if (sight.Head is not null) return false;
        if (sight.Disks.Any(disk => disk.Marks.ContainsKey(BlockNames.Gone)) || sight.Taken.Count > 0) throw new HypervisorException("volume-removed", "The volume was removed, and its removal has not ended; it is not made anew.", null);
        foreach (var disk in sight.Disks) await DiscardAsync(store, disk, cancel);
        return true;
    }

    private static async Task CloneAsync(BlockStore store, string disk, string point, string name, long size, CancellationToken cancel)
    {
        await store.Tool.CloneAsync(disk, point, name, cancel);
        var made = (await store.Tool.ListAsync(one => one == name, cancel)).Single();
        await GrowAsync(store, made, size, cancel);
    }

    private static string ShaOf(DesiredImage image) => Images.ImageCache.NameOf(image).Split('.')[0];

    /// <summary>True if the place has a whole copy of the image; if not, one is being made, and the volume is rung for when it is.</summary>
    private async Task<bool> HasCopyAsync(BlockStore store, DesiredVolume volume, DesiredImage image, CancellationToken cancel)
    {
        var (copy, begun, work) = (BlockNames.Image(ShaOf(image)), BlockNames.BegunImage(ShaOf(image), BlockNames.HostWord(options)), $"{store.Id}/{BlockNames.Image(ShaOf(image))}");
        using var mine = await GateAsync(work, cancel);
        var found = (await store.Tool.ListAsync(name => name == copy || name == begun, cancel)).ToDictionary(disk => disk.Name);
        if (found.TryGetValue(copy, out var whole))
        {
            // Its name is that of a whole one; only its point may be missing.
            if (whole.Points.Count == 0) await store.Tool.PointAsync(copy, BlockNames.Whole, cancel);
            if (found.TryGetValue(begun, out var late) && _programs.Of(work) is not { State: LayerWorkState.Running }) await DiscardBegunAsync(store, late, cancel);
            _waiting.TryRemove(work, out _);
            return true;
        }
        if (_programs.Of(work) is { } run)
        {
            if (run.State == LayerWorkState.Failed) throw _programs.Failed(work, run.Failure ?? Failed(run.Words ?? "", "begun as its image"));
            if (run.State == LayerWorkState.Done)
            {
                _programs.Forget(work);
                await store.Tool.GiveAsync(begun, 0, cancel);
                // Another host may have been first: then this one's is removed with the next look.
                await store.Tool.RenameAsync(begun, copy, cancel);
                await store.Tool.PointAsync(copy, BlockNames.Whole, cancel);
                _waiting.TryRemove(work, out _);
                return true;
            }
            _waiting.GetOrAdd(work, _ => new())[volume.Id] = 0;
            return false;
        }
        _programs.CheckRested(work);
        await _programs.EndMarkedAsync(work, begun, cancel);
        if (found.TryGetValue(begun, out var left)) await DiscardBegunAsync(store, left, cancel);
        await store.Tool.CreateAsync(begun, (image.VirtualSizeBytes + Mib - 1) / Mib * Mib, cancel);
        _waiting.GetOrAdd(work, _ => new())[volume.Id] = 0;
        var source = new JsonObject { ["driver"] = image.Format, ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = _images.PathOf(image) } };
        await ConvertAsync(store, work, begun, new LayerWork("copy-image", VolumeWorks.Copy, 0, LayerWorkState.Running, 0, image.SizeBytes, null), image.SizeBytes, (_, _) => Task.FromResult(new FillSource(source, [])), () =>
        {
            foreach (var id in _waiting.GetValueOrDefault(work)?.Keys ?? []) _changed(id);
        }, cancel);
        return false;
    }

    public async Task FillAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var source = volume.Backup!;
        if (source.Encryption is not null) throw new HypervisorException("encryption-unsupported", $"The backup that the volume {volume.Id} begins with is of an encrypted volume, which volumes of its pool cannot be. Nothing is written of it.", null);
        await BeginFillingAsync(volume, "filled from its backup", async (store, begun) =>
        {
            var files = new BackupFiles(backupPlaces.Need(source.Place), source.VolumeId, false);
            var headers = source.Chain.Select(files.Check).ToList();
            var bytes = source.Chain.Sum(one => files.LengthOf(one.Id));
            await store.Tool.CreateAsync(begun, Math.Max(headers[0].Size, volume.SizeGib * VolumeSizes.Gib), cancel);
            // As whom backups of that volume may be read.
            var user = DirectoryVolumes.UserOf(source.VolumeId);
            await ConvertAsync(store, volume.Id, begun, new LayerWork("restore", VolumeWorks.Restore, 0, LayerWorkState.Running, 0, 2 * bytes, null), bytes, async (run, _) =>
            {
                foreach (var one in source.Chain) await files.CheckWholeAsync(one, read => run.Done(read), run.Cancelled);
                JsonObject? below = null;
                foreach (var one in source.Chain.Reverse()) below = LayerKey.None.Layer(files.PathOf(one.Id), below);
                return new FillSource(below!, []);
            }, () => _changed(volume.Id), cancel, user);
        }, cancel);
    }

    public Task ReceiveAsync(DesiredVolume volume, CancellationToken cancel) => BeginFillingAsync(volume, "moved", async (store, begun) =>
    {
        var (user, bytes) = (DirectoryVolumes.UserOf(volume.Id), volume.Move!.UsedBytes);
        await store.Tool.CreateAsync(begun, volume.SizeGib * VolumeSizes.Gib, cancel);
        var source = exports.Sources.Open(volume, user);
        await ConvertAsync(store, volume.Id, begun, new LayerWork("move", VolumeWorks.Move, 0, LayerWorkState.Running, 0, bytes, null), bytes, async (run, _) =>
        {
            await source.ConnectAsync(run.Cancelled);
            return new FillSource(source.Node, []) { Arguments = source.Arguments, Descriptors = source.Descriptors };
        }, () =>
        {
            source.Dispose();
            _changed(volume.Id);
        }, cancel, user);
    }, cancel);

    /// <summary>Begins to write a volume as something that means nothing until it is whole, or looks after that.</summary>
    /// <param name="begin">Makes the disk of this name, and has it written.</param>
    private async Task BeginFillingAsync(DesiredVolume volume, string done, Func<BlockStore, string, Task> begin, CancellationToken cancel)
    {
        CheckClear(volume);
        await HoldAsync(volume, async (store, sight) =>
        {
            var begun = BlockNames.Begun(volume.Id, volume.Incarnation);
            if (_programs.Of(volume.Id) is { } run)
            {
                if (run.State == LayerWorkState.Running) return;
                if (run.State == LayerWorkState.Failed) throw _programs.Failed(volume.Id, run.Failure ?? Failed(run.Words ?? "", done));
                _programs.Forget(volume.Id);
                if (!await BeginAsync(store, sight, cancel)) return;
                await store.Tool.GiveAsync(begun, 0, cancel);
                var name = sight.FreeName();
                await store.Tool.RenameAsync(begun, name, cancel);
                await store.Tool.MarkAsync(name, BlockNames.Head, "0", cancel);
                return;
            }
            _programs.CheckRested(volume.Id);
            if (!await BeginAsync(store, sight, cancel)) return;
            await _programs.EndMarkedAsync(volume.Id, BlockNames.BegunPrefix(volume.Id), cancel);
            foreach (var disk in sight.Begun) await DiscardBegunAsync(store, disk, cancel);
            await begin(store, begun);
        }, cancel);
    }

    /// <summary>Begins to write something into a disk that reads as zeros, as a user that may do nothing else.</summary>
    /// <param name="source">Tells what is read, and the keys for it.</param>
    private async Task ConvertAsync(
        BlockStore store, string work, string target, LayerWork sight, long bytes, Func<LayerRun, uint, Task<FillSource>> source, Action ended, CancellationToken cancel, uint? reader = null)
    {
        var user = reader ?? DirectoryVolumes.UserOf(work);
        var node = await store.Tool.GiveAsync(target, user, cancel);
        var key = LayerKey.OfPlace(node.Secret, user);
        _programs.Start(work, sight, async run =>
        {
            var from = await source(run, user);
            var into = new JsonObject { ["driver"] = "raw", ["file"] = LayerKey.Open(node, key) };
            string[] arguments = [.. DirectoryVolumes.As(user, []), "qemu-img", "convert", "-p", "-n", "--target-is-zero", "-t", "none", .. from.Arguments, .. from.Keys.SelectMany(one => one.Arguments), .. key.Arguments, "json:" + from.Node.ToJsonString(), "json:" + into.ToJsonString()];
            await run.WatchAsync(commands, "setpriv", arguments, [.. from.Keys, key], bytes, from.Descriptors);
            return null;
        }, [key], ended);
    }

    private bool IsLeft(DesiredVolume volume, BlockSight sight) => sight.Begun.Count > 0 && _programs.Of(volume.Id) is null && sight.Head is not null;

    private VolumeWork? WorkOf(DesiredVolume volume)
    {
        if (_programs.Of(volume.Id) is { State: LayerWorkState.Running } run) return new VolumeWork(run.Kind, run.DoneBytes, run.TotalBytes, _programs.Since(volume.Id));
        foreach (var (work, _) in _waiting.Where(one => one.Value.ContainsKey(volume.Id)))
            if (_programs.Of(work) is { State: LayerWorkState.Running } copy) return new VolumeWork(copy.Kind, copy.DoneBytes, copy.TotalBytes, _programs.Since(work));
        return null;
    }

    private static HypervisorException Failed(string words, string done) =>
        words.Contains("No space left", StringComparison.Ordinal) ? new HypervisorException("disk-full", $"The store is full: the volume could not be {done}.", null)
            : new HypervisorException("volume-failed", $"The volume could not be {done}: {(words.Length > 500 ? words[^500..] : words)}", null);

    /// <summary>What a disk is filled from, and what the program needs for that.</summary>
    private sealed record FillSource(JsonObject Node, IReadOnlyList<LayerKey> Keys)
    {
        public IReadOnlyList<string> Arguments { get; init; } = [];

        public IReadOnlyList<int> Descriptors { get; init; } = [];
    }
}
