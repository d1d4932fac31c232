using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>
/// Takes in what hosts tell of snapshots: that one is taken, of which moment, and that one is gone that was to go. One that is to stay and is not found stays in the
/// records: what its host tells of that is a condition.
/// </summary>
public sealed class SnapshotObservation(Database database, HostRevisions hosts, EventLog events, TimeProvider clock) : IReportObserver
{
    // What a host that was taken over may make the servers look up: twice what there can be of a volume, and as many volumes as are taken in.
    private const int VolumesMax = 20_000, SnapshotsMax = 2 * SnapshotRules.PerVolumeMax;

    private const long BytesMax = 1L << 50;

    private sealed record Changed(string Id, string Name, string AccountId, string VolumeId, string HostId, string HostName, bool Internal);

    private const string Judged = "JOIN volumes v ON v.id = n.volume AND v.host_id = n.host AND v.incarnation = n.incarnation AND n.generation BETWEEN v.observed_generation AND v.generation AND v.deleted_at IS NULL JOIN snapshots s ON s.volume_id = v.id";

    private const string There =
        "FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::text[], $6::timestamptz[], $7::text[], $8::bigint[]) AS n(host, volume, incarnation, generation, id, taken, consistency, used) "
        + Judged + " AND s.id = n.id AND (s.taken_at IS NULL OR s.used_bytes <> n.used)";

    private const string Gone =
        "FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) AS n(host, volume, incarnation, generation) " + Judged + " AND s.desired = 'deleted' AND n.generation >= s.deleted_generation AND NOT EXISTS (SELECT 1 FROM unnest($5::text[], $6::text[]) AS t(host, id) WHERE t.host = n.host AND t.id = s.id)";

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.SelectMany(r => (r.Report.Volumes ?? []).Take(VolumesMax).Where(volume => volume.Snapshots is not null && Ids.Looks(volume.Id)).Select(volume => (r.HostId, Volume: volume)))
            .GroupBy(one => (one.HostId, one.Volume.Id)).Select(same => same.Last()).ToList();
        if (told.Count == 0) return;
        var now = clock.GetUtcNow();
        var snapshots = told.SelectMany(one => one.Volume.Snapshots!.Take(SnapshotsMax).Where(snapshot => Ids.Looks(snapshot.Id)).DistinctBy(snapshot => snapshot.Id).Select(snapshot => (one.HostId, one.Volume, Snapshot: snapshot))).ToList();
        // Most reports say what is known: those rows are neither locked nor written.
        var news = await database.QueryAsync("SELECT s.volume_id " + There, row => row.GetString(0), cancel, ThereValues());
        news.AddRange(await database.QueryAsync("SELECT s.volume_id " + Gone, row => row.GetString(0), cancel, GoneValues()));
        if (news.Count == 0) return;
        await database.TransactionAsync<Done>(async transaction =>
        {
            await transaction.ExecuteAsync("SELECT id FROM volumes WHERE id = ANY($1) ORDER BY id FOR UPDATE", cancel, Columns.Texts(news.Distinct()));
            await transaction.ExecuteAsync("SELECT id FROM snapshots WHERE volume_id = ANY($1) ORDER BY id FOR UPDATE", cancel, Columns.Texts(news.Distinct()));
            var taken = await ReadAsync(There + " JOIN hosts h ON h.id = v.host_id WHERE s.taken_at IS NULL AND s.desired = 'present'", ThereValues());
            // The moment is told once, and is never before it was asked for.
            await transaction.ExecuteAsync(
                """
                UPDATE snapshots s SET taken_at = coalesce(s.taken_at, greatest(s.created_at, n.taken)), consistency = coalesce(s.consistency, n.consistency), used_bytes = n.used FROM (SELECT s.id, n.taken, n.consistency, n.used
                """ + " " + There + ") n WHERE s.id = n.id", cancel, ThereValues());
            var gone = await ReadAsync(Gone + " JOIN hosts h ON h.id = v.host_id", GoneValues());
            await RemoveAsync(transaction, gone, cancel);
            // Those of backups and images are no matter of the account's.
            await events.WriteAsync(transaction,
            [.. taken.Where(one => !one.Internal).Select(one => Event(one, "snapshot.taken")), .. gone.Where(one => !one.Internal).Select(one => Event(one, "snapshot.deleted"))], cancel);
            transaction.AfterCommit(events.Ring);
            return new Done();

            Task<List<Changed>> ReadAsync(string from, object?[] values) => transaction.QueryAsync(
                "SELECT s.id, s.name, s.account_id, v.id, h.id, h.name, s.internal " + from, row => new Changed(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetBoolean(6)), cancel, values);
        }, cancel);

