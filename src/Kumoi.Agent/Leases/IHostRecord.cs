using Kumoi.Api.Agent;

namespace Kumoi.Agent.Leases;

/// <summary>What the last document said of a guest, as far as an agent without a document must know it.</summary>
/// <param name="Movable">The guest must not run here without a lease.</param>
/// <param name="Ports">Its interfaces, whose taps go with it.</param>
/// <param name="Leaving">Interfaces that it had before, of which something may be left.</param>
public sealed record Placement(string Id, bool Movable, IReadOnlyList<PlacedPort> Ports, IReadOnlyList<PlacedPort> Leaving)
{
    // Kept by a version before interfaces could go alone.
    public IReadOnlyList<PlacedPort> Leaving { get; init; } = Leaving ?? [];

    /// <param name="known">What was known of it so far.</param>
    /// <param name="mayBeThere">Whether anything of an interface that it had may be on the host.</param>
    public static Placement Of(DesiredInstance instance, Placement? known, Func<PlacedPort, bool> mayBeThere)
    {
        PlacedPort[] ports = [.. instance.Interfaces.Select(port => new PlacedPort(port.Id, port.NetworkId))];
        return new Placement(
            instance.Id, instance.Movable, ports, known is null ? [] : [.. known.Ports.Concat(known.Leaving.Where(mayBeThere)).DistinctBy(port => port.Id).ExceptBy(ports.Select(port => port.Id), port => port.Id)]);
    }

    public bool Equals(Placement? other) =>
        other is not null && Id == other.Id && Movable == other.Movable && Ports.SequenceEqual(other.Ports) && Leaving.SequenceEqual(other.Leaving);

    public override int GetHashCode() => HashCode.Combine(Id, Movable);
}

/// <summary>An interface of a placed guest.</summary>
public sealed record PlacedPort(string Id, string NetworkId);

/// <summary>
/// The edge to what an agent that is killed and started again must know though no server answers. It may go when the machine restarts, since
/// guests do too. What is read back is whole, or as if nothing had been kept.
/// </summary>
public interface IHostRecord
{
    Lease? LoadLease();

    void SaveLease(Lease lease);

    IReadOnlyList<Placement> LoadPlacements();

    void SavePlacements(IReadOnlyList<Placement> placements);
}

/// <summary>A record in memory, for hosts that are simulated: kept outside the agent, it outlives it.</summary>
public sealed class MemoryRecord : IHostRecord
{
    private volatile IReadOnlyList<Placement> _placements = [];
    private Lease? _lease;

    public Lease? LoadLease() => _lease;

    public void SaveLease(Lease lease) => _lease = lease;

    public IReadOnlyList<Placement> LoadPlacements() => _placements;

    public void SavePlacements(IReadOnlyList<Placement> placements) => _placements = placements;
}
