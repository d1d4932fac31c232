using System.Globalization;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Work on a volume for people: how far it is, and how long it will take if it goes on as it went.</summary>
public static class WorkText
{
    /// <summary>The state of a volume with the work on it.</summary>
    public static string StateOf(Volume volume) => volume.Work is { } work && Percent(work) is { } percent ? string.Create(CultureInfo.InvariantCulture, $"{volume.State} {percent} %") : volume.State;

    /// <summary>The same with what is done, and the time left.</summary>
    public static string Describe(Volume volume, DateTimeOffset now) => volume.Work is { } work ? $"{volume.State}: {Of(work, now)}" : volume.Conditions.Count > 0 ? $"{volume.State}: {volume.Conditions[0].Message}" : volume.State;

    public static string Of(VolumeWork work, DateTimeOffset now)
    {
        var said = Messages.Text("work-" + work.Kind);
        if (Percent(work) is not { } percent) return said;
        var done = Messages.Text("work-done", said, percent, LoadBalancerText.Bytes(work.DoneBytes), LoadBalancerText.Bytes(work.TotalBytes));
        return Left(work, now) is { } left ? Messages.Text("work-left", done, Text(left)) : done;
    }

    /// <summary>Null while it is not known how much there is to do.</summary>
    public static long? Percent(VolumeWork work) => work.TotalBytes > 0 ? (long)(100.0 * work.DoneBytes / work.TotalBytes) : null;

    /// <summary>The time left, if it goes on as it went; null while nothing can be said.</summary>
    public static TimeSpan? Left(VolumeWork work, DateTimeOffset now) =>
        work.DoneBytes > 0 && work.TotalBytes >= work.DoneBytes && now > work.Since ? TimeSpan.FromSeconds(Math.Min((now - work.Since).TotalSeconds * (work.TotalBytes - work.DoneBytes) / work.DoneBytes, TimeSpan.FromDays(99).TotalSeconds)) : null;

    private static string Text(TimeSpan left) => left.TotalMinutes < 1 ? Messages.Text("seconds", (int)Math.Ceiling(left.TotalSeconds))
        : left.TotalHours < 1 ? Messages.Text("minutes", (int)Math.Ceiling(left.TotalMinutes)) : Messages.Text("hours", (int)left.TotalHours, left.Minutes);
}
