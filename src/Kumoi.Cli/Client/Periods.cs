using System.Globalization;

namespace Kumoi.Cli.Client;

/// <summary>Times between two things, as people write them: <c>30m</c>, <c>24h</c>, <c>7d</c>.</summary>
public static class Periods
{
    private const int HourMinutes = 60, DayMinutes = 24 * HourMinutes;

    /// <summary>Null if the text is none.</summary>
    public static int? Minutes(string text)
    {
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        long? minutes = text[^1] switch { 'm' => number, 'h' => (long)number * HourMinutes, 'd' => (long)number * DayMinutes, _ => null };
        return minutes <= int.MaxValue ? (int?)minutes : null;
    }

    public static string Text(int minutes) => minutes % DayMinutes == 0 ? string.Create(CultureInfo.InvariantCulture, $"{minutes / DayMinutes}d")
        : minutes % HourMinutes == 0 ? string.Create(CultureInfo.InvariantCulture, $"{minutes / HourMinutes}h") : string.Create(CultureInfo.InvariantCulture, $"{minutes}m");
}
