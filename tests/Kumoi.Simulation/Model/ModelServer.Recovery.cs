using Kumoi.Server.Hosts;
using Kumoi.Server.Placement;
using Kumoi.Server.Recovery;

namespace Kumoi.Simulation.Model;

/// <summary>
/// What becomes of the instances of lost hosts. The lease that keeps this to one server at a time is left out: it saves work, and what is
/// right must not hang on it.
/// </summary>
internal sealed partial class ModelServer
{
    private static readonly TimeSpan RecoveryPeriod = TimeSpan.FromSeconds(2);

    private async Task RecoverAsync()
    {
        for (; ; )
        {
            await Task.Delay(RecoveryPeriod, Clock);
            try
            {
                await LookAtLostAsync();
            }
            catch (DatabaseGoneException)
            {
                // The next look will tell.
            }
        }
    }

    private async Task LookAtLostAsync()
    {
        var lost = Read(() => Records.Hosts.Values.Where(host => (host.State != HostStates.Up || host.Maintenance) && Records.OnHost(host.Id).Any()).ToArray());
        if (lost.Length == 0) return;
        var view = await SnapshotAsync(fresh: true);
        foreach (var host in lost)
        {
            var seen = view.First(other => other.Id == host.Id);
            await HopAsync();
            var affected = Read(() => Records.OnHost(host.Id).Select(row => (Row: row, row.Record.Incarnation, Instance: AffectedOf(row))).ToDictionary(one => one.Instance.Id));
            foreach (var step in RecoveryPlanner.Plan(seen, affected.Values.Select(one => one.Instance), view))
            {
                var (row, incarnation, _) = affected[step.Instances.Single().Id];
                if (step.Candidates.Count > 0) await CommitAsync(() => Move(row, seen, incarnation, step), rings => rings);
                else if (row.Notice != step.Reason) await CommitAsync(() => row.Notice = step.Reason, _ => []);
            }
        }
    }

    private static AffectedInstance AffectedOf(InstanceRow row) => new(
        row.Record.Id, row.Record.Name, row.Record.Desired, row.Recovery, 0, row.FixedVolumes == 0 ? row.Storage : null, !IsAtRest(row), row.Record.Size);

    private static bool IsAtRest(InstanceRow row) =>
        row.Record is { Desired: "stopped", Power: "stopped" or "absent" } record && record.ObservedGeneration >= record.Generation;

    /// <summary>Guarded by what it was decided from: the instance as it was read, and its host still down and fenced.</summary>
    private string[] Move(InstanceRow row, HostView seen, int incarnation, RecoveryStep step)
    {
        var (record, from) = (row.Record, Records.Hosts[seen.Id]);
        if (record.HostId != from.Id || record.Incarnation != incarnation || row.TerminatedAt is not null || !row.Movable || !Records.Instances.ContainsKey(record.Id)) return [];
        if (seen.State != HostStates.Down && !IsAtRest(row)) return [];
        if (!(from is { State: HostStates.Down, Fenced: true } || (seen.State == HostStates.Up && from is { Maintenance: true, State: HostStates.Up }))) return [];
        // A host that its lease fences ends only what it knew to be movable.
        if (from.State == HostStates.Down && from.ReportedRevision < row.RecoveryRevision) return [];
        var to = step.Candidates.Select(candidate => Records.Hosts[candidate.Id]).FirstOrDefault(host => HasRoom(host, record.Size));
        if (to is null) return [];
        _cloud.Checks.BeforeMove(row, from);
        from.Allocated = from.Allocated.Less(record.Size);
        to.Allocated = to.Allocated.Plus(record.Size);
        var stopped = record.Desired == "stopped";
        // What the new host sees counts from nothing; a stopped instance stays as it was seen.
        Write(row, record with
        {
            HostId = to.Id, Incarnation = record.Incarnation + 1, Power = stopped ? "stopped" : "absent", ObservedGeneration = stopped ? record.Generation : 0,
            StartedAt = null, Conditions = [],
        });
        (row.Notice, row.RecoveryRevision) = ("", 0);
        Records.Former[(from.Id, record.Id)] = record.Incarnation;
        _cloud.Trace.Note(Name, $"moves {record.Id} from {from.Name} to {to.Name}: incarnation {row.Record.Incarnation}");
        return [.. Touch(from.Id), .. Touch(to.Id), .. MoveVolumes(row)];
    }
}
