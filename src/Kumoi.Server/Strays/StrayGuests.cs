using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Strays;

/// <summary>
/// Guests that run on a host that was removed as lost, and is back as a new one: their records say that they are over, so the host is told of each as of
/// one that has gone elsewhere, and ends it. Nothing is said of a guest without a record, nor of one whose only disk is in the agent's own directory.
/// </summary>
public sealed class StrayGuests(Database database, HostRevisions hosts, TimeProvider clock) : IReportObserver
{
    // What a host that was taken over may make the servers ask for.
    private const int StraysMax = 1000;

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.Where(r => r.Report.Full).GroupBy(r => r.HostId).SelectMany(host => host.Last().Report.Strays.Where(IsInstance).Take(StraysMax).Select(id => (Host: host.Key, Id: id))).Distinct().ToList();
        if (told.Count == 0) return;
        await database.TransactionAsync<Done>(async transaction =>
        {
            var ended = await transaction.QueryAsync(
                """
                INSERT INTO former_placements (instance_id, host_id, account_id, incarnation, created_at)
                SELECT v.id, n.host, v.account_id, v.incarnation, $3 FROM unnest($1::text[], $2::text[]) AS n(host, id) JOIN instances v ON v.id = n.id
                WHERE v.terminated_at IS NOT NULL AND v.root_volume AND v.storage IS NULL ORDER BY n.host, v.id
                ON CONFLICT (host_id, instance_id) DO NOTHING RETURNING host_id
                """, row => row.GetString(0), cancel, Columns.Texts(told.Select(one => one.Host)), Columns.Texts(told.Select(one => one.Id)), clock.GetUtcNow());
            if (ended.Count > 0) await hosts.TouchAsync(transaction, [.. ended.Distinct()], cancel);
            return new Done();
        }, cancel);
    }

    private static bool IsInstance(string stray) => Ids.Looks(stray) && stray.StartsWith(Ids.Instance + "-", StringComparison.Ordinal);
}
