using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// Snapshots: an empty layer is put over the one that is written, and what was written becomes the snapshot when nobody writes to it any more. The
/// file of the layers' meaning is changed before anything happens in a guest's process: whatever starts next starts from the new layer.
/// </summary>
public sealed partial class DirectoryVolumes
{
    /// <summary>What the guest's process has; null if it does not answer, too: then the locks of the files tell that it is there.</summary>
    private async Task<LayerProcess?> ProcessAsync(DesiredVolume volume, CancellationToken cancel)
    {
        try
        {
            return Guests.With(volume.Id) is { } link ? await GuestLayers.ReadAsync(link.Qmp, volume.Id, cancel) : null;
        }
        catch (QmpException)
        {
            return null;
        }
    }

    private VolumeSight See(DesiredVolume volume, VolumeFiles files, LayerProcess? process)
    {
        var seen = files.Look();
        var copy = _programs.Of(volume.Id) is { Kind: VolumeWorks.Copy or VolumeWorks.Restore or VolumeWorks.Move, State: LayerWorkState.Running } filling ? WorkOf(volume, filling) : null;
        if (!seen.Traces || ReferenceEquals(files.State, LayerState.Initial)) return copy is null ? seen : seen with { Snapshots = SnapshotsSight.None with { Work = copy } };
        var layers = See(files, volume, process);
        var isBeside = layers.Beside is { State: LayerWorkState.Running };
        // A process that has not been told yet that there is a new head writes to the layer below it. What a program of the agent's has open is in no use.
        var written = (layers.State.Head is { } head ? layers.ChainOf(head) : null)?.Any(layer => layer.IsWritten && !(isBeside && (layer.Number == layers.Beside!.Layer || layer.Number == layers.State.Merge?.Into)));
        var inUse = written == true || (seen.InUse && !isBeside);
        var work = (layers.Process?.Work ?? []).Concat(layers.Beside is { } beside ? [beside] : []).FirstOrDefault(one => one.State == LayerWorkState.Running);
        ObservedSnapshot[] taken = [.. layers.State.Snapshots.Where(one => one.TakenAt is not null && layers.ChainOf(one.Layer) is not null).Select(one => new ObservedSnapshot(one.Id, one.TakenAt!.Value, one.Consistency, FreeWithout(layers, one)))];
        return seen with
        {
            InUse = inUse,
            IsGiven = seen.IsGiven && !isBeside,
            Snapshots = new SnapshotsSight(taken, [.. LayerPlanner.Pending(layers).Select(one => one.Id)], layers.State.Restored, LayerPlanner.Next(layers) is not null || layers.IsResting || IsLeft(volume, files), !layers.IsWhole, copy ?? (work is null ? null : WorkOf(volume, work))),
        };
    }

    /// <summary>At most what is free without a snapshot: what is only in its layer, or in both that and the one over it.</summary>
    private static long FreeWithout(LayersSight layers, LayerSnapshot snapshot)
    {
        if (layers.State.Snapshots.Any(other => other.Id != snapshot.Id && other.Layer == snapshot.Layer)) return 0;
        var own = layers.Layers[snapshot.Layer].UsedBytes;
        return layers.ChildrenOf(snapshot.Layer) switch { [] => own, [var over] => Math.Min(own, over.UsedBytes), _ => 0 };
    }

    private VolumeWork WorkOf(DesiredVolume volume, LayerWork work) =>
        new(work.Kind, work.DoneBytes, work.TotalBytes, _begun.AddOrUpdate((volume.Id, work.Id), _ => _programs.Since(volume.Id), (_, since) => since));

    /// <summary>All of the layers, in the guest's process too.</summary>
    private async Task<LayersSight> LayersAsync(DesiredVolume volume, VolumeFiles files, CancellationToken cancel) =>
        See(files, volume, Guests.With(volume.Id) is { } link ? await GuestLayers.ReadAsync(link.Qmp, volume.Id, cancel) : null);

    private LayersSight See(VolumeFiles files, DesiredVolume volume, LayerProcess? process) => files.See(
        process is { Chain.Count: > 0 } ? process : null, _programs.Of(volume.Id) is { Kind: VolumeWorks.Merge or VolumeWorks.Flatten } work ? work : null,
        _programs.ReadOf(volume.Id), name => File.Exists(stores.Images.PathOf(name))) with { IsResting = _programs.RestOf(volume.Id) is not null };

