using System.Globalization;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Subscriptions;

/// <summary>From where a subscription goes on: where it stopped, now, or a time.</summary>
public sealed record ResumePoint(bool IsNow, DateTimeOffset? Time)
{
    public static Result<ResumePoint> Read(string? from) => from switch
    {
        null or "stopped" => new ResumePoint(false, null),
        "now" => new ResumePoint(true, null),
        _ => DateTimeOffset.TryParse(from, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? new ResumePoint(false, time) : Failure.Invalid("from", "resume-from"),
    };
}
