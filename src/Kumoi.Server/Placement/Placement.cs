using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Placement;

/// <summary>A host as placement sees it. Free amounts may be stale; the claim in the database decides.</summary>
/// <param name="Storage">The shared storage it keeps disks on; null: its own.</param>
/// <param name="SegmentDevices">Devices that bridged networks may be attached to; null: none.</param>
public sealed record HostView(
    string Id, string Name, string ZoneId, string State, bool Schedulable, Capacity Capacity, Capacity Allocated, string? Storage = null, bool Maintenance = false, string ZoneName = "",
    IReadOnlyList<string>? SegmentDevices = null)
{
    public HostView With(PlacementRequest placed) => this with
    {
        Allocated = new Capacity(Allocated.Vcpus + placed.Vcpus, Allocated.MemoryMib + placed.MemoryMib, Allocated.DiskGib + placed.DiskGib),
    };
}

/// <summary>What an instance needs of a host. Zone null: any.</summary>
/// <param name="Storage">The shared storage its disk is on already; null: it has no disk yet.</param>
/// <param name="Movable">It should be able to move: hosts with shared storage rather than others.</param>
/// <param name="Group">The placement group it is in, with those of it that have hosts already; null: none.</param>
/// <param name="HostId">The host that an operator asks for; null: any.</param>
/// <param name="SegmentDevices">Devices of its bridged networks, in order, with commas between; empty: none.</param>
/// <param name="Reaching">Hosts that reach the volume that it starts from, with commas around; empty: any.</param>
public sealed record PlacementRequest(
    int Vcpus, int MemoryMib, int DiskGib, string? ZoneId, string? Storage = null, bool Movable = false, GroupView? Group = null, string? HostId = null, string SegmentDevices = "", string Reaching = "")
{
    /// <summary>Devices as <see cref="SegmentDevices"/> has them: one text, so that requests for the same are equal.</summary>
    public static string Devices(IEnumerable<string?> devices) => string.Join(',', devices.OfType<string>().Distinct().Order(StringComparer.Ordinal));

    /// <summary>Hosts as <see cref="Reaching"/> has them.</summary>
    public static string Hosts(IEnumerable<string> ids) => $",{string.Join(',', ids)},";

    /// <summary>The same for several at once on one host.</summary>
    public PlacementRequest Times(int count) => this with { Vcpus = Vcpus * count, MemoryMib = MemoryMib * count, DiskGib = DiskGib * count };
}

/// <summary>Hosts to try in order; if there are none, what turned the others away.</summary>
public sealed record PlacementChoice(IReadOnlyList<HostView> Candidates, IReadOnlyList<Rejection> Rejections);

/// <summary>A reason to pass over a host.</summary>
public sealed record PlacementFilter(string Name, Func<HostView, PlacementRequest, bool> Passes, Func<PlacementRequest, object[]> Arguments);

/// <summary>Chooses hosts: pure, over a snapshot. Filters say who may, weighers who rather.</summary>
public static class Placement
{
    // More than are ever tried: a claim fails only where numbers were stale.
    private const int CandidatesMax = 16;

    // Free shares are 0 to 1, wishes of a group some thousand at the most: an instance that should be able to move gets storage for that first, then what
    // its group would like, then the emptiest host.
    private const double StorageWeight = 1e6;

