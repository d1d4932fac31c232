using System.Collections.Concurrent;
using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Hosts;

/// <summary>
/// Changes of what hosts should have: the revision grows in the transaction of the change, and the host's long poll is woken after the
/// commit. Rows are locked in the order of their ids, so that transactions wait for each other and do not block each other for good.
/// </summary>
public sealed class HostRevisions(HostBell bell, PeersBell peers)
{
    public Task TouchAsync(Transaction transaction, string hostId, CancellationToken cancel) => TouchAsync(transaction, [hostId], cancel);

    public async Task TouchAsync(Transaction transaction, IReadOnlyCollection<string> hostIds, CancellationToken cancel)
    {
        await transaction.ExecuteAsync(
            """
            WITH locked AS MATERIALIZED (SELECT id FROM hosts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
            UPDATE hosts SET revision = revision + 1 WHERE id IN (SELECT id FROM locked)
            """, cancel, Columns.Texts(hostIds));
        RingAfter(transaction, hostIds);
    }

    /// <summary>Every host with a member of the group, or of a group whose rules name it: the rules there have changed.</summary>
    public async Task TouchByGroupAsync(Transaction transaction, string groupId, CancellationToken cancel)
    {
        var hosts = await transaction.QueryAsync(
            """
            WITH locked AS MATERIALIZED (
                SELECT id FROM hosts WHERE id IN (
                    SELECT v.host_id FROM interface_security_groups m JOIN interfaces i ON i.id = m.interface_id JOIN instances v ON v.id = i.instance_id
                    WHERE i.released_at IS NULL
                      AND (m.security_group_id = $1 OR m.security_group_id IN (SELECT security_group_id FROM security_group_rules WHERE peer_group_id = $1)))
                ORDER BY id FOR NO KEY UPDATE)
            UPDATE hosts SET revision = revision + 1 WHERE id IN (SELECT id FROM locked) RETURNING id
            """, row => row.GetString(0), cancel, groupId);
        RingAfter(transaction, hosts);
    }

    /// <summary>Names or members of the networks have changed. Their hosts are told soon, and not in this transaction: there may be thousands.</summary>
    public async Task TouchNetworksAsync(Transaction transaction, IEnumerable<string> networkIds, CancellationToken cancel)
    {
        string[] networks = [.. networkIds.Distinct()];
        await transaction.ExecuteAsync(LockNetworks, cancel, Columns.Texts(networks));
        await transaction.ExecuteAsync(TouchNetworks, cancel, Columns.Texts(networks));
        transaction.AfterCommit(() => Array.ForEach(networks, peers.Ring));
    }

    /// <summary>
    /// The statements of <see cref="TouchNetworksAsync"/>, for those who send them with others; they ring after the commit. Two, since an update sees
    /// the row as it was when its statement began: in one statement it would wait at the old version for those who wait for the version that it has locked.
    /// </summary>
    public const string LockNetworks = "SELECT id FROM networks WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        TouchNetworks = "UPDATE networks SET peers_revision = peers_revision + 1 WHERE id = ANY($1)";

    /// <summary>Gives room back to hosts, which hear of it.</summary>
    public async Task GiveBackAsync(Transaction transaction, IEnumerable<(string HostId, Capacity Size)> sizes, CancellationToken cancel)
    {
        var byHost = sizes.GroupBy(size => size.HostId).ToList();
        await transaction.ExecuteAsync(
            """
            WITH locked AS MATERIALIZED (SELECT id FROM hosts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
            UPDATE hosts h SET allocated_vcpus = h.allocated_vcpus - n.vcpus, allocated_memory_mib = h.allocated_memory_mib - n.memory, allocated_disk_gib = h.allocated_disk_gib - n.disk,
                               instances = h.instances - n.instances, revision = h.revision + 1
            FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[]) AS n(id, vcpus, memory, disk, instances) JOIN locked ON locked.id = n.id WHERE h.id = n.id
            """, cancel,
            Columns.Texts(byHost.Select(g => g.Key)), Columns.Integers(byHost.Select(g => g.Sum(size => size.Size.Vcpus))), Columns.Integers(byHost.Select(g => g.Sum(size => size.Size.MemoryMib))),
            Columns.Integers(byHost.Select(g => g.Sum(size => size.Size.DiskGib))), Columns.Integers(byHost.Select(g => g.Count())));
        RingAfter(transaction, [.. byHost.Select(g => g.Key)]);
    }

    private void RingAfter(Transaction transaction, IReadOnlyCollection<string> hostIds) => transaction.AfterCommit(() =>
    {
        foreach (var host in hostIds) bell.Ring(host);
    });
}
