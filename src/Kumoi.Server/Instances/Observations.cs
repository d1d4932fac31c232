using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Server.Instances;

/// <summary>What a record says of an instance, as far as a report of its host can change it.</summary>
/// <param name="ObservedEpoch">The epoch of the guest that ran last: what tells a reboot from a start.</param>
public sealed record InstanceRecord(
    string Id, string AccountId, string Name, string HostId, string Desired, int Incarnation, long Generation, int BootEpoch, string Power, long ObservedGeneration,
    int ObservedEpoch, DateTimeOffset? StartedAt, IReadOnlyList<Condition> Conditions, Capacity Size)
{
    public string State(bool terminated = false) => InstanceStates.Of(Desired, Power, Generation, ObservedGeneration, terminated);
}

/// <summary>What a report makes of a record.</summary>
/// <param name="After">The record as it is to be written.</param>
/// <param name="Terminated">Everything of the instance is gone: its room, addresses and rules are given back.</param>
/// <param name="Events">What the report means, as events to write.</param>
public sealed record Observation(InstanceRecord After, bool Terminated, IReadOnlyList<(string Action, string? Message)> Events)
{
    private static readonly Capacity Nothing = new(0, 0, 0);

    /// <summary>The room that its host gets back.</summary>
    public Capacity GivenBack => Terminated && !PlantedBugs.Has(PlantedBug.RoomIsKept) ? After.Size : Nothing;
}

/// <summary>
/// Judges what hosts see: pure. Reports may come late, twice, or from a placement that is over: only one of the present placement, about
/// a generation between the last one acted on and the record's, counts.
/// </summary>
public static class Observations
{
    // A host's word on when a process began may differ by a second from one look to the next, as its clock is set.
    private static readonly TimeSpan ClockPrecision = TimeSpan.FromSeconds(2);

    /// <summary>What the report changes; null if it does not count, or says what is known.</summary>
    public static Observation? Judge(InstanceRecord record, string hostId, ObservedInstance report)
    {
        if ((record.HostId != hostId || report.Incarnation != record.Incarnation) && !PlantedBugs.Has(PlantedBug.OldIncarnationIsBelieved)) return null;
        if (report.Generation < record.ObservedGeneration && !PlantedBugs.Has(PlantedBug.OldGenerationIsBelieved)) return null;
        if (report.Generation > record.Generation) return null;
        var gone = report.Power == PowerState.Absent && report.Generation >= record.Generation;
        var finished = record.Desired == "terminated" && (gone || PlantedBugs.Has(PlantedBug.GivenBackAtTheRequest));
        var after = record with
        {
            Power = report.Power, ObservedGeneration = report.Generation, ObservedEpoch = report.Power == PowerState.Running ? report.BootEpoch : record.ObservedEpoch,
            StartedAt = SameTime(report.StartedAt, record.StartedAt) ? record.StartedAt : report.StartedAt,
            Conditions = Same(report.Conditions, record.Conditions) ? record.Conditions : report.Conditions,
        };
        if (finished) return new Observation(after, true, [("instance.terminated", null)]);
        if (after == record) return null;
        var events = new List<(string, string?)>();
        // Only one that has done all it was asked: in the middle of a reboot, or of a stop followed by a start, it was the host that switched it off.
        if (report.Power == PowerState.Shutdown && record.Desired == "running" && report.Generation == record.Generation)
        {
            // The guest switched itself off: whoever did that wants it off.
            after = after with { Desired = "stopped", Generation = after.Generation + 1 };
            events.Add(("instance.guest-shutdown", null));
        }
        if (Meaning(record, after, report) is { } meaning) events.Add(meaning);
        return new Observation(after, false, events);
    }

    private static bool SameTime(DateTimeOffset? a, DateTimeOffset? b) => a is null == b is null && (a is null || (a.Value - b!.Value).Duration() < ClockPrecision);

    private static bool Same(IReadOnlyList<Condition> a, IReadOnlyList<Condition> b) => a.SequenceEqual(b);

    private static (string, string?)? Meaning(InstanceRecord record, InstanceRecord after, ObservedInstance report)
    {
        // While something is asked for and not yet done, a guest that is gone, or another one, may be on the way there.
        var unasked = record.Generation == record.ObservedGeneration;
        var state = after.State();
        return report.Power switch
        {
            PowerState.Running when record.ObservedEpoch > 0 && report.BootEpoch > record.ObservedEpoch => ("instance.rebooted", null),
            PowerState.Running when unasked && record.Power == PowerState.Running && report.BootEpoch == record.ObservedEpoch && record.StartedAt is not null && after.StartedAt != record.StartedAt
                => ("instance.restarted", "The guest's process was lost and started again."),
            PowerState.Stopped or PowerState.Absent when unasked && record.Power == PowerState.Running && record.Desired == "running" => ("instance.lost", "The guest's process was lost."),
            _ when state != record.State() && state is InstanceStates.Running or InstanceStates.Stopped => ("instance." + state, null),
            _ when report.Conditions.Except(record.Conditions).FirstOrDefault() is { } condition => ("instance.condition", condition.Message),
            _ => null,
        };
    }
}
