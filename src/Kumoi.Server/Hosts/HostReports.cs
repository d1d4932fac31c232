using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.HostPools;
using Kumoi.Server.Instances;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Metrics;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes.Moves;

namespace Kumoi.Server.Hosts;

/// <summary>
/// Takes in hosts' reports, those that come together in one transaction: heartbeat and facts, then what they see of instances. A
/// report is answered when it is on disk: the answer renews the host's lease, and nobody may believe the host silent after it.
/// </summary>
public sealed class HostReports : IDisposable
{
    private const int Parallelism = 2, ReportsAtOnce = 100;

    private readonly Database _database;
    private readonly InstanceObservation _instances;
    private readonly InterfaceObservation _interfaces;
    private readonly IReportObserver[] _observers;
    private readonly DataIds _dataIds;
    private readonly HostRevisions _revisions;
    private readonly EventLog _events;
    private readonly HostSnapshot _snapshot;
    private readonly ServerRegistry _servers;
    private readonly ServerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Batcher<(string HostId, ObservedReport Report), Task<Result<ReportAnswer>>> _batcher;

    // Reports whose host's row another transaction holds wait by themselves; so few that they leave connections for everything else.
    private readonly SemaphoreSlim _waiting = new(8);

    public HostReports(
        Database database, InstanceObservation instances, InterfaceObservation interfaces, IEnumerable<IReportObserver> observers, DataIds dataIds, HostRevisions revisions, EventLog events, HostSnapshot snapshot, ServerRegistry servers,
        ServerOptions options, TimeProvider clock, ILogger<HostReports> log)
    {
        (_database, _instances, _interfaces, _observers, _dataIds, _revisions, _events, _snapshot, _servers, _options, _clock, _log) =
            (database, instances, interfaces, [.. observers], dataIds, revisions, events, snapshot, servers, options, clock, log);
        _batcher = new Batcher<(string, ObservedReport), Task<Result<ReportAnswer>>>("reports", Parallelism, ReportsAtOnce, RecordAsync);
    }

    public async Task<Result<ReportAnswer>> ObserveAsync(string hostId, ObservedReport report, CancellationToken cancel) => await (await _batcher.AskAsync((hostId, report), cancel)).WaitAsync(cancel);

    private sealed record Row(string Id, string Name, string Account, string State, HostFacts Facts, string[] Strays, string Conditions, string[] SegmentDevices, string[] VolumeProtocols, (int Vcpus, int MemoryMib) Offered);