    /// <summary>Whether an agent that was killed has left something that it had begun to write.</summary>
    private bool IsLeft(DesiredVolume volume, VolumeFiles files) => _programs.Of(volume.Id) is null && files.Begun.Count > 0;

    /// <summary>Looks at the layers and changes them, alone among this agent's and all hosts'.</summary>
    private async Task HoldLayersAsync(DesiredVolume volume, Func<StoreDirectory, VolumeFiles, LayersSight, Task> act, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        using var mine = await GateAsync(volume.Id, cancel);
        await store.HoldAsync(volume.Id, volume.Incarnation, async () =>
        {
            var layers = await LayersAsync(volume, files, cancel);
            if (!layers.IsWhole) throw new HypervisorException("snapshot-refused", $"The files of the volume {volume.Id} or of its snapshots are damaged, or were changed by others. Nothing is done to them.", null);
            await act(store, files, layers);
        }, cancel);
    }

    public Task PrepareAsync(DesiredVolume volume, CancellationToken cancel) => HoldLayersAsync(volume, async (_, files, layers) =>
    {
        await EndProgramAsync(volume, files, cancel);
        layers = await LayersAsync(volume, files, cancel);
        var (state, now) = (layers.State, clock.GetUtcNow());
        var wanted = (volume.Snapshots ?? []).Where(one => one is { Desired: VolumeDesire.Present, Taken: false } && state.Snapshots.All(there => there.Id != one.Id)).ToArray();
        if (wanted.Length == 0) return;
        var head = state.Head ?? throw NotThere(volume);
        // What was made ready before, and nobody was told of yet in the guest's process, is made for these as well.
        if (layers.Written is { } written && written != head)
        {
            (state with { Snapshots = [.. state.Snapshots, .. wanted.Select(one => new LayerSnapshot(one.Id, written, one.Group, now, null, SnapshotConsistency.Crash))] }).Write(files.Directory);
            return;
        }
        // While this is held, no process can begin to write to what is to be the snapshot.
        using var unused = layers.Process is null ? QemuLocks.TryTake(files.PathOf(head)) : null;
        await CoverAsync(files, layers, head, 0, next => state with
        {
            Head = next,
            Snapshots = [.. state.Snapshots, .. wanted.Select(one => new LayerSnapshot(one.Id, head, one.Group, now, unused is null ? null : now, unused is null ? SnapshotConsistency.Crash : SnapshotConsistency.FileSystem))],
        }, cancel);
    }, cancel);

    /// <summary>Makes an empty layer over another, and then has it mean something.</summary>
    private async Task CoverAsync(VolumeFiles files, LayersSight layers, int over, long leastBytes, Func<int, LayerState> meaning, CancellationToken cancel)
    {
        var next = layers.Free;
        if (next > LayerNames.Highest) throw new HypervisorException("snapshot-refused", "The volume has had more layers than there are numbers for.", null);
        var beginning = files.BeginningOf(next);
        File.Delete(beginning);
        try
        {
            await CreateAsync(files.Volume, beginning, ("qcow2", LayerNames.File(over)), Math.Max(layers.Layers[over].SizeBytes, leastBytes), cancel);
            // Who writes to the one below is to write to this one.
            DurableFiles.Own(beginning, over == layers.State.Head ? FileStates.UserOf(files.PathOf(over)) ?? 0 : 0);
            DurableFiles.Flush(beginning);
            File.Move(beginning, files.PathOf(next));
            DurableFiles.FlushDirectory(files.Directory);
            meaning(next).Write(files.Directory);
        }
        catch (IOException)
        {
            // Of a disk that is full, nothing of it is left. What could not be said to mean something means nothing.
            File.Delete(beginning);
            if (files.State.Head != next) File.Delete(files.PathOf(next));
            throw;
        }
    }

