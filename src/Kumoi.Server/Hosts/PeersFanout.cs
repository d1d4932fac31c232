using Kumoi.Reconcile;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Hosts;

/// <summary>Rung when names or members of a network have changed.</summary>
public sealed class PeersBell(TimeProvider clock)
{
    public Doorbell Door { get; } = new(clock);

    public void Ring() => Door.Ring();
}

/// <summary>
/// Tells the hosts of networks whose names or members have changed, apart from the changes themselves: a launch costs the same in a network
/// of one host and of a thousand. What is to be told is in the database, so that nothing is forgotten; how much at a time is limited, so
/// that a burst of launches is told late rather than crowding out everything else.
/// </summary>
public sealed class PeersFanout(Database database, HostBell hosts, PeersBell bell, TimeProvider clock, ILogger<PeersFanout> log) : BackgroundService
{
    // Looked for unasked after this, for what a server left that was killed.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    // Changes that come together are told together.
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(30);

    // More: tells of one burst sooner, and takes the processors from launches and reports meanwhile.
    private const int NetworksAtOnce = 50, HostsPerSecond = 1000;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(bell.Door, Period, LookAsync, e => Broken(e), stoppingToken);

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) HostLog.FanoutFailed(log, e.Message);
        else HostLog.FanoutBroken(log, e);
    }

    private async Task LookAsync(CancellationToken cancel)
    {
        for (int told; (told = await TellAsync(cancel)) > 0;)
            await Task.Delay(TimeSpan.FromSeconds((double)told / HostsPerSecond) is var rest && rest > Gather ? rest : Gather, clock, cancel);
    }

    /// <summary>Tells the hosts of some networks; how many hosts heard, or 0 if there was nothing to tell.</summary>
    public async Task<int> TellAsync(CancellationToken cancel)
    {
        var networks = await database.QueryAsync(
            "SELECT id, peers_revision FROM networks WHERE peers_told < peers_revision ORDER BY id LIMIT $1", row => (Id: row.GetString(0), Revision: row.GetInt64(1)), cancel, NetworksAtOnce);
        if (networks.Count == 0) return 0;
        var ids = networks.ConvertAll(network => network.Id);
        // Hosts before networks, as launches lock them: the other way round they would wait for each other.
        var result = await database.TransactionAsync<int>(async transaction =>
        {
            var told = await transaction.QueryAsync(
                """
                WITH locked AS MATERIALIZED (
                    SELECT id FROM hosts WHERE id IN (
                        SELECT v.host_id FROM interfaces i JOIN instances v ON v.id = i.instance_id WHERE i.network_id = ANY($1) AND i.released_at IS NULL)
                    ORDER BY id FOR NO KEY UPDATE)
                UPDATE hosts SET revision = revision + 1 WHERE id IN (SELECT id FROM locked) RETURNING id
                """, row => row.GetString(0), cancel, Columns.Texts(ids));
            // What has changed since it was read was perhaps not told, and is told next.
            await transaction.ExecuteAsync(
                """
                WITH locked AS MATERIALIZED (SELECT id FROM networks WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
                UPDATE networks n SET peers_told = greatest(n.peers_told, r.revision)
                FROM unnest($1::text[], $2::bigint[]) AS r(id, revision) JOIN locked ON locked.id = r.id WHERE n.id = r.id
                """, cancel, Columns.Texts(ids), Columns.Bigints(networks.Select(network => network.Revision)));
            transaction.AfterCommit(() => told.ForEach(hosts.Ring));
            return Math.Max(1, told.Count);
        }, cancel);
        return result.Value;
    }
}
