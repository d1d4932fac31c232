using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>Tells those who fill new places of volumes where they have the content from, as soon as its hosts say so, and notes that a move is done.</summary>
public sealed class MoveObservation(Database database, HostRevisions hosts, ExportKeys keys, EventLog events) : IReportObserver
{
    // What a host that was taken over may make the servers look at.
    private const int VolumesMax = 20_000;

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.SelectMany(r => (r.Report.Volumes ?? []).Take(VolumesMax).Select(volume => (r.HostId, Volume: volume))).GroupBy(one => (one.HostId, one.Volume.Id)).Select(same => same.Last())
            .Where(one => Ids.Looks(one.Volume.Id)).ToList();
        if (told.Count == 0) return;
        if (told.FindAll(one => one.Volume.Export is { Port: >= 1 and <= 65535 }) is { Count: > 0 } given) await GivenAsync(given, cancel);
        await FinishAsync(cancel);
    }

    private async Task GivenAsync(List<(string HostId, ObservedVolume Volume)> given, CancellationToken cancel)
    {
        object?[] Values() =>
        [
            Columns.Texts(given.Select(one => one.HostId)), Columns.Texts(given.Select(one => one.Volume.Id)), Columns.Integers(given.Select(one => one.Volume.Incarnation)),
            Columns.Integers(given.Select(one => one.Volume.Export!.Port)), Columns.Integers(given.Select(one => one.Volume.Export!.Incarnation)),
        ];
        if (await database.FindAsync("SELECT 1 " + Given + " LIMIT 1", row => row.GetInt32(0), cancel, Values()) != 1) return;
        await database.TransactionAsync<Done>(async transaction =>
        {
            var waiting = await transaction.QueryAsync("UPDATE volumes t SET move_port = n.port FROM (SELECT d.id AS moved, n.port " + Given + " ORDER BY d.id FOR UPDATE OF d) n WHERE t.id = n.moved RETURNING t.host_id", row => row.GetString(0), cancel, Values());
            if (waiting.Count > 0) await hosts.TouchAsync(transaction, [.. waiting.Distinct()], cancel);
            return new Done();
        }, cancel);
    }

    private const string Given =
        """
        FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[]) AS n(host, id, incarnation, port, given)
        JOIN volumes v ON v.id = n.id AND v.host_id = n.host AND v.incarnation = n.incarnation JOIN volumes d ON d.id = v.moving_to AND d.move_incarnation = n.given AND d.move_port IS DISTINCT FROM n.port
        """;

    /// <summary>Ends each move whose new place is whole; also those whose report was taken in by a server that was killed then.</summary>
    public async Task FinishAsync(CancellationToken cancel)
    {
        var whole = await database.QueryAsync(
            "SELECT v.id, d.id, v.instance_id FROM volumes d JOIN volumes v ON v.moving_to = d.id WHERE d.move_source_id IS NOT NULL AND d.made_gib IS NOT NULL AND d.desired = 'present' ORDER BY v.id",
            row => (Volume: row.GetString(0), Moved: row.GetString(1), Instance: row.TextOrNull(2)), cancel);
        foreach (var one in whole) await database.TransactionAsync<Done>(transaction => FinishAsync(transaction, one.Volume, one.Moved, one.Instance, cancel), cancel);
    }

    private async Task<Result<Done>> FinishAsync(Transaction transaction, string volumeId, string movedId, string? instanceId, CancellationToken cancel)
    {
        if (instanceId is not null) await transaction.ExecuteAsync("SELECT id FROM instances WHERE id = $1 FOR NO KEY UPDATE", cancel, instanceId);
        await transaction.ExecuteAsync("SELECT id FROM volumes WHERE id IN ($1, $2) ORDER BY id FOR UPDATE", cancel, volumeId, movedId);
        var (name, account, former, place, placeName, pool) = await transaction.FindAsync(
            """
            SELECT v.name, v.account_id, v.host_id, h.id, h.name, p.name FROM volumes v JOIN volumes d ON d.id = v.moving_to JOIN hosts h ON h.id = d.host_id JOIN pools p ON p.id = d.pool_id
            WHERE v.id = $1 AND d.id = $2 AND d.made_gib IS NOT NULL AND d.desired = 'present' AND v.instance_id IS NOT DISTINCT FROM $3
            """, row => (row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5)), cancel, volumeId, movedId, Columns.Text(instanceId));
        // Somebody else was first, or it was given up, or given to nobody meanwhile: then it is looked at again.
        if (name is null) return new Done();
        await MoveRecords.ExchangeAsync(transaction, volumeId, movedId, cancel);
        var told = new List<string> { former!, place! };
        if (instanceId is not null && await HoldAsync(transaction, volumeId, instanceId, cancel) is { } host) told.Add(host);
        await hosts.TouchAsync(transaction, [.. told.Distinct()], cancel);
        if (instanceId is not null) await VolumeHolds.NoteRevisionAsync(transaction, [instanceId], cancel);
        await events.WriteAsync(transaction, account!, EventActor.Host(place!, placeName!), "volume.moved", new Subject("volume", volumeId, name), cancel, $"To {pool}.");
        return new Done();
    }

    /// <summary>The stopped instance that has it is told anew what it has; its host.</summary>
    private async Task<string?> HoldAsync(Transaction transaction, string volumeId, string instanceId, CancellationToken cancel)
    {
        var (host, generation) = await transaction.FindAsync("UPDATE instances SET generation = generation + 1 WHERE id = $1 RETURNING host_id, generation", row => (row.GetString(0), row.GetInt64(1)), cancel, instanceId);
        var reaches = await transaction.FindAsync(
            "UPDATE volumes v SET attached_generation = $2 WHERE v.id = $1 RETURNING EXISTS (SELECT 1 FROM store_hosts x WHERE x.store_id = v.store_id AND x.host_id = $3)", row => row.GetBoolean(0), cancel, volumeId, generation, host!);
        // One that its host reaches is that host's to look after.
        if (reaches) await transaction.ExecuteAsync("UPDATE volumes SET host_id = $2, incarnation = incarnation + CASE WHEN host_id = $2 THEN 0 ELSE 1 END WHERE id = $1", cancel, volumeId, host!);
        else await VolumeExports.GiveAsync(transaction, keys, volumeId, cancel);
        await VolumeHolds.CountAsync(transaction, [instanceId], cancel);
        return host;
    }
}
