using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Kumoi.Server.Networks;

/// <summary>A row of addresses of one family, both ends included.</summary>
public readonly record struct AddressSpan(IPAddress First, IPAddress Last)
{
    /// <summary>The first address as a number.</summary>
    public UInt128 From => Number(First);

    /// <summary>The last address as a number.</summary>
    public UInt128 To => Number(Last);

    public UInt128 Size => To - From + 1;

    /// <summary>Reads <c>A-B</c>, or one address; null if the text is neither, or its ends are of two families or the wrong way round.</summary>
    public static AddressSpan? Read(string text)
    {
        var ends = text.Split('-');
        if (ends.Length > 2 || AddressRange.Read(ends[0]) is not { } first || AddressRange.Read(ends[^1]) is not { } last) return null;
        return first.AddressFamily == last.AddressFamily && Number(first) <= Number(last) ? new AddressSpan(first, last) : null;
    }

    public static AddressSpan Of(IPAddress address) => new(address, address);

    /// <summary>All addresses of an IPv4 range.</summary>
    public static AddressSpan Of(IPNetwork range) => new(range.BaseAddress, AddressRange.At(range, AddressRange.Size(range) - 1));

    /// <summary>What of a range is given out if nobody says otherwise.</summary>
    public static AddressSpan Given(IPNetwork range) => new(AddressRange.At(range, AddressRange.First), AddressRange.At(range, AddressRange.Last(range)));

    /// <summary>The address of the span's family that a number is.</summary>
    public IPAddress At(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(bytes[Unused(First)..]);
    }

    public bool Holds(IPAddress address) => address.AddressFamily == First.AddressFamily && Number(address) is var number && From <= number && number <= To;

    /// <summary>What is left of it without others of its family, in order.</summary>
    public List<AddressSpan> Without(IEnumerable<AddressSpan> others)
    {
        var (left, next, last) = (new List<AddressSpan>(), From, To);
        foreach (var (from, to) in others.Select(other => (other.From, other.To)).Order())
        {
            if (to < next) continue;
            if (from > last) break;
            if (from > next) left.Add(new AddressSpan(At(next), At(from - 1)));
            if (to >= last) return left;
            next = to + 1;
        }
        left.Add(new AddressSpan(At(next), Last));
        return left;
    }

    public override string ToString() => First.Equals(Last) ? First.ToString() : $"{First}-{Last}";

    private static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes[Unused(address)..], out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>How many of 16 bytes an address does not need.</summary>
    private static int Unused(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 12 : 0;
}
