using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Simulated;

/// <summary>Volumes of a machine that exists only in memory: one store, beside its disks.</summary>
/// <param name="diskGib">The room of the store.</param>
public sealed class SimulatedVolumeDriver(SimulatedMachine machine, SimulatedFaults faults, Func<int> diskGib, TimeProvider clock) : IVolumeDriver
{
    // Nobody connects there.
    private const int ExportPort = 10809;

    private readonly SimulatedVolumes _volumes = machine.Disks.Volumes;

    private string StoreId => machine.Storage ?? _volumes.Id;

    public Task<StoresSight> LookAsync(CancellationToken cancel)
    {
        var shared = machine.Storage is not null;
        var store = new ObservedStore(StoreId, shared ? StorePlace.SharedPool : StorePlace.LocalPool, StoreDrivers.Directory, shared, !shared, diskGib(), Math.Min(diskGib(), _volumes.Total), true);
        return Task.FromResult(new StoresSight([new StoreSight(store, shared ? [] : [.. _volumes.List().Select(id => (id, "memory"))])], []));
    }

    public Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        Check(volume);
        return Task.FromResult(_volumes.Look(volume.Id));
    }

    public Task MakeAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("MakeVolume", volume, () => _volumes.Make(volume.Id, volume.SizeGib), cancel);

    public void Watch(Action<string> changed, Func<string, DesiredVolume?> told)
    {
        // Nothing takes its time here but what a step itself waits for.
    }

    public Task CopyAsync(DesiredVolume volume, DesiredVolume source, DesiredImage? image, CancellationToken cancel) => StepAsync("CopyVolume", volume, () =>
    {
        if (!_volumes.Copy(volume.Id, volume.SizeGib, source.Id, volume.Source!.SnapshotId)) throw Missing(volume.Source.SnapshotId);
    }, cancel);

    public Task FillAsync(DesiredVolume volume, CancellationToken cancel) =>
        throw new Instances.HypervisorException("store-away", "A simulated host has no backup stores.", null);

    public Task ReceiveAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("ReceiveVolume", volume, () =>
    {
        if (!SimulatedVolumes.TryGiven(volume.Move!.From.Key, out var content)) throw new HypervisorException("volume-unreachable", $"Nobody gives the volume {volume.Move.VolumeId} here.", null);
        _volumes.Make(volume.Id, volume.SizeGib, content);
    }, cancel);

    public Task PrepareAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("PrepareSnapshot", volume, () =>
        _volumes.Prepare(volume.Id, (volume.Snapshots ?? []).Where(one => one is { Desired: VolumeDesire.Present, Taken: false }).Select(one => one.Id), clock.GetUtcNow()), cancel);

    public async Task<bool> TakeAsync(DesiredVolume volume, IReadOnlyList<DesiredVolume> group, CancellationToken cancel)
    {
        var groups = SnapshotGroups.GroupsOf(volume);
        if (group.Any(other => (other.Snapshots ?? []).Any(one => one is { Desired: VolumeDesire.Present, Taken: false, Group: { } of } && groups.Contains(of) && !_volumes.Look(other.Id).Snapshots.Has(one.Id)))) return false;
        await StepAsync("TakeSnapshot", volume, () => _volumes.Take([volume.Id, .. group.Where(other => other.InstanceId == volume.InstanceId).Select(other => other.Id)], clock.GetUtcNow()), cancel);
        return true;
    }

    public Task ForgetAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("DeleteSnapshot", volume, () =>
        _volumes.Forget(volume.Id, [.. (volume.Snapshots ?? []).Where(one => one.Desired == VolumeDesire.Deleted).Select(one => one.Id)]), cancel);

    public Task RestoreAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("RestoreVolume", volume, () =>
    {
        if (!_volumes.Restore(volume.Id, volume.Restore!.SnapshotId, volume.Restore.Number)) throw InUse();
    }, cancel);

    public Task TidyAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        _volumes.Settle(volume.Id, clock.GetUtcNow());
        return Task.CompletedTask;
    }

    public Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("GrowVolume", volume, () =>
    {
        if (_volumes.Look(volume.Id) is { InUse: true, Export: null }) throw InUse();
        _volumes.Make(volume.Id, volume.SizeGib);
    }, cancel);

    public Task ExportAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("ExportVolume", volume, () =>
    {
        if (!_volumes.Export(volume.Id, new ExportSight(volume.Export!.InstanceId, volume.Export.Incarnation, ExportPort), volume.Export.ReadOnly ? volume.Export.Key : null)) throw InUse();
    }, cancel);

    public Task EndExportAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("EndExport", volume, () => _volumes.EndExport(volume.Id), cancel);

    public Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel) => Task.CompletedTask;

    public Task RemoveAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("RemoveVolume", volume, () =>
    {
        if (!_volumes.Remove(volume.Id)) throw InUse();
    }, cancel);

    public IReadOnlyCollection<string> ImagesInUse() => [];

    public Task<IReadOnlyList<StrayVolume>?> DescribeAsync(IReadOnlyCollection<string> found, CancellationToken cancel) => Task.FromResult<IReadOnlyList<StrayVolume>?>(
        [.. found.Select(id => (Id: id, Sight: _volumes.Look(id))).Where(one => one.Sight.SizeBytes is not null).Select(one => new StrayVolume(one.Id, StoreId, (int)(one.Sight.SizeBytes!.Value / VolumeSizes.Gib), one.Sight.UsedBytes, DateTimeOffset.UnixEpoch, null))]);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static HypervisorException Missing(string snapshotId) => new("snapshot-missing", $"The snapshot {snapshotId} is not in the store.", null);

    private static HypervisorException InUse() => new("volume-in-use", "A guest has the volume.", null);

    private async Task StepAsync(string step, DesiredVolume volume, Action effect, CancellationToken cancel)
    {
        Check(volume);
        if (faults.Time(step, volume.Id) is var time && time > TimeSpan.Zero) await Task.Delay(time, clock, cancel);
        if (faults.Fault(step, volume.Id) is { } fault) throw new HypervisorException("simulated-fault", fault, null);
        if (machine.Storage is not null && !_volumes.Grant(volume.Id, volume.Incarnation)) throw new HypervisorException("fenced", "The volume was given to another host since.", null);
        effect();
    }

    private void Check(DesiredVolume volume)
    {
        if (volume.Store != StoreId) throw new HypervisorException("store-away", $"The store {volume.Store} is not on this host.", null);
    }
}
