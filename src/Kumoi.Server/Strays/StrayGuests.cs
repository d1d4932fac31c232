using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Strays;

/// <summary>
/// Guests that run on a host that was removed as lost, and is back as a new one: that they are over was recorded then, so the host is told of each as of
/// one that has gone elsewhere, and ends it. Nothing is said of a guest of which nothing is recorded.
/// </summary>
public sealed class StrayGuests(Database database, HostRevisions hosts) : IReportObserver
{
    // What a host that was taken over may make the servers ask for.
    private const int StraysMax = 1000;

    public async Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var told = reports.Where(r => r.Report.Full).GroupBy(r => r.HostId).SelectMany(host => host.Last().Report.Strays.Where(IsInstance).Take(StraysMax).Select(id => (Host: host.Key, Id: id))).Distinct().ToList();
        if (told.Count == 0) return;
        await database.TransactionAsync<Done>(async transaction =>
        {
            var found = await transaction.QueryAsync(
                """
                SELECT DISTINCT ON (l.id) n.host, l.id FROM unnest($1::text[], $2::text[]) AS n(host, id) JOIN lost_instances l ON l.id = n.id
                WHERE l.host_id IS DISTINCT FROM n.host ORDER BY l.id, n.host
                """, row => (Host: row.GetString(0), Id: row.GetString(1)), cancel, Columns.Texts(told.Select(one => one.Host)), Columns.Texts(told.Select(one => one.Id)));
            if (found.Count == 0) return new Done();
            // Hosts before what is remembered of them, as their reports lock them.
            await hosts.TouchAsync(transaction, [.. found.Select(one => one.Host).Distinct()], cancel);
            await transaction.ExecuteAsync("UPDATE lost_instances l SET host_id = n.host FROM unnest($1::text[], $2::text[]) AS n(host, id) WHERE l.id = n.id", cancel,
                Columns.Texts(found.Select(one => one.Host)), Columns.Texts(found.Select(one => one.Id)));
            return new Done();
        }, cancel);
    }

    private static bool IsInstance(string stray) => Ids.Looks(stray) && stray.StartsWith(Ids.Instance + "-", StringComparison.Ordinal);
}
