using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Kumoi.Cli.Local;

/// <summary>
/// The ranges of addresses of a cloud on one machine: a 16th of 198.18.0.0/15 (RFC 2544, used by no other network), so that several clouds
/// can live side by side. Chosen once, kept in the state directory; whoever wants others writes them there before the first start, as two
/// ranges (<c>198.51.100.0/24 198.19.0.0/20</c>).
/// </summary>
/// <param name="Floating">Floating addresses.</param>
/// <param name="Uplink">The networks' own addresses on each host.</param>
/// <param name="Underlay">Addresses by which the hosts reach each other; null if the machine itself is the only host.</param>
public sealed record AddressRanges(IPNetwork Floating, IPNetwork Uplink, IPNetwork? Underlay)
{
    private const int Blocks = 16;

    // The server takes no smaller one.
    private const int UplinkPrefixMax = 24;

    /// <summary>The ranges of the cloud, chosen now if it has none yet.</summary>
    public static async Task<AddressRanges> ChooseAsync(CloudLayout layout, CancellationToken cancel)
    {
        if (Kept(layout) is { } kept) return kept;
        var routes = await Shell.MustAsync("ip", ["-4", "route", "show", "table", "all"], cancel);
        var first = layout.State == CloudLayout.StateDefault ? 0 : int.Parse(layout.Tag, NumberStyles.HexNumber, CultureInfo.InvariantCulture) % Blocks;
        var free = Enumerable.Range(first, Blocks).Select(i => i % Blocks).Where(block => !InUse(routes, block)).Select(block => (int?)block).FirstOrDefault();
        var file = FileOf(layout);
        await File.WriteAllTextAsync(file + ".new", (free ?? throw new UserException("no-range")).ToString(CultureInfo.InvariantCulture), cancel);
        File.Move(file + ".new", file);
        return Kept(layout)!;
    }

    /// <summary>The ranges chosen earlier; null if none were.</summary>
    public static AddressRanges? Kept(CloudLayout layout)
    {
        if (!File.Exists(FileOf(layout))) return null;
        var kept = File.ReadAllText(FileOf(layout)).Trim();
        var (floating, uplink) = kept.Split(' ') is [var first, var second] ? (Parse(first), Parse(second))
            : int.TryParse(kept, NumberStyles.None, CultureInfo.InvariantCulture, out var block) ? (Range(18, block), Range(19, block)) : throw new UserException("ranges-invalid", FileOf(layout));
        if (layout.HostCount is null) return new AddressRanges(floating, uplink, null);
        return Split(floating, uplink) ?? throw new UserException("ranges-invalid", FileOf(layout));

        IPNetwork Parse(string text) => IPNetwork.TryParse(text, out var range) && range.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? range
            : throw new UserException("ranges-invalid", FileOf(layout));
    }

    /// <summary>With several hosts the second half of the uplinks' range is the underlay's; null if the first half is too small for uplinks.</summary>
    private static AddressRanges? Split(IPNetwork floating, IPNetwork uplink)
    {
        var length = uplink.PrefixLength + 1;
        if (length > UplinkPrefixMax) return null;
        return new AddressRanges(floating, new IPNetwork(uplink.BaseAddress, length), new IPNetwork(Add(uplink.BaseAddress, 1u << (32 - length)), length));
    }

    /// <summary>The address that comes so many after another.</summary>
    public static IPAddress Add(IPAddress address, uint count)
    {
        var bytes = address.GetAddressBytes();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) + count);
        return new IPAddress(bytes);
    }

    private static string FileOf(CloudLayout layout) => Path.Combine(layout.State, "ranges");

    private static IPNetwork Range(int second, int block) => IPNetwork.Parse(string.Create(CultureInfo.InvariantCulture, $"198.{second}.{block * 16}.0/20"));

    private static bool InUse(string routes, int block)
    {
        var own = new[] { Range(18, block), Range(19, block) };
        return routes.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).SelectMany(words => words.Take(2))
            .Any(word => IPAddress.TryParse(word.Split('/')[0], out var address) && own.Any(range => range.Contains(address)));
    }
}
