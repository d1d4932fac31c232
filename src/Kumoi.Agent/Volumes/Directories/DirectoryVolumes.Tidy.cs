using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>What makes layers fewer: in the guest's process if it has them, and by programs of the agent's if nobody has.</summary>
public sealed partial class DirectoryVolumes
{
    /// <summary>Steps of one look. Each leaves fewer to do; what is long is begun, and looked at again.</summary>
    private const int StepsMax = 64;

    // Users for programs that read or write layers, one for each volume: far from those of guests, people and services.
    private const uint Users = 0x6000_0000, UsersMask = 0x0fff_ffff;

    private readonly ConcurrentDictionary<(string VolumeId, string Work), DateTimeOffset> _begun = new();

    public Task TidyAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => HoldLayersAsync(volume, async (_, files, layers) =>
    {
        if (IsLeft(volume, files))
        {
            await EndProgramAsync(volume, files, cancel);
            layers = await LayersAsync(volume, files, cancel);
        }
        for (var taken = 0; taken < StepsMax && LayerPlanner.Next(layers) is { } step; taken++)
        {
            await ActAsync(step, volume, image, files, layers, cancel);
            layers = await LayersAsync(volume, files, cancel);
        }
        // All else is done; what failed is told for as long as it is left alone.
        _programs.CheckRested(volume.Id);
    }, cancel);

    private async Task ActAsync(LayerStep step, DesiredVolume volume, DesiredImage? image, VolumeFiles files, LayersSight layers, CancellationToken cancel)
    {
        var state = layers.State;
        var link = Guests.With(volume.Id);
        var qmp = link?.Qmp;
        switch (step.Act)
        {
            case LayerAct.Dismiss:
                await GuestLayers.DismissAsync(qmp!, step.Work!.Id, cancel);
                _begun.TryRemove((volume.Id, step.Work.Id), out _);
                if (step.Work is { State: LayerWorkState.Failed, Words: { } words } && !words.Contains("cancel", StringComparison.OrdinalIgnoreCase)) throw _programs.Failed(volume.Id, Failed(words, "tidied"));
                break;
            case LayerAct.DismissBeside:
                await EndProgramAsync(volume, files, cancel);
                throw _programs.Failed(volume.Id, step.Work!.Failure ?? Failed(step.Work.Words ?? "", "tidied"));
            case LayerAct.Finalize:
                await GuestLayers.FinalizeAsync(qmp!, volume, step.Work!, step.Into, cancel);
                break;
            case LayerAct.Cancel:
                await GuestLayers.CancelAsync(qmp!, volume.Id, clock, cancel);
                break;
            case LayerAct.Stamp:
                StampLate(files, state, step.Layer);
                break;
            case LayerAct.Switch:
                await SwitchAsync(link!, [volume], cancel);
                break;
            case LayerAct.Drop:
                await GuestLayers.DropAsync(qmp!, volume.Id, step.Layer, clock, cancel);
                break;
            case LayerAct.Unlink:
                using (var unused = QemuLocks.TryTake(files.PathOf(step.Layer)) ?? throw VolumeFiles.InUse()) File.Delete(files.PathOf(step.Layer));
                DurableFiles.FlushDirectory(files.Directory);
                break;
            case LayerAct.Insert:
                await CoverAsync(files, layers, step.Layer, 0, next => state with { Head = next, Inserted = next }, cancel);
                break;
            case LayerAct.Merge:
                // Numbers come again: what was done to a layer of this number before is no word of this one.
                await _programs.EndAsync(volume.Id, files.Directory, cancel);
                var merge = new LayerMerge(step.Layer, step.Into, step.Over);
                if (state.Merge != merge) (state with { Merge = merge }).Write(files.Directory);
                if (step.Over is { } over) await MergeInGuestAsync(link!, volume, files, step, over, cancel);
                else await MergeBesideAsync(volume, image, files, layers, step, cancel);
                break;
            case LayerAct.FinishMerge:
                await FinishMergeAsync(volume, files, layers, step, cancel);
                break;
            case LayerAct.ForgetMerge:
                await _programs.EndAsync(volume.Id, files.Directory, cancel);
                (state with { Merge = null }).Write(files.Directory);
                break;
            case LayerAct.Seal:
                DurableFiles.Seal(files.PathOf(step.Layer), FileStates.GroupOf(files.PathOf(step.Layer)) ?? 0);
                break;
            case LayerAct.Flatten:
                if (step.Over is not null) await GuestLayers.FlattenAsync(qmp!, volume.Id, step.Layer, layers.ChainOf(step.Layer)![^1].OverImage ? VolumeFiles.BackingOf(image) : null, cancel);
                else await FlattenBesideAsync(volume, image, files, layers, step.Layer, cancel);
                break;
            case LayerAct.FinishFlatten:
                FinishFlatten(volume, files, layers.State, step.Into);
                break;
            default:
                throw new InvalidOperationException($"Unknown act {step.Act}.");
        }
    }

