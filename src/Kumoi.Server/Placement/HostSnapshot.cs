using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Placement;

/// <summary>The hosts as last read, so that a create need not read them all. Stale numbers cost a retry, never a wrong claim.</summary>
public sealed class HostSnapshot(Database database, TimeProvider clock)
{
    // Longer means more candidates that turn out full; shorter means reading all hosts more often.
    private static readonly TimeSpan AgeMax = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Dictionary<string, HostView> _hosts = [];
    private DateTimeOffset _readAt = DateTimeOffset.MinValue;

    public async Task<IReadOnlyCollection<HostView>> GetAsync(bool fresh, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (!fresh && clock.GetUtcNow() - _readAt < AgeMax) return [.. _hosts.Values];
        }
        var hosts = await database.QueryAsync(
            """
            SELECT id, name, zone_id, state, schedulable, vcpus, memory_mib, disk_gib, allocated_vcpus, allocated_memory_mib, allocated_disk_gib FROM hosts
            """,
            row => new HostView(
                row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4),
                new Capacity(row.GetInt32(5), row.GetInt32(6), row.GetInt32(7)), new Capacity(row.GetInt32(8), row.GetInt32(9), row.GetInt32(10))), cancel);
        lock (_lock)
        {
            _hosts = hosts.ToDictionary(host => host.Id);
            _readAt = clock.GetUtcNow();
        }
        return hosts;
    }

    /// <summary>Counts a placement just made, so that the next choice sees it before the next read.</summary>
    public void Placed(string hostId, PlacementRequest request)
    {
        lock (_lock)
        {
            if (_hosts.TryGetValue(hostId, out var host)) _hosts[hostId] = host.With(request);
        }
    }
}
