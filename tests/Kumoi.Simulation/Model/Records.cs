using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>
/// The database: what PostgreSQL holds, changed in transactions that follow one another. Rows say what the tables say; what a statement
/// would decide is decided by the servers' own pure functions.
/// </summary>
internal sealed class Records(Timepiece clock)
{
    public const string Network = "net-19a3f2b4c5d6e7f80", Subnet = "subnet-19a3f2b4c5d6e7f81";

    /// <summary>So few that one given back is soon given out again.</summary>
    public const int Addresses = 6;

    public SortedDictionary<string, InstanceRow> Instances { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, HostRow> Hosts { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, VolumeRow> Volumes { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, SnapshotRow> Snapshots { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, BackupRow> Backups { get; } = new(StringComparer.Ordinal);

    /// <summary>Backups that a restored database does not have any more, for the checks.</summary>
    public HashSet<string> BackupsForgotten { get; } = [];

    public List<BackupScheduleRow> Schedules { get; } = [];

    /// <summary>Ids of snapshots that hosts have said to be gone, for the checks.</summary>
    public HashSet<string> SnapshotsGone { get; } = [];

    /// <summary>How many volumes, snapshots and backups were ever asked for: their ids are of the order in which they were.</summary>
    public int Numbered { get; set; }

    /// <summary>Rows that a restored database does not have any more, for the checks.</summary>
    public SortedDictionary<string, InstanceRow> Forgotten { get; } = new(StringComparer.Ordinal);

    /// <summary>How many instances were ever launched.</summary>
    public int Launched { get; set; }

    /// <summary>Answers by idempotency key.</summary>
    public Dictionary<string, string> Keys { get; } = [];

    /// <summary>Placements that are over, until their host has said that nothing is left of them: their incarnation by host and instance.</summary>
    public SortedDictionary<(string HostId, string InstanceId), int> Former { get; } = [];

    /// <summary>The database's own time, by which hosts are judged: servers' clocks differ.</summary>
    public DateTimeOffset Now => clock.Wall;

    /// <summary>Grows with every transaction.</summary>
    public int Version { get; private set; }

    /// <summary>True while the database does not answer.</summary>
    public bool Away { get; set; }

    /// <summary>One transaction: all of it, or nothing if it throws before its first change.</summary>
    public T Transaction<T>(Func<T> change)
    {
        Version++;
        return change();
    }

    /// <summary>Loses an instance, as a database restored from before its launch has: nothing of it is recorded any more.</summary>
    public void Forget(InstanceRow row) => Transaction(() =>
    {
        var (id, host) = (row.Record.Id, Hosts[row.Record.HostId]);
        Instances.Remove(id);
        Forgotten.Add(id, row);
        host.Allocated = host.Allocated.Less(row.Record.Size);
        // With its volumes: what is left of them is nobody's, like it.
        foreach (var volume in Volumes.Values.Where(volume => volume.InstanceId == id).ToArray()) Forget(volume, isLost: false);
        foreach (var key in Keys.Where(key => key.Value == id).Select(key => key.Key).ToArray()) Keys.Remove(key);
        foreach (var former in Former.Keys.Where(key => key.InstanceId == id).ToArray()) Former.Remove(former);
        foreach (var other in Hosts.Values) other.Revision++;
        return id;
    });

    /// <summary>Removes a host as lost, with all volumes that are its own. The machine may come back, and joins anew.</summary>
    public void GiveUp(HostRow host) => Transaction(() =>
    {
        foreach (var volume in Volumes.Values.Where(volume => volume.HostId == host.Id && !volume.Gone).ToArray())
        {
            if (volume.InstanceId is { } id) Hosts[Instances[id].Record.HostId].Revision++;
            volume.Lost = volume is { Desired: VolumeDesire.Present, MadeGib: not null, MoveOf: null };
            Forget(volume, isLost: true);
        }
        foreach (var backup in Backups.Values.Where(backup => backup.HostId == host.Id)) backup.HostId = "";
        (host.ReportedRevision, host.StrayVolumes) = (0, []);
        return ++host.Revision;
    });

    private void Forget(VolumeRow volume, bool isLost)
    {
        EndMove(volume, isLost);
        (volume.Gone, volume.Forgotten, volume.InstanceId) = (true, true, null);
        foreach (var snapshot in SnapshotsOf(volume.Id).ToArray()) Snapshots.Remove(snapshot.Id);
        foreach (var backup in Backups.Values.Where(backup => backup.VolumeId == volume.Id).ToArray())
        {
            // What a host was given up with is remembered elsewhere.
            if (isLost) (backup.Failed, backup.ParentId) = backup.IsCreating ? (true, null) : (backup.Failed, backup.ParentId);
            else Forget(backup);
        }
        // Those that begin with it were asked for later than it was.
        foreach (var copy in Volumes.Values.Where(copy => copy.IsFilling && copy.Source?.VolumeId == volume.Id).ToArray()) Forget(copy, isLost);
    }

    /// <summary>With either of its ends, a move has ended.</summary>
    private void EndMove(VolumeRow volume, bool isLost)
    {
        if (volume.MovingTo is { } id && Volumes[id] is { Gone: false } place)
        {
            volume.MovingTo = null;
            if (!isLost) Forget(place, isLost: false);
            else (place.Desired, place.Generation, Hosts[place.HostId].Revision) = (VolumeDesire.Deleted, place.Generation + 1, Hosts[place.HostId].Revision + 1);
        }
        if (volume.MoveOf is not { } of || Volumes[of] is not { Gone: false } source || source.MovingTo != volume.Id) return;
        (source.MovingTo, source.Generation, Hosts[source.HostId].Revision) = (null, source.Generation + 1, Hosts[source.HostId].Revision + 1);
        if (source is not { Exported: true, HasExportKey: true, InstanceId: { } holder }) return;
        (source.ExportPort, source.ExportIncarnation) = (null, source.ExportIncarnation + 1);
        Hosts[Instances[holder].Record.HostId].Revision++;
    }

    private void Forget(BackupRow backup)
    {
        Backups.Remove(backup.Id);
        BackupsForgotten.Add(backup.Id);
        foreach (var filled in Volumes.Values.Where(volume => volume.IsFilling && volume.BackupId == backup.Id).ToArray()) Forget(filled, isLost: false);
    }

    /// <summary>Something else is made of it, or the next backup will build on it.</summary>
    public bool IsNeeded(SnapshotRow snapshot) =>
        Volumes.Values.Any(copy => copy.IsFilling && copy.Source?.SnapshotId == snapshot.Id) || Backups.Values.Any(backup => backup.IsCreating && (backup.SnapshotId == snapshot.Id || backup.BaseSnapshotId == snapshot.Id))
        || (Volumes[snapshot.VolumeId].Desired == VolumeDesire.Present && Backups.Values.LastOrDefault(backup => backup.VolumeId == snapshot.VolumeId && backup.IsAvailable)?.SnapshotId == snapshot.Id);

    /// <summary>A volume is being filled from it.</summary>
    public bool IsRead(BackupRow backup) => Volumes.Values.Any(volume => volume.IsFilling && volume.BackupId == backup.Id);

    /// <summary>A backup and those that it builds on, down to a full one.</summary>
    public IEnumerable<BackupRow> ChainOf(BackupRow backup)
    {
        for (BackupRow? one = backup; one is not null; one = one.ParentId is { } parent ? Backups.GetValueOrDefault(parent) : null) yield return one;
    }

    public IEnumerable<SnapshotRow> SnapshotsOf(string volumeId) => Snapshots.Values.Where(snapshot => snapshot.VolumeId == volumeId);

    /// <summary>The row of an instance, also of one that is recorded no more.</summary>
    public InstanceRow RowOf(string id) => Instances.GetValueOrDefault(id) ?? Forgotten[id];

    public IEnumerable<InstanceRow> OnHost(string hostId) => Instances.Values.Where(row => row.Record.HostId == hostId && row.TerminatedAt is null);

    /// <summary>True if no living interface has the address: the constraint of the table.</summary>
    public bool IsFree(int address) => Instances.Values.All(row => row.Address != address || row.AddressReleased);
}

/// <summary>PostgreSQL cannot be reached.</summary>
internal sealed class DatabaseGoneException() : IOException("The database does not answer.");

internal sealed class HostRow
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required Capacity Capacity { get; init; }

    public Capacity Allocated { get; set; } = new(0, 0, 0);

    public string State { get; set; } = HostStates.Up;

    public bool Maintenance { get; set; }

    public bool Fenced { get; set; }

    public long Revision { get; set; } = 1;

    public DateTimeOffset HeardAt { get; set; }

    public int HeartbeatSeconds { get; set; } = 10;

    /// <summary>The document that the host has told to have.</summary>
    public long ReportedRevision { get; set; }

    public IReadOnlyList<string> Strays { get; set; } = [];

    /// <summary>Volumes without a record, as the host has told last.</summary>
    public IReadOnlyList<string> StrayVolumes { get; set; } = [];

    /// <summary>The shared storage that it keeps disks on; null: its own.</summary>
    public string? Storage { get; set; }
}

internal sealed class InstanceRow
{
    public required InstanceRecord Record { get; set; }

    public required string Hostname { get; init; }

    public required string InterfaceId { get; init; }

    /// <summary>Offset in the subnet.</summary>
    public required int Address { get; init; }

    public bool AddressReleased { get; set; }

    /// <summary><c>wait</c> or <c>restart</c>.</summary>
    public required string Recovery { get; init; }

    /// <summary>The shared storage that holds the disk; null: the host's own.</summary>
    public required string? Storage { get; init; }

    /// <summary>Volumes of its host's own store that it has: with any, it is run nowhere else.</summary>
    public int FixedVolumes { get; set; }

    public bool Movable => MayMove && FixedVolumes == 0;

    /// <summary>It could be run elsewhere, were it not for its volumes.</summary>
    public bool MayMove => Recovery == "restart" && Storage is not null;

    /// <summary>The revision of its host's document with which that was told whether it may move.</summary>
    public long RecoveryRevision { get; set; }

    /// <summary>Why it waits, as the servers found; empty if it does not.</summary>
    public string Notice { get; set; } = "";

    public DateTimeOffset? TerminatedAt { get; set; }

    /// <summary>Everything that was ever asked, for the checks: what an agent does may follow from any of it.</summary>
    public List<InstanceRecord> History { get; } = [];

    /// <summary>What was told to callers: the record never falls behind it.</summary>
    public Acknowledged Acknowledged { get; set; }
}

/// <summary>The newest of what callers were told of an instance.</summary>
internal readonly record struct Acknowledged(long Generation, int BootEpoch, bool Terminated);
