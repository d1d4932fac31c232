using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// Snapshots: points that the place keeps. A guest that writes is held for as long as the points of all its volumes take: they are of one moment if a note says so, and are taken
/// anew if none does.
/// </summary>
public sealed partial class BlockVolumes
{
    public Task PrepareAsync(DesiredVolume volume, CancellationToken cancel) => HoldAsync(volume, async (store, sight) =>
    {
        var head = sight.NeedHead();
        foreach (var wanted in (volume.Snapshots ?? []).Where(one => one is { Desired: VolumeDesire.Present, Taken: false } && sight.Find(one.Id) is null && !sight.Pending.Contains(one.Id)))
        {
            if (!ObjectNames.IsId(wanted.Id)) continue;
            if (head.IsOpen || LinkOf(volume) is not null)
            {
                // Of another try, which was cut off: it would give the point that comes a moment of before.
                if (head.Marks.ContainsKey(BlockNames.Snapshot + wanted.Id)) await store.Tool.MarkAsync(head.Name, BlockNames.Snapshot + wanted.Id, null, cancel);
                await store.Tool.MarkAsync(head.Name, BlockNames.Pending + wanted.Id, "1", cancel);
            }
            else await TakeAsync(store, head, wanted.Id, cancel);
        }
    }, cancel);

    /// <summary>Takes a snapshot of a disk that no process has.</summary>
    private async Task TakeAsync(BlockStore store, BlockDisk disk, string id, CancellationToken cancel)
    {
        await store.Tool.MarkAsync(disk.Name, BlockNames.Snapshot + id, BlockSight.Note(clock.GetUtcNow(), SnapshotConsistency.FileSystem), cancel);
        if (disk.Points.All(point => point.Name != id)) await store.Tool.PointAsync(disk.Name, id, cancel);
    }

    public async Task<bool> TakeAsync(DesiredVolume volume, IReadOnlyList<DesiredVolume> group, CancellationToken cancel)
    {
        if (LinkOf(volume) is not { } link) throw Silent(volume);
        foreach (var other in group)
            if (!await IsReadyAsync(other, SnapshotGroups.GroupsOf(volume), cancel)) return false;
        DesiredVolume[] members = [volume, .. group.Where(other => LinkOf(other)?.InstanceId == link.InstanceId)];
        var gates = new List<IDisposable>();
        try
        {
            foreach (var member in members.OrderBy(member => member.Id, StringComparer.Ordinal)) gates.Add(await GateAsync(member.Id, cancel));
            if (!members.All(member => SnapshotGroups.IsCurrent(member, _told(member.Id)))) return false;
            await TakeAsync(link, members, [], null, cancel);
        }
        finally
        {
            foreach (var gate in gates) gate.Dispose();
        }
        foreach (var member in members) _changed(member.Id);
        return true;
    }

    internal static HypervisorException Silent(DesiredVolume volume) => new("volume-busy", $"The process that has the volume {volume.Id} does not answer; its snapshot is taken when it does, or has ended.", null);

    /// <summary>Whether all snapshots of these groups are made ready, or taken.</summary>
    internal async Task<bool> IsReadyAsync(DesiredVolume volume, IReadOnlySet<string> groups, CancellationToken cancel)
    {
        var sight = await SeeAsync(stores.Need(volume.Store), volume.Id, cancel);
        return (volume.Snapshots ?? []).Where(one => one is { Desired: VolumeDesire.Present, Taken: false, Group: not null } && groups.Contains(one.Group)).All(one => sight.Find(one.Id) is not null || sight.Pending.Contains(one.Id));
    }