    public async Task<bool> TakeAsync(DesiredVolume volume, IReadOnlyList<DesiredVolume> group, CancellationToken cancel)
    {
        if (Guests.With(volume.Id) is not { } link) throw new HypervisorException("volume-busy", $"The process that has the volume {volume.Id} does not answer; its snapshot is taken when it does, or has ended.", null);
        // Those that are in no guest, or in another, are taken as soon as they are ready, which all of a group have to be first.
        if (group.Any(other => !IsReady(other, SnapshotGroups.GroupsOf(volume)))) return false;
        DesiredVolume[] members = [volume, .. group.Where(other => Guests.With(other.Id)?.InstanceId == link.InstanceId)];
        var gates = new List<IDisposable>();
        try
        {
            foreach (var member in members.OrderBy(member => member.Id, StringComparer.Ordinal)) gates.Add(await GateAsync(member.Id, cancel));
            foreach (var member in members.Where(member => !IsHeld(member))) throw StoreDirectory.Fenced(member.Incarnation);
            if (!members.All(IsCurrent)) return false;
            await SwitchAsync(link, members, cancel);
        }
        finally
        {
            foreach (var gate in gates) gate.Dispose();
        }
        foreach (var member in members) _changed(member.Id);
        return true;
    }

    /// <summary>Whether all snapshots of these groups are made ready, or taken.</summary>
    internal bool IsReady(DesiredVolume volume, IReadOnlySet<string> groups)
    {
        var state = Find(volume).Item2.State;
        return (volume.Snapshots ?? []).Where(one => one is { Desired: VolumeDesire.Present, Taken: false, Group: not null } && groups.Contains(one.Group)).All(one => state.Snapshots.Any(there => there.Id == one.Id));
    }

    /// <summary>Whether anything was written to what a guest that has ended was to write to after a snapshot.</summary>
    internal bool IsHeadWritten(string volumeId, string store) =>
        Find(new DesiredVolume(volumeId, store, 0, 0, VolumeDesire.Present, 0)).Item2 is var files && files.State.Head is { } head && Qcow2Header.HasContent(files.PathOf(head));

    /// <summary>Lets the guest write to the heads of all these volumes, at one moment.</summary>
    private Task SwitchAsync(GuestLink link, IReadOnlyList<DesiredVolume> volumes, CancellationToken cancel) => SwitchAsync(link, volumes, null, cancel);

    /// <param name="moment">Does what it is given while the guest is held, and tells it whether its file systems are, too; it is given null if nothing is to be done any more. Null: at a moment of its own.</param>
    internal async Task SwitchAsync(GuestLink link, IReadOnlyList<DesiredVolume> volumes, Func<Func<bool, Task>?, Task>? moment, CancellationToken cancel)
    {
        var switches = new List<(VolumeFiles Files, LayerState State, (string VolumeId, int From, int To) Layers)>();
        foreach (var volume in volumes)
        {
            var (_, files) = Find(volume);
            var layers = await LayersAsync(volume, files, cancel);
            if (!layers.IsWhole || layers.Process is not { } process || layers.State.Head is not { } head) continue;
            if (process.Chain[0] == head)
            {
                // An agent before this one was killed when it had told the process, and had not noted it yet.
                foreach (var told in LayerPlanner.Pending(layers).Where(one => one.Layer != head).Select(one => one.Layer).Distinct().ToArray()) StampLate(files, files.State, told);
                continue;
            }
            if (layers.Layers[head].Backing != process.Chain[0]) continue;
            await GuestLayers.CancelAsync(link.Qmp, volume.Id, clock, cancel);
            DurableFiles.Own(files.PathOf(head), link.User);
            if (!process.Loose.Contains(head)) await AddAsync(link, volume, files, head, cancel);
            // A guest's disk never becomes smaller.
            var size = await GuestLayers.SizeAsync(link.Qmp, volume.Id, process.Chain[0], cancel);
            if (await GuestLayers.SizeAsync(link.Qmp, volume.Id, head, cancel) != size) await GuestLayers.ResizeAsync(link.Qmp, volume.Id, head, size, cancel);
            switches.Add((files, layers.State, (volume.Id, process.Chain[0], head)));
        }
        if (switches.Count == 0)
        {
            if (moment is not null) await moment(null);
            return;
        }
        var (isHeld, at) = (false, clock.GetUtcNow());
        if (moment is not null) await moment(async held =>
        {
            (isHeld, at) = (held, clock.GetUtcNow());
            await GuestLayers.SwitchAsync(link.Qmp, switches.Select(one => one.Layers), cancel);
        });
        else try
        {
            // Layers that are put between others for their own sake are no matter of the guest's.
            if (switches.Any(one => one.State.Snapshots.Any(snapshot => snapshot.TakenAt is null && snapshot.Layer == one.Layers.From)) && await GuestLayers.HasAgentAsync(link.Qmp, cancel)) isHeld = await link.Freeze.FreezeAsync(link.InstanceId, cancel);
            at = clock.GetUtcNow();
            await GuestLayers.SwitchAsync(link.Qmp, switches.Select(one => one.Layers), cancel);
        }
        finally
        {
            // Whoever is not waited for any more: the guest is let go.
            await link.Freeze.ThawAsync(link.InstanceId, CancellationToken.None);
        }
        foreach (var (files, state, (_, from, _)) in switches)
            Stamp(state, from, _ => at, isHeld ? SnapshotConsistency.FileSystem : SnapshotConsistency.Crash).Write(files.Directory);
    }

