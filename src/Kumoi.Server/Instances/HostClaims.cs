using Kumoi.Server.HostPools;
using Kumoi.Server.Hosts;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>The room of one instance on a host.</summary>
public readonly record struct HostClaim(string HostId, string AccountId, PlacementRequest Needs);

/// <summary>What a host that has room says of its disks.</summary>
/// <param name="Storage">The shared storage that it keeps them on; null: its own.</param>
public sealed record ClaimedHost(string Id, string? Storage, RootStore? Root);

/// <summary>Takes room on hosts: the last word on whether an instance may be there.</summary>
public static class HostClaims
{
    /// <summary>
    /// Takes room on hosts that have it still, whose pools the accounts may use still, and that have the labels still; and tells those hosts that there is news. The answer has the host of each
    /// claim, or null for one that could not be had. The rows stay locked until the commit.
    /// </summary>
    /// <param name="withRoots">They get root disks, too: those that are volumes of a store that others reach take their room there, not on the host.</param>
    /// <param name="whole">What is asked of one host is had as a whole, or not at all; else those that may be there are not held up by those that may not.</param>
    /// <param name="others">Hosts that will be told, too: they are locked with these, since hosts are locked in the order of their ids.</param>
    public static async Task<IReadOnlyList<ClaimedHost?>> TakeAsync(Transaction transaction, IReadOnlyList<HostClaim> claims, bool withRoots, bool whole, IReadOnlyCollection<string> others)
    {
        var alike = claims.GroupBy(claim => (claim.HostId, claim.AccountId, Pool: claim.Needs.HostPool?.Id, Labels: claim.Needs.Labels?.Json ?? "{}")).ToList();
        var had = await transaction.LockedAsync(
            (HostRevisions.Lock, [Columns.Texts(alike.Select(g => g.Key.HostId).Union(others))]),
            row => (Host: new ClaimedHost(row.GetString(0), row.TextOrNull(1), row.IsDBNull(2) ? null : new RootStore(row.GetString(2), row.GetBoolean(3), row.GetString(4))), Numbers: row.GetFieldValue<long[]>(5)),
            $"""
            WITH asked AS (SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $7::text[], $8::text[], $9::jsonb[])
                               WITH ORDINALITY AS n(id, vcpus, memory, disk, instances, account, pool, labels, number)),
                 fit AS (SELECT n.* FROM asked n JOIN hosts h ON h.id = n.id JOIN host_pools p ON p.id = h.host_pool_id
                         WHERE (n.pool IS NULL OR n.pool = p.id) AND {HostPoolStore.Usable} AND h.labels @> n.labels),
                 wanted AS (SELECT f.id, sum(f.vcpus)::int AS vcpus, sum(f.memory)::int AS memory, sum(f.disk)::int AS disk, sum(f.instances)::int AS instances, array_agg(f.number) AS numbers
                            FROM fit f GROUP BY f.id HAVING NOT $10 OR count(*) = (SELECT count(*) FROM asked a WHERE a.id = f.id))
            UPDATE hosts h SET allocated_vcpus = h.allocated_vcpus + n.vcpus, allocated_memory_mib = h.allocated_memory_mib + n.memory, allocated_disk_gib = h.allocated_disk_gib + n.disk,
                               instances = h.instances + n.instances, revision = h.revision + 1
            FROM (SELECT w.id, w.vcpus, w.memory, CASE WHEN $6 AND NOT s.own THEN 0 ELSE w.disk END AS disk, w.instances, w.numbers, s.id AS store, s.own, s.pool_id
                  FROM wanted w LEFT JOIN store_hosts x ON x.host_id = w.id AND x.root LEFT JOIN stores s ON s.id = x.store_id) n
            WHERE h.id = n.id AND h.schedulable AND NOT h.maintenance AND h.state = 'up' AND h.allocated_vcpus + n.vcpus <= h.vcpus AND h.allocated_memory_mib + n.memory <= h.memory_mib
              AND h.allocated_disk_gib + n.disk <= h.disk_gib
            RETURNING h.id, h.storage, n.store, n.own, n.pool_id, n.numbers
            """,
            Columns.Texts(alike.Select(g => g.Key.HostId)), Columns.Integers(alike.Select(g => g.Sum(c => c.Needs.Vcpus))), Columns.Integers(alike.Select(g => g.Sum(c => c.Needs.MemoryMib))),
            Columns.Integers(alike.Select(g => g.Sum(c => c.Needs.DiskGib))), Columns.Integers(alike.Select(g => g.Count())), withRoots, Columns.Texts(alike.Select(g => g.Key.AccountId)),
            Columns.TextsOrNull(alike.Select(g => g.Key.Pool)), Columns.Jsons(alike.Select(g => g.Key.Labels)), whole);
        var hosts = had.SelectMany(one => one.Numbers.Select(number => (alike[(int)number - 1].Key, one.Host))).ToDictionary(one => one.Key, one => one.Host);
        return [.. claims.Select(claim => hosts.GetValueOrDefault((claim.HostId, claim.AccountId, claim.Needs.HostPool?.Id, claim.Needs.Labels?.Json ?? "{}")))];
    }
}
