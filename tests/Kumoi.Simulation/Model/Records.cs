using Kumoi.Server.Instances;
using Kumoi.Api;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>
/// The database: what PostgreSQL holds, changed in transactions that follow one another. Rows say what the tables say; what a statement
/// would decide is decided by the servers' own pure functions.
/// </summary>
internal sealed class Records
{
    public const string Network = "net-19a3f2b4c5d6e7f80", Subnet = "subnet-19a3f2b4c5d6e7f81";

    /// <summary>So few that one given back is soon given out again.</summary>
    public const int Addresses = 6;

    public SortedDictionary<string, InstanceRow> Instances { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, HostRow> Hosts { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers by idempotency key.</summary>
    public Dictionary<string, string> Keys { get; } = [];

    /// <summary>Grows with every transaction.</summary>
    public int Version { get; private set; }

    /// <summary>True while the database does not answer.</summary>
    public bool Away { get; set; }

    /// <summary>One transaction: all of it, or nothing if it throws before its first change.</summary>
    public T Transaction<T>(Func<T> change)
    {
        if (Away) throw new DatabaseGoneException();
        Version++;
        return change();
    }

    /// <summary>Reads, as a statement outside a transaction does.</summary>
    public T Read<T>(Func<T> read) => Away ? throw new DatabaseGoneException() : read();

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

    public string State { get; set; } = "up";

    public long Revision { get; set; } = 1;

    public DateTimeOffset HeardAt { get; set; }

    public int HeartbeatSeconds { get; set; } = 10;

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

    public DateTimeOffset? TerminatedAt { get; set; }

    /// <summary>Everything that was ever asked, for the checks: what an agent does may follow from any of it.</summary>
    public List<InstanceRecord> History { get; } = [];

    /// <summary>What was told to callers: the record never falls behind it.</summary>
    public Acknowledged Acknowledged { get; set; }
}

/// <summary>The newest of what callers were told of an instance.</summary>
internal readonly record struct Acknowledged(long Generation, int BootEpoch, bool Terminated);
