using System.Globalization;
using System.Net;

namespace Kumoi.Cli.Local;

/// <summary>
/// The ranges of floating and uplink addresses of a cloud on one machine: a 16th of 198.18.0.0/15 (RFC 2544, used by no other network),
/// so that several clouds can live side by side. Chosen once, kept in the state directory; whoever wants others writes them there before the
/// first start, as two ranges (<c>198.51.100.0/24 198.19.0.0/20</c>).
/// </summary>
public static class AddressRanges
{
    private const int Blocks = 16;

    public static async Task<(string Floating, string Uplink)> ChooseAsync(CloudLayout layout, CancellationToken cancel)
    {
        var file = Path.Combine(layout.State, "ranges");
        if (!File.Exists(file))
        {
            var routes = await Shell.MustAsync("ip", ["-4", "route", "show", "table", "all"], cancel);
            var first = layout.State == CloudLayout.StateDefault ? 0 : int.Parse(layout.Tag, NumberStyles.HexNumber, CultureInfo.InvariantCulture) % Blocks;
            var free = Enumerable.Range(first, Blocks).Select(i => i % Blocks).Where(block => !InUse(routes, block)).Select(block => (int?)block).FirstOrDefault();
            await File.WriteAllTextAsync(file + ".new", (free ?? throw new UserException("no-range")).ToString(CultureInfo.InvariantCulture), cancel);
            File.Move(file + ".new", file);
        }
        var kept = (await File.ReadAllTextAsync(file, cancel)).Trim();
        if (kept.Split(' ') is [var floating, var uplink]) return (floating, uplink);
        var chosen = int.Parse(kept, CultureInfo.InvariantCulture);
        return (Range(18, chosen), Range(19, chosen));
    }

    private static string Range(int second, int block) => string.Create(CultureInfo.InvariantCulture, $"198.{second}.{block * 16}.0/20");

    private static bool InUse(string routes, int block)
    {
        var own = new[] { IPNetwork.Parse(Range(18, block)), IPNetwork.Parse(Range(19, block)) };
        return routes.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).SelectMany(words => words.Take(2))
            .Any(word => IPAddress.TryParse(word.Split('/')[0], out var address) && own.Any(range => range.Contains(address)));
    }
}
