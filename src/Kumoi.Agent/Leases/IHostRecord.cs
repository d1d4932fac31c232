using Kumoi.Api.Agent;

namespace Kumoi.Agent.Leases;

/// <summary>What the last document said of a guest, as far as an agent without a document must know it.</summary>
/// <param name="Movable">The guest must not run here without a lease.</param>
/// <param name="Ports">Its interfaces, whose taps go with it.</param>
public sealed record Placement(string Id, bool Movable, IReadOnlyList<PlacedPort> Ports)
{
    public static Placement Of(DesiredInstance instance) =>
        new(instance.Id, instance.Movable, [.. instance.Interfaces.Select(port => new PlacedPort(port.Id, port.NetworkId))]);

    public bool Equals(Placement? other) => other is not null && Id == other.Id && Movable == other.Movable && Ports.SequenceEqual(other.Ports);

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
