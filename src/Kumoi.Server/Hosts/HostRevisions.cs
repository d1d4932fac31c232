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
    /// <summary>Locks hosts, before a statement that changes them (<see cref="Transaction.LockedAsync"/>).</summary>
    public const string Lock = "SELECT id FROM hosts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";

    public Task TouchAsync(Transaction transaction, string hostId, CancellationToken cancel) => TouchAsync(transaction, [hostId], cancel);

    public async Task TouchAsync(Transaction transaction, IReadOnlyCollection<string> hostIds, CancellationToken cancel)
    {
        await transaction.ExecuteAsync([(Lock, [Columns.Texts(hostIds)]), ("UPDATE hosts SET revision = revision + 1 WHERE id = ANY($1)", [Columns.Texts(hostIds)])]);
        RingAfter(transaction, hostIds);
    }

    /// <summary>Every host with a member of the group, or of a group whose rules name it: the rules there have changed.</summary>
    public async Task TouchByGroupAsync(Transaction transaction, string groupId, CancellationToken cancel)
    {
        var hosts = await transaction.QueryAsync(
            """
            SELECT id FROM hosts WHERE id IN (
                SELECT v.host_id FROM interface_security_groups m JOIN interfaces i ON i.id = m.interface_id JOIN instances v ON v.id = i.instance_id
                WHERE i.released_at IS NULL
                  AND (m.security_group_id = $1 OR m.security_group_id IN (SELECT security_group_id FROM security_group_rules WHERE peer_group_id = $1)))
            ORDER BY id FOR NO KEY UPDATE
            """, row => row.GetString(0), cancel, groupId);
        await transaction.ExecuteAsync("UPDATE hosts SET revision = revision + 1 WHERE id = ANY($1)", cancel, Columns.Texts(hosts));
        RingAfter(transaction, hosts);
    }

    /// <summary>Every host that carries the network (id or name): it has guests there, or in one that is linked with it.</summary>
    public async Task TouchByNetworkAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => await TouchByNetworksAsync(
        transaction, await transaction.QueryAsync("SELECT id FROM networks WHERE account_id = $1 AND (id = $2 OR name = $2)", row => row.GetString(0), cancel, accountId, key), cancel);

    /// <summary>Every host that carries one of the networks.</summary>
    public async Task TouchByNetworksAsync(Transaction transaction, IReadOnlyCollection<string> networkIds, CancellationToken cancel) => await TouchAsync(transaction, await transaction.QueryAsync(
        """
        SELECT DISTINCT v.host_id FROM interfaces i JOIN instances v ON v.id = i.instance_id
        WHERE i.released_at IS NULL AND (i.network_id = ANY($1) OR i.network_id IN (SELECT other_id FROM network_links WHERE network_id = ANY($1)))
        """, row => row.GetString(0), cancel, Columns.Texts(networkIds)), cancel);

    /// <summary>Every host: something that all their documents say has changed. Seldom.</summary>
    public async Task TouchAllAsync(Transaction transaction, CancellationToken cancel) =>
        await TouchAsync(transaction, await transaction.QueryAsync("SELECT id FROM hosts WHERE instances > 0", row => row.GetString(0), cancel), cancel);

    /// <summary>Others reach the host's guests otherwise than before.</summary>
    public async Task TouchNetworksOfHostAsync(Transaction transaction, string hostId, CancellationToken cancel) => await TouchNetworksAsync(transaction, await transaction.QueryAsync(
        "SELECT DISTINCT i.network_id FROM instances v JOIN interfaces i ON i.instance_id = v.id WHERE v.host_id = $1 AND v.terminated_at IS NULL AND i.released_at IS NULL",
        row => row.GetString(0), cancel, hostId), cancel);

    /// <summary>The public addresses and VPN gateways that the host has are reached otherwise than before.</summary>
    public async Task TouchByGatewayAsync(Transaction transaction, string hostId, CancellationToken cancel)
    {
        var networks = await transaction.QueryAsync("SELECT DISTINCT network_id FROM network_gateways WHERE host_id = $1", row => row.GetString(0), cancel, hostId);
        if (networks.Count > 0) await TouchByNetworksAsync(transaction, networks, cancel);
    }

    /// <summary>Names or members of the networks have changed. Their hosts are told soon, and not in this transaction: there may be thousands.</summary>
    public async Task TouchNetworksAsync(Transaction transaction, IEnumerable<string> networkIds, CancellationToken cancel)
    {
        string[] networks = [.. networkIds.Distinct()];
        await transaction.ExecuteAsync([(LockNetworks, [Columns.Texts(networks)]), (TouchNetworks, [Columns.Texts(networks)])]);
        transaction.AfterCommit(() => Array.ForEach(networks, peers.Ring));
    }

    /// <summary>The statements of <see cref="TouchNetworksAsync"/>, for those who send them with others; they ring after the commit.</summary>
    public const string LockNetworks = "SELECT id FROM networks WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        TouchNetworks = "UPDATE networks SET peers_revision = peers_revision + 1 WHERE id = ANY($1)";

    /// <summary>Gives room back to hosts, which hear of it.</summary>
    public async Task GiveBackAsync(Transaction transaction, IEnumerable<(string HostId, Capacity Size)> sizes, CancellationToken cancel)
    {
        var byHost = sizes.GroupBy(size => size.HostId).ToList();
        await transaction.ExecuteAsync(
        [
            (Lock, [Columns.Texts(byHost.Select(g => g.Key))]),
            ("""
            UPDATE hosts h SET allocated_vcpus = h.allocated_vcpus - n.vcpus, allocated_memory_mib = h.allocated_memory_mib - n.memory, allocated_disk_gib = h.allocated_disk_gib - n.disk,
                               instances = h.instances - n.instances, revision = h.revision + 1
            FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[]) AS n(id, vcpus, memory, disk, instances) WHERE h.id = n.id
            """,
            [
                Columns.Texts(byHost.Select(g => g.Key)), Columns.Integers(byHost.Select(g => g.Sum(size => size.Size.Vcpus))), Columns.Integers(byHost.Select(g => g.Sum(size => size.Size.MemoryMib))),
                Columns.Integers(byHost.Select(g => g.Sum(size => size.Size.DiskGib))), Columns.Integers(byHost.Select(g => g.Count())),
            ]),
        ]);
        RingAfter(transaction, [.. byHost.Select(g => g.Key)]);
    }

    private void RingAfter(Transaction transaction, IReadOnlyCollection<string> hostIds) => transaction.AfterCommit(() =>
    {
        foreach (var host in hostIds) bell.Ring(host);
    });
}