    /// <summary>Takes what is ready of volumes that one process has, all at one moment. The caller has their gates.</summary>
    /// <param name="others">Volumes of other drivers that are of the same moment.</param>
    /// <param name="beside">What is done for those while the guest is held; told whether it holds its file systems. Null: nothing is left to be done for them.</param>
    internal async Task TakeAsync(GuestLink link, IReadOnlyList<DesiredVolume> members, IReadOnlyList<string> others, Func<bool, Task>? beside, CancellationToken cancel)
    {
        foreach (var member in members)
            if (!await IsHeldAsync(member, cancel)) throw StoreDirectory.Fenced(member.Incarnation);
        var found = new List<(DesiredVolume Volume, BlockStore Store, BlockSight Sight)>();
        foreach (var member in members)
        {
            var store = stores.Need(member.Store);
            var sight = await SeeAsync(store, member.Id, cancel);
            // An agent before this one was killed when all points were there. If the others were not of that moment yet, it is none.
            if (sight.Head is { } head && await FinishAsync(store, head, sight.Pending, left => left.Others.Count == 0 || beside is null, cancel)) sight = await SeeAsync(store, member.Id, cancel);
            found.Add((member, store, sight));
        }
        var due = found.Where(one => one.Sight.Head is not null).SelectMany(one => one.Sight.Pending.Select(id => (one.Store, Disk: one.Sight.Head!, Id: id))).ToList();
        if (due.Count == 0 && beside is null) return;
        // Of no moment that is noted: they are taken anew.
        foreach (var (store, disk, id) in due.Where(one => one.Disk.Points.Any(point => point.Name == one.Id))) await store.Tool.RemovePointAsync(disk.Name, id, cancel);
        MomentNote? note = null;
        var isGuest = !ObjectNames.IsVolume(link.InstanceId);
        var isFrozen = isGuest && await GuestLayers.HasAgentAsync(link.Qmp, cancel) && await link.Freeze.FreezeAsync(link.InstanceId, cancel);
        try
        {
            await using var pause = isGuest ? await link.Freeze.Pauses.PauseAsync(link.InstanceId, link.Qmp, cancel) : null;
            var at = clock.GetUtcNow();
            foreach (var (store, disk, id) in due) await store.Tool.PointAsync(disk.Name, id, cancel);
            // Another host may have been given one of them meanwhile.
            foreach (var member in members)
                if (!await IsHeldAsync(member, cancel)) throw StoreDirectory.Fenced(member.Incarnation);
            note = new MomentNote(link.InstanceId, at.ToUnixTimeMilliseconds(), isFrozen ? SnapshotConsistency.FileSystem : SnapshotConsistency.Crash, [.. due.Select(one => new MomentPoint(one.Store.Id, one.Disk.Name, one.Id))], beside is null ? [] : others);
            if (due.Count > 0) await _moments.WriteAsync(note, cancel);
            if (beside is not null)
            {
                await beside(isFrozen);
                if (due.Count > 0) await _moments.WriteAsync(note with { Others = [] }, cancel);
            }
        }
        catch (IOException) when (note is not null)
        {
            // What could not be done for the others is done anew, and with these.
            if (due.Count > 0) await _moments.ForgetAsync(note, cancel);
            throw;
        }
        finally
        {
            // Whoever is not waited for any more: the guest is let go.
            await link.Freeze.ThawAsync(link.InstanceId, CancellationToken.None);
        }
        foreach (var (_, store, sight) in found.Where(one => one.Sight.Pending.Count > 0 && one.Sight.Head is not null)) await FinishAsync(store, sight.Head!, sight.Pending, _ => true, cancel);
    }

    /// <summary>Lets those points of a disk be snapshots that are of a moment that is noted. False if there are none.</summary>
    /// <param name="isWhole">Whether all that are of the moment are there; a note of another one is forgotten.</param>
    private async Task<bool> FinishAsync(BlockStore store, BlockDisk head, IReadOnlyList<string> pending, Func<MomentNote, bool> isWhole, CancellationToken cancel)
    {
        if (pending.Count == 0) return false;
        // A note is looked for, followed and forgotten by one at a time.
        await _finishing.WaitAsync(cancel);
        try
        {
            var isAny = false;
            foreach (var note in await _moments.OfAsync(store, cancel))
            {
                string[] due = [.. pending.Where(id => note.Has(store.Id, head.Name, id))];
                if (due.Length > 0 && !isWhole(note)) await _moments.ForgetAsync(note, cancel);
                else
                {
                    foreach (var id in due)
                    {
                        await store.Tool.MarkAsync(head.Name, BlockNames.Snapshot + id, BlockSight.Note(DateTimeOffset.FromUnixTimeMilliseconds(note.At), note.Consistency), cancel);
                        await store.Tool.MarkAsync(head.Name, BlockNames.Pending + id, null, cancel);
                    }
                    isAny |= due.Length > 0;
                    if (await IsDoneAsync(note, cancel)) await _moments.ForgetAsync(note, cancel);
                }
            }
            return isAny;
        }
        finally
        {
            _finishing.Release();
        }
    }

    private readonly SemaphoreSlim _finishing = new(1, 1);

    /// <summary>Whether nothing of a moment waits for its mark any more. What is in a store that is away may.</summary>
    private async Task<bool> IsDoneAsync(MomentNote note, CancellationToken cancel)
    {
        foreach (var points in note.Points.GroupBy(point => point.Store))
        {
            if (stores.There.FirstOrDefault(store => store.Id == points.Key) is not { } store) return false;
            var disks = await store.Tool.ListAsync(name => points.Any(point => point.Disk == name), cancel);
            if (disks.Any(disk => points.Any(point => point.Disk == disk.Name && disk.Marks.ContainsKey(BlockNames.Pending + point.SnapshotId)))) return false;
        }
        return true;
    }

