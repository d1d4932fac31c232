using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>Notes that guests have got the volumes that they were given, and have let go of those that were taken away.</summary>
public sealed class AttachmentObservation(Database database, HostRevisions hosts, EventLog events) : IReportObserver
{
    private sealed record Open(string Id, string Name, string AccountId, string InstanceId, string InstanceName, string HostId, int Incarnation, long Attached, long? Detached, string HostName, bool Exported);

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.Where(r => r.Report.Instances.Any(instance => instance.Volumes is not null)).ToList();
        if (told.Count == 0) return;
        // Asked with every report: only the few that are on their way, by their index.
        var open = await database.QueryAsync(
            """
            SELECT v.id, v.name, v.account_id, i.id, i.name, i.host_id, i.incarnation, v.attached_generation, v.detached_generation, h.name, v.exported FROM volumes v
            JOIN instances i ON i.id = v.instance_id JOIN hosts h ON h.id = i.host_id WHERE v.instance_id IS NOT NULL AND (NOT v.attached OR v.detached_at IS NOT NULL) AND NOT (v.exported AND v.export_key IS NULL) AND i.host_id = ANY($1)
            """, row => new Open(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetInt32(6), row.GetInt64(7), row.LongOrNull(8), row.GetString(9), row.GetBoolean(10)), cancel,
            Columns.Texts(told.Select(r => r.HostId).Distinct()));
        if (open.Count == 0) return;
        var said = told.SelectMany(r => r.Report.Instances.Select(instance => (r.HostId, instance))).ToLookup(r => (r.HostId, r.instance.Id), r => r.instance);
        var free = open.FindAll(one => one.Detached is { } since && said[(one.HostId, one.InstanceId)].Any(report => Acted(report, one, since) && !report.Volumes!.Contains(one.Id)));
        var there = open.FindAll(one => one.Detached is null && said[(one.HostId, one.InstanceId)].Any(report => Acted(report, one, one.Attached)));
        if (free.Count + there.Count == 0) return;
        await database.TransactionAsync<Done>(async transaction =>
        {
            // Instances are locked before volumes everywhere.
            await transaction.ExecuteAsync("SELECT id FROM instances WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", cancel, Columns.Texts(free.Concat(there).Select(one => one.InstanceId).Distinct()));
            var attached = await transaction.QueryAsync(
                """
                UPDATE volumes v SET attached = true FROM instances i, unnest($1::text[], $2::int[], $3::bigint[]) AS n(id, incarnation, generation)
                WHERE v.id = n.id AND NOT v.attached AND v.detached_at IS NULL AND v.attached_generation = n.generation AND i.id = v.instance_id AND i.incarnation = n.incarnation RETURNING v.id
                """, row => row.GetString(0), cancel, Columns.Texts(there.Select(one => one.Id)), Columns.Integers(there.Select(one => one.Incarnation)), Columns.Bigints(there.Select(one => one.Attached)));
            var freed = await transaction.QueryAsync(
                """
                UPDATE volumes v SET instance_id = NULL, slot = NULL, attached = false, attached_generation = NULL, detached_at = NULL, detached_generation = NULL
                FROM instances i, unnest($1::text[], $2::int[], $3::bigint[]) AS n(id, incarnation, generation)
                WHERE v.id = n.id AND NOT v.exported AND v.detached_generation = n.generation AND i.id = v.instance_id AND i.incarnation = n.incarnation RETURNING v.id
                """, row => row.GetString(0), cancel, Columns.Texts(free.Select(one => one.Id)), Columns.Integers(free.Select(one => one.Incarnation)), Columns.Bigints(free.Select(one => one.Detached!.Value)));
            // Those that another host gives are free when that has ended.
            var ending = await VolumeExports.EndAsync(transaction, [.. free.Where(one => one.Exported).Select(one => one.Id)], cancel);
            var instances = free.Where(one => freed.Contains(one.Id)).Select(one => one.InstanceId).Distinct().ToList();
            await VolumeHolds.CountAsync(transaction, instances, cancel);
            var touched = free.Where(one => freed.Contains(one.Id)).Select(one => one.HostId).Concat(ending).Distinct().ToList();
            if (touched.Count > 0) await hosts.TouchAsync(transaction, touched, cancel);
            await VolumeHolds.NoteRevisionAsync(transaction, instances, cancel);
            await events.WriteAsync(transaction,
            [
                // One that the instance was launched with is no news.
                .. there.Where(one => attached.Contains(one.Id) && one.Attached > 1).Select(one => Event(one, "volume.attached", $"To {one.InstanceName}.")),
                .. free.Where(one => freed.Contains(one.Id)).Select(one => Event(one, "volume.detached", $"From {one.InstanceName}.")),
            ], cancel);
            transaction.AfterCommit(events.Ring);
            return new Done();
        }, cancel);

        static NewEvent Event(Open one, string action, string message) => new(one.AccountId, EventActor.Host(one.HostId, one.HostName), action, new Subject("volume", one.Id, one.Name), message);
    }

    /// <summary>True if the report is of this placement, of a host that tells volumes, after it has acted on the change.</summary>
    private static bool Acted(ObservedInstance report, Open one, long generation) => report.Volumes is not null && report.Incarnation == one.Incarnation && report.Generation >= generation;
}
