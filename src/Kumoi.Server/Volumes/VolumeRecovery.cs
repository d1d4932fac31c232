using Kumoi.Api;
using Kumoi.Reconcile;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Images;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes.Moves;
using Npgsql;

namespace Kumoi.Server.Volumes;

/// <summary>Gives volumes of shared stores that wait for a host that is down to another one that reaches them. Those of guests move with their guests.</summary>
public sealed class VolumeRecovery(Leases leases, Database database, HostRevisions hosts, EventLog events, TimeProvider clock, ILogger<VolumeRecovery> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5), LeaseTime = TimeSpan.FromSeconds(60);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(new Doorbell(clock), Period, async cancel =>
    {
        if (await leases.HoldAsync("volumes", LeaseTime, cancel)) await MoveAsync(cancel);
    }, Broken, stoppingToken);

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) VolumeLog.MoveFailed(log, e.Message);
        else VolumeLog.Broken(log, e);
    }

    /// <summary>
    /// The host must be down still when the second one is told: what the first had begun is refused by its incarnation where the bytes are. A volume that is being filled
    /// from a snapshot and the volume of that go to one host, and with the guest that has the latter. One that is to become an image waits for its host until the image is made, and one that moves until that is done or given up.
    /// </summary>
    public Task MoveAsync(CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var moved = await transaction.QueryAsync(
            """
            UPDATE volumes v SET host_id = n.other, incarnation = v.incarnation + 1, generation = v.generation + 1, observed_generation = 0
            FROM (SELECT w.id, (SELECT x.host_id FROM store_hosts x JOIN hosts o ON o.id = x.host_id WHERE x.store_id = w.store_id AND o.state = 'up'
                                ORDER BY x.host_id IN (SELECT c.host_id FROM volumes c WHERE c.id = w.source_volume_id AND w.made_gib IS NULL OR c.source_volume_id = w.id AND c.made_gib IS NULL AND c.deleted_at IS NULL) DESC, o.instances, o.id LIMIT 1) AS other
                  FROM volumes w JOIN hosts h ON h.id = w.host_id WHERE h.state = 'down' AND w.deleted_at IS NULL AND w.instance_id IS NULL AND w.moving_to IS NULL AND (w.move_source_id IS NULL OR w.desired = 'deleted')
                    AND (w.observed_generation < w.generation OR w.image_upload_id IS NOT NULL OR EXISTS (SELECT 1 FROM volumes c WHERE c.source_volume_id = w.id AND c.made_gib IS NULL AND c.deleted_at IS NULL))
                    AND NOT EXISTS (SELECT 1 FROM volumes o WHERE o.id = w.source_volume_id AND w.made_gib IS NULL AND o.instance_id IS NOT NULL) ORDER BY w.id FOR UPDATE OF w SKIP LOCKED) n
            WHERE v.id = n.id AND n.other IS NOT NULL RETURNING v.host_id
            """, row => row.GetString(0), cancel);
        if (moved.Count == 0) return new Done();
        await hosts.TouchAsync(transaction, [.. moved.Distinct()], cancel);
        transaction.AfterCommit(events.Ring);
        return new Done();
    }, cancel);

    /// <summary>
    /// What becomes of a host's volumes when it leaves the cloud: those that others reach go to them, and those that are its own keep it, or are lost with it.
    /// The volumes that keep it.
    /// </summary>
    public static async Task<IReadOnlyList<Ref>> LeaveAsync(Transaction transaction, HostRevisions hosts, ExportKeys keys, EventLog events, EventActor actor, Ref host, bool lost, CancellationToken cancel)
    {
        // With either of its ends, a move has ended.
        var ended = (await MoveRecords.CancelOfHostAsync(transaction, keys, host.Id, cancel)).Where(id => id != host.Id).ToList();
        if (ended.Count > 0) await hosts.TouchAsync(transaction, ended, cancel);
        await transaction.ExecuteAsync(
            """
            UPDATE volumes v SET host_id = n.other, incarnation = v.incarnation + 1, generation = v.generation + 1, observed_generation = 0
            FROM (SELECT w.id, (SELECT x.host_id FROM store_hosts x JOIN hosts o ON o.id = x.host_id WHERE x.store_id = w.store_id AND x.host_id <> $1 ORDER BY o.state = 'up' DESC, o.id LIMIT 1) AS other
                  FROM volumes w WHERE w.host_id = $1 AND w.deleted_at IS NULL AND w.instance_id IS NULL ORDER BY w.id FOR UPDATE) n WHERE v.id = n.id AND n.other IS NOT NULL
            """, cancel, host.Id);
        var left = await transaction.QueryAsync(
            "SELECT v.id, coalesce(m.name, v.former_name, v.name), v.account_id, v.image_upload_id, v.move_source_id IS NOT NULL FROM volumes v LEFT JOIN images m ON m.id = v.image_upload_id WHERE v.host_id = $1 AND v.deleted_at IS NULL ORDER BY v.id FOR UPDATE OF v",
            row => (Ref: new Ref(row.GetString(0), row.GetString(1)), Account: row.GetString(2), Image: row.TextOrNull(3), Moved: row.GetBoolean(4)), cancel, host.Id);
        if (left.Count > 0 && !lost) return left.ConvertAll(one => one.Image is { } image ? one.Ref with { Id = image } : one.Ref);
        await ImageMaking.LoseAsync(transaction, events, actor, host, [.. left.Select(one => one.Image).OfType<string>()], cancel);
        await events.WriteAsync(transaction, [.. left.Where(one => one.Image is null && !one.Moved).Select(one => new NewEvent(one.Account, actor, "volume.lost", new Subject("volume", one.Ref.Id, one.Ref.Name), $"Host {host.Name} was removed as lost, and the volume with it."))], cancel);
        var snapshots = await transaction.QueryAsync(
            "DELETE FROM snapshots WHERE volume_id = ANY($1) RETURNING id, name, account_id, internal", row => (Ref: new Ref(row.GetString(0), row.GetString(1)), Account: row.GetString(2), Internal: row.GetBoolean(3)), cancel, Columns.Texts(left.Select(one => one.Ref.Id)));
        await events.WriteAsync(transaction, [.. snapshots.Where(one => !one.Internal).Select(one => new NewEvent(one.Account, actor, "snapshot.lost", new Subject("snapshot", one.Ref.Id, one.Ref.Name), $"Host {host.Name} was removed as lost, and the snapshot with it."))], cancel);
        // Should the host come back after all, they are found, and offered to whom they were of.
        await transaction.ExecuteAsync(
            """
            INSERT INTO lost_volumes (id, account_id, name, store_id, image_id, type_id, host_name, lost_at, sealed_key, data_id)
            SELECT id, account_id, name, store_id, image_id, type_id, $2, now(), sealed_key, data_id FROM volumes WHERE host_id = $1 AND desired = 'present' AND made_gib IS NOT NULL AND deleted_at IS NULL AND image_upload_id IS NULL AND move_source_id IS NULL ON CONFLICT (id) DO NOTHING
            """, cancel, host.Id, host.Name);
        // Guests of other hosts that were given some of them are to let go of those.
        var given = await transaction.QueryAsync("SELECT DISTINCT i.host_id FROM volumes v JOIN instances i ON i.id = v.instance_id WHERE v.host_id = $1 AND i.host_id <> $1", row => row.GetString(0), cancel, host.Id);
        if (given.Count > 0) await hosts.TouchAsync(transaction, given, cancel);
        await transaction.ExecuteAsync("DELETE FROM volumes WHERE host_id = $1", cancel, host.Id);
        await transaction.ExecuteAsync("DELETE FROM stores s WHERE EXISTS (SELECT 1 FROM store_hosts x WHERE x.store_id = s.id AND x.host_id = $1) AND NOT EXISTS (SELECT 1 FROM store_hosts x WHERE x.store_id = s.id AND x.host_id <> $1) AND NOT EXISTS (SELECT 1 FROM volumes v WHERE v.store_id = s.id)", cancel, host.Id);
        return [];
    }
}

internal static partial class VolumeLog
{
    [LoggerMessage(9701, LogLevel.Warning, "Volumes of lost hosts could not be looked at; the next try is in five seconds: {Message}")]
    public static partial void MoveFailed(ILogger logger, string message);

    [LoggerMessage(9703, LogLevel.Error, "The key by which the volume {Volume} is given to another host cannot be read with this server's master key, so the hosts are not told of it. Give the servers the same key, or attach the volume anew.")]
    public static partial void KeyUnreadable(ILogger logger, string volume);

    [LoggerMessage(9702, LogLevel.Error, "Looking at volumes of lost hosts met an error in the server")]
    public static partial void Broken(ILogger logger, Exception e);
}
