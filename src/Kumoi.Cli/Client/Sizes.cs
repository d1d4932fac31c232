using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using Kumoi.Cli.Text;

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

    /// <summary>An option for a size in GiB.</summary>
    public static Option<int?> Option(string name, string text, bool required = false) => new(name)
    {
        Description = Messages.Text(text), Required = required, HelpName = "size",
        CustomParser = result =>
        {
            if (Gib(result.Tokens[0].Value) is { } gib) return gib;
            result.AddError(Messages.Text("size-invalid", result.Tokens[0].Value));
            return null;
        },
    };

    [GeneratedRegex("^([0-9]{1,9})(GiB|G|TiB|T)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)] private static partial Regex Form();
}
