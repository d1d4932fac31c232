using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>What the servers are told of a guest. Pure.</summary>
internal static class GuestReports
{
    /// <param name="settled">All that the record says has been done.</param>
    /// <param name="last">What was told last; null if nothing was.</param>
    /// <param name="interfaces">Those of which anything is on the host, or may be.</param>
    public static ObservedInstance Of(DesiredInstance record, ObservedGuest seen, bool settled, ObservedInstance? last, IReadOnlyList<Condition> conditions, IReadOnlyList<string> interfaces)
    {
        var power = seen.Process?.State switch
        {
            null => record.Desired == "terminated" && settled ? PowerState.Absent : PowerState.Stopped,
            RunState.Shutdown => PowerState.Shutdown,
            RunState.Prepared => PowerState.Stopped,
            _ => PowerState.Running,
        };
        return new ObservedInstance(
            record.Id, record.Incarnation, settled ? record.Generation : Math.Min(last?.Generation ?? 0, record.Generation), power,
            seen.Process is { State: not RunState.Prepared } ? seen.Process.BootEpoch : 0, seen.Process?.StartedAt, conditions, interfaces, VolumesOf(seen.Process));
    }

    /// <summary>True if the second is no news after the first.</summary>
    public static bool SayTheSame(ObservedInstance a, ObservedInstance b) =>
        a with { Conditions = b.Conditions, Interfaces = b.Interfaces, Volumes = b.Volumes } == b && Same(a.Conditions, b.Conditions) && Same(a.Interfaces, b.Interfaces) && Same(a.Volumes, b.Volumes);

    /// <summary>Volumes of which the process has anything, by whose absence they are free; null if the process does not say.</summary>
    private static string[]? VolumesOf(GuestProcess? process) =>
        process is null ? [] : process.Drives is { } drives ? [.. drives.Select(drive => drive.Id).Order(StringComparer.Ordinal)] : null;

    /// <summary>Conditions count as the same while they say the same; the moment of the next try alone is not worth a report.</summary>
    private static bool Same(IReadOnlyList<Condition> a, IReadOnlyList<Condition> b) =>
        a.Select(condition => (condition.Type, condition.Reason, condition.Message)).SequenceEqual(b.Select(condition => (condition.Type, condition.Reason, condition.Message)));

    private static bool Same(IReadOnlyList<string>? a, IReadOnlyList<string>? b) => a is null == b is null && (a ?? []).SequenceEqual(b ?? []);
}