    /// <summary>In the order in which they are asked; a host counts for the first that turns it away.</summary>
    public static readonly IReadOnlyList<PlacementFilter> Filters =
    [
        new("host", (host, request) => request.HostId is null || host.Id == request.HostId, _ => []),
        new("zone", (host, request) => request.ZoneId is null || host.ZoneId == request.ZoneId, _ => []),
        new("up", (host, _) => host.State == "up", _ => []),
        new("schedulable", (host, _) => host.Schedulable && !host.Maintenance, _ => []),
        new("storage", (host, request) => request.Storage is null || host.Storage == request.Storage, _ => []),
        new("root-volume", (host, request) => request.Reaching.Length == 0 || request.Reaching.Contains($",{host.Id},", StringComparison.Ordinal), _ => []),
        new("segment-device", (host, request) => request.SegmentDevices.Length == 0 || request.SegmentDevices.Split(',').All(device => host.SegmentDevices?.Contains(device) == true), request => [request.SegmentDevices]),
        new("affinity", (host, request) => request.Group is not { Policy: PlacementPolicies.Affinity } group || group.Allows(host.Id), request => [request.Group!.Name]),
        new("anti-affinity", (host, request) => request.Group is not { Policy: PlacementPolicies.AntiAffinity } group || group.Allows(host.Id), request => [request.Group!.Name]),
        new("vcpus", (host, request) => host.Allocated.Vcpus + request.Vcpus <= host.Capacity.Vcpus, request => [request.Vcpus]),
        new("memory", (host, request) => host.Allocated.MemoryMib + request.MemoryMib <= host.Capacity.MemoryMib, request => [request.MemoryMib]),
        new("disk", (host, request) => host.Allocated.DiskGib + request.DiskGib <= host.Capacity.DiskGib, request => [request.DiskGib]),
    ];

    private static readonly PlacementFilter[] Asked = [.. Filters];

    /// <summary>Spread: the host with the largest free share of memory first; by id among equals, so that the answer is repeatable.</summary>
    /// <param name="most">So many candidates at most; the best ones.</param>
    public static PlacementChoice Choose(IReadOnlyCollection<HostView> hosts, PlacementRequest request, int most = CandidatesMax)
    {
        var turnedAway = new int[Asked.Length];
        // The worst of those kept is on top, so that one comparison passes over most hosts.
        var kept = new PriorityQueue<HostView, (double Share, string Id)>(most + 1, WorstFirst);
        foreach (var host in hosts)
        {
            var failed = 0;
            while (failed < Asked.Length && Asked[failed].Passes(host, request)) failed++;
            if (failed < Asked.Length)
            {
                turnedAway[failed]++;
                continue;
            }
            var rank = Rank(host, request);
            if (kept.Count < most) kept.Enqueue(host, rank);
            else kept.EnqueueDequeue(host, rank);
        }
        if (kept.Count > 0)
        {
            var candidates = new HostView[kept.Count];
            for (var i = candidates.Length - 1; i >= 0; i--) candidates[i] = kept.Dequeue();
            return new PlacementChoice(candidates, []);
        }
        var rejections = Filters.Select((filter, i) => (filter, Hosts: turnedAway[i])).Where(r => r.Hosts > 0).Select(r => new Rejection(r.filter.Name, r.Hosts, r.filter.Arguments(request))).ToList();
        return new PlacementChoice([], rejections.Count > 0 ? rejections : [new Rejection("none", 0)]);
    }

    private static readonly Comparer<(double Share, string Id)> WorstFirst = Comparer<(double Share, string Id)>.Create(
        (a, b) => a.Share != b.Share ? a.Share.CompareTo(b.Share) : string.CompareOrdinal(b.Id, a.Id));

    /// <summary>How good a host is for the request: the higher the better.</summary>
    public static (double Share, string Id) Rank(HostView host, PlacementRequest request) =>
        (FreeShare(host) + (request.Movable && host.Storage is not null ? StorageWeight : 0) + (request.Group?.Wish(host.Id) ?? 0), host.Id);

    public static bool Passes(HostView host, PlacementRequest request) => Asked.All(filter => filter.Passes(host, request));

    public static readonly IComparer<(double Share, string Id)> BestFirst = Comparer<(double Share, string Id)>.Create((a, b) => WorstFirst!.Compare(b, a));

    private static double FreeShare(HostView host) =>
        host.Capacity.MemoryMib == 0 ? 0 : 1 - (double)host.Allocated.MemoryMib / host.Capacity.MemoryMib;
}
