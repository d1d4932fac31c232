using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>A host and what it sees.</summary>
public sealed record HostSight(string HostId, string HostName, IReadOnlyList<ObservedInstance> Instances);

/// <summary>Takes in what hosts see: many reports with one look at the records, and one transaction for all that has changed.</summary>
public sealed class InstanceObservation(Database database, HostRevisions hosts, InstanceEnding ending, EventLog events)
{
    private const string Select =
        """
        SELECT id, account_id, name, host_id, desired, incarnation, generation, boot_epoch, power, observed_generation, observed_epoch, started_at, conditions::text, vcpus,
               memory_mib, CASE WHEN root_volume THEN 0 ELSE disk_gib END
        FROM instances WHERE id = ANY($1) AND terminated_at IS NULL
        """;

    private static InstanceRecord Read(Npgsql.NpgsqlDataReader r) => new(
        r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetString(4), r.GetInt32(5), r.GetInt64(6), r.GetInt32(7), r.GetString(8), r.GetInt64(9), r.GetInt32(10),
        r.TimeOrNull(11), r.Conditions(12), new Capacity(r.GetInt32(13), r.GetInt32(14), r.GetInt32(15)));

    public async Task ObserveAsync(IReadOnlyList<HostSight> sights, CancellationToken cancel)
    {
        // Keyed by host too: two hosts may speak of one instance, and only one of them is right.
        var reports = new Dictionary<string, List<(HostSight Sight, ObservedInstance Report)>>();
        foreach (var sight in sights)
            foreach (var report in sight.Instances)
                (reports.TryGetValue(report.Id, out var list) ? list : reports[report.Id] = []).Add((sight, report));
        if (reports.Count == 0) return;
        // Most of a full report says what is known already: those rows are neither locked nor written.
        var changed = (await database.QueryAsync(Select, Read, cancel, Columns.Texts(reports.Keys))).Where(record => Judge(record).Any()).Select(record => record.Id).ToList();
        if (changed.Count > 0) await database.TransactionAsync<Done>(transaction => ApplyAsync(transaction, changed), cancel);

        IEnumerable<(HostSight Sight, ObservedInstance Report)> Judge(InstanceRecord record) =>
            reports[record.Id].Where(r => Observations.Judge(record, r.Sight.HostId, r.Report) is not null);

        async Task<Result<Done>> ApplyAsync(Transaction transaction, List<string> ids)
        {
            var applied = new List<(InstanceRecord Before, Observation Seen, HostSight Sight)>();
            foreach (var record in await transaction.QueryAsync(Select + " ORDER BY id FOR UPDATE", Read, cancel, Columns.Texts(ids)))
                foreach (var (sight, report) in reports[record.Id])
                    if (applied is [.., var last] && last.Before.Id == record.Id)
                    {
                        if (!last.Seen.Terminated && Observations.Judge(last.Seen.After, sight.HostId, report) is { } later)
                            applied[^1] = (last.Before, later with { Events = [.. last.Seen.Events, .. later.Events] }, sight);
                    }
                    else if (Observations.Judge(record, sight.HostId, report) is { } seen) applied.Add((record, seen, sight));
            await WriteAsync(transaction, applied, cancel);
            return new Done();
        }
    }

    private async Task WriteAsync(Transaction transaction, List<(InstanceRecord Before, Observation Seen, HostSight Sight)> applied, CancellationToken cancel)
    {
        if (applied.Count == 0) return;
        var after = applied.ConvertAll(a => a.Seen.After);
        await transaction.ExecuteAsync(
            """
            UPDATE instances v SET power = n.power, observed_generation = n.generation, observed_epoch = n.epoch, started_at = n.started, conditions = n.conditions,
                                   desired = n.desired, generation = v.generation + n.more
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::timestamptz[], $6::jsonb[], $7::text[], $8::bigint[])
                 AS n(id, power, generation, epoch, started, conditions, desired, more) WHERE v.id = n.id
            """, cancel,
            Columns.Texts(after.Select(a => a.Id)), Columns.Texts(after.Select(a => a.Power)), Columns.Bigints(after.Select(a => a.ObservedGeneration)),
            Columns.Integers(after.Select(a => a.ObservedEpoch)), Columns.Times(after.Select(a => a.StartedAt)), Columns.Jsons(after.Select(a => Columns.ConditionsText(a.Conditions))),
            Columns.Texts(after.Select(a => a.Desired)), Columns.Bigints(applied.Select(a => a.Seen.After.Generation - a.Before.Generation)));
        await events.WriteAsync(transaction, [.. applied.SelectMany(a => a.Seen.Events.Select(e => new NewEvent(
            a.Before.AccountId, EventActor.Host(a.Sight.HostId, a.Sight.HostName), e.Action, new Subject("instance", a.Before.Id, a.Before.Name), e.Message)))], cancel);
        if (applied.Any(a => a.Seen.Events.Count == 0)) transaction.AfterCommit(events.Ring);
        var told = applied.Where(a => !a.Seen.Terminated && a.Seen.After.Generation > a.Before.Generation).Select(a => a.Sight.HostId).Distinct().ToList();
        if (told.Count > 0) await hosts.TouchAsync(transaction, told, cancel);
        await ending.FinishAsync(transaction, [.. applied.Where(a => a.Seen.Terminated).Select(a => new EndedInstance(a.Seen.After.Id, a.Seen.After.HostId, a.Seen.GivenBack))], cancel);
    }
}
