using Kumoi.Agent.Instances;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

/// <summary>Snapshots: of a volume that a process has, made ready first, and of the moment at which that is told to write elsewhere, or ends.</summary>
internal sealed partial class ModelVolumes
{
    private bool InUse(string volumeId) => host.HasOpen(volumeId) || host.Exports.ContainsKey(volumeId);

    private static IEnumerable<DesiredSnapshot> Wanted(DesiredVolume volume) => (volume.Snapshots ?? []).Where(one => one is { Desired: VolumeDesire.Present, Taken: false });

    /// <summary>What a snapshot that is taken holds.</summary>
    private long? SnapshotOf(string volumeId, string snapshotId) =>
        host.Contents.GetValueOrDefault(volumeId)?.Snapshots.GetValueOrDefault(snapshotId) is { TakenAt: not null } snapshot ? snapshot.Content : null;

    public Task PrepareAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("makes snapshots ready of", volume, () =>
    {
        var content = host.ContentOf(volume.Id);
        foreach (var wanted in Wanted(volume)) content.Snapshots.TryAdd(wanted.Id, (content.Content, InUse(volume.Id) ? null : host.Timepiece.Wall));
    }, cancel);

    public async Task<bool> TakeAsync(DesiredVolume volume, IReadOnlyList<DesiredVolume> group, CancellationToken cancel)
    {
        var groups = SnapshotGroups.GroupsOf(volume);
        if (group.Any(other => Wanted(other).Any(one => one.Group is { } of && groups.Contains(of) && !host.ContentOf(other.Id).Snapshots.ContainsKey(one.Id)))) return false;
        var isTaken = false;
        await StepAsync("takes snapshots of", volume, () =>
        {
            if (!InUse(volume.Id)) throw new HypervisorException("volume-busy", "The process that had it has ended.", null);
            var holder = HolderOf(volume.Id);
            var members = group.Where(other => holder is not null && HolderOf(other.Id) == holder).Append(volume).ToArray();
            if (!members.All(member => SnapshotGroups.IsCurrent(member, _told(member.Id)))) return;
            foreach (var member in members) host.ContentOf(member.Id).Settle(host.Timepiece.Wall);
            isTaken = true;
        }, cancel);
        if (!isTaken) return false;
        foreach (var other in group) _changed(other.Id);
        return true;
    }

    private string? HolderOf(string volumeId) => host.Guests.Where(guest => guest.Value.Process?.Drives?.Any(drive => drive.Id == volumeId && !drive.Remote) == true).Select(guest => guest.Key).FirstOrDefault();

    public Task ForgetAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("forgets snapshots of", volume, () =>
    {
        foreach (var due in (volume.Snapshots ?? []).Where(one => one.Desired == VolumeDesire.Deleted && host.ContentOf(volume.Id).Snapshots.ContainsKey(one.Id)))
        {
            cloud.Checks.BeforeForget(host, volume.Id, due.Id);
            host.ContentOf(volume.Id).Snapshots.Remove(due.Id);
        }
        if (!host.Volumes.ContainsKey(volume.Id) && host.ContentOf(volume.Id).Snapshots.Count == 0) host.Contents.Remove(volume.Id);
    }, cancel);

    public Task RestoreAsync(DesiredVolume volume, CancellationToken cancel) => StepAsync("puts back", volume, () =>
    {
        var (content, restore) = (host.ContentOf(volume.Id), volume.Restore!);
        if (restore.Number <= content.Restored) return;
        var held = SnapshotOf(volume.Id, restore.SnapshotId) ?? throw new HypervisorException("snapshot-missing", "The snapshot is not here.", null);
        if (InUse(volume.Id)) throw new HypervisorException("volume-in-use", "A guest has it.", null);
        cloud.Checks.BeforeRestore(host, volume.Id, restore);
        content.Become(cloud.NextMoment(), held);
        content.Restored = restore.Number;
    }, cancel);

    public Task TidyAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        // The guest that was waited for has ended.
        if (!InUse(volume.Id)) host.ContentOf(volume.Id).Settle(host.Timepiece.Wall);
        return Task.CompletedTask;
    }
}
