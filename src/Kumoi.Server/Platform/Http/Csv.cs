using System.Globalization;

namespace Kumoi.Server.Platform.Http;

/// <summary>Lines of comma-separated values (RFC 4180). Texts that a spreadsheet would take for a formula are given an apostrophe before them: names are chosen by others.</summary>
public static class Csv
{
    private static readonly System.Buffers.SearchValues<char> Quoted = System.Buffers.SearchValues.Create("\",\r\n");

    public static string Line(params object?[] cells) => string.Join(',', cells.Select(Cell)) + "\r\n";

    public static string Cell(object? cell)
    {
        if (cell is not string text) return cell is DateTimeOffset time ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : Convert.ToString(cell, CultureInfo.InvariantCulture) ?? "";
        if (text is ['=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '\uff1d' or '\uff0b' or '\uff0d' or '\uff20', ..]) text = "'" + text;
        return text.AsSpan().ContainsAny(Quoted) ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
