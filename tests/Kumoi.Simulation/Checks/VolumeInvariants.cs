using Kumoi.Api.Agent;
using Kumoi.Simulation.Model;

namespace Kumoi.Simulation.Checks;

/// <summary>What must be true of volumes, of what they and their snapshots hold, and of who may write to them.</summary>
internal sealed partial class Invariants
{
    private ModelHost HostOf(VolumeRow volume) => cloud.Hosts.First(host => host.Id == volume.HostId);

    /// <summary>A volume may be given to somebody else only when no guest can write to it any more.</summary>
    public void BeforeFree(VolumeRow volume)
    {
        if (WritersOf(HostOf(volume), volume.Id).FirstOrDefault() is { } writer) Violate("freed-is-free", $"{volume.Id} is recorded as free, and {writer} has it.");
    }

    /// <summary>Guests that could write to a volume now, as the host that has it sees it.</summary>
    private IEnumerable<string> WritersOf(ModelHost keeper, string volumeId)
    {
        foreach (var (id, guest) in keeper.Guests)
            if (guest.Process?.Drives?.Any(drive => drive.Id == volumeId && !drive.Remote) == true) yield return $"{id} on {keeper.Name}";
        if (!keeper.Exports.TryGetValue(volumeId, out var export)) yield break;
        foreach (var host in cloud.Hosts)
            foreach (var (id, guest) in host.Guests)
                if (guest.MayWrite(volumeId, export)) yield return $"{id} on {host.Name} over the network";
    }

    private void CheckVolumes()
    {
        foreach (var row in cloud.Records.Volumes.Values) CheckVolume(row);
        foreach (var row in cloud.Records.Snapshots.Values) CheckSnapshot(row);
        foreach (var host in cloud.Hosts)
            foreach (var id in host.Volumes.Keys)
                if (WritersOf(host, id).ToArray() is { Length: > 1 } writers) Violate("one-writer-of-a-volume", $"{id} can be written to by {string.Join(" and ", writers)}.");
    }

    private void CheckVolume(VolumeRow row)
    {
        var host = HostOf(row);
        if (row.Lost && !host.Volumes.ContainsKey(row.Id)) Violate("nothing-is-destroyed-unasked", $"{row.Id} was lost with {host.Name}, and is not there any more.");
        if (row.Forgotten) return;
        var content = host.Contents.GetValueOrDefault(row.Id);
        if (row.Gone && (host.Volumes.ContainsKey(row.Id) || host.Begun.Contains(row.Id) || content is { Snapshots.Count: > 0 })) Violate("deleted-is-gone", $"{row.Id} is recorded as deleted, and is on its host.");
        if (content?.Snapshots.Keys.FirstOrDefault(cloud.Records.SnapshotsGone.Contains) is { } left) Violate("deleted-is-gone", $"The snapshot {left} is recorded as deleted, and is on its host.");
        // What is to be there is not taken away: that is told when somebody tries.
        if (row is { IsFilling: true, Source: { } source } && cloud.Records.Snapshots.GetValueOrDefault(source.SnapshotId) is not { Desired: VolumeDesire.Present }) Violate("source-is-held", $"{row.Id} is being filled from {source.SnapshotId}, which nobody keeps.");
    }

    private void CheckSnapshot(SnapshotRow row)
    {
        if (!row.IsAvailable) return;
        var there = HostOf(cloud.Records.Volumes[row.VolumeId]).Contents.GetValueOrDefault(row.VolumeId)?.Snapshots.GetValueOrDefault(row.Id);
        if (there is not { TakenAt: not null } || there.Value.Content != row.Content) Violate("available-stays-as-it-is", $"The snapshot {row.Id} of {row.VolumeId} was told to be taken, of {row.Content}, and there is {there}.");
    }

    /// <summary>A snapshot was told to be taken: it is there, of a moment after it was asked for, and of the same one as those of its group.</summary>
    public void AfterTaking(VolumeRow volume, SnapshotRow row)
    {
        var content = HostOf(volume).Contents.GetValueOrDefault(volume.Id);
        if (content?.Snapshots.GetValueOrDefault(row.Id) is not { TakenAt: not null } taken)
        {
            Violate("available-stays-as-it-is", $"The snapshot {row.Id} of {volume.Id} is told to be taken, and is not on its host.");
            return;
        }
        row.Content = taken.Content;
        if (!content.Held(taken.Content).Any(held => held.Until > row.AskedMoment)) Violate("taken-after-it-was-asked", $"The snapshot {row.Id} of {volume.Id} holds {taken.Content}, which the volume did not hold any more when it was asked for at {row.AskedMoment}.");
        if (row.Group is { } group) CheckGroup(group);
    }

    private void CheckGroup(string group)
    {
        var members = cloud.Records.Snapshots.Values.Where(snapshot => snapshot.Group == group && snapshot.Desired == VolumeDesire.Present).Select(snapshot => (Snapshot: snapshot, Volume: cloud.Records.Volumes[snapshot.VolumeId])).ToArray();
        // Of one that was taken away meanwhile, or that another host gives, nothing is promised.
        if (!members.All(member => member.Snapshot.Taken && member.Snapshot.Attachment == member.Volume.Attachments)) return;
        var held = members.Where(member => !member.Volume.Exported).Select(member => HostOf(member.Volume).Contents[member.Volume.Id].Held(member.Snapshot.Content).ToArray()).ToArray();
        if (held.Length < 2) return;
        var moments = held.SelectMany(one => one).Select(one => one.From);
        if (!moments.Any(moment => held.All(one => one.Any(during => during.From <= moment && moment < during.Until))))
            Violate("a-group-is-of-one-moment", $"The snapshots {string.Join(", ", members.Select(member => $"{member.Snapshot.Id} ({member.Snapshot.Content})"))} were never the content of their volumes at the same time.");
    }

