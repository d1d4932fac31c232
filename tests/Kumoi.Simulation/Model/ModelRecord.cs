using Kumoi.Agent.Leases;

namespace Kumoi.Simulation.Model;

/// <summary>What outlives an agent on its machine until that loses power; and, for the checks, when a lease was over last.</summary>
internal sealed class ModelRecord(ModelHost host, Func<TimeSpan> elapsed) : IHostRecord
{
    private IReadOnlyList<Placement> _placements = [];
    private Lease? _lease;
    private TimeSpan _overAt = TimeSpan.MinValue;

    public Lease? LoadLease() => _lease;

    public void SaveLease(Lease lease)
    {
        if (IsOver) _overAt = elapsed();
        _lease = lease;
    }

    public IReadOnlyList<Placement> LoadPlacements() => _placements;

    public void SavePlacements(IReadOnlyList<Placement> placements) => _placements = placements;

    /// <summary>By the host's own clock and what its agent kept.</summary>
    private bool IsOver => _lease is not { } lease || lease.BootId != host.BootId || lease.IsOver(TimeSpan.FromTicks(host.Timepiece.Ticks));

    /// <summary>A step begun when the lease was over may end after it has begun anew.</summary>
    public bool WasOverWithin(TimeSpan span) => IsOver || (_overAt != TimeSpan.MinValue && elapsed() - _overAt <= span);
}
