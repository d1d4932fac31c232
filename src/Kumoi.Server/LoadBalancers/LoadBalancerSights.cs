using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.LoadBalancers;

/// <summary>Keeps the last that each host said of each listener.</summary>
public sealed class LoadBalancerObservation(Database database) : IReportObserver
{
    // What a host that was taken over may make the servers keep. An honest one has as many listeners as its networks, and they have members at most so many.
    private const int ListenersMax = 5_000, ReasonMax = 200;

    // More bytes than any host has ever sent; a sum over thousands of hosts stays within 64 bits.
    private const long CountMax = 1L << 50;

    /// <summary>One statement for all reports; none if no host has a listener.</summary>
    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        // Of several of one host the last one counts.
        var told = reports.Where(r => r.Report.Listeners is not null).ToList();
        if (told.Count == 0) return;
        var sights = told.SelectMany(r => r.Report.Listeners!.Take(ListenersMax).Select(listener => (r.HostId, Listener: Bounded(listener))))
            .GroupBy(s => (s.HostId, s.Listener.Id)).Select(group => group.Last()).OrderBy(s => s.Listener.Id, StringComparer.Ordinal).ThenBy(s => s.HostId, StringComparer.Ordinal).ToList();
        await database.TransactionAsync<Done>(async transaction =>
        {
            await transaction.ExecuteAsync(
                """
                WITH said AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS n(host, listener, sight)),
                -- A host may speak of the listeners of networks that it carries, and of no others. One that is being removed is passed over.
                allowed AS MATERIALIZED (
                    SELECT s.*, l.account_id FROM said s JOIN load_balancer_listeners l ON l.id = s.listener JOIN load_balancers b ON b.id = l.load_balancer_id JOIN hosts h ON h.id = s.host
                    WHERE EXISTS (SELECT 1 FROM instances v JOIN interfaces i ON i.instance_id = v.id WHERE v.host_id = s.host AND v.terminated_at IS NULL AND i.released_at IS NULL
                          AND (i.network_id = b.network_id OR EXISTS (SELECT 1 FROM network_links k WHERE k.network_id = b.network_id AND k.other_id = i.network_id)))
                    FOR KEY SHARE OF l, h SKIP LOCKED),
                gone AS (DELETE FROM load_balancer_sights o WHERE o.host_id = ANY($4) AND NOT EXISTS (SELECT 1 FROM said s WHERE s.host = o.host_id AND s.listener = o.listener_id))
                INSERT INTO load_balancer_sights (listener_id, host_id, account_id, reported_at, sight) SELECT listener, host, account_id, clock_timestamp(), sight FROM allowed
                ON CONFLICT (listener_id, host_id) DO UPDATE SET reported_at = excluded.reported_at, sight = excluded.sight
                """, cancel,
                Columns.Texts(sights.Select(s => s.HostId)), Columns.Texts(sights.Select(s => s.Listener.Id)), Columns.Jsons(sights.Select(s => JsonSerializer.Serialize(s.Listener, ApiJson.Default.ObservedListener))),
                Columns.Texts(told.Where(r => r.Report.Full).Select(r => r.HostId).Distinct()));
            return new Done();
        }, cancel);
    }

    /// <summary>What a host says, within bounds: no counts below zero or beyond sense, no long or strange texts.</summary>
    public static ObservedListener Bounded(ObservedListener said) => new(
        Ids.Looks(said.Id) ? said.Id : "", said.Since, Count(said.Active), Count(said.Connections), Count(said.BytesIn), Count(said.BytesOut),
        [.. said.Members.Where(member => Ids.Looks(member.Id)).Take(LoadBalancerRules.MembersMax).Select(member => member with
        {
            Health = member.Health is BackendHealth.Healthy or BackendHealth.Unhealthy ? member.Health : BackendHealth.Unknown,
            Reason = member.Reason is { } reason ? PlainText.Of(reason, ReasonMax) : null,
            Active = Count(member.Active), Connections = Count(member.Connections), BytesIn = Count(member.BytesIn), BytesOut = Count(member.BytesOut),
        })]);

    private static long Count(long said) => Math.Clamp(said, 0, CountMax);
}

/// <summary>What the hosts that report say of some load balancers, added up.</summary>
public sealed class LoadBalancerSights
{
    private readonly ILookup<string, ObservedListener> _listeners;
    private readonly ILookup<(string Listener, string Member), ObservedBackend> _members;

    public LoadBalancerSights(IReadOnlyCollection<ObservedListener> said)
    {
        _listeners = said.ToLookup(s => s.Id);
        _members = said.SelectMany(s => s.Members.Select(member => (s.Id, member))).ToLookup(m => (m.Id, m.member.Id), m => m.member);
    }

    /// <summary>Only of hosts that are up and have said it lately: everything is told every half minute, or with every third heartbeat.</summary>
    public static async Task<LoadBalancerSights> ReadAsync(Transaction transaction, string[] balancerIds, CancellationToken cancel) => new(await transaction.QueryAsync(
        """
        SELECT s.sight::text FROM load_balancer_listeners l JOIN load_balancer_sights s ON s.listener_id = l.id JOIN hosts h ON h.id = s.host_id
        WHERE l.load_balancer_id = ANY($1) AND h.state = 'up' AND s.reported_at > clock_timestamp() - greatest(90, 9 * h.heartbeat_seconds) * interval '1 second' ORDER BY s.host_id
        """, row => JsonSerializer.Deserialize(row.GetString(0), ApiJson.Default.ObservedListener)!, cancel, Columns.Texts(balancerIds)));

    /// <summary>A listener's traffic.</summary>
    public Traffic Of(string listenerId) => new(
        _listeners[listenerId].Sum(s => s.Active), _listeners[listenerId].Sum(s => s.Connections), _listeners[listenerId].Sum(s => s.BytesIn), _listeners[listenerId].Sum(s => s.BytesOut));

    /// <summary>The member with what is seen of it.</summary>
    public LoadBalancerMember With(string listenerId, LoadBalancerMember member)
    {
        var said = _members[(listenerId, member.Id)].ToList();
        var (healthy, unhealthy) = (said.Count(s => s.Health == BackendHealth.Healthy), said.Count(s => s.Health == BackendHealth.Unhealthy));
        // One that it does not work for is of more interest than one that it does.
        var shown = said.Find(s => s.Health == BackendHealth.Unhealthy) ?? said.Find(s => s.Health == BackendHealth.Healthy);
        return member with
        {
            Health = (healthy, unhealthy) switch { (0, 0) => BackendHealth.Unknown, (_, 0) => BackendHealth.Healthy, (0, _) => BackendHealth.Unhealthy, _ => Mixed },
            HealthyHosts = healthy, UnhealthyHosts = unhealthy, Reason = unhealthy > 0 ? shown?.Reason : null, Since = shown?.Since,
            Traffic = new Traffic(said.Sum(s => s.Active), said.Sum(s => s.Connections), said.Sum(s => s.BytesIn), said.Sum(s => s.BytesOut)),
        };
    }

    /// <summary>Some hosts see it working, and others do not.</summary>
    public const string Mixed = "mixed";
}
