using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

/// <summary>Writes a host's document from the records, as one consistent look does.</summary>
internal static class Documents
{
    private static readonly DesiredLabels Labels = new("small", "tiny", "z1", null, []);
    // Incarnations tell one key from another in the model.
    private const string Image = "img-19a3f2b4c5d6e7f83", Key = "00", BackupPlace = "st-19a3f2b4c5d6e7f85";
    private static readonly DateTimeOffset LaunchedAt = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static DesiredDocument Of(Records records, string hostId)
    {
        var rows = records.OnHost(hostId).ToArray();
        var networks = rows.Length == 0 ? [] : new[]
        {
            new DesiredNetwork(
                Records.Network, "default", 7, "100.64.0.2", "default.internal", [new DesiredSubnet(Records.Subnet, "10.0.0.0/24", "10.0.0.1", [])],
                [.. records.Instances.Values.Where(row => !row.AddressReleased).Select(row => new DesiredName(row.Hostname, AddressOf(row)))]),
        };
        return new DesiredDocument(records.Hosts[hostId].Revision, hostId, [], networks, [], [.. rows.Select(InstanceOf)], [],
            [.. records.Former.Where(former => former.Key.HostId == hostId).Select(former => new FormerInstance(former.Key.InstanceId, former.Value))], [],
            [.. VolumesOf(records, hostId)], [.. records.Backups.Values.Where(backup => backup.HostId == hostId && (backup.IsCreating || backup.Offered)).Select(backup => BackupOf(records, backup))]);
    }

    /// <summary>A host's own, and those that other hosts give to its instances.</summary>
    private static IEnumerable<DesiredVolume> VolumesOf(Records records, string hostId) =>
        records.Volumes.Values.Where(volume => volume.HostId == hostId && !volume.Gone).Select(volume => VolumeOf(records, volume))
            .Concat(records.Volumes.Values.Where(volume => volume is { Gone: false, Exported: true, HasExportKey: true, DetachedGeneration: null } && records.Instances[volume.InstanceId!].Record.HostId == hostId).Select(RemoteOf));

    /// <summary>One that is on its way out of a guest is told as if it were out.</summary>
    private static DesiredVolume VolumeOf(Records records, VolumeRow row)
    {
        var holder = row.DetachedGeneration is null && !row.Exported ? row.InstanceId : null;
        var isPresent = row.Desired == VolumeDesire.Present;
        DesiredSnapshot[] snapshots = [.. records.SnapshotsOf(row.Id).OrderBy(one => one.AskedGeneration).Select(one => new DesiredSnapshot(one.Id, one.Desired, one.Group, one.Taken))];
        return new DesiredVolume(
            row.Id, ModelHost.StoreOf(row.HostId), row.Generation, row.Incarnation, row.Desired, row.SizeGib, row.OfImage ? Image : null, holder, holder is null ? null : row.Slot, null, row.MadeGib is not null,
            snapshots.Length == 0 ? null : snapshots, row.IsFilling ? row.Source : null, row.IsRestoring && isPresent ? new SnapshotRestore(row.RestoreSnapshotId!, row.RestoreNumber) : null,
            Backup: row is { IsFilling: true, BackupId: { } backup } ? new BackupSource(BackupPlace, records.Backups[backup].VolumeId, [.. records.ChainOf(records.Backups[backup]).Select(one => new Kumoi.Api.Agent.BackupFile(one.Id, one.Sha256!, one.ParentId))]) : null,
            Export: row.MovingTo is { } moved ? new VolumeExport(VolumeProtocols.Nbd, moved, row.ExportIncarnation, Key, ReadOnly: true) : row is { Exported: true, HasExportKey: true } ? new VolumeExport(VolumeProtocols.Nbd, row.InstanceId!, row.ExportIncarnation, Key) : null,
            Move: row is { MoveOf: { } source, MadeGib: null } && isPresent ? new VolumeMove(source, 0, new VolumeRemote(VolumeProtocols.Nbd, "192.0.2.1", row.MovePort, row.MoveIncarnation, Key)) : null);
    }

    /// <summary>One on which another builds becomes part of that when it is removed.</summary>
    private static DesiredBackup BackupOf(Records records, BackupRow row)
    {
        var child = row is { Offered: true, Sha256: not null } ? records.Backups.Values.FirstOrDefault(one => one.ParentId == row.Id && one.Sha256 is not null) : null;
        return new DesiredBackup(
            row.Id, BackupPlace, row.VolumeId, row.Desired, row.Incarnation, row.IsCreating ? new BackupMaking(row.SnapshotId, row.ParentId, row.BaseSnapshotId) : null,
            child is null ? null : new BackupMerge(child.Id, child.Sha256!, row.Sha256!, row.ParentId));
    }

    /// <summary>As large as it is there by now: a guest's disk cannot be larger.</summary>
    private static DesiredVolume RemoteOf(VolumeRow row) => new(
        row.Id, ModelHost.StoreOf(row.HostId), row.Generation, row.Incarnation, VolumeDesire.Present, Math.Min(row.MadeGib ?? row.SizeGib, row.SizeGib), null, row.InstanceId, row.Slot, null, true,
        Remote: new VolumeRemote(VolumeProtocols.Nbd, "192.0.2.1", row.ExportPort, row.ExportIncarnation, Key));

    private static DesiredInstance InstanceOf(InstanceRow row)
    {
        var record = row.Record;
        var face = new DesiredInterface(row.InterfaceId, 0, Records.Network, Records.Subnet, $"52:54:00:00:{row.InterfaceId[^4..^2]}:{row.InterfaceId[^2..]}", AddressOf(row), null, []);
        return new DesiredInstance(
            record.Id, record.AccountId, record.Name, row.Hostname, record.Generation, record.Incarnation, record.Desired, record.BootEpoch, record.Size.Vcpus,
            record.Size.MemoryMib, record.Size.DiskGib, Image, [face], null, null, Labels, LaunchedAt, row.Storage, row.Movable);
    }

    public static string AddressOf(InstanceRow row) => $"10.0.0.{row.Address}";

    public static Capacity Plus(this Capacity a, Capacity b) => new(a.Vcpus + b.Vcpus, a.MemoryMib + b.MemoryMib, a.DiskGib + b.DiskGib);

    public static Capacity Less(this Capacity a, Capacity b) => new(a.Vcpus - b.Vcpus, a.MemoryMib - b.MemoryMib, a.DiskGib - b.DiskGib);
}
