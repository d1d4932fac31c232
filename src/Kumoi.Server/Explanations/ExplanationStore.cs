using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Explanations;

/// <summary>A resource that a key stands for.</summary>
public sealed record Named(string Type, string Id, string Name, string AccountId);

/// <summary>Reads what explanations need beyond the records of the API.</summary>
public sealed class ExplanationStore(Database database, HostBell bell)
{
    /// <summary>Events told with an explanation: enough to see the last change and what came of it.</summary>
    public const int EventsMax = 5;

    private static readonly string[] Asking = ["instance.launch", "instance.start", "instance.stop", "instance.reboot", "instance.terminate", "instance.replace-security-groups", "instance.guest-shutdown"];

    /// <summary>What the key may stand for: of the account, public, or (for operators) a host, or anything by its id.</summary>
    public Task<List<Named>> FindAsync(string accountId, string key, bool operates, CancellationToken cancel) => database.QueryAsync(
        $$"""
        SELECT 'instance', id, name, account_id FROM instances WHERE (account_id = $1 OR $3 AND $4) AND (id = $2 OR name = $2 AND account_id = $1 AND terminated_at IS NULL)
        UNION ALL SELECT 'host', id, name, account_id FROM hosts WHERE $3 AND (id = $2 OR name = $2)
        UNION ALL (SELECT 'image', m.id, m.name, m.account_id FROM images m WHERE ({{Images.ImageStore.Meant}} OR $3 AND $4 AND m.id = $2) AND m.deleted_at IS NULL ORDER BY m.account_id = $1 DESC, m.id LIMIT 1)
        UNION ALL SELECT 'network', id, name, account_id FROM networks WHERE (account_id = $1 OR $3 AND $4) AND (id = $2 OR name = $2 AND account_id = $1)
        UNION ALL SELECT 'load-balancer', id, name, account_id FROM load_balancers WHERE (account_id = $1 OR $3 AND $4) AND (id = $2 OR name = $2 AND account_id = $1)
        """, row => new Named(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancel, accountId, key, operates, Ids.Looks(key));

    public Task<(string Power, int Incarnation, string? Storage, DateTimeOffset? AskedAt, string[] SegmentDevices)> InstanceAsync(string id, CancellationToken cancel) => database.FindAsync(
        """
        SELECT v.power, v.incarnation, CASE WHEN v.fixed_volumes = 0 THEN v.storage END, (SELECT max(e.at) FROM events e WHERE e.resource_id = v.id AND e.action = ANY($2)),
               coalesce((SELECT array_agg(n.segment_device) FROM interfaces i JOIN networks n ON n.id = i.network_id WHERE i.instance_id = v.id AND i.released_at IS NULL AND n.segment_device IS NOT NULL), '{}')
        FROM instances v WHERE v.id = $1
        """, row => (row.GetString(0), row.GetInt32(1), row.TextOrNull(2), row.TimeOrNull(3), row.Texts(4)), cancel, id, Columns.Texts(Asking));

    /// <summary>The host's record with the database's own time, by which its silence is judged.</summary>
    public async Task<ExplainedHost> HostAsync(Host host, CancellationToken cancel)
    {
        var (revision, now) = await database.FindAsync("SELECT revision, clock_timestamp() FROM hosts WHERE id = $1", row => (row.GetInt64(0), row.Time(1)), cancel, host.Id);
        var seen = bell.WaitingHosts().Where(waiting => waiting.HostId == host.Id).Select(waiting => (long?)waiting.After).FirstOrDefault();
        return new ExplainedHost(host, revision, seen, now);
    }

    public async Task<int> MovableAsync(string hostId, CancellationToken cancel) => (int)await database.FindAsync(
        "SELECT count(*) FROM instances v WHERE host_id = $1 AND terminated_at IS NULL AND recovery = 'restart' AND (storage IS NOT NULL OR " + Volumes.VolumeHolds.Networked + ") AND fixed_volumes = 0", row => row.GetInt64(0), cancel, hostId);

    public Task<ExplainedIntake?> ImageAsync(string id, CancellationToken cancel) => database.FindAsync(
        "SELECT attempts, lease_holder, lease_until, (SELECT count(*) FROM instances v WHERE v.image_id = m.id AND v.terminated_at IS NULL) FROM images m WHERE id = $1",
        row => new ExplainedIntake(row.GetInt32(0), row.TextOrNull(1), row.TimeOrNull(2), (int)row.GetInt64(3)), cancel, id);

    public Task<ExplainedNetwork?> NetworkAsync(Network network, CancellationToken cancel) => database.FindAsync(
        """
        SELECT (SELECT count(*) FROM interfaces i WHERE i.network_id = n.id AND i.released_at IS NULL),
               (SELECT count(DISTINCT v.host_id) FROM interfaces i JOIN instances v ON v.id = i.instance_id WHERE i.network_id = n.id AND i.released_at IS NULL),
               n.peers_revision FROM networks n WHERE n.id = $1
        """, row => new ExplainedNetwork(network, (int)row.GetInt64(0), (int)row.GetInt64(1), row.GetInt64(2)), cancel, network.Id);
}
