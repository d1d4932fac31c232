using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Placement;

/// <summary>A host as placement sees it. Free amounts may be stale; the claim in the database decides.</summary>
/// <param name="Storage">The shared storage it keeps disks on; null: its own.</param>
/// <param name="SegmentDevices">Devices that bridged networks may be attached to; null: none.</param>
/// <param name="Pool">The pool it is in; null: one that is for all.</param>
/// <param name="Labels">Null: none.</param>
public sealed record HostView(
    string Id, string Name, string ZoneId, string State, bool Schedulable, Capacity Capacity, Capacity Allocated, string? Storage = null, bool Maintenance = false, string ZoneName = "",
    IReadOnlyList<string>? SegmentDevices = null, HostPoolView? Pool = null, LabelSet? Labels = null)
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
/// <param name="HostPool">The pool whose hosts it asks for; null: any that its account may use.</param>
/// <param name="Pools">Pools that are not for all, but for its account, as <see cref="HostPoolView.Given"/> tells them; null: it may use all that there are.</param>
/// <param name="Labels">What its hosts must have; null: nothing.</param>
public sealed record PlacementRequest(
    int Vcpus, int MemoryMib, int DiskGib, string? ZoneId, string? Storage = null, bool Movable = false, GroupView? Group = null, string? HostId = null, string SegmentDevices = "", string Reaching = "",
    Ref? HostPool = null, string? Pools = null, LabelSet? Labels = null)
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
/// <param name="Concerns">Requests that can be turned away by it; the others are not held up by asking.</param>
public sealed record PlacementFilter(string Name, Func<PlacementRequest, bool> Concerns, Func<HostView, PlacementRequest, bool> Passes, Func<PlacementRequest, object[]> Arguments);

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
        new("host", request => request.HostId is not null, (host, request) => host.Id == request.HostId, _ => []),
        new("host-pool", request => request.HostPool is not null, (host, request) => host.Pool?.Id == request.HostPool!.Id, request => [request.HostPool!.Name]),
        new("host-pool-account", request => request.Pools is not null, (host, request) => host.Pool?.Among(request.Pools!) ?? true, _ => []),
        new("zone", request => request.ZoneId is not null, (host, request) => host.ZoneId == request.ZoneId, _ => []),
        new("up", _ => true, (host, _) => host.State == "up", _ => []),
        new("schedulable", _ => true, (host, _) => host.Schedulable && !host.Maintenance, _ => []),
        new("labels", request => request.Labels is { IsEmpty: false }, (host, request) => host.Labels?.Covers(request.Labels!) == true, request => [request.Labels!.ToString()]),
        new("storage", request => request.Storage is not null, (host, request) => host.Storage == request.Storage, _ => []),
        new("root-volume", request => request.Reaching.Length > 0, (host, request) => request.Reaching.Contains($",{host.Id},", StringComparison.Ordinal), _ => []),
        new("segment-device", request => request.SegmentDevices.Length > 0, (host, request) => request.SegmentDevices.Split(',').All(device => host.SegmentDevices?.Contains(device) == true), request => [request.SegmentDevices]),
        new("affinity", request => request.Group?.Policy == PlacementPolicies.Affinity, (host, request) => request.Group!.Allows(host.Id), request => [request.Group!.Name]),
        new("anti-affinity", request => request.Group?.Policy == PlacementPolicies.AntiAffinity, (host, request) => request.Group!.Allows(host.Id), request => [request.Group!.Name]),
        new("vcpus", _ => true, (host, request) => host.Allocated.Vcpus + request.Vcpus <= host.Capacity.Vcpus, request => [request.Vcpus]),
        new("memory", _ => true, (host, request) => host.Allocated.MemoryMib + request.MemoryMib <= host.Capacity.MemoryMib, request => [request.MemoryMib]),
        new("disk", _ => true, (host, request) => host.Allocated.DiskGib + request.DiskGib <= host.Capacity.DiskGib, request => [request.DiskGib]),
    ];

    /// <summary>Spread: the host with the largest free share of memory first; by id among equals, so that the answer is repeatable.</summary>
    /// <param name="most">So many candidates at most; the best ones.</param>
    public static PlacementChoice Choose(IReadOnlyCollection<HostView> hosts, PlacementRequest request, int most = CandidatesMax)
    {
        PlacementFilter[] asked = [.. Filters.Where(filter => filter.Concerns(request))];
        var turnedAway = new int[asked.Length];
        // The worst of those kept is on top, so that one comparison passes over most hosts.
        var kept = new PriorityQueue<HostView, (double Share, string Id)>(most + 1, WorstFirst);
        foreach (var host in hosts)
        {
            var failed = 0;
            while (failed < asked.Length && asked[failed].Passes(host, request)) failed++;
            if (failed < asked.Length)
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
        var rejections = asked.Select((filter, i) => (filter, Hosts: turnedAway[i])).Where(r => r.Hosts > 0).Select(r => new Rejection(r.filter.Name, r.Hosts, r.filter.Arguments(request))).ToList();
        return new PlacementChoice([], rejections.Count > 0 ? rejections : [new Rejection("none", 0)]);
    }

    private static readonly Comparer<(double Share, string Id)> WorstFirst = Comparer<(double Share, string Id)>.Create(
        (a, b) => a.Share != b.Share ? a.Share.CompareTo(b.Share) : string.CompareOrdinal(b.Id, a.Id));

    /// <summary>How good a host is for the request: the higher the better.</summary>
    public static (double Share, string Id) Rank(HostView host, PlacementRequest request) =>
        (FreeShare(host) + (request.Movable && host.Storage is not null ? StorageWeight : 0) + (request.Group?.Wish(host.Id) ?? 0), host.Id);

    public static bool Passes(HostView host, PlacementRequest request) => Filters.All(filter => !filter.Concerns(request) || filter.Passes(host, request));

    public static readonly IComparer<(double Share, string Id)> BestFirst = Comparer<(double Share, string Id)>.Create((a, b) => WorstFirst!.Compare(b, a));

    private static double FreeShare(HostView host) =>
        host.Capacity.MemoryMib == 0 ? 0 : 1 - (double)host.Allocated.MemoryMib / host.Capacity.MemoryMib;
}
