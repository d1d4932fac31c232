using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>An object's keys and values, as <c>rados listomapvals</c> shows them: a line with the key, one with the length, and the bytes in rows of sixteen, in hexadecimal and as text. Pure.</summary>
internal static partial class RbdHeader
{
    public static IReadOnlyDictionary<string, string> Values(string told)
    {
        var found = new Dictionary<string, string>();
        string? key = null, last = null;
        var bytes = new List<byte>();
        foreach (var line in told.Split('\n'))
            if (LengthForm().IsMatch(line)) (key, bytes) = (last, []);
            else if (key is not null && RowForm().Match(line) is { Success: true } row) bytes.AddRange(row.Groups["byte"].Captures.Select(one => byte.Parse(one.ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
            else if (line.Length == 0 && key is not null)
            {
                found[key] = Encoding.UTF8.GetString([.. bytes]);
                key = null;
            }
            else last = line;
        return found;
    }

    [GeneratedRegex(@"\Avalue \([0-9]+ bytes\) :\z")] private static partial Regex LengthForm();

    [GeneratedRegex(@"\A[0-9a-f]{8} (\s+(?<byte>[0-9a-f]{2})(?![0-9a-f]))+\s+\|")] private static partial Regex RowForm();
}