    public Task ForgetAsync(DesiredVolume volume, CancellationToken cancel) => HoldAsync(volume, async (store, sight) =>
    {
        foreach (var due in (volume.Snapshots ?? []).Where(one => one.Desired == VolumeDesire.Deleted))
        {
            if (sight.Head is { } head && head.Marks.ContainsKey(BlockNames.Pending + due.Id)) await store.Tool.MarkAsync(head.Name, BlockNames.Pending + due.Id, null, cancel);
            if (sight.Find(due.Id) is not { } taken) continue;
            // First its meaning; what is left of it then is nobody's.
            await store.Tool.MarkAsync(taken.Disk.Name, BlockNames.Snapshot + due.Id, null, cancel);
            await store.Tool.RemovePointAsync(taken.Disk.Name, due.Id, cancel);
        }
    }, cancel);

    public Task RestoreAsync(DesiredVolume volume, CancellationToken cancel) => HoldAsync(volume, async (store, sight) =>
    {
        var restore = volume.Restore!;
        if (restore.Number <= sight.Restored) return;
        if (sight.NeedHead().IsOpen) throw VolumeFiles.InUse();
        var taken = sight.Find(restore.SnapshotId) ?? throw new HypervisorException("snapshot-missing", $"The snapshot {restore.SnapshotId} is not in the store: the volume cannot be put back to it.", null);
        var name = sight.FreeName();
        await CloneAsync(store, taken.Disk.Name, taken.Point.Name, name, volume.SizeGib * VolumeSizes.Gib, cancel);
        // From here on it is the volume; the disk of before stays for its snapshots, or goes with the next tidying.
        await store.Tool.MarkAsync(name, BlockNames.Head, restore.Number.ToString(System.Globalization.CultureInfo.InvariantCulture), cancel);
    }, cancel);

    public Task TidyAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => HoldAsync(volume, async (store, sight) =>
    {
        if (sight.Head is { } head)
        {
            foreach (var id in sight.Settled) await store.Tool.MarkAsync(head.Name, BlockNames.Pending + id, null, cancel);
            if (!head.IsOpen && LinkOf(volume) is null && sight.Pending.Count > 0)
            {
                // The guest has ended since: what is there is what it left, unless the moment is noted.
                if (await FinishAsync(store, head, sight.Pending, AreOthersWritten, cancel)) sight = await SeeAsync(store, volume.Id, cancel);
                foreach (var id in sight.Pending)
                {
                    if (head.Points.Any(point => point.Name == id)) await store.Tool.RemovePointAsync(head.Name, id, cancel);
                    await TakeAsync(store, head with { Points = [] }, id, cancel);
                    await store.Tool.MarkAsync(head.Name, BlockNames.Pending + id, null, cancel);
                }
            }
        }
        foreach (var (disk, point) in sight.LoosePoints.ToArray()) await store.Tool.RemovePointAsync(disk.Name, point.Name, cancel);
        foreach (var disk in sight.Unneeded) await DiscardAsync(store, disk with { Points = [] }, cancel);
        if (_programs.Of(volume.Id) is null)
        {
            if (sight.Begun.Count > 0) await _programs.EndMarkedAsync(volume.Id, BlockNames.BegunPrefix(volume.Id), cancel);
            foreach (var disk in sight.Begun) await DiscardBegunAsync(store, disk, cancel);
        }
        if (volume.Desired == VolumeDesire.Deleted && sight is { Head: null, Taken.Count: 0 }) await store.Tool.ForgetAsync(volume.Id, cancel);
    }, cancel);

    /// <summary>
    /// Whether volumes of other drivers were written elsewhere from a moment on. One that was told to be, and that nothing was written to since, is as it was at that moment when its guest ended; then the
    /// moment is that at which the guest ended, for all.
    /// </summary>
    private bool AreOthersWritten(MomentNote note) => note.Others.All(IsWrittenBeside);

    /// <summary>Whether a volume of another driver, <c>store/volume</c>, has content in what it was to be written to from a moment on.</summary>
    internal Func<string, bool> IsWrittenBeside { get; set; } = _ => false;

    /// <summary>A snapshot, for who reads it; null: it is not there.</summary>
    internal async Task<TakenPoint?> FindAsync(DesiredVolume volume, string snapshotId, CancellationToken cancel) => (await LookAsync(stores.Need(volume.Store), volume.Id, cancel)).Find(snapshotId);
}
