using System.Collections.Concurrent;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Hosts;

/// <summary>Marks that what a host should have has changed: the revision grows in the transaction of the change, and the host's
/// long poll is woken after the commit.</summary>
public sealed class HostRevisions(HostBell bell)
{
    public async Task TouchAsync(Transaction transaction, string hostId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE hosts SET revision = revision + 1 WHERE id = $1", cancel, hostId);
        transaction.AfterCommit(() => bell.Ring(hostId));
    }

    /// <summary>Every host with a member of the group, or of a group whose rules name it.</summary>
    public async Task TouchByGroupAsync(Transaction transaction, string groupId, CancellationToken cancel)
    {
        var hosts = await transaction.QueryAsync(
            """
            UPDATE hosts SET revision = revision + 1 WHERE id IN (
                SELECT v.host_id FROM interface_security_groups m JOIN interfaces i ON i.id = m.interface_id JOIN instances v ON v.id = i.instance_id
                WHERE i.released_at IS NULL
                  AND (m.security_group_id = $1 OR m.security_group_id IN (SELECT security_group_id FROM security_group_rules WHERE peer_group_id = $1)))
            RETURNING id
            """, row => row.GetString(0), cancel, groupId);
        transaction.AfterCommit(() => hosts.ForEach(bell.Ring));
    }

    /// <summary>Every host that has an instance in one of the networks: names and members there have changed.</summary>
    /// <param name="but">Hosts that hear of it anyway in this transaction.</param>
    public async Task TouchByNetworksAsync(Transaction transaction, IEnumerable<string> networkIds, IEnumerable<string> but, CancellationToken cancel)
    {
        var hosts = await transaction.QueryAsync(
            """
            UPDATE hosts SET revision = revision + 1 WHERE id IN (
                SELECT v.host_id FROM interfaces i JOIN instances v ON v.id = i.instance_id WHERE i.network_id = ANY($1) AND i.released_at IS NULL)
              AND id <> ALL($2)
            RETURNING id
            """, row => row.GetString(0), cancel, Columns.Texts(networkIds), Columns.Texts(but));
        transaction.AfterCommit(() => hosts.ForEach(bell.Ring));
    }
}

/// <summary>Wakes those who wait for news of a host. A hint: they look by themselves every few seconds.</summary>
public sealed class HostBell
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new();

    /// <summary>Completes at the next ring for the host. Take it before looking, so that a ring in between is not lost.</summary>
    public Task Next(string hostId) => _waiting.GetOrAdd(hostId, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Ring(string hostId)
    {
        if (_waiting.TryRemove(hostId, out var waiting)) waiting.TrySetResult();
    }
}
