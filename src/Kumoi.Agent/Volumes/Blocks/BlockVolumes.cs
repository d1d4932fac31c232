using System.Collections.Concurrent;
using System.Security.Cryptography;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// Volumes in places that keep disks, and their content at a moment, by themselves. A guest's process has a volume as one raw disk. What a disk is for is told by its marks, each
/// change of meaning by one of them.
/// </summary>
/// <param name="guests">The processes that volumes are in.</param>
/// <param name="backupPlaces">Where backups are kept.</param>
public sealed partial class BlockVolumes(AgentOptions options, BlockStores stores, Stores backupPlaces, GuestLinks guests, ExportProcesses exports, Commands commands, TimeProvider clock) : IVolumeDriver, IGuestVolumes
{
    /// <summary>How long to wait for a look at a volume. Too low: a busy store is missed; too high: one that hangs keeps the report of everything else waiting.</summary>
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();
    private readonly LayerPrograms _programs = new(commands, clock);
    private readonly ImageCache _images = new(options.Paths);
    private readonly MomentNotes _moments = new(options.Paths, stores);
    private Action<string> _changed = _ => { };
    private Func<string, DesiredVolume?> _told = _ => null;

    public GuestLinks Guests => guests;

    public void Watch(Action<string> changed, Func<string, DesiredVolume?> told) => (_changed, _told) = (changed, told);

    /// <summary>Whether a store is one of these, as far as this host has ever seen it.</summary>
    public bool Keeps(string storeId) => stores.Has(storeId);

    /// <summary>The process that has the volume; null if none is known.</summary>
    internal GuestLink? LinkOf(DesiredVolume volume) => stores.IsSeenOpen(volume.Store) ? guests.With(volume.Id) : guests.Claiming(volume.Id);

    public async Task<StoresSight> LookAsync(CancellationToken cancel)
    {
        var sight = await stores.LookAsync(cancel);
        Sweep();
        return sight;
    }

