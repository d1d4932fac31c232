using System.Net;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.LoadBalancers;

/// <summary>What the load balancers of a network cost each of its hosts.</summary>
/// <param name="Checks">Members asked in a second.</param>
/// <param name="Certificates">Bytes of them and their keys.</param>
public sealed record NetworkLoad(long Members, long Checks, long Certificates);

/// <summary>Statements on listeners.</summary>
public static class ListenerStore
{
    /// <summary>A listener as its row has it.</summary>
    public sealed record Row(string Id, string BalancerId, ListenerSettings Settings);

    private const string Columns_ =
        """
        l.id, l.load_balancer_id, l.protocol, l.port, l.algorithm, l.stickiness, l.sends_proxy, l.certificate, l.health_protocol, l.health_path, l.health_port, l.health_interval_seconds,
        l.health_timeout_seconds, l.health_rise, l.health_fall, l.idle_seconds
        """;

    private static HealthCheck Health(NpgsqlDataReader row) => new(row.GetString(8), row.TextOrNull(9), row.IntOrNull(10), row.GetInt32(11), row.GetInt32(12), row.GetInt32(13), row.GetInt32(14));

    /// <summary>Those of some load balancers, by port; their members and traffic are told elsewhere.</summary>
    public static Task<List<(string BalancerId, LoadBalancerListener Listener)>> ReadAsync(Transaction transaction, string[] balancerIds, CancellationToken cancel) => transaction.QueryAsync(
        $"SELECT {Columns_} FROM load_balancer_listeners l WHERE l.load_balancer_id = ANY($1) ORDER BY l.load_balancer_id, l.port, l.transport",
        row => (row.GetString(1), new LoadBalancerListener(
            row.GetString(0), row.GetString(2), row.GetInt32(3), row.GetString(4), row.GetString(5), row.GetBoolean(6), row.TextOrNull(7) is { } chain ? ListenerCertificates.Describe(chain) : null,
            Health(row), row.GetInt32(15), [], new Traffic(0, 0, 0, 0))), cancel, Columns.Texts(balancerIds));

    /// <summary>Those of a load balancer, held until the transaction ends.</summary>
    public static Task<List<Row>> LockAsync(Transaction transaction, string balancerId, CancellationToken cancel) => transaction.QueryAsync(
        $"SELECT {Columns_} FROM load_balancer_listeners l WHERE l.load_balancer_id = $1 ORDER BY l.id FOR NO KEY UPDATE",
        row => new Row(row.GetString(0), row.GetString(1), new ListenerSettings(
            row.GetString(2), row.GetInt32(3), row.GetString(4), row.GetString(5), row.GetBoolean(6), !row.IsDBNull(7), Health(row), row.GetInt32(15))), cancel, balancerId);

    public static Task<int> InsertAsync(
        Transaction transaction, string accountId, string balancerId, string id, ListenerSettings settings, string? chain, byte[]? sealedKey, DateTimeOffset now, CancellationToken cancel) =>
        transaction.ExecuteAsync(
            """
            INSERT INTO load_balancer_listeners (id, account_id, load_balancer_id, protocol, port, algorithm, stickiness, sends_proxy, certificate, encrypted_key, health_protocol, health_path, health_port,
                                                 health_interval_seconds, health_timeout_seconds, health_rise, health_fall, idle_seconds, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
            """, cancel,
            [id, accountId, balancerId, .. Values(settings), Columns.Text(chain), Bytes(sealedKey), .. Values(settings.Health), settings.IdleSeconds, now]);

    /// <param name="chain">Null: the one that it has stays, if its protocol needs one.</param>
    public static Task<int> UpdateAsync(Transaction transaction, string id, ListenerSettings settings, string? chain, byte[]? sealedKey, CancellationToken cancel) => transaction.ExecuteAsync(
        """
        UPDATE load_balancer_listeners SET protocol = $2, port = $3, algorithm = $4, stickiness = $5, sends_proxy = $6,
               certificate = CASE WHEN $16 THEN coalesce($7, certificate) END, encrypted_key = CASE WHEN $16 THEN coalesce($8, encrypted_key) END,
               health_protocol = $9, health_path = $10, health_port = $11, health_interval_seconds = $12, health_timeout_seconds = $13, health_rise = $14, health_fall = $15, idle_seconds = $17
        WHERE id = $1
        """, cancel, [id, .. Values(settings), Columns.Text(chain), Bytes(sealedKey), .. Values(settings.Health), settings.EndsTls, settings.IdleSeconds]);