    /// <summary>A volume was told to be made: it begins with what it was to begin with.</summary>
    public void AfterMake(VolumeRow row)
    {
        var host = HostOf(row);
        if (!host.Volumes.ContainsKey(row.Id))
        {
            Violate("made-is-there", $"{row.Id} is told to be made, and is not on its host.");
            return;
        }
        if (row.MoveOf is { } moved)
        {
            // What is kept there until the two have exchanged: nobody can write to it.
            var (has, had) = (host.Contents[row.Id].Content, cloud.Records.Volumes[moved] is var former ? HostOf(former).Contents.GetValueOrDefault(moved)?.Content : null);
            if (cloud.Records.Volumes[moved].MovingTo == row.Id && has != had) Violate("moved-is-the-same", $"{row.Id} has {has}, and {moved}, whose place it takes, has {had}.");
            return;
        }
        var (first, expected) = (host.Contents[row.Id].First, row.OfImage ? ModelContent.Image : ModelContent.Empty);
        if (row.Source is { } source)
        {
            if (cloud.Records.Snapshots.GetValueOrDefault(source.SnapshotId) is not { } snapshot || host.Contents.GetValueOrDefault(source.VolumeId) is not { } origin || origin.Snapshots.GetValueOrDefault(source.SnapshotId) is not { TakenAt: not null } taken)
            {
                Violate("source-is-held", $"{row.Id} was filled from {source.SnapshotId}, which is not there.");
                return;
            }
            expected = taken.Content;
            if (!origin.Held(expected).Any(held => held.Until > snapshot.AskedMoment)) Violate("taken-after-it-was-asked", $"{row.Id} begins with {expected}, which {source.VolumeId} did not hold any more when it was asked for.");
        }
        if (row.BackupId is { } backup) expected = cloud.Records.Backups[backup].Content;
        if (first != expected) Violate("begins-as-asked", $"{row.Id} begins with {first}, and was to begin with {expected}.");
    }

    /// <summary>A volume is put back only to what was asked for, and once.</summary>
    public void BeforeRestore(ModelHost host, string id, SnapshotRestore restore)
    {
        var row = cloud.Records.Volumes[id];
        if (row.Forgotten) return;
        if (restore.Number > row.RestoreNumber || restore.Number <= row.RestoredNumber || (restore.Number == row.RestoreNumber && restore.SnapshotId != row.RestoreSnapshotId))
            Violate("nothing-is-destroyed-unasked", $"{host.Name} puts {id} back to {restore}, and {row.RestoreSnapshotId} was asked for as number {row.RestoreNumber}.");
    }

    /// <summary>A volume was told to be put back: it holds what the snapshot does, since nobody can have written to it.</summary>
    public void AfterRestore(VolumeRow row)
    {
        var (holds, wanted) = (HostOf(row).Contents.GetValueOrDefault(row.Id)?.Content, cloud.Records.Snapshots.GetValueOrDefault(row.RestoreSnapshotId!)?.Content);
        if (holds != wanted) Violate("restored-is-the-snapshot", $"{row.Id} was put back to {row.RestoreSnapshotId}, which holds {wanted}, and it holds {holds}.");
    }

    /// <summary>A snapshot may be forgotten if its record says so.</summary>
    public void BeforeForget(ModelHost host, string volumeId, string id)
    {
        if (cloud.Records.Snapshots.TryGetValue(id, out var row) && row.Desired == VolumeDesire.Present) Violate("nothing-is-destroyed-unasked", $"{host.Name} forgets the snapshot {id} of {volumeId}, whose record does not say deleted.");
    }

    /// <summary>A volume is recorded at its new place from now on: that has what the former one has, to which nobody can write any more.</summary>
    public void BeforeExchange(VolumeRow former, VolumeRow place)
    {
        var (has, had) = (HostOf(place).Contents.GetValueOrDefault(place.Id)?.Content, HostOf(former).Contents.GetValueOrDefault(former.Id)?.Content);
        if (has is null || has != had) Violate("moved-is-the-same", $"{place.Id} has {has}, and {former.Id}, whose place it takes, has {had}.");
        if (WritersOf(HostOf(former), former.Id).FirstOrDefault() is { } writer) Violate("moved-is-the-same", $"{former.Id} moves to {place.Id}, and {writer} can write to it.");
    }

    /// <summary>A volume may be removed if its record says deleted, and no guest has it.</summary>
    public void BeforeRemoveVolume(ModelHost host, string id)
    {
        if (WritersOf(host, id).FirstOrDefault() is { } writer) Violate("nothing-is-destroyed-unasked", $"{host.Name} removes {id} under {writer}.");
        if (cloud.Records.Volumes[id].Desired != VolumeDesire.Deleted) Violate("nothing-is-destroyed-unasked", $"{host.Name} removes {id}, whose record does not say deleted.");
    }
}
