using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Placement;

/// <summary>The hosts as last read, so that a create need not read them all. Stale numbers cost a retry, never a wrong claim.</summary>
public sealed class HostSnapshot(Database database, TimeProvider clock)
{
    // Longer means more candidates that turn out full; shorter means reading all hosts more often. Reading takes a microsecond or two a host.
    private static readonly TimeSpan AgeMin = TimeSpan.FromSeconds(1), AgeForEachHost = TimeSpan.FromMilliseconds(0.4);

    private readonly Lock _lock = new();
    private HostView[] _hosts = [];
    private HostPoolView[] _pools = [];
    private Dictionary<string, int> _places = [];
    private DateTimeOffset _readAt = DateTimeOffset.MinValue;

    /// <summary>How many hosts there are, as far as is known.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _hosts.Length;
        }
    }

    public async Task RefreshAsync(bool now, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (!now && clock.GetUtcNow() - _readAt < (AgeForEachHost * _hosts.Length is var age && age > AgeMin ? age : AgeMin)) return;
        }
        // Hosts share the texts and labels that many of them have.
        var (poolIds, labels) = (new Dictionary<string, HostPoolView>(), new Dictionary<string, LabelSet>());
        var pools = (await database.QueryAsync(
            "SELECT p.id, p.name, p.all_accounts, coalesce((SELECT array_agg(x.account_id) FROM host_pool_accounts x WHERE x.host_pool_id = p.id), '{}') FROM host_pools p",
            row => new HostPoolView(row.GetString(0), row.GetString(1), row.GetBoolean(2), row.Texts(3).ToHashSet()), cancel)).ToArray();
        foreach (var pool in pools) poolIds[pool.Id] = pool;
        // One that was made since is for nobody until the next look.
        HostPoolView Pool(string id) => poolIds.TryGetValue(id, out var pool) ? pool : poolIds[id] = new HostPoolView(id, "", false, new HashSet<string>());
        LabelSet Labels(string json) => json == "{}" ? LabelSet.None : labels.TryGetValue(json, out var known) ? known : labels[json] = LabelSet.Read(json);
        var hosts = (await database.QueryAsync(
            """
            SELECT h.id, h.name, h.zone_id, h.state, h.schedulable, h.vcpus, h.memory_mib, h.disk_gib, h.allocated_vcpus, h.allocated_memory_mib, h.allocated_disk_gib, h.storage,
                   h.maintenance, z.name, h.segment_devices, h.host_pool_id, h.labels::text FROM hosts h JOIN zones z ON z.id = h.zone_id
            """,
            row => new HostView(
                row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4),
                new Capacity(row.GetInt32(5), row.GetInt32(6), row.GetInt32(7)), new Capacity(row.GetInt32(8), row.GetInt32(9), row.GetInt32(10)), row.TextOrNull(11), row.GetBoolean(12),
                row.GetString(13), row.Texts(14), Pool(row.GetString(15)), Labels(row.GetString(16))), cancel)).ToArray();
        lock (_lock)
        {
            _hosts = hosts;
            _pools = pools;
            _places = hosts.Select((host, i) => (host.Id, i)).ToDictionary(host => host.Id, host => host.i);
            _readAt = clock.GetUtcNow();
        }
    }

    /// <summary>The best hosts for several alike: each gets the one that is best after those before it took theirs, which is noted so that the next choice sees it before the next read.
    /// Those of an affinity group get one host that has room for all of them, or none.</summary>
    public IReadOnlyList<HostView> Take(PlacementRequest request, int count, out PlacementChoice choice)
    {
        lock (_lock)
        {
            if (request.Group?.Policy == PlacementPolicies.Affinity)
            {
                choice = Placement.Choose(_hosts, request.Times(count), 1);
                foreach (var host in choice.Candidates) Change(host.Id, request.Times(count));
                return [.. choice.Candidates.SelectMany(host => Enumerable.Repeat(host, count))];
            }
            // However the first few are taken, none beyond the best COUNT can become the best: each of them is better until it is taken itself.
            choice = Placement.Choose(_hosts, request, count);
            var best = new PriorityQueue<HostView, (double, string)>(Placement.BestFirst);
            foreach (var host in choice.Candidates) best.Enqueue(host, Placement.Rank(host, request));
            var taken = new List<HostView>();
            while (taken.Count < count && best.TryDequeue(out var host, out _))
            {
                taken.Add(host);
                Change(host.Id, request);
                var after = host.With(request);
                // Only what is thought of the host just taken changes, so the others keep their places.
                if (request.Group is { } group) request = request with { Group = group.With(host.Id) };
                if (Placement.Passes(after, request)) best.Enqueue(after, Placement.Rank(after, request));
            }
            // Why there are no more: of the hosts as they are with those taken.
            if (taken.Count is > 0 and var some && some < count) choice = choice with { Rejections = Placement.Choose(_hosts, request, 1).Rejections };
            return taken;
        }
    }

    private void Change(string hostId, PlacementRequest request)
    {
        if (_places.TryGetValue(hostId, out var place)) _hosts[place] = _hosts[place].With(request);
    }

    /// <summary>The pools that are not for all, but for this account, as <see cref="PlacementRequest.Pools"/> has them.</summary>
    public string PoolsOf(string accountId)
    {
        lock (_lock) return HostPoolView.Given(_pools, accountId);
    }

    public IReadOnlyList<HostView> All()
    {
        lock (_lock) return [.. _hosts];
    }
}
