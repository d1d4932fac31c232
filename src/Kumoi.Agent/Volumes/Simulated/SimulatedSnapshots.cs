using System.Globalization;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Simulated;

/// <summary>A snapshot of a simulated volume.</summary>
/// <param name="Content">What the volume held: a number that grows with each write.</param>
/// <param name="TakenAt">Null while it waits for the moment.</param>
public sealed record SimulatedSnapshot(string Id, long Content, DateTimeOffset? TakenAt)
{
    /// <summary>The line of a journal that remembers it with a volume.</summary>
    internal string Line(string volumeId) => string.Create(CultureInfo.InvariantCulture, $"{volumeId}={Id}={Content}={TakenAt?.UtcTicks ?? 0}");

    /// <summary>The reverse; null if the line is of something else.</summary>
    internal static (string VolumeId, SimulatedSnapshot Snapshot)? Read(string line) =>
        line.Split('=') is [var volume, var id, var content, var taken] && long.TryParse(content, NumberStyles.None, CultureInfo.InvariantCulture, out var held) && long.TryParse(taken, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            ? (volume, new SimulatedSnapshot(id, held, ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero))) : null;

    internal ObservedSnapshot Observed => new(Id, TakenAt!.Value, SnapshotConsistency.Crash, 0);
}
