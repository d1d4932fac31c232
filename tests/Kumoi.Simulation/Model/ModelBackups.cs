using Kumoi.Agent.Backups;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>Backups of a machine's volumes. What takes its time is done by programs that end with the agent, and has its effect at their end, as a rename has.</summary>
internal sealed class ModelBackups(Cloud cloud, ModelHost host, Node node) : IBackupDriver
{
    private const int Room = 1000;

    private static readonly TimeSpan WorkMost = TimeSpan.FromSeconds(8);

    private readonly Dictionary<string, VolumeWork> _work = [];

    private Action<string> _changed = _ => { };

    private BackupPlace Place => cloud.Backups;

    public void WatchBackups(Action<string> changed) => _changed = changed;

    public Task<StoresSight> LookAtPlacesAsync(CancellationToken cancel) => Task.FromResult(
        Place.Away || !host.ReachesBackups ? new StoresSight([], [new StoreMissed("backups", "The directory is not there.")])
            : new StoresSight([new StoreSight(new ObservedStore(Place.Id, "backups", StoreDrivers.Directory, true, false, Room, 0), [])], []));

    public async Task<BackupSight> ObserveAsync(DesiredBackup backup, DesiredVolume? volume, CancellationToken cancel)
    {
        if (cloud.Dice.OneIn(4)) await Task.Yield();
        CheckThere();
        var (own, work) = (Place.Files.GetValueOrDefault(backup.Id), _work.GetValueOrDefault(backup.Id));
        var merged = backup.Into is { } into && own is null && Place.Files.GetValueOrDefault(into.ChildId) is { } child && child.ParentId == into.ParentId ? new MergedBackup(into.ChildId, child.Sha256, 0) : null;
        var made = backup.Make is { } make && own is not null && work is null
            ? new MadeBackup(own.ParentId, make.ParentId is not null && own.ParentId is null ? "base-missing" : null, own.Sha256, 0, 0, host.Timepiece.Wall, SnapshotConsistency.Crash) : null;
        return new BackupSight(made, own is not null || Place.Begun.Contains(backup.Id), merged, 0, null, work);
    }

    /// <summary>What is below volumes is on every host of the model.</summary>
    public bool NeedsImage(DesiredVolume volume) => false;

    public Task MakeAsync(DesiredBackup backup, DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => StepAsync("begins the backup", backup, () =>
    {
        var make = backup.Make!;
        if (Place.Files.ContainsKey(backup.Id)) return;
        if (ContentOf(volume, make.SnapshotId) is null) throw new HypervisorException("backup-waits", "The snapshot is not taken yet.", null);
        Place.Begun.Add(backup.Id);
        Begin(backup, VolumeWorks.Backup, () =>
        {
            if (ContentOf(volume, make.SnapshotId) is not { } content) return;
            // What the volume was put back to since may not be over what the last backup was made of.
            var below = make is { ParentId: { } parent, BaseSnapshotId: { } known } && Place.Files.ContainsKey(parent) && !cloud.Dice.OneIn(6) ? ContentOf(volume, known) : null;
            Place.Files[backup.Id] = new BackupFile(below is null ? null : make.ParentId, below ?? ModelContent.Empty, content, Place.NewSum());
            Place.Begun.Remove(backup.Id);
        });
    }, cancel);

    private long? ContentOf(DesiredVolume volume, string snapshotId) =>
        host.Contents.GetValueOrDefault(volume.Id)?.Snapshots.GetValueOrDefault(snapshotId) is { TakenAt: not null } snapshot ? snapshot.Content : null;

    public Task MergeAsync(DesiredBackup backup, CancellationToken cancel) => StepAsync("begins to merge", backup, () =>
    {
        var into = backup.Into!;
        Check(backup.Id, into.Sha256, into.ParentId);
        Check(into.ChildId, into.ChildSha256, backup.Id);
        Begin(backup, VolumeWorks.Merge, () =>
        {
            // Another host has done it meanwhile.
            if (!Is(backup.Id, into.Sha256, into.ParentId) || !Is(into.ChildId, into.ChildSha256, backup.Id)) return;
            var (lower, upper) = (Place.Files[backup.Id], Place.Files[into.ChildId]);
            Place.Files[into.ChildId] = new BackupFile(lower.ParentId, lower.Base, upper.Content, Place.NewSum());
            Place.Files.Remove(backup.Id);
        });
    }, cancel);

    public Task VerifyAsync(DesiredBackup backup, CancellationToken cancel) => throw new InvalidOperationException("Nobody has backups of the model verified.");

    public Task RemoveAsync(DesiredBackup backup, CancellationToken cancel) => StepAsync("removes the backup", backup, () =>
    {
        _work.Remove(backup.Id);
        cloud.Checks.BeforeRemoveBackup(host, backup.Id);
        Place.Files.Remove(backup.Id);
        Place.Begun.Remove(backup.Id);
    }, cancel);

    private bool Is(string id, string sum, string? parent) => Place.Files.GetValueOrDefault(id) is { } file && file.Sha256 == sum && file.ParentId == parent;

    private void Check(string id, string sum, string? parent)
    {
        if (!Is(id, sum, parent)) throw new HypervisorException("backup-damaged", $"The file of {id} is missing, or is not as it was written.", null);
    }

    /// <summary>What a volume is to be filled with; null if the files are not as the servers have told.</summary>
    public static long? Read(BackupPlace place, ModelHost host, BackupSource source)
    {
        if (place.Away || !host.ReachesBackups) return null;
        return source.Chain.Count > 0 && source.Chain.All(one => place.Files.GetValueOrDefault(one.Id) is { } file && file.Sha256 == one.Sha256 && file.ParentId == one.ParentId) ? place.Read(source.Chain[0].Id) : null;
    }

    private void Begin(DesiredBackup backup, string kind, Action end)
    {
        if (_work.ContainsKey(backup.Id)) return;
        var work = _work[backup.Id] = new VolumeWork(kind, 0, 1, host.Timepiece.Wall);
        cloud.Simulator.After(cloud.Dice.Between(TimeSpan.Zero, WorkMost), () => node.Start(() =>
        {
            if (_work.GetValueOrDefault(backup.Id) != work) return;
            _work.Remove(backup.Id);
            // What has failed is begun anew.
            if (!Place.Away && !cloud.StepFails()) end();
            cloud.Trace.Note(host.Name, $"has ended work on {backup.Id}: {Place.Files.GetValueOrDefault(backup.Id)}");
            host.Changed(backup.Id);
            _changed(backup.Id);
        }));
    }

    private void CheckThere()
    {
        if (Place.Away || !host.ReachesBackups) throw new HypervisorException("store-away", "The directory of the backup store is not there.", null);
    }

    private async Task StepAsync(string step, DesiredBackup backup, Action effect, CancellationToken cancel)
    {
        await cloud.DawdleAsync(node, cancel);
        CheckThere();
        if (cloud.StepFails()) throw new HypervisorException("simulated-fault", "It fails before it began.", null);
        cloud.Trace.Note(host.Name, $"{step} {backup.Id}");
        effect();
        host.Changed(backup.Id);
        await cloud.DawdleAsync(node, cancel);
        if (cloud.StepFails()) throw new HypervisorException("simulated-fault", "It fails though it was done.", null);
    }
}
