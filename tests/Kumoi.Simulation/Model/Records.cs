using Kumoi.Api;
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
        foreach (var volume in Volumes.Values.Where(volume => volume.InstanceId == id)) (volume.Gone, volume.Forgotten, volume.InstanceId) = (true, true, null);
        foreach (var key in Keys.Where(key => key.Value == id).Select(key => key.Key).ToArray()) Keys.Remove(key);
        foreach (var former in Former.Keys.Where(key => key.InstanceId == id).ToArray()) Former.Remove(former);
        foreach (var other in Hosts.Values) other.Revision++;
        return id;
    });

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

    public IReadOnlyList<string> Strays { get; set; } = [];

    /// <summary>The shared storage that it keeps disks on; null: its own.</summary>
    public string? Storage { get; set; }
}

/// <summary>A volume, from when it is first attached: then it has a host.</summary>
internal sealed class VolumeRow
{
    public required string Id { get; init; }

    public required string HostId { get; init; }

    public required int SizeGib { get; set; }

    public long Generation { get; set; } = 1;

    public long ObservedGeneration { get; set; }

    public int? MadeGib { get; set; }

    public string Desired { get; set; } = Kumoi.Api.Agent.VolumeDesire.Present;

    /// <summary>The guest that has it, until that has certainly let it go.</summary>
    public string? InstanceId { get; set; }

    public int Slot { get; set; }

    /// <summary>The instance's generation with which its host was told to take it away; null while it is attached.</summary>
    public long? DetachedGeneration { get; set; }

    /// <summary>Removed, or recorded no more.</summary>
    public bool Gone { get; set; }

    public bool Forgotten { get; set; }
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

    public bool Movable => Recovery == "restart" && Storage is not null;

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