    private static async Task AddAsync(GuestLink link, DesiredVolume volume, VolumeFiles files, int head, CancellationToken cancel)
    {
        try
        {
            await GuestLayers.AddAsync(link.Qmp, volume, head, files.PathOf(head), cancel);
        }
        catch (QmpRefusedException e) when (e.Words.Contains("Duplicate nodes", StringComparison.Ordinal))
        {
            // Half of it was added by an agent that was killed: that is taken away, and the next try adds it anew.
            await GuestLayers.DropAsync(link.Qmp, volume.Id, head, TimeProvider.System, cancel);
            throw new HypervisorException("volume-busy", $"The layers of the volume {volume.Id} are got ready once more.", e);
        }
    }

    /// <summary>Notes the last moment at which anything was written to a layer, as near as can be told afterwards.</summary>
    private static void StampLate(VolumeFiles files, LayerState state, int layer)
    {
        var written = new DateTimeOffset(File.GetLastWriteTimeUtc(files.PathOf(layer)), TimeSpan.Zero);
        Stamp(state, layer, one => one.Since > written ? one.Since : written, SnapshotConsistency.Crash).Write(files.Directory);
    }

    private static LayerState Stamp(LayerState state, int layer, Func<LayerSnapshot, DateTimeOffset> moment, string consistency) => state with
    {
        Snapshots = [.. state.Snapshots.Select(one => one.TakenAt is null && one.Layer == layer ? one with { TakenAt = moment(one), Consistency = consistency } : one)],
    };

    public Task ForgetAsync(DesiredVolume volume, CancellationToken cancel) => HoldLayersAsync(volume, (_, files, layers) =>
    {
        var due = (volume.Snapshots ?? []).Where(one => one.Desired == VolumeDesire.Deleted).Select(one => one.Id).ToHashSet();
        if (layers.State.Snapshots.Any(one => due.Contains(one.Id))) (layers.State with { Snapshots = [.. layers.State.Snapshots.Where(one => !due.Contains(one.Id))] }).Write(files.Directory);
        return Task.CompletedTask;
    }, cancel);

    public Task RestoreAsync(DesiredVolume volume, CancellationToken cancel) => HoldLayersAsync(volume, async (_, files, layers) =>
    {
        var (state, restore) = (layers.State, volume.Restore!);
        if (restore.Number <= state.Restored) return;
        var snapshot = state.Snapshots.FirstOrDefault(one => one.Id == restore.SnapshotId && one.TakenAt is not null)
            ?? throw new HypervisorException("snapshot-missing", $"The snapshot {restore.SnapshotId} is not in the store: the volume cannot be put back to it.", null);
        await EndProgramAsync(volume, files, cancel);
        using var unused = layers.Process is not null || (layers.Written is { } written && layers.Layers[written].IsWritten) ? null : state.Head is { } head ? QemuLocks.TryTake(files.PathOf(head)) : throw NotThere(volume);
        if (unused is null) throw VolumeFiles.InUse();
        await CoverAsync(files, layers, snapshot.Layer, volume.SizeGib * VolumeSizes.Gib, next => state with { Head = next, Restored = restore.Number, Inserted = null }, cancel);
    }, cancel);

    public async Task<bool> IsBetweenAsync(DesiredVolume volume, QmpClient qmp, CancellationToken cancel) =>
        Find(volume).Item2.State.Head is { } head && await GuestLayers.ReadAsync(qmp, volume.Id, cancel) is { Chain: [var top, ..] } && top != head;
}
