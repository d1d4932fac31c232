using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Kumoi.Server.Networks;

/// <summary>Arithmetic on address ranges of both families. The network's own address and the gateway's, the next one, are never given out, and
/// in IPv4 the broadcast address, the last one, neither.</summary>
public static class AddressRange
{
    // Of an IPv6 range so many addresses are given out by themselves; nobody has more guests in one subnet.
    private const int BitsMost = 31;

    /// <summary>Offset of the first address that is given out.</summary>
    public const long First = 2;

    /// <summary>The address at an offset from the range's first.</summary>
    public static IPAddress At(IPNetwork range, long offset)
    {
        Span<byte> bytes = stackalloc byte[16];
        range.BaseAddress.TryWriteBytes(bytes, out var length);
        if (length == 4) BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)(BinaryPrimitives.ReadUInt32BigEndian(bytes) + offset));
        else BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) + (ulong)offset);
        return new IPAddress(bytes[..length]);
    }

    public static long Size(IPNetwork range) => 1L << Math.Min(Bits(range) - range.PrefixLength, BitsMost);

    /// <summary>Offset of the last address that is given out by itself.</summary>
    public static long Last(IPNetwork range) => Size(range) - 2;

    public static IPAddress Gateway(IPNetwork range) => At(range, 1);

    /// <summary>True for an address of the range that no interface can have.</summary>
    public static bool IsReserved(IPNetwork range, IPAddress address) =>
        address.Equals(range.BaseAddress) || address.Equals(Gateway(range)) || IsV4(range) && address.Equals(At(range, Size(range) - 1));

    public static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);

    public static bool IsV4(IPNetwork range) => range.BaseAddress.AddressFamily == AddressFamily.InterNetwork;

    /// <summary>The range that is one address.</summary>
    public static IPNetwork Of(IPAddress address) => new(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);

    /// <summary>The address of a text in its usual form; null if it is none, or says a zone or abbreviates an IPv4 address.</summary>
    public static IPAddress? Read(string text) =>
        IPAddress.TryParse(text, out var address) && !text.Contains('%', StringComparison.Ordinal) && !address.IsIPv4MappedToIPv6
        && (address.AddressFamily != AddressFamily.InterNetwork || text == address.ToString()) ? address : null;

    /// <summary>The range of a text whose host bits are zero; null if it is none.</summary>
    public static IPNetwork? ReadRange(string text) =>
        text.Split('/') is [var first, _] && Read(first) is { } address && IPNetwork.TryParse(text, out var range) && range.BaseAddress.Equals(address) ? range : null;

    private static int Bits(IPNetwork range) => IsV4(range) ? 32 : 128;
}
