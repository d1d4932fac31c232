using System.Globalization;

namespace Kumoi.Server.Metering;

/// <summary>What is counted, and in which unit. How much of it a record has is said by <c>metered</c> in the schema.</summary>
public static class Meters
{
    public const string Hour = "hour", GibHour = "GiB-hour", Gib = "GiB", TrafficIn = "traffic.in", TrafficOut = "traffic.out";

    private static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal)
    {
        ["instance.running"] = Hour, ["instance.allocated"] = Hour, ["volume.allocated"] = GibHour, ["snapshot.stored"] = GibHour, ["backup.stored"] = GibHour, ["image.stored"] = GibHour,
        ["floating-address.allocated"] = Hour, ["network.allocated"] = Hour, ["router.allocated"] = Hour, ["load-balancer.allocated"] = Hour, ["vpn.allocated"] = Hour, [TrafficIn] = Gib, [TrafficOut] = Gib,
    };

    public static IReadOnlyCollection<string> All => Units.Keys;

    public static string Unit(string meter) => Units[meter];

    /// <summary>Places after the point of a currency's amounts (ISO 4217).</summary>
    public static int Places(string currency) => currency switch
    {
        "BIF" or "CLP" or "DJF" or "GNF" or "ISK" or "JPY" or "KMF" or "KRW" or "PYG" or "RWF" or "UGX" or "UYI" or "VND" or "VUV" or "XAF" or "XOF" or "XPF" => 0,
        "BHD" or "IQD" or "JOD" or "KWD" or "LYD" or "OMR" or "TND" => 3,
        _ => 2,
    };
}

/// <summary>A month as it is in a time zone, whose offset is of whole hours.</summary>
public readonly record struct Month(int Year, int Number)
{
    public DateOnly First => new(Year, Number, 1);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Year:0000}-{Number:00}");

    public Month Next => Of(First.AddMonths(1));

    public Month Before => Of(First.AddMonths(-1));

    public static Month Of(DateOnly date) => new(date.Year, date.Month);

    public static Month Of(DateTimeOffset time, TimeZoneInfo zone) => Of(DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(time, zone).DateTime));

    public static Month? Read(string text) => DateOnly.TryParseExact(text + "-01", "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var first) && first.Year is >= 2000 and < 9000 ? Of(first) : null;

    public DateTimeOffset Begins(TimeZoneInfo zone)
    {
        var local = First.ToDateTime(TimeOnly.MinValue);
        // A zone that skips its midnight begins the month an hour later.
        while (zone.IsInvalidTime(local)) local = local.AddHours(1);
        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }

    /// <summary>The zone of this name; null if there is none, or its hours begin in the middle of others'.</summary>
    public static TimeZoneInfo? Zone(string name) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) && zone.BaseUtcOffset.Minutes == 0 && Array.TrueForAll(zone.GetAdjustmentRules(), rule => rule.DateEnd.Year < 2000 || (rule.BaseUtcOffsetDelta + rule.DaylightDelta).Minutes == 0) ? zone : null;
}