    public async Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var store = stores.Need(volume.Store);
        // One that several hosts reach is given to others only for a move.
        var export = await exports.FindAsync(volume, DirectoryVolumes.UserOf(volume.Id), guests, _changed, cancel);
        try
        {
            var looked = LookAsync(store, volume.Id, cancel);
            var granted = store.Tool.GrantedAsync(volume.Id, cancel);
            await Task.WhenAll(looked, granted).WaitAsync(LookLimit, clock, cancel);
            var (sight, head) = (await looked, (await looked).Head);
            var isGiven = head is not null && await store.Tool.IsGivenAsync(head.Name, cancel);
            var size = head is null || export is null ? head?.SizeBytes : Math.Min(head.SizeBytes, await GivenSizeAsync(volume.Id, cancel) ?? head.SizeBytes);
            return new VolumeSight(sight.HasTraces || await granted > 0, size, sight.UsedBytes, head?.IsOpen == true, isGiven, await granted)
            {
                Image = head is null ? ImageUse.Content : ImageUse.None,
                Export = export,
                Snapshots = new SnapshotsSight([.. sight.Taken.Select(one => one.Snapshot)], sight.Pending, sight.Restored, sight.IsUntidy || IsLeft(volume, sight), false, WorkOf(volume)),
            };
        }
        catch (TimeoutException)
        {
            throw new HypervisorException(Stores.Away, $"{store.Place.Words} of the store {store.Id} does not answer.", null);
        }
    }

    /// <summary>How large the process that gives the volume to another host thinks that it is; null: it does not answer, and is asked with the next look.</summary>
    private async Task<long?> GivenSizeAsync(string volumeId, CancellationToken cancel)
    {
        if (guests.With(volumeId) is not { Qmp: var qmp } link || link.InstanceId != volumeId) return null;
        try
        {
            return (await QemuDrives.NodesAsync(qmp, cancel)).Where(node => node.Name == DriveParts.Throttle + volumeId).Select(node => (long?)node.Size).FirstOrDefault();
        }
        catch (QmpException)
        {
            return null;
        }
    }

    /// <summary>A volume as it is now, for who is about to change it.</summary>
    private static async Task<BlockSight> SeeAsync(BlockStore store, string volumeId, CancellationToken cancel) => new(volumeId, await store.Tool.ListAsync(name => IsOf(name, volumeId), cancel));

    /// <summary>A volume as the round of this moment has found it.</summary>
    private static async Task<BlockSight> LookAsync(BlockStore store, string volumeId, CancellationToken cancel)
    {
        var found = (await store.Round.AskAsync()).Where(disk => IsOf(disk.Name, volumeId));
        return new BlockSight(volumeId, [.. (await Task.WhenAll(found.Select(disk => store.Tool.LookCloserAsync(disk, cancel)))).OfType<BlockDisk>()]);
    }

    private static bool IsOf(string disk, string volumeId) => disk.StartsWith(BlockNames.Prefix(volumeId), StringComparison.Ordinal) || disk.StartsWith(BlockNames.Trash(BlockNames.Prefix(volumeId)), StringComparison.Ordinal);

    /// <summary>Looks at a volume and changes it, alone among this agent's and all hosts'.</summary>
    private async Task HoldAsync(DesiredVolume volume, Func<BlockStore, BlockSight, Task> act, CancellationToken cancel)
    {
        var store = stores.Need(volume.Store);
        using var mine = await GateAsync(volume.Id, cancel);
        await store.Tool.HoldAsync(volume.Id, volume.Incarnation, async held => await act(store with { Tool = held }, await SeeAsync(store, volume.Id, cancel)), cancel);
    }

    public Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => HoldAsync(volume, async (store, sight) =>
    {
        await GrowAsync(store, sight.NeedHead(), VolumeSizes.BytesOf(volume, image), cancel);
        // One that does not answer now is told with the next try.
        if (!store.Place.IsShared && await exports.FindAsync(volume, DirectoryVolumes.UserOf(volume.Id), guests, _changed, cancel) is not null) await exports.GrowAsync(volume, DirectoryVolumes.UserOf(volume.Id), guests, _changed, cancel);
    }, cancel);

    /// <summary>Makes room at the end of the disk of a volume that a guest's process has, which that is told of afterwards.</summary>
    public Task GrowForGuestAsync(DesiredVolume volume, CancellationToken cancel) => HoldAsync(volume, (store, sight) => GrowAsync(store, sight.NeedHead(), volume.SizeGib * VolumeSizes.Gib, cancel), cancel);

    private static async Task GrowAsync(BlockStore store, BlockDisk disk, long size, CancellationToken cancel)
    {
        if (disk.SizeBytes < size) await store.Tool.GrowAsync(disk.Name, size, cancel);
    }

    public Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel) => HoldAsync(volume, async (store, sight) =>
    {
        if (sight.Head is { IsOpen: false } head) await store.Tool.GiveAsync(head.Name, 0, cancel);
    }, cancel);

    public Task RemoveAsync(DesiredVolume volume, CancellationToken cancel) => HoldAsync(volume, async (store, sight) =>
    {
        if (sight.Head is { IsOpen: true }) throw VolumeFiles.InUse();
        await _programs.EndMarkedAsync(volume.Id, BlockNames.BegunPrefix(volume.Id), cancel);
        _programs.Forget(volume.Id);
        // From the lowest on, so that none of before takes the place of the last one.
        foreach (var disk in sight.Disks.Where(disk => !disk.Marks.ContainsKey(BlockNames.Gone))) await store.Tool.MarkAsync(disk.Name, BlockNames.Gone, "1", cancel);
        foreach (var disk in sight.Begun) await DiscardBegunAsync(store, disk, cancel);
        foreach (var disk in sight.Disks.Where(disk => sight.Taken.All(taken => taken.Disk != disk))) await DiscardAsync(store, disk, cancel);
        if (sight.Taken.Count == 0) await store.Tool.ForgetAsync(volume.Id, cancel);
    }, cancel);

    /// <summary>Takes a disk that nobody needs out of sight. It is removed in its own time: that takes as long as there is to remove, and others may have begun with it.</summary>
    private async Task DiscardAsync(BlockStore store, BlockDisk disk, CancellationToken cancel)
    {
        foreach (var point in disk.Points) await store.Tool.RemovePointAsync(disk.Name, point.Name, cancel);
        if (await store.Tool.IsGivenAsync(disk.Name, cancel)) await store.Tool.GiveAsync(disk.Name, 0, cancel);
        await store.Tool.RenameAsync(disk.Name, BlockNames.VolumeOf(disk.Name) is null ? BlockNames.Trash(disk.Name, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))) : BlockNames.Trash(disk.Name), cancel);
        Sweep();
    }

    /// <summary>The same of one that was being filled: the place may take a program that was ended for one that has it open.</summary>
    private async Task DiscardBegunAsync(BlockStore store, BlockDisk disk, CancellationToken cancel)
    {
        await store.Tool.CutOffAsync(disk.Name, cancel);
        await DiscardAsync(store, disk, cancel);
    }

    /// <summary>Gets a volume ready for a process that is about to open it: whoever had it before, on any host, is cut off.</summary>
    public async Task<OpenedVolume> OpenAsync(DesiredVolume volume, DesiredImage? image, uint user, CancellationToken cancel)
    {
        OpenedVolume? opened = null;
        CheckClear(volume);
        await HoldAsync(volume, async (store, sight) =>
        {
            var head = sight.NeedHead();
            await store.Tool.CutOffAsync(head.Name, cancel);
            opened = new OpenedVolume(head.Name, [], false) { Block = await store.Tool.GiveAsync(head.Name, user, cancel) };
        }, cancel);
        return opened!;
    }

    public async Task<bool> IsAsOpenedAsync(DesiredVolume volume, OpenedVolume opened, CancellationToken cancel) => (await SeeAsync(stores.Need(volume.Store), volume.Id, cancel)).Head?.Name == opened.File;

    public async Task<bool> IsHeldAsync(DesiredVolume volume, CancellationToken cancel) => await stores.Need(volume.Store).Tool.GrantedAsync(volume.Id, cancel) <= volume.Incarnation;

    public QemuDrive DriveOf(DesiredVolume volume, DesiredImage? image, OpenedVolume opened) => new(volume, opened.File, null, null) { Layers = [], Block = opened.Block };

    public Task<bool> IsBetweenAsync(DesiredVolume volume, QmpClient qmp, CancellationToken cancel) => Task.FromResult(false);

    public async Task ExportAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        if (stores.Need(volume.Store).Place.IsShared && volume.Export is not { ReadOnly: true }) throw new HypervisorException("export-refused", $"The volume {volume.Id} is in a pool that other hosts reach; it is not given to guests over the network.", null);
        var opened = await OpenAsync(volume, image, DirectoryVolumes.UserOf(volume.Id), cancel);
        using var mine = await GateAsync(volume.Id, cancel);
        if (!await IsAsOpenedAsync(volume, opened, cancel)) throw DirectoryVolumes.Changed(volume);
        await exports.StartAsync(DriveOf(volume, image, opened), DirectoryVolumes.UserOf(volume.Id), guests, _changed, cancel);
        if (await IsAsOpenedAsync(volume, opened, cancel)) return;
        await exports.EndAsync(volume.Id, guests, cancel);
        throw DirectoryVolumes.Changed(volume);
    }

    public async Task EndExportAsync(DesiredVolume volume, CancellationToken cancel)
    {
        using var mine = await GateAsync(volume.Id, cancel);
        await exports.EndAsync(volume.Id, guests, cancel);
        if ((await SeeAsync(stores.Need(volume.Store), volume.Id, cancel)).Head is { IsOpen: true }) throw VolumeFiles.InUse();
        exports.Forget(volume.Id);
    }

    public async Task<IReadOnlyList<StrayVolume>?> DescribeAsync(IReadOnlyCollection<string> found, CancellationToken cancel)
    {
        var told = new List<StrayVolume>();
        foreach (var store in stores.There.Where(store => !store.Place.IsShared))
            try
            {
                foreach (var volume in (await store.Tool.ListAsync(name => BlockNames.VolumeOf(name) is { } id && found.Contains(id), cancel)).GroupBy(disk => BlockNames.VolumeOf(disk.Name)!))
                {
                    var sight = new BlockSight(volume.Key, [.. volume]);
                    told.Add(new StrayVolume(volume.Key, store.Id, (int)Math.Min((sight.Head?.SizeBytes ?? 0) / VolumeSizes.Gib, int.MaxValue), sight.UsedBytes, volume.Max(disk => disk.Since), null));
                }
            }
            catch (IOException)
            {
                // It is looked at again with the stores.
            }
        return told;
    }

    // Volumes have their images' content in their own store.
    public IReadOnlyCollection<string> ImagesInUse() => [];

    public bool NeedsImage(DesiredVolume volume) => false;

    public bool MakesImages(DesiredVolume volume) => false;

    public async Task<IDisposable> GateAsync(string volumeId, CancellationToken cancel)
    {
        var gate = _gates.GetOrAdd(volumeId, _ => new SemaphoreSlim(1, 1));
        await gate.WaitAsync(cancel);
        return new Held(gate);
    }

    public async ValueTask DisposeAsync()
    {
        await EndSweepAsync();
        await _programs.DisposeAsync();
    }

    /// <summary>Volumes of these places are in clear.</summary>
    private static void CheckClear(DesiredVolume volume)
    {
        if (volume.Encryption is not null) throw new HypervisorException("encryption-unsupported", $"The volume {volume.Id} is to be encrypted, which volumes of its pool cannot be. Nothing is written of it.", null);
    }

    private sealed class Held(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
