using Kumoi.Simulation.Model;

namespace Kumoi.Simulation.Checks;

/// <summary>What must be true of backups: each that was told to be made can be read, and holds what it did.</summary>
internal sealed partial class Invariants
{
    private void CheckBackups()
    {
        foreach (var row in cloud.Records.Backups.Values)
            if (row.IsAvailable && cloud.Backups.Read(row.Id) is var read && read != row.Content) Violate("a-backup-stays-readable", $"{row.Id} of {row.VolumeId} was told to be made, of {row.Content}, and holds {read}.");
    }

    /// <summary>A backup was told to be made: it holds what the snapshot does that it was to be made of.</summary>
    public void AfterBackup(BackupRow row)
    {
        var wanted = cloud.Hosts.First(host => host.Id == cloud.Records.Volumes[row.VolumeId].HostId).Contents.GetValueOrDefault(row.VolumeId)?.Snapshots.GetValueOrDefault(row.SnapshotId);
        row.Content = cloud.Backups.Read(row.Id) ?? ModelContent.Empty;
        if (wanted is not { TakenAt: not null } snapshot || cloud.Backups.Read(row.Id) != snapshot.Content) Violate("a-backup-is-of-its-snapshot", $"{row.Id} of {row.VolumeId} is told to be made, and holds {row.Content}; its snapshot holds {wanted}.");
        else if (cloud.Records.Snapshots.GetValueOrDefault(row.SnapshotId) is not { } asked || !HostOf(cloud.Records.Volumes[row.VolumeId]).Contents[row.VolumeId].Held(row.Content).Any(held => held.Until > asked.AskedMoment))
            Violate("taken-after-it-was-asked", $"{row.Id} holds {row.Content}, which {row.VolumeId} did not hold any more when it was asked for.");
    }

    /// <summary>A backup may be removed if its record says so, and nothing builds on it.</summary>
    public void BeforeRemoveBackup(ModelHost host, string id)
    {
        if (cloud.Records.Backups.TryGetValue(id, out var row) && !row.IsDeleting) Violate("nothing-is-destroyed-unasked", $"{host.Name} removes the backup {id}, whose record does not say deleted.");
        if (cloud.Backups.Files.ContainsKey(id) && cloud.Backups.Files.FirstOrDefault(file => file.Value.ParentId == id).Key is { } child) Violate("a-backup-stays-readable", $"{host.Name} removes the backup {id}, on which {child} builds.");
    }
}
