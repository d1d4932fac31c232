using Kumoi.Agent.Instances;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>Volumes of a machine, on a store of its own. Every step may be slow, fail on either side of its effect, or be cut off.</summary>
internal sealed class ModelVolumes(Cloud cloud, ModelHost host, Node node) : IVolumeDriver
{
    private const int Room = 100;

    public Task<StoresSight> LookAsync(CancellationToken cancel) => Task.FromResult(new StoresSight(
        [new StoreSight(new ObservedStore(host.StoreId, StorePlace.LocalPool, StoreDrivers.Directory, false, true, Room, 0), [.. host.Volumes.Keys.Select(id => (id, "model"))])], []));

    public Task FillAsync(DesiredVolume volume, CancellationToken cancel) => throw new InvalidOperationException("The model has no backups.");

    public Task ExportAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => throw new InvalidOperationException("The model gives volumes to no other host.");

    public Task EndExportAsync(DesiredVolume volume, CancellationToken cancel) => ExportAsync(volume, null, cancel);

    public async Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        if (cloud.Dice.OneIn(4)) await Task.Yield();
        var (size, content) = (host.Volumes.GetValueOrDefault(volume.Id), host.Contents.GetValueOrDefault(volume.Id));
        return new VolumeSight(size > 0 || content?.Snapshots.Count > 0, size > 0 ? size * VolumeSizes.Gib : null, 0, host.HasOpen(volume.Id), false, 0)
        {
            Snapshots = content is null ? SnapshotsSight.None : new SnapshotsSight(
                [.. content.Snapshots.Where(one => one.Value.TakenAt is not null).Select(one => new ObservedSnapshot(one.Key, one.Value.TakenAt!.Value, SnapshotConsistency.Crash, 0))],
                [.. content.Snapshots.Where(one => one.Value.TakenAt is null).Select(one => one.Key)], content.Restored, false, false, null),
        };
    }

    public void Watch(Action<string> changed)
    {
        // Whatever is done here is done when the step returns.
    }

    public Task CopyAsync(DesiredVolume volume, DesiredVolume source, DesiredImage? image, CancellationToken cancel) => StepAsync("fills", volume, () =>
    {
        if (!host.ContentOf(source.Id).Snapshots.TryGetValue(volume.Source!.SnapshotId, out var snapshot) || snapshot.TakenAt is null) throw new HypervisorException("snapshot-missing", "The snapshot is not here.", null);
        if (host.Volumes.TryAdd(volume.Id, volume.SizeGib)) host.ContentOf(volume.Id).Content = snapshot.Content;
    }, cancel);

    public Task PrepareAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("makes snapshots ready of", volume, () =>
    {
        var content = host.ContentOf(volume.Id);
        foreach (var wanted in (volume.Snapshots ?? []).Where(one => one is { Desired: VolumeDesire.Present, Taken: false }))
            content.Snapshots.TryAdd(wanted.Id, (content.Content, host.HasOpen(volume.Id) ? null : host.Timepiece.Wall));
    }, cancel);

    public async Task<bool> TakeAsync(DesiredVolume volume, IReadOnlyList<DesiredVolume> group, CancellationToken cancel)
    {
        var groups = SnapshotGroups.GroupsOf(volume);
        if (group.Any(other => (other.Snapshots ?? []).Any(one => one is { Desired: VolumeDesire.Present, Taken: false, Group: { } of } && groups.Contains(of) && !host.ContentOf(other.Id).Snapshots.ContainsKey(one.Id)))) return false;
        await StepAsync("takes snapshots of", volume, () =>
        {
            foreach (var id in group.Where(other => other.InstanceId == volume.InstanceId).Select(other => other.Id).Append(volume.Id)) Settle(host.ContentOf(id));
        }, cancel);
        return true;
    }

    public Task ForgetAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("forgets snapshots of", volume, () =>
    {
        foreach (var due in (volume.Snapshots ?? []).Where(one => one.Desired == VolumeDesire.Deleted)) host.ContentOf(volume.Id).Snapshots.Remove(due.Id);
    }, cancel);

    public Task RestoreAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("puts back", volume, () =>
    {
        var content = host.ContentOf(volume.Id);
        if (host.HasOpen(volume.Id) || !content.Snapshots.TryGetValue(volume.Restore!.SnapshotId, out var snapshot) || snapshot.TakenAt is null) throw new HypervisorException("volume-in-use", "A guest has it.", null);
        (content.Content, content.Restored) = (snapshot.Content, volume.Restore.Number);
    }, cancel);

    public Task TidyAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        // The guest that was waited for has ended.
        if (!host.HasOpen(volume.Id)) Settle(host.ContentOf(volume.Id));
        return Task.CompletedTask;
    }

    private void Settle(ModelContent content)
    {
        foreach (var (id, _) in content.Snapshots.Where(one => one.Value.TakenAt is null).ToArray()) content.Snapshots[id] = (content.Content, host.Timepiece.Wall);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public Task MakeAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("makes", volume, () => host.Volumes.TryAdd(volume.Id, volume.SizeGib), cancel);

    public Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("grows", volume, () =>
    {
        if (host.HasOpen(volume.Id)) throw new HypervisorException("volume-in-use", "A guest has it.", null);
        host.Volumes[volume.Id] = Math.Max(host.Volumes[volume.Id], volume.SizeGib);
    }, cancel);

    public Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel) => Task.CompletedTask;

    public Task RemoveAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("removes", volume, () =>
    {
        cloud.Checks.BeforeRemoveVolume(host, volume.Id);
        host.Volumes.Remove(volume.Id);
        if (host.Contents.GetValueOrDefault(volume.Id) is { Snapshots.Count: 0 }) host.Contents.Remove(volume.Id);
    }, cancel);

    public IReadOnlyCollection<string> ImagesInUse() => [];

    public Task<IReadOnlyList<StrayVolume>?> DescribeAsync(IReadOnlyCollection<string> found, CancellationToken cancel) => Task.FromResult<IReadOnlyList<StrayVolume>?>([]);

    private async Task StepAsync(string step, DesiredVolume volume, Action effect, CancellationToken cancel)
    {
        if (volume.Store != host.StoreId) throw new HypervisorException("store-away", "The store is not here.", null);
        await cloud.DawdleAsync(node, cancel);
        if (cloud.StepFails()) throw new HypervisorException("simulated-fault", "It fails before it began.", null);
        cloud.Trace.Note(host.Name, $"{step} {volume.Id}");
        effect();
        host.Changed(volume.InstanceId ?? volume.Id);
        await cloud.DawdleAsync(node, cancel);
        if (cloud.StepFails()) throw new HypervisorException("simulated-fault", "It fails though it was done.", null);
    }
}
