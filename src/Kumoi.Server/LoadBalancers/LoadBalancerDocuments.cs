using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.LoadBalancers;

/// <summary>What hosts are told of load balancers, read for many networks together.</summary>
public static class LoadBalancerDocuments
{
    /// <summary>The load balancers of networks, in the order of their ids: one statement if there are none.</summary>
    public static async Task<ILookup<string, DesiredLoadBalancer>> ReadAsync(NpgsqlConnection connection, NpgsqlParameter networkIds, ListenerKeys keys)
    {
        var balancers = await connection.RowsAsync("SELECT network_id, id, host(address), host(address6) FROM load_balancers WHERE network_id = ANY($1) ORDER BY id",
            row => (Network: row.GetString(0), Id: row.GetString(1), Address: row.GetString(2), Address6: row.TextOrNull(3)), default, networkIds.Clone());
        if (balancers.Count == 0) return Enumerable.Empty<DesiredLoadBalancer>().ToLookup(_ => "");
        var ids = Columns.Texts(balancers.Select(b => b.Id));
        var members = (await connection.RowsAsync(
            $"""
            SELECT m.listener_id, m.id, {MemberStore.Address}, m.port, m.weight, m.draining, CASE WHEN b.address6 IS NOT NULL THEN host(i.address6) END
            FROM load_balancer_members m JOIN load_balancer_listeners l ON l.id = m.listener_id JOIN load_balancers b ON b.id = l.load_balancer_id JOIN interfaces i ON i.id = m.interface_id
            WHERE b.id = ANY($1) AND i.released_at IS NULL AND i.detached_at IS NULL ORDER BY m.id
            """, row => (Listener: row.GetString(0), Backend: new DesiredBackend(row.GetString(1), row.GetString(2), row.GetInt32(3), row.GetInt32(4), row.GetBoolean(5), row.TextOrNull(6))), default,
            ids.Clone())).ToLookup(m => m.Listener, m => m.Backend);
        var listeners = (await connection.RowsAsync(
            """
            SELECT load_balancer_id, id, protocol, port, algorithm, stickiness, sends_proxy, certificate, encrypted_key, health_protocol, health_path, health_port, health_interval_seconds,
                   health_timeout_seconds, health_rise, health_fall, idle_seconds
            FROM load_balancer_listeners WHERE load_balancer_id = ANY($1) ORDER BY id
            """, row => (Balancer: row.GetString(0), SealedKey: row.IsDBNull(8) ? null : row.GetFieldValue<byte[]>(8), Listener: new DesiredListener(
                row.GetString(1), row.GetString(2), row.GetInt32(3), row.GetString(4), row.GetString(5), row.GetBoolean(6), row.TextOrNull(7), null,
                new DesiredHealthCheck(row.GetString(9), row.TextOrNull(10), row.IntOrNull(11), row.GetInt32(12), row.GetInt32(13), row.GetInt32(14), row.GetInt32(15)), row.GetInt32(16),
                [.. members[row.GetString(1)]])), default, ids.Clone()))
            .Select(l => (l.Balancer, Listener: l.SealedKey is null ? l.Listener : keys.Open(l.Listener.Id, l.SealedKey) is { } key ? l.Listener with { Key = key } : null))
            // One whose key cannot be read is left out: the others go on.
            .Where(l => l.Listener is not null).ToLookup(l => l.Balancer, l => l.Listener!);
        return balancers.ToLookup(b => b.Network, b => new DesiredLoadBalancer(b.Id, b.Address6 is null ? [b.Address] : [b.Address, b.Address6], [.. listeners[b.Id]]));
    }
}
