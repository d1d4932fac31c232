using Kumoi.Agent.Instances;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>Volumes of a machine, on a store of its own. Every step may be slow, fail on either side of its effect, or be cut off.</summary>
internal sealed partial class ModelVolumes(Cloud cloud, ModelHost host, Node node) : IVolumeDriver
{
    private const int Room = 100, Port = 10809;

    private static readonly TimeSpan FillMost = TimeSpan.FromSeconds(8);

    /// <summary>What this agent's programs fill: they end with it.</summary>
    private readonly Dictionary<string, VolumeWork> _filling = [];

    private Action<string> _changed = _ => { };

    private Func<string, DesiredVolume?> _told = _ => null;

    public void Watch(Action<string> changed, Func<string, DesiredVolume?> told) => (_changed, _told) = (changed, told);

    public Task<StoresSight> LookAsync(CancellationToken cancel) => Task.FromResult(new StoresSight(
        [new StoreSight(new ObservedStore(host.StoreId, StorePlace.LocalPool, StoreDrivers.Directory, false, true, Room, 0), [.. host.Volumes.Keys.Select(id => (id, "model"))])], []));

    public async Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        if (cloud.Dice.OneIn(4)) await Task.Yield();
        var (size, content) = (host.Volumes.GetValueOrDefault(volume.Id), host.Contents.GetValueOrDefault(volume.Id));
        var (export, work) = (host.Exports.GetValueOrDefault(volume.Id), _filling.GetValueOrDefault(volume.Id));
        return new VolumeSight(size > 0 || content?.Snapshots.Count > 0 || host.Begun.Contains(volume.Id), size > 0 ? size * VolumeSizes.Gib : null, 0, host.HasOpen(volume.Id) || export is not null, false, 0)
        {
            Export = export,
            Snapshots = content is null ? SnapshotsSight.None with { Work = work } : new SnapshotsSight(
                [.. content.Snapshots.Where(one => one.Value.TakenAt is not null).Select(one => new ObservedSnapshot(one.Key, one.Value.TakenAt!.Value, SnapshotConsistency.Crash, 0))],
                [.. content.Snapshots.Where(one => one.Value.TakenAt is null).Select(one => one.Key)], content.Restored, false, false, work),
        };
    }

    public Task MakeAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("makes", volume, () => Begin(volume, volume.ImageId is null ? ModelContent.Empty : ModelContent.Image), cancel);

    private void Begin(DesiredVolume volume, long content)
    {
        if (host.Volumes.TryAdd(volume.Id, volume.SizeGib)) host.ContentOf(volume.Id).Become(cloud.NextMoment(), content);
        host.Begun.Remove(volume.Id);
    }

    public Task CopyAsync(DesiredVolume volume, DesiredVolume source, DesiredImage? image, CancellationToken cancel) =>
        StepAsync("begins to copy to", volume, () => Fill(volume, VolumeWorks.Copy, () => SnapshotOf(source.Id, volume.Source!.SnapshotId)), cancel);

    public Task FillAsync(DesiredVolume volume, CancellationToken cancel) =>
        StepAsync("begins to restore to", volume, () => Fill(volume, VolumeWorks.Restore, () => ModelBackups.Read(cloud.Backups, host, volume.Backup!)), cancel);

    public Task ReceiveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        // What is written while it is read would be neither the one nor the other.
        long? first = null;
        return StepAsync("begins to move to", volume, () => Fill(volume, VolumeWorks.Move, () => GivenTo(volume) is { } content ? content == (first ??= content) ? content : ModelContent.Torn : null), cancel);
    }

    /// <summary>What the volume has now whose place this takes; null if nobody gives it, or nobody gets through.</summary>
    private long? GivenTo(DesiredVolume volume)
    {
        var (move, wire) = (volume.Move!, cloud.Wire.CutOff);
        var keeper = cloud.Hosts.FirstOrDefault(other => other.Exports.GetValueOrDefault(move.VolumeId) is { } export && (export.InstanceId, export.Incarnation) == (volume.Id, move.From.Incarnation));
        return keeper is null || wire.Contains(keeper.Name) || wire.Contains(host.Name) ? null : keeper.ContentOf(move.VolumeId).Content;
    }

    /// <summary>A program fills the volume: it is there when that ends.</summary>
    /// <param name="read">What it is to hold; null: that cannot be read now.</param>
    private void Fill(DesiredVolume volume, string kind, Func<long?> read)
    {
        if (host.Volumes.ContainsKey(volume.Id) || _filling.ContainsKey(volume.Id)) return;
        if (read() is null) throw new HypervisorException("step-failed", "What it is to be filled from is not here.", null);
        var work = _filling[volume.Id] = new VolumeWork(kind, 0, 1, host.Timepiece.Wall);
        host.Begun.Add(volume.Id);
        cloud.Simulator.After(cloud.Dice.Between(TimeSpan.Zero, FillMost), () => node.Start(() =>
        {
            if (_filling.GetValueOrDefault(volume.Id) != work) return;
            _filling.Remove(volume.Id);
            // What has failed is begun anew.
            if (!cloud.StepFails() && read() is { } content) Begin(volume, content);
            cloud.Trace.Note(host.Name, $"has filled {volume.Id}: {host.Volumes.ContainsKey(volume.Id)}");
            host.Changed(volume.Id);
            _changed(volume.Id);
        }));
    }

    public Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("grows", volume, () =>
    {
        if (host.HasOpen(volume.Id)) throw new HypervisorException("volume-in-use", "A guest has it.", null);
        host.Volumes[volume.Id] = Math.Max(host.Volumes[volume.Id], volume.SizeGib);
    }, cancel);

    public Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel) => Task.CompletedTask;

    public Task RemoveAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("removes", volume, () =>
    {
        cloud.Checks.BeforeRemoveVolume(host, volume.Id);
        _filling.Remove(volume.Id);
        host.Begun.Remove(volume.Id);
        host.Volumes.Remove(volume.Id);
        // What waited for a guest to write elsewhere is of the moment at which nobody writes any more.
        host.Contents.GetValueOrDefault(volume.Id)?.Settle(host.Timepiece.Wall);
        if (host.Contents.GetValueOrDefault(volume.Id) is { Snapshots.Count: 0 }) host.Contents.Remove(volume.Id);
    }, cancel);

    public Task ExportAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("gives", volume, () =>
    {
        var export = new ExportSight(volume.Export!.InstanceId, volume.Export.Incarnation, Port);
        // The lock of the volume's files lets one process have it.
        if (host.HasOpen(volume.Id) || (host.Exports.GetValueOrDefault(volume.Id) is { } other && other != export)) throw new HypervisorException("volume-in-use", "Another process has it.", null);
        host.Exports[volume.Id] = export;
    }, cancel);

    public Task EndExportAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("ends the giving of", volume, () => host.Exports.Remove(volume.Id), cancel);

    public IReadOnlyCollection<string> ImagesInUse() => [];

    public Task<IReadOnlyList<StrayVolume>?> DescribeAsync(IReadOnlyCollection<string> found, CancellationToken cancel) => Task.FromResult<IReadOnlyList<StrayVolume>?>(
        [.. found.Where(host.Volumes.ContainsKey).Select(id => new StrayVolume(id, host.StoreId, host.Volumes[id], 0, DateTimeOffset.UnixEpoch, null))]);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

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
