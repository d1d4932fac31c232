using Kumoi.Api;

namespace Kumoi.Server.Platform.Webhooks;

/// <summary>For how long a secret that was replaced signs besides the new one, so that nothing is refused while the receiver changes over.</summary>
public static class FormerSecret
{
    private const int HoursDefault = 24, HoursMax = 168;

    public static Failure? Check(RotateSecret rotate) => rotate.KeepFormerHours is < 0 or > HoursMax ? Failure.Invalid("keepFormerHours", "between", 0, HoursMax) : null;

    /// <summary>Null: it signs nothing any more.</summary>
    public static DateTimeOffset? Until(RotateSecret rotate, DateTimeOffset now) => rotate.KeepFormerHours == 0 ? null : now.AddHours(rotate.KeepFormerHours ?? HoursDefault);
}
