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

    public async Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        if (cloud.Dice.OneIn(4)) await Task.Yield();
        var size = host.Volumes.GetValueOrDefault(volume.Id);
        return new VolumeSight(size > 0, size > 0 ? size * VolumeSizes.Gib : null, 0, host.HasOpen(volume.Id), false, 0);
    }

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
    }, cancel);

    public IReadOnlyCollection<string> ImagesInUse() => [];

    public IReadOnlyList<StrayVolume> Describe(IReadOnlyCollection<string> found) => [];

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