    public static Task<int> DeleteAsync(Transaction transaction, string id, CancellationToken cancel) => transaction.ExecuteAsync("DELETE FROM load_balancer_listeners WHERE id = $1", cancel, id);

    public static async Task<NetworkLoad> LoadAsync(Transaction transaction, string networkId, CancellationToken cancel) => (await transaction.FindAsync(
        """
        SELECT coalesce(sum(m.count), 0)::bigint, coalesce(ceil(sum(CASE WHEN l.health_protocol <> 'none' THEN m.count::numeric / l.health_interval_seconds END)), 0)::bigint,
               coalesce(sum(octet_length(l.certificate) + octet_length(l.encrypted_key)), 0)::bigint
        FROM load_balancers b JOIN load_balancer_listeners l ON l.load_balancer_id = b.id CROSS JOIN LATERAL (SELECT count(*) FROM load_balancer_members m WHERE m.listener_id = l.id) m
        WHERE b.network_id = $1
        """, row => new NetworkLoad(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), cancel, networkId))!;

    /// <summary>The load balancer with a UDP listener at a port to which a public address leads; null if there is none.</summary>
    public static Task<string?> AtAsync(Transaction transaction, IPAddress address, int port, CancellationToken cancel) => transaction.FindAsync(
        """
        SELECT b.name FROM load_balancer_addresses a JOIN load_balancers b ON b.id = a.load_balancer_id JOIN load_balancer_listeners l ON l.load_balancer_id = b.id
        WHERE a.address = $1 AND l.transport = 'udp' AND l.port = $2
        """, row => row.GetString(0), cancel, Columns.Inet(address), port);

    /// <summary>That a VPN gateway has the port of a UDP listener, at an address that leads to the load balancer; null if none has. These addresses are held until the transaction ends.</summary>
    /// <param name="address">Null: any of them.</param>
    /// <param name="port">Null: any listener's.</param>
    public static async Task<Failure?> PortOfVpnAsync(Transaction transaction, string balancerId, IPAddress? address, int? port, CancellationToken cancel)
    {
        await transaction.QueryAsync("SELECT f.id FROM load_balancer_addresses a JOIN floating_addresses f ON f.address = a.address WHERE a.load_balancer_id = $1 ORDER BY f.id FOR UPDATE OF f",
            row => row.GetString(0), cancel, balancerId);
        return await transaction.FindAsync(
            """
            SELECT host(a.address), l.port, v.name FROM load_balancer_addresses a JOIN load_balancer_listeners l ON l.load_balancer_id = a.load_balancer_id
            JOIN vpns v ON v.address = a.address AND v.port = l.port WHERE a.load_balancer_id = $1 AND l.transport = 'udp'
              AND ($2::inet IS NULL OR a.address = $2) AND ($3::int IS NULL OR l.port = $3) ORDER BY l.port LIMIT 1
            """, row => new Failure("port-of-vpn", 409, row.GetString(0), row.GetInt32(1), row.GetString(2)), cancel, balancerId, Columns.Inet(address), Columns.Integer(port));
    }

    private static object?[] Values(ListenerSettings settings) => [settings.Protocol, settings.Port, settings.Algorithm, settings.Stickiness, settings.ProxyProtocol];

    private static object?[] Values(HealthCheck health) =>
        [health.Protocol, Columns.Text(health.Path), Columns.Integer(health.Port), health.IntervalSeconds, health.TimeoutSeconds, health.Rise, health.Fall];

    private static NpgsqlParameter Bytes(byte[]? bytes) => new() { Value = (object?)bytes ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea };
}
