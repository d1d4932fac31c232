using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.LoadBalancers;

/// <summary>Statements on members.</summary>
public static class MemberStore
{
    /// <summary>The address that connections go to: of the load balancer's first family.</summary>
    public const string Address = "host(CASE WHEN family(i.address) = family(b.address) THEN i.address ELSE i.address6 END)";

    private const string Joined =
        """
        FROM load_balancer_members m JOIN load_balancer_listeners l ON l.id = m.listener_id JOIN load_balancers b ON b.id = l.load_balancer_id
        JOIN interfaces i ON i.id = m.interface_id JOIN instances v ON v.id = i.instance_id
        """;

    /// <summary>Those of some load balancers' listeners; what the hosts see of them is told elsewhere.</summary>
    public static Task<List<(string ListenerId, LoadBalancerMember Member)>> ReadAsync(Transaction transaction, string[] balancerIds, CancellationToken cancel) => transaction.QueryAsync(
        $"SELECT m.listener_id, m.id, v.id, v.name, i.id, {Address}, m.port, m.weight, m.draining {Joined} WHERE l.load_balancer_id = ANY($1) ORDER BY m.id",
        row => (row.GetString(0), new LoadBalancerMember(
            row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetString(5), row.GetInt32(6), row.GetInt32(7), row.GetBoolean(8), BackendHealth.Unknown, 0, 0, null, null,
            new Traffic(0, 0, 0, 0))), cancel, Columns.Texts(balancerIds));

    /// <summary>A member as its row has it.</summary>
    public sealed record Row(string Id, string ListenerId, string Instance, int Port, int Weight, bool Draining);

    /// <summary>Those of a load balancer that a text can mean: one by its id, or an instance's or interface's, with a port or at any. Held until the transaction ends.</summary>
    /// <param name="listenerId">Only those of this listener.</param>
    public static Task<List<Row>> NamedAsync(Transaction transaction, string balancerId, string key, string? listenerId, CancellationToken cancel) => transaction.QueryAsync(
        $"""
        SELECT m.id, m.listener_id, v.name, m.port, m.weight, m.draining {Joined} WHERE b.id = $1 AND ($3::text IS NULL OR l.id = $3)
          AND (m.id = $2 OR $2 IN (v.id, v.name, i.id) OR $2 IN (v.id || ':' || m.port, v.name || ':' || m.port, i.id || ':' || m.port)) ORDER BY m.id FOR NO KEY UPDATE OF m
        """, row => new Row(row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt32(3), row.GetInt32(4), row.GetBoolean(5)), cancel, balancerId, key, Columns.Text(listenerId));

    /// <summary>How many members listeners have.</summary>
    public static async Task<Dictionary<string, long>> CountsAsync(Transaction transaction, IEnumerable<string> listenerIds, CancellationToken cancel) =>
        (await transaction.QueryAsync("SELECT listener_id, count(*) FROM load_balancer_members WHERE listener_id = ANY($1) GROUP BY 1", row => (Id: row.GetString(0), Count: row.GetInt64(1)), cancel,
            Columns.Texts(listenerIds))).ToDictionary(c => c.Id, c => c.Count);

    /// <summary>How many were written: a listener may have an interface at a port once.</summary>
    public static Task<int> InsertAsync(Transaction transaction, Ids ids, string accountId, IReadOnlyList<(string ListenerId, int Port, NewMember Member)> made, DateTimeOffset now, CancellationToken cancel) =>
        transaction.ExecuteAsync(
            """
            INSERT INTO load_balancer_members (id, account_id, listener_id, interface_id, port, weight, created_at)
            SELECT n.id, $6, n.listener, n.interface, n.port, n.weight, $7 FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[]) AS n(id, listener, interface, port, weight)
            ON CONFLICT (listener_id, interface_id, port) DO NOTHING
            """, cancel, Columns.Texts(made.Select(_ => ids.New(Ids.Member))), Columns.Texts(made.Select(m => m.ListenerId)), Columns.Texts(made.Select(m => m.Member.InterfaceId)),
            Columns.Integers(made.Select(m => m.Member.Port ?? m.Port)), Columns.Integers(made.Select(m => m.Member.Weight)), accountId, now);

    public static Task<int> UpdateAsync(Transaction transaction, IEnumerable<string> ids, int? weight, bool? draining, CancellationToken cancel) => transaction.ExecuteAsync(
        "UPDATE load_balancer_members SET weight = coalesce($2, weight), draining = coalesce($3, draining) WHERE id = ANY($1)", cancel,
        Columns.Texts(ids), Columns.Integer(weight), new Npgsql.NpgsqlParameter { Value = (object?)draining ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Boolean });

    public static Task<int> DeleteAsync(Transaction transaction, IEnumerable<string> ids, CancellationToken cancel) =>
        transaction.ExecuteAsync("DELETE FROM load_balancer_members WHERE id = ANY($1)", cancel, Columns.Texts(ids));

    /// <summary>Removes the members whose interfaces are gone; the networks that they were in.</summary>
    public static Task<List<string>> ForgetAsync(Transaction transaction, IReadOnlyCollection<string> interfaceIds, CancellationToken cancel) => transaction.QueryAsync(
        """
        DELETE FROM load_balancer_members m USING load_balancer_listeners l, load_balancers b WHERE l.id = m.listener_id AND b.id = l.load_balancer_id AND m.interface_id = ANY($1) RETURNING b.network_id
        """, row => row.GetString(0), cancel, Columns.Texts(interfaceIds));
}