    /// <summary>A server that is held may hold rows; the hosts of others must not wait for them together with its own.</summary>
    private async Task<IReadOnlyList<Task<Result<ReportAnswer>>>> RecordAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports)
    {
        var answers = await RecordAsync(reports, wait: false);
        return [.. answers.Select((answer, i) => answer is { } known ? Task.FromResult(known) : AloneAsync(reports[i]))];
    }

    private async Task<Result<ReportAnswer>> AloneAsync((string HostId, ObservedReport Report) report)
    {
        await _waiting.WaitAsync();
        try
        {
            return (await RecordAsync([report], wait: true))[0] ?? new Failure("unknown-host", 401);
        }
        finally
        {
            _waiting.Release();
        }
    }

    /// <summary>The answers; null for hosts that are unknown, or whose rows are held.</summary>
    private async Task<IReadOnlyList<Result<ReportAnswer>?>> RecordAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, bool wait)
    {
        await _snapshot.RefreshAsync(now: false, default);
        var beat = _options.HeartbeatSeconds ?? HostStates.HeartbeatSeconds(_snapshot.Count);
        var recorded = await _database.TransactionAsync<Dictionary<string, Row>>(transaction => HostsAsync(transaction, reports, beat, wait), default);
        var known = recorded.Value;
        HostSight[] sights = [.. reports.Where(r => known.ContainsKey(r.HostId)).Select(r => new HostSight(r.HostId, known[r.HostId].Name, r.Report.Instances))];
        await _instances.ObserveAsync(sights, default);
        await _interfaces.ObserveAsync(sights, default);
        await ObserveAsync([.. reports.Where(r => known.ContainsKey(r.HostId))]);
        ServerMeter.Reports.Add(known.Count);
        var answer = new ReportAnswer(beat, (int)HostStates.Lease(beat).TotalSeconds, _servers.AgentUrls, _clock.GetUtcNow());
        return [.. reports.Select(r => known.ContainsKey(r.HostId) ? (Result<ReportAnswer>?)answer : null)];
    }

    private async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports)
    {
        try
        {
            reports = await _dataIds.TranslateAsync(reports, default);
        }
#pragma warning disable CA1031 // As below.
        catch (Exception e)
#pragma warning restore CA1031
        {
            // In hosts' own words nobody may read them.
            HostLog.ObserverFailed(_log, nameof(DataIds), e.Message);
            return;
        }
        foreach (var observer in _observers) await ObserveAsync(observer, reports);
    }

    private async Task ObserveAsync(IReportObserver observer, IReadOnlyList<(string HostId, ObservedReport Report)> reports)
    {
        try
        {
            await observer.ObserveAsync(reports, default);
            return;
        }
#pragma warning disable CA1031 // Whatever it is, the reports are recorded, and hosts must hear so.
        catch (Exception e)
#pragma warning restore CA1031
        {
            HostLog.ObserverFailed(_log, observer.GetType().Name, e.Message);
        }
        // It may be one host's alone.
        if (reports.Count > 1) foreach (var report in reports) await ObserveAsync(observer, [report]);
    }

    private async Task<Result<Dictionary<string, Row>>> HostsAsync(Transaction transaction, IReadOnlyList<(string HostId, ObservedReport Report)> reports, int beat, bool wait)
    {
        // Of several reports of one host the last one tells its facts.
        var latest = reports.GroupBy(r => r.HostId).ToDictionary(g => g.Key, g => g.Last().Report);
        var rows = await transaction.QueryAsync(
            """
            SELECT id, name, account_id, state, hypervisor, accelerator, accelerator_reason, address, agent_version, boot_id, coalesce(physical_vcpus, -1), coalesce(physical_memory_mib, -1), disk_gib, storage, strays, conditions::text, underlay_mtu,
                   segment_devices, volume_protocols, vcpus, memory_mib
            FROM hosts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
            """ + (wait ? "" : " SKIP LOCKED"),
            r => new Row(r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), new HostFacts(
                "", r.GetString(7), r.GetString(8), r.GetString(4), r.GetString(5), r.GetString(6), r.GetInt32(10), r.GetInt32(11), r.GetInt32(12), r.GetString(9), r.TextOrNull(13), r.IntOrNull(16)),
                r.Texts(14), r.GetString(15), r.Texts(17), r.Texts(18), (r.GetInt32(19), r.GetInt32(20))), default, Columns.Texts(latest.Keys));
        // The time of the database, since servers' clocks may differ. What their pools give is read now that their rows are held: whoever changes that holds them, too.
        var overcommits = (await transaction.QueryAsync(
            """
            UPDATE hosts h SET heard_at = clock_timestamp(), heartbeat_seconds = n.beat, reported_revision = n.revision
            FROM unnest($1::text[], $2::int[], $3::bigint[]) AS n(id, beat, revision), host_pools p WHERE h.id = n.id AND p.id = h.host_pool_id
            RETURNING h.id, coalesce(p.cpu_overcommit, $4), p.memory_overcommit
            """, row => (Id: row.GetString(0), Overcommit: new Overcommit(row.GetDecimal(1), row.GetDecimal(2))), default,
            Columns.Texts(rows.Select(r => r.Id)), Columns.Integers(rows.Select(r => HostStates.Judged(beat, latest[r.Id].LeaseSeconds))), Columns.Bigints(rows.Select(r => latest[r.Id].DesiredRevision)), Columns.Number(_options.VcpuRatio))).ToDictionary(host => host.Id, host => host.Overcommit);
        foreach (var row in rows) await FactsAsync(transaction, row, latest[row.Id], overcommits[row.Id]);
        if (rows.Where(r => r.State != HostStates.Up).ToList() is { Count: > 0 } back) await BackAsync(transaction, back);
        var departed = latest.Where(r => r.Value.Departed is { Count: > 0 }).SelectMany(r => r.Value.Departed!.Select(former => (Host: r.Key, former.Id, former.Incarnation))).ToList();
        if (departed.Count > 0)
            await transaction.ExecuteAsync(
                """
                WITH d AS (SELECT * FROM unnest($1::text[], $2::text[], $3::int[]) AS d(host, instance, incarnation)),
                     lost AS (DELETE FROM lost_instances l USING d WHERE l.host_id = d.host AND l.id = d.instance AND l.incarnation <= d.incarnation)
                DELETE FROM former_placements f USING d WHERE f.host_id = d.host AND f.instance_id = d.instance AND f.incarnation <= d.incarnation
                """, default, Columns.Texts(departed.Select(d => d.Host)), Columns.Texts(departed.Select(d => d.Id)), Columns.Integers(departed.Select(d => d.Incarnation)));
        return rows.ToDictionary(row => row.Id);
    }

    /// <summary>Writes what the host says of itself, if it says something new.</summary>
    private async Task FactsAsync(Transaction transaction, Row row, ObservedReport report, Overcommit overcommit)
    {
        var facts = report.Facts with { Name = "", UnderlayMtu = HostFactRules.Mtu(report.Facts.UnderlayMtu), SegmentDevices = null, VolumeProtocols = null };
        var devices = HostFactRules.Devices(report.Facts.SegmentDevices);
        var protocols = HostFactRules.Protocols(report.Facts.VolumeProtocols);
        var offer = overcommit.Offer(facts.Vcpus, facts.MemoryMib);
        if (facts == row.Facts && offer == row.Offered && devices.SequenceEqual(row.SegmentDevices) && protocols.SequenceEqual(row.VolumeProtocols) && report.Strays.SequenceEqual(row.Strays) && SameConditions(report.Conditions, row.Conditions)) return;
        await transaction.ExecuteAsync(
            """
            UPDATE hosts SET hypervisor = $2, accelerator = $3, accelerator_reason = $4, address = $5, agent_version = $6, boot_id = $7, vcpus = $8, memory_mib = $9, disk_gib = $10,
                             strays = $11, conditions = $12, storage = $13, underlay_mtu = $14, segment_devices = $15, volume_protocols = $16, physical_vcpus = $17, physical_memory_mib = $18 WHERE id = $1
            """, default,
            row.Id, facts.Hypervisor, facts.Accelerator, facts.AcceleratorReason, facts.Address, facts.AgentVersion, facts.BootId, offer.Vcpus, offer.MemoryMib, facts.DiskGib,
            Columns.Texts(report.Strays), Columns.Json(report.Conditions), Columns.Text(facts.Storage), Columns.Integer(facts.UnderlayMtu), Columns.Texts(devices), Columns.Texts(protocols), facts.Vcpus, facts.MemoryMib);
        // Where the others reach this host's guests.
        if (facts.Address != row.Facts.Address)
        {
            await _revisions.TouchNetworksOfHostAsync(transaction, row.Id, default);
            await _revisions.TouchByGatewayAsync(transaction, row.Id, default);
            if (await transaction.QueryAsync("SELECT DISTINCT i.host_id FROM volumes v JOIN instances i ON i.id = v.instance_id WHERE v.host_id = $1 AND v.exported", r => r.GetString(0), default, row.Id) is { Count: > 0 } guests) await _revisions.TouchAsync(transaction, guests, default);
        }
        if (facts.UnderlayMtu != row.Facts.UnderlayMtu) await _revisions.TouchAllAsync(transaction, default);
    }

    private static bool SameConditions(IReadOnlyList<Condition> reported, string stored) =>
        reported.Count == 0 ? stored == "[]" : reported.SequenceEqual(System.Text.Json.JsonSerializer.Deserialize(stored, ApiJson.Default.ConditionArray)!);

    private async Task BackAsync(Transaction transaction, List<Row> back)
    {
        var ids = back.ConvertAll(row => row.Id);
        await transaction.ExecuteAsync("UPDATE hosts SET state = 'up', fenced_at = NULL, fenced_by = NULL WHERE id = ANY($1)", default, Columns.Texts(ids));
        await transaction.ExecuteAsync("UPDATE instances SET notices = '[]' WHERE host_id = ANY($1) AND terminated_at IS NULL AND notices <> '[]'", default, Columns.Texts(ids));
        await _events.WriteAsync(transaction, [.. back.Select(row => new NewEvent(row.Account, EventActor.Host(row.Id, row.Name), "host.up", new Subject("host", row.Id, row.Name)))], default);
    }

    public void Dispose() => _waiting.Dispose();
}
