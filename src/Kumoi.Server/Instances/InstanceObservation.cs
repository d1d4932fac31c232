using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>
/// Takes in what hosts see. Reports may come late, twice, or from a placement that is over: only one of the present incarnation, about
/// a generation not newer than the record's, counts.
/// </summary>
public sealed class InstanceObservation(Database database, HostRevisions hosts, EventLog events, TimeProvider clock)
{
    private sealed record Row(
        string Id, string AccountId, string Name, string Desired, int Incarnation, long Generation, string Power, long ObservedGeneration, int ObservedEpoch,
        DateTimeOffset? StartedAt, string Conditions, int Vcpus, int MemoryMib, int DiskGib, string State, int BootEpoch);

    private const string Select =
        """
        SELECT id, account_id, name, desired, incarnation, generation, power, observed_generation, observed_epoch, started_at, conditions::text, vcpus, memory_mib,
               disk_gib, state, boot_epoch
        FROM instances WHERE host_id = $1 AND terminated_at IS NULL AND id = ANY($2)
        """;

    private static Row Read(Npgsql.NpgsqlDataReader r) => new(
        r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt32(4), r.GetInt64(5), r.GetString(6), r.GetInt64(7), r.GetInt32(8), r.TimeOrNull(9),
        r.GetString(10), r.GetInt32(11), r.GetInt32(12), r.GetInt32(13), r.GetString(14), r.GetInt32(15));

    public async Task ObserveAsync(string hostId, string hostName, IReadOnlyList<ObservedInstance> reported, CancellationToken cancel)
    {
        if (reported.Count == 0) return;
        var reports = reported.DistinctBy(report => report.Id).ToDictionary(report => report.Id);
        var records = await database.QueryAsync(Select, Read, cancel, hostId, Columns.Texts(reports.Keys));
        // Most of a full report says what is known already: those rows are not written.
        foreach (var record in records.Where(record => Differs(record, reports[record.Id])))
            await database.TransactionAsync<Done>(async transaction =>
            {
                var present = await transaction.FindAsync(Select + " FOR UPDATE", Read, cancel, hostId, Columns.Texts([record.Id]));
                if (present is not null && Differs(present, reports[record.Id])) await ApplyAsync(transaction, hostId, hostName, present, reports[record.Id], cancel);
                return new Done();
            }, cancel);
    }

    private static bool Differs(Row record, ObservedInstance report) =>
        report.Incarnation == record.Incarnation && report.Generation >= record.ObservedGeneration && report.Generation <= record.Generation
        && (report.Power != record.Power || report.Generation != record.ObservedGeneration || report.Power == PowerState.Running && report.BootEpoch != record.ObservedEpoch
            || !SameTime(report.StartedAt, record.StartedAt) || !SameConditions(report.Conditions, record.Conditions) || Finished(record, report));

    // A host's word on when a process began may differ by a second from one look to the next, as its clock is set.
    private static readonly TimeSpan ClockPrecision = TimeSpan.FromSeconds(2);

    private static bool SameTime(DateTimeOffset? a, DateTimeOffset? b) => a is null == b is null && (a is null || (a.Value - b!.Value).Duration() < ClockPrecision);

    private static bool SameConditions(IReadOnlyList<Condition> reported, string stored) =>
        reported.Count == 0 ? stored == "[]" : reported.SequenceEqual(System.Text.Json.JsonSerializer.Deserialize(stored, ApiJson.Default.ConditionArray)!);

    /// <summary>Everything of a terminated instance is gone from its host.</summary>
    private static bool Finished(Row record, ObservedInstance report) =>
        record.Desired == "terminated" && report.Power == PowerState.Absent && report.Generation >= record.Generation;