    private static async Task MergeInGuestAsync(GuestLink link, DesiredVolume volume, VolumeFiles files, LayerStep step, int over, CancellationToken cancel)
    {
        // QEMU opens both once more, to write to them: what is in the one, and the other's word of what it is over.
        foreach (var layer in new[] { step.Into, over }) DurableFiles.Own(files.PathOf(layer), link.User, AgentModes.PrivateFile);
        await GuestLayers.MergeAsync(link.Qmp, volume.Id, step.Layer, step.Into, cancel);
    }

    private async Task MergeBesideAsync(DesiredVolume volume, DesiredImage? image, VolumeFiles files, LayersSight layers, LayerStep step, CancellationToken cancel)
    {
        files.Check(step.Layer, image);
        var user = UserOf(volume);
        var groups = Lend(files, layers.ChainOf(step.Layer)!, user, [step.Layer, step.Into]);
        var key = LayerKey.Of(volume, user);
        Run(volume, VolumeWorks.Merge, step.Layer, step.Into, null, layers.Layers[step.Layer].UsedBytes, [.. As(user, groups), ImageTool, "commit", "-p", "-d", "-t", "writeback", .. key.Arguments, ChainText(files, layers.ChainOf(step.Layer)!, key)], key);
    }

    /// <summary>The lower layer has all of the upper one: what was over that, or meant it, is over the lower one or means that from now on.</summary>
    private async Task FinishMergeAsync(DesiredVolume volume, VolumeFiles files, LayersSight layers, LayerStep step, CancellationToken cancel)
    {
        var state = layers.State;
        // If it is the head, a guest may not begin to write to it now.
        using var unused = state.Head == step.Layer ? QemuLocks.TryTake(files.PathOf(step.Layer)) ?? throw VolumeFiles.InUse() : null;
        DurableFiles.Flush(files.PathOf(step.Into));
        foreach (var child in layers.ChildrenOf(step.Layer))
        {
            var (path, user) = (files.PathOf(child.Number), UserOf(volume));
            DurableFiles.Own(path, user, AgentModes.PrivateFile);
            using var key = LayerKey.Of(volume, user);
            Check(await RunAsync("setpriv", [.. As(user, []), ImageTool, "rebase", "-u", .. key.Arguments, "-F", "qcow2", "-b", LayerNames.File(step.Into), "json:" + key.Layer(path, null).ToJsonString()], key, cancel), "tidied");
            DurableFiles.Flush(path);
            if (child.Number == state.Head) DurableFiles.Own(path, 0);
        }
        if (state.Head == step.Layer) DurableFiles.Own(files.PathOf(step.Into), 0, AgentModes.PrivateFile);
        (state with
        {
            Head = state.Head == step.Layer ? step.Into : state.Head,
            Inserted = state.Inserted == step.Layer ? null : state.Inserted,
            Merge = null,
            Snapshots = [.. state.Snapshots.Select(one => one.Layer == step.Layer ? one with { Layer = step.Into } : one)],
        }).Write(files.Directory);
        _programs.Forget(volume.Id);
    }

    private async Task FlattenBesideAsync(DesiredVolume volume, DesiredImage? image, VolumeFiles files, LayersSight layers, int head, CancellationToken cancel)
    {
        await _programs.EndAsync(volume.Id, files.Directory, cancel);
        files.Check(head, image);
        var next = layers.Free;
        var target = files.BeginningOf(next);
        File.Delete(target);
        await CreateAsync(volume, target, null, layers.Layers[head].SizeBytes, cancel);
        var user = UserOf(volume);
        DurableFiles.Own(target, user);
        var groups = Lend(files, layers.ChainOf(head)!, user, []);
        var key = LayerKey.Of(volume, user);
        Run(volume, VolumeWorks.Flatten, head, next, null, layers.ChainOf(head)!.Sum(layer => layer.UsedBytes), [.. As(user, groups), .. Copy, .. key.Arguments, ChainText(files, layers.ChainOf(head)!, key), .. key.Into(target)], key);
    }

    /// <param name="next">Its number was free when the program began; what is newer than that would have ended it.</param>
    private void FinishFlatten(DesiredVolume volume, VolumeFiles files, LayerState state, int next)
    {
        var head = state.Head!.Value;
        using var unused = QemuLocks.TryTake(files.PathOf(head)) ?? throw VolumeFiles.InUse();
        DurableFiles.Own(files.BeginningOf(next), FileStates.UserOf(files.PathOf(head)) ?? 0);
        DurableFiles.Flush(files.BeginningOf(next));
        File.Move(files.BeginningOf(next), files.PathOf(next));
        DurableFiles.FlushDirectory(files.Directory);
        (state with { Head = next, Inserted = null }).Write(files.Directory);
        _programs.Forget(volume.Id);
    }

