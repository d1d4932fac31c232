using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Interfaces;

/// <summary>Gives back the addresses of interfaces that were taken away, once their host has said that nothing of them is left. Of a host that does not
/// tell its interfaces, they come back with the end of the instance.</summary>
public sealed class InterfaceObservation(Database database, EventLog events, TimeProvider clock)
{
    private sealed record Leaving(string Id, string InstanceId, string InstanceName, string AccountId, string HostId, int Incarnation, long Generation);

    public async Task ObserveAsync(IReadOnlyList<HostSight> sights, CancellationToken cancel)
    {
        if (!sights.Any(sight => sight.Instances.Any(report => report.Interfaces is not null))) return;
        var leaving = await database.QueryAsync(
            """
            -- First the few that leave, by their index: asked with every report, so it must not depend on what the planner expects.
            WITH leaving AS MATERIALIZED (SELECT id, instance_id, detached_generation FROM interfaces WHERE detached_at IS NOT NULL AND released_at IS NULL)
            SELECT i.id, v.id, v.name, v.account_id, v.host_id, v.incarnation, i.detached_generation FROM leaving i JOIN instances v ON v.id = i.instance_id WHERE v.host_id = ANY($1)
            """, row => new Leaving(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetInt64(6)), cancel,
            Columns.Texts(sights.Select(sight => sight.HostId).Distinct()));
        if (leaving.Count == 0) return;
        var hostNames = sights.DistinctBy(sight => sight.HostId).ToDictionary(sight => sight.HostId, sight => sight.HostName);
        var reports = sights.SelectMany(sight => sight.Instances.Select(report => (sight.HostId, report))).ToLookup(r => (r.HostId, r.report.Id), r => r.report);
        var gone = leaving.FindAll(one => reports[(one.HostId, one.InstanceId)].Any(report => IsGone(report, one.Id, one.Incarnation, one.Generation)));
        if (gone.Count == 0) return;
        await database.TransactionAsync<Done>(async transaction =>
        {
            // Guarded by the placement that the report is of: an instance that moved meanwhile is asked anew.
            var released = (await transaction.QueryAsync(
                """
                UPDATE interfaces i SET released_at = $3 FROM instances v, unnest($1::text[], $2::int[]) AS n(id, incarnation)
                WHERE i.id = n.id AND i.released_at IS NULL AND v.id = i.instance_id AND v.incarnation = n.incarnation RETURNING i.id
                """, row => row.GetString(0), cancel, Columns.Texts(gone.Select(one => one.Id)), Columns.Integers(gone.Select(one => one.Incarnation)), clock.GetUtcNow())).ToHashSet();
            await events.WriteAsync(transaction, [.. gone.Where(one => released.Contains(one.Id)).Select(one => new NewEvent(
                one.AccountId, EventActor.Host(one.HostId, hostNames[one.HostId]), "interface.detached", new Subject("interface", one.Id, one.InstanceName)))], cancel);
            return new Done();
        }, cancel);
    }

    /// <summary>True if the report says so: of this placement, after the host has acted on the interface's going. Pure.</summary>
    public static bool IsGone(ObservedInstance report, string interfaceId, int incarnation, long detachedGeneration) =>
        report.Interfaces is { } present && report.Incarnation == incarnation && report.Generation >= detachedGeneration && !present.Contains(interfaceId);
}