    private async Task ApplyAsync(Transaction transaction, string hostId, string hostName, Row record, ObservedInstance report, CancellationToken cancel)
    {
        var subject = new Subject("instance", record.Id, record.Name);
        var actor = EventActor.Host(hostId, hostName);
        await transaction.ExecuteAsync(
            """
            UPDATE instances SET power = $2, observed_generation = $3, observed_epoch = $4, started_at = $5, conditions = $6 WHERE id = $1
            """, cancel, record.Id, report.Power, report.Generation,
            // The epoch of the guest that ran last: what tells a reboot from a start.
            report.Power == PowerState.Running ? report.BootEpoch : record.ObservedEpoch, Columns.TimeValue(report.StartedAt), Columns.Json(report.Conditions));
        if (Finished(record, report))
        {
            await FinishAsync(transaction, hostId, record, cancel);
            await events.WriteAsync(transaction, record.AccountId, actor, "instance.terminated", subject, cancel);
            return;
        }
        if (report.Power == PowerState.Shutdown && record.Desired == "running")
        {
            // The guest switched itself off: whoever did that wants it off.
            await transaction.ExecuteAsync("UPDATE instances SET desired = 'stopped', generation = generation + 1 WHERE id = $1", cancel, record.Id);
            await hosts.TouchAsync(transaction, hostId, cancel);
            await events.WriteAsync(transaction, record.AccountId, actor, "instance.guest-shutdown", subject, cancel);
        }
        await TellAsync(transaction, record, report, actor, subject, cancel);
    }

    /// <summary>Writes what this report means as an event, if it means one.</summary>
    private async Task TellAsync(Transaction transaction, Row record, ObservedInstance report, EventActor actor, Subject subject, CancellationToken cancel)
    {
        var state = await transaction.FindAsync("SELECT state FROM instances WHERE id = $1", row => row.GetString(0), cancel, record.Id);
        var known = System.Text.Json.JsonSerializer.Deserialize(record.Conditions, ApiJson.Default.ConditionArray)!;
        // While a reboot is asked for and not yet done, a guest that is gone is on its way.
        var expected = record.BootEpoch > record.ObservedEpoch;
        var (action, message) = report.Power switch
        {
            PowerState.Running when record.ObservedEpoch > 0 && report.BootEpoch > record.ObservedEpoch => ("instance.rebooted", (string?)null),
            PowerState.Running when record.Power == PowerState.Running && report.BootEpoch == record.ObservedEpoch && record.StartedAt is not null && !SameTime(report.StartedAt, record.StartedAt)
                => ("instance.restarted", "The guest's process was lost and started again."),
            PowerState.Stopped or PowerState.Absent when record.Power == PowerState.Running && record.Desired == "running" && !expected => ("instance.lost", "The guest's process was lost."),
            _ when state != record.State && state is InstanceStates.Running or InstanceStates.Stopped => ("instance." + state, null),
            _ when report.Conditions.Except(known).FirstOrDefault() is { } condition => ("instance.condition", condition.Message),
            _ => (null, null),
        };
        if (action is null) transaction.AfterCommit(events.Ring);
        else await events.WriteAsync(transaction, record.AccountId, actor, action, subject, cancel, message);
    }

    private async Task FinishAsync(Transaction transaction, string hostId, Row record, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        await transaction.ExecuteAsync("UPDATE instances SET terminated_at = $2, user_data = NULL WHERE id = $1", cancel, record.Id, now);
        var networks = await transaction.QueryAsync(
            "UPDATE interfaces SET released_at = $2 WHERE instance_id = $1 AND released_at IS NULL RETURNING network_id", row => row.GetString(0), cancel, record.Id, now);
        await transaction.ExecuteAsync("DELETE FROM floating_addresses WHERE interface_id IN (SELECT id FROM interfaces WHERE instance_id = $1)", cancel, record.Id);
        await transaction.ExecuteAsync("DELETE FROM interface_security_groups WHERE interface_id IN (SELECT id FROM interfaces WHERE instance_id = $1)", cancel, record.Id);
        await transaction.ExecuteAsync("DELETE FROM console_sessions WHERE instance_id = $1", cancel, record.Id);
        await transaction.ExecuteAsync(
            """
            UPDATE hosts SET allocated_vcpus = allocated_vcpus - $2, allocated_memory_mib = allocated_memory_mib - $3, allocated_disk_gib = allocated_disk_gib - $4,
                             instances = instances - 1 WHERE id = $1
            """, cancel, hostId, record.Vcpus, record.MemoryMib, record.DiskGib);
        await hosts.TouchAsync(transaction, hostId, cancel);
        await hosts.TouchByNetworksAsync(transaction, networks, [hostId], cancel);
    }
}
