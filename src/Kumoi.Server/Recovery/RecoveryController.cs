using System.Text.Json;
using Kumoi.Api;
using Kumoi.Reconcile;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Placement;
using Kumoi.Server.PlacementGroups;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;
using Npgsql;

namespace Kumoi.Server.Recovery;

/// <summary>Rung when a host has changed its state, or is to be emptied.</summary>
public sealed class RecoveryBell(TimeProvider clock)
{
    public Doorbell Door { get; } = new(clock);

    public void Ring() => Door.Ring();
}

/// <summary>
/// Carries out what <see cref="RecoveryPlanner"/> decides, on one server at a time, one instance (or affinity group) a transaction. Each is guarded by what
/// it was decided from: a host that has come back, or an instance that was changed meanwhile, is left alone.
/// </summary>
public sealed class RecoveryController(
    Database database, Leases leases, HostSnapshot snapshot, PlacementGroupStore groups, HostRevisions revisions, ExportKeys keys, HostBell bell, RecoveryBell recovery, EventLog events, TimeProvider clock, ILogger<RecoveryController> log)
    : BackgroundService
{
    /// <summary>Held by the one server that sees to lost hosts.</summary>
    public const string Lease = "recovery";

    // Capacity that comes free rings nobody; what waits for it is tried again after this.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2), LeaseTime = TimeSpan.FromSeconds(15);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(recovery.Door, Period, async cancel =>
    {
        if (await leases.HoldAsync(Lease, LeaseTime, cancel)) await LookAsync(cancel);
    }, Broken, stoppingToken);

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) RecoveryLog.Failed(log, e.Message);
        else RecoveryLog.Broken(log, e);
    }

    private sealed record Affected(AffectedInstance Instance, string ZoneId, int Incarnation, string AccountId, string Notices);

    /// <summary>What a lost host was like when it was looked at.</summary>
    private sealed record Seen(string Id, string State, bool Maintenance, long Revision, DateTimeOffset HeardAt);

    // Hosts that were seen to: nothing is to be done for them before they change.
    private Dictionary<string, Seen> _settled = [];

    /// <summary>Looks at every host that is lost or is to be emptied, and has changed since or has something to give up.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        var lost = await database.QueryAsync("SELECT id, state, maintenance, revision, heard_at FROM hosts WHERE (state <> 'up' OR maintenance) AND instances > 0 ORDER BY id",
            row => new Seen(row.GetString(0), row.GetString(1), row.GetBoolean(2), row.GetInt64(3), row.Time(4)), cancel);
        var settled = lost.Where(seen => _settled.GetValueOrDefault(seen.Id) == seen).ToDictionary(seen => seen.Id);
        if (settled.Count < lost.Count) await LookAsync(lost.FindAll(seen => !settled.ContainsKey(seen.Id)), settled, cancel);
        _settled = settled;
    }

    private async Task LookAsync(List<Seen> lost, Dictionary<string, Seen> settled, CancellationToken cancel)
    {
        await snapshot.RefreshAsync(now: true, cancel);
        var hosts = snapshot.All();
        var byId = hosts.ToDictionary(host => host.Id);
        foreach (var seen in lost)
        {
            if (!byId.TryGetValue(seen.Id, out var host)) continue;
            var affected = (await ReadAsync(seen.Id, cancel)).ToDictionary(a => a.Instance.Id);
            var steps = RecoveryPlanner.Plan(host, affected.Values.Select(a => a.Instance), hosts);
            await NoticeAsync(steps.Where(step => step.Candidates.Count == 0), affected, cancel);
            foreach (var step in steps.Where(step => step.Candidates.Count > 0)) await MoveAsync(host, [.. step.Instances.Select(one => affected[one.Id])], step, cancel);
            if (host.State == seen.State && !affected.Values.Any(a => a.Instance.Movable)) settled[seen.Id] = seen;
        }
    }

    /// <summary>True if an instance that should run on the host would be given to another one now, were the host down.</summary>
    public async Task<bool> WouldMoveAsync(string hostId, CancellationToken cancel)
    {
        await snapshot.RefreshAsync(now: true, cancel);
        var hosts = snapshot.All();
        if (hosts.FirstOrDefault(host => host.Id == hostId) is not { } host) return false;
        var steps = RecoveryPlanner.Plan(host with { State = HostStates.Down }, (await ReadAsync(hostId, cancel)).Select(affected => affected.Instance), hosts);
        return steps.Any(step => step.Candidates.Count > 0 && step.Instances.Any(one => one.Desired == "running"));
    }

    private async Task<List<Affected>> ReadAsync(string hostId, CancellationToken cancel)
    {
        var members = await groups.OnHostAsync(hostId, cancel);
        return (await RowsAsync(hostId, cancel)).ConvertAll(one => one with { Instance = one.Instance with { Group = members.GetValueOrDefault(one.Instance.Id) } });
    }

    private Task<List<Affected>> RowsAsync(string hostId, CancellationToken cancel) => database.QueryAsync(
        $$"""
        SELECT v.id, v.name, desired, recovery, recovery_priority, CASE WHEN fixed_volumes = 0 THEN storage END, NOT (desired = 'stopped' AND power IN ('stopped', 'absent') AND observed_generation >= generation),
               vcpus, memory_mib, CASE WHEN root_volume THEN 0 ELSE disk_gib END, zone_id, incarnation, account_id, notices::text,
               coalesce((SELECT array_agg(DISTINCT n.segment_device) FROM interfaces i JOIN networks n ON n.id = i.network_id
                         WHERE i.instance_id = v.id AND i.released_at IS NULL AND n.segment_device IS NOT NULL), '{}'),
               fixed_volumes = 0 AND storage IS NULL AND {{VolumeHolds.Networked}}, p.id, p.name, (v.required_labels || v.flavor_labels)::text
        FROM instances v LEFT JOIN host_pools p ON p.id = v.host_pool_id WHERE host_id = $1 AND terminated_at IS NULL
        """,
        r => new Affected(
            new AffectedInstance(r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt32(4), r.TextOrNull(5), r.GetBoolean(6),
                new Capacity(r.GetInt32(7), r.GetInt32(8), r.GetInt32(9)), r.GetString(10), SegmentDevices: PlacementRequest.Devices(r.Texts(14)), Networked: r.GetBoolean(15),
                HostPool: r.IsDBNull(16) ? null : new Ref(r.GetString(16), r.GetString(17)), Pools: snapshot.PoolsOf(r.GetString(12)), Labels: LabelSet.Read(r.GetString(18))), r.GetString(10), r.GetInt32(11), r.GetString(12), r.GetString(13)), cancel, hostId);

    /// <summary>Tells those that stay why they wait, once for each reason.</summary>
    private async Task NoticeAsync(IEnumerable<RecoveryStep> waiting, Dictionary<string, Affected> affected, CancellationToken cancel)
    {
        foreach (var alike in waiting.GroupBy(step => (step.Reason, step.Message)))
        {
            var fresh = alike.SelectMany(step => step.Instances).Select(one => affected[one.Id]).Where(a => !Says(a.Notices, alike.Key.Reason, alike.Key.Message)).Select(a => a.Instance.Id).ToList();
            if (fresh.Count == 0) continue;
            var notice = new Condition("Host", alike.Key.Reason, alike.Key.Message, clock.GetUtcNow(), null);
            await database.ExecuteAsync("UPDATE instances SET notices = $2 WHERE id = ANY($1) AND terminated_at IS NULL", cancel, Columns.Texts(fresh), Columns.Json([notice]));
            events.Ring();
        }
    }

    private static bool Says(string notices, string reason, string message) =>
        JsonSerializer.Deserialize(notices, ApiJson.Default.ConditionArray) is [var known] && known.Reason == reason && known.Message == message;

    /// <summary>Moves the instances of a step to one host, all or none.</summary>
    private async Task MoveAsync(HostView host, IReadOnlyList<Affected> affected, RecoveryStep step, CancellationToken cancel)
    {
        string[] ids = [.. affected.Select(one => one.Instance.Id)];
        var moved = await database.TransactionAsync<HostView?>(async transaction =>
        {
            // Before the instances and hosts, as launches do; from here on the members of the group stay where they are.
            var group = affected[0].Instance.Group is { } seen ? await PlacementGroupStore.LockAsync(transaction, seen.Id, cancel) : null;
            var present = await transaction.QueryAsync(
                """
                SELECT v.id FROM instances v JOIN unnest($1::text[], $2::int[]) AS n(id, incarnation) ON n.id = v.id AND n.incarnation = v.incarnation
                WHERE v.host_id = $3 AND v.terminated_at IS NULL AND v.recovery = 'restart' AND v.fixed_volumes = 0
                  AND ($4 OR v.desired = 'stopped' AND v.power IN ('stopped', 'absent') AND v.observed_generation >= v.generation) ORDER BY v.id FOR UPDATE OF v
                """, row => row.GetString(0), cancel, Columns.Texts(ids), Columns.Integers(affected.Select(one => one.Incarnation)), host.Id, host.State == HostStates.Down);
            // Fencing before a second copy: the host must be down still, and fenced, when the second placement is committed. A host fenced by its
            // lease ends only what it knew to be movable.
            var lost = present.Count == ids.Length && await transaction.FindAsync(
                """
                SELECT 1 FROM hosts h WHERE h.id = $1 AND (h.state = 'down' AND h.fenced_at IS NOT NULL OR $2 AND h.maintenance AND h.state = 'up')
                  AND (h.fenced_by IS DISTINCT FROM 'lease' OR h.reported_revision >= ALL (SELECT v.recovery_revision FROM instances v WHERE v.id = ANY($3))) FOR NO KEY UPDATE
                """, row => row.GetInt32(0), cancel, host.Id, host.State == HostStates.Up, Columns.Texts(ids)) == 1;
            // One launched into an affinity group since the look would stay behind alone.
            if (!lost || group is { Policy: PlacementPolicies.Affinity } && group.On(host.Id) > ids.Length) return (HostView?)null;
            foreach (var candidate in step.Candidates.Where(candidate => group?.Leaving(host.Id).Allows(candidate.Id) ?? true))
            {
                if (!await CanHaveAsync(transaction, ids, candidate, affected, cancel)) continue;
                if ((await HostClaims.TakeAsync(transaction, [.. affected.Select(one => new HostClaim(candidate.Id, one.AccountId, Needs(one.Instance)))], withRoots: false, whole: true, [])).Contains(null)) continue;
                foreach (var one in affected) await WriteAsync(transaction, host, candidate, one, step, cancel);
                return candidate;
            }
            return (HostView?)null;
        }, cancel);
        if (moved.Value is not { } target) return;
        foreach (var id in ids) RecoveryLog.Moved(log, id, host.Name, target.Name, step.Reason);
    }

    /// <summary>Whether the volumes can be had there: reached, or given by the hosts that have them.</summary>
    private static async Task<bool> CanHaveAsync(Transaction transaction, string[] ids, HostView candidate, IReadOnlyList<Affected> affected, CancellationToken cancel) =>
        !(candidate.Storage is not null && affected.Any(one => one.Instance.Networked)) && await VolumeHolds.CanMoveAsync(transaction, ids, candidate.Id, cancel);

    private static PlacementRequest Needs(AffectedInstance instance) => new(instance.Size.Vcpus, instance.Size.MemoryMib, instance.Size.DiskGib, null, HostPool: instance.HostPool, Labels: instance.Labels);

    private async Task WriteAsync(Transaction transaction, HostView from, HostView to, Affected affected, RecoveryStep step, CancellationToken cancel)
    {
        var instance = affected.Instance;
        await revisions.GiveBackAsync(transaction, [(from.Id, instance.Size)], cancel);
        // What the new host sees counts from nothing; a stopped instance stays as it was seen.
        await transaction.ExecuteAsync(
            """
            UPDATE instances SET host_id = $2, zone_id = $3, incarnation = incarnation + 1, power = CASE WHEN desired = 'stopped' THEN 'stopped' ELSE 'absent' END,
                                 observed_generation = CASE WHEN desired = 'stopped' THEN generation ELSE 0 END, started_at = NULL, recovery_revision = 0, conditions = '[]', notices = '[]' WHERE id = $1
            """, cancel, instance.Id, to.Id, to.ZoneId);
        await transaction.ExecuteAsync(
            """
            INSERT INTO former_placements (instance_id, host_id, account_id, incarnation, created_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (host_id, instance_id) DO UPDATE SET incarnation = excluded.incarnation, created_at = excluded.created_at
            """, cancel, instance.Id, from.Id, affected.AccountId, affected.Incarnation, clock.GetUtcNow());
        await transaction.ExecuteAsync("DELETE FROM console_sessions WHERE instance_id = $1", cancel, instance.Id);
        await revisions.TouchAsync(transaction, await VolumeHolds.MoveAsync(transaction, keys, instance.Id, to.Id, cancel), cancel);
        // The others of its networks send its packets to the new host from now on.
        await revisions.TouchNetworksAsync(transaction, await transaction.QueryAsync(
            "SELECT network_id FROM interfaces WHERE instance_id = $1 AND released_at IS NULL", row => row.GetString(0), cancel, instance.Id), cancel);
        await events.WriteAsync(transaction, affected.AccountId, EventActor.System, from.State == HostStates.Down ? "instance.recover" : "instance.move",
            new Subject("instance", instance.Id, instance.Name), cancel, $"{step.Message} From {from.Name} to {to.Name}.");
        transaction.AfterCommit(() => bell.Ring(to.Id));
    }
}

internal static partial class RecoveryLog
{
    [LoggerMessage(3101, LogLevel.Warning, "Lost hosts could not be looked at; it is tried again in two seconds: {Message}")]
    public static partial void Failed(ILogger logger, string message);

    [LoggerMessage(3102, LogLevel.Error, "Looking at lost hosts failed unexpectedly")]
    public static partial void Broken(ILogger logger, Exception exception);

    [LoggerMessage(3103, LogLevel.Information, "Instance {Instance} was given from host {From} to host {To}: {Reason}")]
    public static partial void Moved(ILogger logger, string instance, string from, string to, string reason);
}