    public async Task CopyAsync(DesiredVolume volume, DesiredVolume source, DesiredImage? image, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        using var mine = await GateAsync(volume.Id, cancel);
        await BeginAsync(volume, store, files, cancel);
        if (files.IsMade || await IsFillingAsync(volume, store, files, "filled from its snapshot", cancel)) return;
        if (source.Store != volume.Store) throw new HypervisorException("snapshot-missing", $"The volume {source.Id} is in another store; a volume begins with a snapshot of its own store.", null);
        await _programs.EndAsync(volume.Id, files.Directory, cancel);
        using var sources = await GateAsync(source.Id, cancel);
        var from = Find(source).Item2;
        var layers = from.See();
        var snapshot = layers.State.Snapshots.FirstOrDefault(one => one.Id == volume.Source!.SnapshotId && one.TakenAt is not null)
            ?? throw new HypervisorException("snapshot-missing", $"The snapshot {volume.Source!.SnapshotId}, with which the volume begins, is not in the store.", null);
        from.Check(snapshot.Layer, image);
        var chain = layers.ChainOf(snapshot.Layer)!;
        File.Delete(files.Beginning);
        await CreateAsync(volume, files.Beginning, null, Math.Max(chain[0].SizeBytes, volume.SizeGib * VolumeSizes.Gib), cancel);
        var user = UserOf(volume);
        DurableFiles.Own(files.Beginning, user);
        var groups = Lend(from, chain, user, []);
        var (read, key) = (LayerKey.OfSource(source.Id, source.Encryption, user), LayerKey.Of(volume, user));
        Run(volume, VolumeWorks.Copy, 0, 0, new LayersRead(source.Id, [.. chain.Select(layer => layer.Number)]), chain.Sum(layer => layer.UsedBytes), [.. As(user, groups), .. Copy, .. read.Arguments, .. key.Arguments, ChainText(from, chain, read), .. key.Into(files.Beginning)], read, key);
    }

    /// <summary>Looks after the program that fills the volume, and lets it be there when it is whole; false if there is none.</summary>
    private async Task<bool> IsFillingAsync(DesiredVolume volume, StoreDirectory store, VolumeFiles files, string done, CancellationToken cancel)
    {
        if (_programs.Of(volume.Id) is not { } work)
        {
            _programs.CheckRested(volume.Id);
            return false;
        }
        if (work.State == LayerWorkState.Running) return true;
        if (work.State == LayerWorkState.Failed)
        {
            File.Delete(files.Beginning);
            throw _programs.Failed(volume.Id, work.Failure ?? Failed(work.Words ?? "", done));
        }
        _programs.Forget(volume.Id);
        DurableFiles.Own(files.Beginning, 0);
        DurableFiles.Flush(files.Beginning);
        await store.HoldAsync(volume.Id, volume.Incarnation, files.Finish, cancel);
        return true;
    }

    // What is written into is there already, and nothing is in it.
    private static readonly string[] Copy = [ImageTool, "convert", "-p", "-n", "--target-is-zero"];

    /// <param name="into">The layer that it is written into.</param>
    /// <param name="reads">Layers of another volume that it reads; null: none.</param>
    /// <param name="keys">The keys that it needs; they are let go of when it has ended.</param>
    private void Run(DesiredVolume volume, string kind, int layer, int into, LayersRead? reads, long total, IReadOnlyList<string> arguments, params IReadOnlyList<LayerKey> keys)
    {
        var id = $"{kind}-{into}";
        _begun.TryRemove((volume.Id, id), out _);
        _programs.Start(volume.Id, new LayerWork(id, kind, layer, LayerWorkState.Running, 0, total, null) { Into = into, Reads = reads }, "setpriv", arguments, keys, () => _changed(volume.Id));
    }

    /// <summary>Lets a program read layers, and write to some; the groups that it has to be in for that, since a guest may read some of them too.</summary>
    private static HashSet<uint> Lend(VolumeFiles files, IReadOnlyList<Layer> chain, uint user, IReadOnlyCollection<int> written)
    {
        var groups = new HashSet<uint>();
        foreach (var layer in chain)
        {
            var path = files.PathOf(layer.Number);
            if (written.Contains(layer.Number)) DurableFiles.Own(path, user, AgentModes.PrivateFile);
            else if (FileStates.GroupOf(path) is not (null or 0) and { } group) groups.Add(group);
            else DurableFiles.Seal(path, user);
        }
        return groups;
    }

    /// <summary>A chain with each file said, so that nothing is opened because a file names it.</summary>
    private string ChainText(VolumeFiles files, IReadOnlyList<Layer> chain, LayerKey key)
    {
        JsonObject? below = files.ImageOf(chain[^1].Number) is { } image ? ImageNode(image) : null;
        foreach (var layer in chain.Reverse()) below = key.Layer(files.PathOf(layer.Number), below);
        return "json:" + below!.ToJsonString();
    }

    private static uint UserOf(DesiredVolume volume) => UserOf(volume.Id);
}
