namespace Kumoi.Agent.Leases;

/// <summary>The record of a machine that exists only in memory: it outlives its agents, and a power cut takes it.</summary>
public sealed class HostRecordInMemory : IHostRecord
{
    private readonly Lock _gate = new();
    private volatile IReadOnlyList<Placement> _placements = [];
    private Lease? _lease;

    public Lease? LoadLease()
    {
        lock (_gate) return _lease;
    }

    public void SaveLease(Lease lease)
    {
        lock (_gate) _lease = lease;
    }

    public IReadOnlyList<Placement> LoadPlacements() => _placements;

    public void SavePlacements(IReadOnlyList<Placement> placements) => _placements = placements;
}
