namespace Kumoi.Server.Backups.Schedules;

/// <summary>The times at which a schedule makes backups. Pure.</summary>
public static class BackupSlots
{
    /// <summary>The first time after another one.</summary>
    /// <param name="anchor">What times so many minutes apart are counted from.</param>
    public static DateTimeOffset Next(int? everyMinutes, int? atMinute, TimeZoneInfo zone, DateTimeOffset anchor, DateTimeOffset after)
    {
        if (everyMinutes is { } every)
        {
            if (after < anchor) return anchor;
            var period = TimeSpan.FromMinutes(every);
            return anchor + period * (Math.Floor((after - anchor) / period) + 1);
        }
        var day = TimeZoneInfo.ConvertTime(after, zone).Date;
        for (var ahead = 0; ; ahead++)
            if (At(day.AddDays(ahead), atMinute!.Value, zone) is var at && at > after) return at;
    }

    /// <summary>A time that the clock leaves out comes when it goes on; of one that it shows twice, the first.</summary>
    private static DateTimeOffset At(DateTime day, int minute, TimeZoneInfo zone)
    {
        var local = DateTime.SpecifyKind(day.AddMinutes(minute), DateTimeKind.Unspecified);
        while (zone.IsInvalidTime(local)) local = local.AddMinutes(1);
        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset).ToUniversalTime();
    }
}
