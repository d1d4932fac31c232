using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>Takes in what hosts tell of the volumes that they look after: which are there, how large, and that one is removed. Of another placement of a volume nothing is believed.</summary>
public sealed class VolumeObservation(Database database, HostRevisions hosts, EventLog events, TimeProvider clock) : IReportObserver
{
    // What a host that was taken over may make the servers keep.
    private const int VolumesMax = 20_000;

    // How far work has come is written so often while nothing else changes: more often costs a row each time, less often lets people wait for news.
    private static readonly TimeSpan WorkInterval = TimeSpan.FromSeconds(5);

    private const long BytesMax = 1L << 50;

    private sealed record Seen(string Id, string Name, string AccountId, string HostId, string StoreId, int SizeGib, bool Gone, bool Made, bool Restored, bool Hidden, string? Grown);

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.SelectMany(r => (r.Report.Volumes ?? []).Take(VolumesMax).Select(volume => (r.HostId, Volume: volume))).GroupBy(one => (one.HostId, one.Volume.Id)).Select(same => same.Last())
            .Where(one => Ids.Looks(one.Volume.Id)).OrderBy(one => one.Volume.Id, StringComparer.Ordinal).ToList();
        if (told.Count == 0) return;
        var now = clock.GetUtcNow();
        // Parameters are one statement's.
        object?[] Values() =>
        [
            Columns.Texts(told.Select(one => one.HostId)), Columns.Texts(told.Select(one => one.Volume.Id)), Columns.Integers(told.Select(one => one.Volume.Incarnation)), Columns.Bigints(told.Select(one => one.Volume.Generation)),
            Columns.IntegersOrNull(told.Select(one => one.Volume.SizeGib is { } gib ? Math.Clamp(gib, 0, VolumeRules.SizeMax) : (int?)null)), Columns.Bigints(told.Select(one => Math.Clamp(one.Volume.UsedBytes, 0, BytesMax))),
            Columns.Jsons(told.Select(one => Columns.ConditionsText(one.Volume.Conditions))), Columns.Bigints(told.Select(one => one.Volume.Restored)), Columns.Jsons(told.Select(one => WorkText(one.Volume.Work, now))), now,
        ];
        // Most reports say what is known: those rows are neither locked nor written.
        var news = (await database.QueryAsync(
            "SELECT v.id " + Judged + """
             AND ((v.observed_generation, v.made_gib, v.conditions) IS DISTINCT FROM (n.generation, CASE WHEN v.desired = 'deleted' THEN n.size ELSE coalesce(n.size, v.made_gib) END, n.conditions)
             OR least(n.restored, v.restore_number) > v.restored_number OR v.work ->> 'kind' IS DISTINCT FROM n.work ->> 'kind'
             OR (v.work IS DISTINCT FROM n.work OR v.used_bytes <> n.used) AND coalesce(v.work_at <= $10 - $11::interval, true))
            """, row => row.GetString(0), cancel, [.. Values(), WorkInterval])).ToHashSet();
        if (news.Count == 0) return;
        told.RemoveAll(one => !news.Contains(one.Volume.Id));
        await database.TransactionAsync<Done>(async transaction =>
        {
            await transaction.ExecuteAsync("SELECT id FROM volumes WHERE id = ANY($1) ORDER BY id FOR UPDATE", cancel, Columns.Texts(news));
            var seen = await transaction.QueryAsync(
                """
                SELECT v.id, coalesce(v.former_name, v.name), v.account_id, v.host_id, v.store_id, v.size_gib, v.desired = 'deleted' AND v.snapshots = 0 AND n.size IS NULL AND n.generation >= v.generation,
                       v.desired = 'present' AND v.made_gib IS NULL AND n.size IS NOT NULL AND v.slot IS DISTINCT FROM 0, h.name, v.restored_number < v.restore_number AND n.restored >= v.restore_number,
                       v.image_upload_id IS NOT NULL OR v.move_source_id IS NOT NULL,
                       CASE WHEN v.exported AND n.size IS DISTINCT FROM v.made_gib THEN (SELECT i.host_id FROM instances i WHERE i.id = v.instance_id) END
                """ + " " + Judged,
                row => (Volume: new Seen(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetBoolean(6), row.GetBoolean(7), row.GetBoolean(9), row.GetBoolean(10), row.TextOrNull(11)), Host: row.GetString(8)), cancel, Values());
            await transaction.ExecuteAsync(
                """
                UPDATE volumes v SET observed_generation = n.generation, made_gib = CASE WHEN v.desired = 'deleted' THEN n.size ELSE coalesce(n.size, v.made_gib) END, used_bytes = n.used, conditions = n.conditions,
                                     restored_number = greatest(v.restored_number, least(n.restored, v.restore_number)), work = n.work, work_at = CASE WHEN n.work IS NULL THEN NULL ELSE n.now END,
                                     deleted_at = CASE WHEN v.desired = 'deleted' AND v.snapshots = 0 AND n.size IS NULL AND n.generation >= v.generation THEN n.now END,
                                     sealed_key = CASE WHEN v.desired = 'deleted' AND v.snapshots = 0 AND n.size IS NULL AND n.generation >= v.generation THEN NULL ELSE v.sealed_key END
                FROM (SELECT *, $10::timestamptz AS now FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[], $6::bigint[], $7::jsonb[], $8::bigint[], $9::jsonb[]) AS n(host, id, incarnation, generation, size, used, conditions, restored, work)) n
                WHERE v.id = n.id AND v.host_id = n.host AND v.incarnation = n.incarnation AND n.generation BETWEEN v.observed_generation AND v.generation AND v.deleted_at IS NULL
                """, cancel, Values());
            var gone = seen.FindAll(one => one.Volume.Gone);
            await StoreRoom.GiveBackAsync(transaction, gone.ConvertAll(one => (one.Volume.StoreId, one.Volume.HostId, one.Volume.SizeGib)), cancel);
            await events.WriteAsync(transaction,
            [
                .. seen.Where(one => !one.Volume.Hidden).SelectMany(one => Actions(one.Volume).Select(action => new NewEvent(one.Volume.AccountId, EventActor.Host(one.Volume.HostId, one.Host), action, new Subject("volume", one.Volume.Id, one.Volume.Name)))),
            ], cancel);
            // Their hosts need not hear of them any more; and those that are given one by another host hear how large it is.
            string[] touched = [.. gone.Select(one => one.Volume.HostId).Concat(seen.Select(one => one.Volume.Grown).OfType<string>()).Distinct()];
            if (touched.Length > 0) await hosts.TouchAsync(transaction, touched, cancel);
            transaction.AfterCommit(events.Ring);
            return new Done();
        }, cancel);
    }

    private static IEnumerable<string> Actions(Seen volume)
    {
        if (volume.Gone) yield return "volume.deleted";
        if (volume.Made) yield return "volume.made";
        if (volume.Restored) yield return "volume.restored";
    }

    /// <summary>Work as it can be kept and shown: nothing of a kind that nobody knows, and no more done than there is.</summary>
    private static string? WorkText(VolumeWork? work, DateTimeOffset now)
    {
        if (work is not { Kind: VolumeWorks.Copy or VolumeWorks.Merge or VolumeWorks.Flatten or VolumeWorks.Restore or VolumeWorks.Move }) return null;
        var total = Math.Clamp(work.TotalBytes, 0, BytesMax);
        return JsonSerializer.Serialize(new VolumeWork(work.Kind, Math.Clamp(work.DoneBytes, 0, total), total, SnapshotObservation.Past(work.Since, now)), ApiJson.Default.VolumeWork);
    }

    private const string Judged =
        """
        FROM (SELECT *, $10::timestamptz AS now FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[], $6::bigint[], $7::jsonb[], $8::bigint[], $9::jsonb[]) AS n(host, id, incarnation, generation, size, used, conditions, restored, work)) n
        JOIN volumes v ON v.id = n.id AND v.host_id = n.host AND v.incarnation = n.incarnation AND n.generation BETWEEN v.observed_generation AND v.generation AND v.deleted_at IS NULL JOIN hosts h ON h.id = v.host_id
        WHERE true
        """;
}
