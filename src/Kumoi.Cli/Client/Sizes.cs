using System.Globalization;
using System.Text.RegularExpressions;

namespace Kumoi.Cli.Client;

/// <summary>Sizes of disks as people write them.</summary>
public static partial class Sizes
{
    /// <summary>GiB of a text such as <c>10</c>, <c>10GiB</c>, <c>10G</c> or <c>2TiB</c>; null if it is no whole number of them.</summary>
    public static int? Gib(string text)
    {
        var match = Form().Match(text);
        if (!match.Success || !int.TryParse(match.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        var gib = match.Groups[2].Value.StartsWith('T') || match.Groups[2].Value.StartsWith('t') ? number * 1024L : number;
        return gib is > 0 and <= int.MaxValue ? (int)gib : null;
    }

    [GeneratedRegex("^([0-9]{1,9})(GiB|G|TiB|T)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)] private static partial Regex Form();
}
