using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Placement;

/// <summary>A host as placement sees it. Free amounts may be stale; the claim in the database decides.</summary>
public sealed record HostView(string Id, string Name, string ZoneId, string State, bool Schedulable, Capacity Capacity, Capacity Allocated)
{
    public HostView With(PlacementRequest placed) => this with
    {
        Allocated = new Capacity(Allocated.Vcpus + placed.Vcpus, Allocated.MemoryMib + placed.MemoryMib, Allocated.DiskGib + placed.DiskGib),
    };
}

/// <summary>What an instance needs of a host. Zone null: any.</summary>
public sealed record PlacementRequest(int Vcpus, int MemoryMib, int DiskGib, string? ZoneId);

/// <summary>Hosts to try in order; if there are none, what turned the others away.</summary>
public sealed record PlacementChoice(IReadOnlyList<HostView> Candidates, IReadOnlyList<Rejection> Rejections);

/// <summary>A reason to pass over a host.</summary>
public sealed record PlacementFilter(string Name, Func<HostView, PlacementRequest, bool> Passes, Func<PlacementRequest, object[]> Arguments);

/// <summary>Chooses hosts: pure, over a snapshot. Filters say who may, weighers who rather.</summary>
public static class Placement
{
    /// <summary>In the order in which they are asked; a host counts for the first that turns it away.</summary>
    public static readonly IReadOnlyList<PlacementFilter> Filters =
    [
        new("zone", (host, request) => request.ZoneId is null || host.ZoneId == request.ZoneId, _ => []),
        new("up", (host, _) => host.State == "up", _ => []),
        new("schedulable", (host, _) => host.Schedulable, _ => []),
        new("vcpus", (host, request) => host.Allocated.Vcpus + request.Vcpus <= host.Capacity.Vcpus, request => [request.Vcpus]),
        new("memory", (host, request) => host.Allocated.MemoryMib + request.MemoryMib <= host.Capacity.MemoryMib, request => [request.MemoryMib]),
        new("disk", (host, request) => host.Allocated.DiskGib + request.DiskGib <= host.Capacity.DiskGib, request => [request.DiskGib]),
    ];

    /// <summary>Spread: the host with the largest free share of memory first; by id among equals, so that the answer is repeatable.</summary>
    public static PlacementChoice Choose(IReadOnlyCollection<HostView> hosts, PlacementRequest request)
    {
        var candidates = new List<HostView>();
        var turnedAway = new int[Filters.Count];
        foreach (var host in hosts)
        {
            var failed = 0;
            while (failed < Filters.Count && Filters[failed].Passes(host, request)) failed++;
            if (failed == Filters.Count) candidates.Add(host);
            else turnedAway[failed]++;
        }
        if (candidates.Count > 0) return new PlacementChoice([.. candidates.OrderByDescending(FreeShare).ThenBy(host => host.Id, StringComparer.Ordinal)], []);
        var rejections = Filters.Select((filter, i) => new Rejection(filter.Name, turnedAway[i], filter.Arguments(request))).Where(r => r.Hosts > 0).ToList();
        return new PlacementChoice([], rejections.Count > 0 ? rejections : [new Rejection("none", 0)]);
    }

    private static double FreeShare(HostView host) =>
        host.Capacity.MemoryMib == 0 ? 0 : 1 - (double)host.Allocated.MemoryMib / host.Capacity.MemoryMib;
}
