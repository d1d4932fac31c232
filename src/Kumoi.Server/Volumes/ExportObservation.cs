using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>Notes where hosts give volumes to instances of other hosts, which are told only then; and frees volumes of which hosts say that nobody is given them any more.</summary>
public sealed class ExportObservation(Database database, HostRevisions hosts, EventLog events) : IReportObserver
{
    // What a host that was taken over may make the servers look at.
    private const int VolumesMax = 20_000;

    private sealed record Seen(string Id, string Name, string AccountId, string InstanceId, string InstanceName, string InstanceHost, string HostId, string HostName, bool Ended);

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.SelectMany(r => (r.Report.Volumes ?? []).Take(VolumesMax).Select(volume => (r.HostId, Volume: volume))).GroupBy(one => (one.HostId, one.Volume.Id)).Select(same => same.Last())
            .Where(one => Ids.Looks(one.Volume.Id)).ToList();
        if (told.Count == 0) return;
        var news = await database.QueryAsync("SELECT v.instance_id, v.id " + Judged, row => (Instance: row.GetString(0), Volume: row.GetString(1)), cancel, Values());
        if (news.Count == 0) return;
        await database.TransactionAsync<Done>(async transaction =>
        {
            // Instances are locked before volumes everywhere.
            await transaction.ExecuteAsync("SELECT id FROM instances WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", cancel, Columns.Texts(news.Select(one => one.Instance).Distinct()));
            await transaction.ExecuteAsync("SELECT id FROM volumes WHERE id = ANY($1) ORDER BY id FOR UPDATE", cancel, Columns.Texts(news.Select(one => one.Volume)));
            var seen = await transaction.QueryAsync(
                "SELECT v.id, v.name, v.account_id, i.id, i.name, i.host_id, h.id, h.name, v.export_key IS NULL " + Judged,
                row => new Seen(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6), row.GetString(7), row.GetBoolean(8)), cancel, Values());
            await transaction.ExecuteAsync(
                "UPDATE volumes v SET export_port = n.port FROM unnest($1::text[], $2::int[], $3::int[]) AS n(id, incarnation, port) WHERE v.id = n.id AND v.export_incarnation = n.incarnation AND v.export_key IS NOT NULL", cancel,
                Columns.Texts(Up().Select(one => one.Volume.Id)), Columns.Integers(Up().Select(one => one.Volume.Export!.Incarnation)), Columns.Integers(Up().Select(one => one.Volume.Export!.Port)));
            var ended = seen.FindAll(one => one.Ended);
            await transaction.ExecuteAsync(
                """
                UPDATE volumes SET instance_id = NULL, slot = NULL, attached = false, attached_generation = NULL, detached_at = NULL, detached_generation = NULL, exported = false, export_port = NULL, generation = generation + 1
                WHERE id = ANY($1)
                """, cancel, Columns.Texts(ended.Select(one => one.Id)));
            string[] instances = [.. ended.Select(one => one.InstanceId).Distinct()];
            await VolumeHolds.CountAsync(transaction, instances, cancel);
            if (seen.Count > 0) await hosts.TouchAsync(transaction, [.. seen.Select(one => one.InstanceHost).Concat(ended.Select(one => one.HostId)).Distinct()], cancel);
            await VolumeHolds.NoteRevisionAsync(transaction, instances, cancel);
            await events.WriteAsync(transaction, [.. ended.Select(one => new NewEvent(one.AccountId, EventActor.Host(one.HostId, one.HostName), "volume.detached", new Subject("volume", one.Id, one.Name), $"From {one.InstanceName}."))], cancel);
            transaction.AfterCommit(events.Ring);
            return new Done();

            IEnumerable<(string HostId, ObservedVolume Volume)> Up() => told.Where(one => one.Volume.Export is not null && seen.Exists(other => other.Id == one.Volume.Id && other.HostId == one.HostId && !other.Ended));
        }, cancel);

        // Parameters are one statement's.
        object?[] Values() =>
        [
            Columns.Texts(told.Select(one => one.HostId)), Columns.Texts(told.Select(one => one.Volume.Id)), Columns.Integers(told.Select(one => one.Volume.Incarnation)), Columns.Bigints(told.Select(one => one.Volume.Generation)),
            Columns.IntegersOrNull(told.Select(one => one.Volume.Export is { Port: >= 1 and <= 65535 } export ? export.Port : (int?)null)), Columns.Integers(told.Select(one => one.Volume.Export?.Incarnation ?? 0)),
        ];
    }

    private const string Judged =
        """
        FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[], $6::int[]) AS n(host, id, incarnation, generation, port, given)
        JOIN volumes v ON v.id = n.id AND v.host_id = n.host AND v.incarnation = n.incarnation AND v.exported AND v.moving_to IS NULL AND v.deleted_at IS NULL JOIN instances i ON i.id = v.instance_id JOIN hosts h ON h.id = v.host_id
        WHERE (v.export_key IS NOT NULL AND n.given = v.export_incarnation AND n.port IS NOT NULL AND v.export_port IS DISTINCT FROM n.port OR v.export_key IS NULL AND n.given = 0 AND n.generation >= v.generation AND v.detached_at IS NOT NULL)
        """;
}