        // Parameters are one statement's.
        object?[] ThereValues() =>
        [
            Columns.Texts(snapshots.Select(one => one.HostId)), Columns.Texts(snapshots.Select(one => one.Volume.Id)), Columns.Integers(snapshots.Select(one => one.Volume.Incarnation)),
            Columns.Bigints(snapshots.Select(one => one.Volume.Generation)), Columns.Texts(snapshots.Select(one => one.Snapshot.Id)), Columns.Times(snapshots.Select(one => (DateTimeOffset?)Past(one.Snapshot.TakenAt, now))),
            Columns.Texts(snapshots.Select(one => one.Snapshot.Consistency == SnapshotConsistency.FileSystem ? SnapshotConsistency.FileSystem : SnapshotConsistency.Crash)),
            Columns.Bigints(snapshots.Select(one => Math.Clamp(one.Snapshot.UsedBytes, 0, BytesMax))),
        ];

        object?[] GoneValues() =>
        [
            Columns.Texts(told.Select(one => one.HostId)), Columns.Texts(told.Select(one => one.Volume.Id)), Columns.Integers(told.Select(one => one.Volume.Incarnation)), Columns.Bigints(told.Select(one => one.Volume.Generation)),
            Columns.Texts(snapshots.Select(one => one.HostId)), Columns.Texts(snapshots.Select(one => one.Snapshot.Id)),
        ];

        static NewEvent Event(Changed one, string action) => new(one.AccountId, EventActor.Host(one.HostId, one.HostName), action, new Subject("snapshot", one.Id, one.Name));
    }

    /// <summary>Hosts' clocks may be wrong, and hosts may lie.</summary>
    internal static DateTimeOffset Past(DateTimeOffset told, DateTimeOffset now) => told < DateTimeOffset.UnixEpoch ? DateTimeOffset.UnixEpoch : told > now ? now : told.ToUniversalTime();

    /// <summary>A volume that was kept for the last of them only goes, too: its host is told.</summary>
    private async Task RemoveAsync(Transaction transaction, List<Changed> gone, CancellationToken cancel)
    {
        if (gone.Count == 0) return;
        await transaction.ExecuteAsync("DELETE FROM snapshots WHERE id = ANY($1)", cancel, Columns.Texts(gone.Select(one => one.Id)));
        var waiting = await transaction.QueryAsync(
            """
            UPDATE volumes v SET snapshots = v.snapshots - n.gone, generation = v.generation + CASE WHEN v.desired = 'deleted' AND v.snapshots = n.gone THEN 1 ELSE 0 END
            FROM unnest($1::text[], $2::int[]) AS n(id, gone) WHERE v.id = n.id RETURNING v.host_id, v.desired = 'deleted' AND v.snapshots = 0
            """, row => (Host: row.GetString(0), Waits: row.GetBoolean(1)), cancel,
            Columns.Texts(gone.GroupBy(one => one.VolumeId).Select(volume => volume.Key)), Columns.Integers(gone.GroupBy(one => one.VolumeId).Select(volume => volume.Count())));
        if (waiting.Where(one => one.Waits).Select(one => one.Host).Distinct().ToList() is { Count: > 0 } told) await hosts.TouchAsync(transaction, told, cancel);
    }
}
