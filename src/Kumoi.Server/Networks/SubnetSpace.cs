using System.Net;
using System.Numerics;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Networks;

/// <summary>A row of addresses, both ends included.</summary>
public readonly record struct AddressSpan(IPAddress First, IPAddress Last)
{
    /// <summary>Reads <c>A-B</c>, or one address; null if the text is neither, or its ends are of two families or the wrong way round.</summary>
    public static AddressSpan? Read(string text)
    {
        var ends = text.Split('-');
        if (ends.Length > 2 || AddressRange.Read(ends[0]) is not { } first || AddressRange.Read(ends[^1]) is not { } last) return null;
        return first.AddressFamily == last.AddressFamily && Number(first) <= Number(last) ? new AddressSpan(first, last) : null;
    }

    public bool Holds(IPAddress address) => address.AddressFamily == First.AddressFamily && Number(address) is var number && Number(First) <= number && number <= Number(Last);

    public override string ToString() => First.Equals(Last) ? First.ToString() : $"{First}-{Last}";

    internal static BigInteger Number(IPAddress address) => new(address.GetAddressBytes(), isUnsigned: true, isBigEndian: true);
}

/// <summary>What of a subnet is given out, and how: pure.</summary>
/// <param name="Part">Null: all of it.</param>
/// <param name="Reserved">Given only to those who ask for them by name.</param>
/// <param name="Excluded">Never given out.</param>
public sealed record SubnetSpace(IPAddress Gateway, AddressSpan? Part, IReadOnlyList<AddressSpan> Reserved, IReadOnlyList<AddressSpan> Excluded)
{
    // A subnet is gone through span by span for every address.
    private const int SpansMax = 64;

    /// <summary>Reads what a request asks for; what is wrong with it is noted.</summary>
    /// <param name="bridged">Only there the gateway is somebody else's.</param>
    public static SubnetSpace Read(
        string prefix, IPNetwork range, string? gateway, string? part, IReadOnlyList<string>? reserved, IReadOnlyList<string>? excluded, bool bridged, List<Violation> violations)
    {
        var router = AddressRange.Gateway(range);
        if (gateway is not null)
        {
            if (!bridged) violations.Add(new Violation(prefix + "gateway", "bridged-only"));
            else if (AddressRange.Read(gateway) is not { } asked) violations.Add(new Violation(prefix + "gateway", "ip-address"));
            else if (!range.Contains(asked) || asked.Equals(range.BaseAddress) || IsBroadcast(range, asked)) violations.Add(new Violation(prefix + "gateway", "not-in-subnet", range.ToString()));
            else router = asked;
        }
        AddressSpan? whole = part is null or "all" ? null : Span(prefix + "range", range, part, violations);
        return new SubnetSpace(router, whole, Spans(prefix + "reserved", range, reserved, violations), Spans(prefix + "excluded", range, excluded, violations));
    }

    /// <summary>How many addresses are given out without being asked for by name.</summary>
    public long Size(IPNetwork range)
    {
        var (first, last) = Part is { } part ? (part.First, part.Last) : (AddressRange.At(range, AddressRange.First), AddressRange.At(range, AddressRange.Last(range)));
        var (from, to) = (AddressSpan.Number(first), AddressSpan.Number(last));
        IPAddress[] never = [range.BaseAddress, AddressRange.Gateway(range), Gateway, .. AddressRange.IsV4(range) ? [AddressRange.At(range, AddressRange.Size(range) - 1)] : Array.Empty<IPAddress>()];
        var kept = Reserved.Concat(Excluded).Concat(never.Select(address => new AddressSpan(address, address)))
            .Select(span => (From: BigInteger.Max(from, AddressSpan.Number(span.First)), To: BigInteger.Min(to, AddressSpan.Number(span.Last)))).Where(span => span.From <= span.To).OrderBy(span => span.From);
        var size = to - from + 1;
        // Of spans that overlap, each address counts once.
        var done = from;
        foreach (var span in kept)
        {
            var start = BigInteger.Max(done, span.From);
            if (span.To < start) continue;
            size -= span.To - start + 1;
            done = span.To + 1;
        }
        return (long)BigInteger.Clamp(size, 0, long.MaxValue);
    }

    private static List<AddressSpan> Spans(string field, IPNetwork range, IReadOnlyList<string>? texts, List<Violation> violations)
    {
        var spans = new List<AddressSpan>();
        if (texts is { Count: > SpansMax }) violations.Add(new Violation(field, "at-most", SpansMax));
        for (var i = 0; i < Math.Min(texts?.Count ?? 0, SpansMax); i++)
            if (Span($"{field}[{i}]", range, texts![i], violations) is { } span && !spans.Contains(span)) spans.Add(span);
        return spans;
    }

    private static AddressSpan? Span(string field, IPNetwork range, string text, List<Violation> violations)
    {
        if (AddressSpan.Read(text) is not { } span) violations.Add(new Violation(field, "address-span"));
        else if (!range.Contains(span.First) || !range.Contains(span.Last)) violations.Add(new Violation(field, "not-in-subnet", range.ToString()));
        else return span;
        return null;
    }

    private static bool IsBroadcast(IPNetwork range, IPAddress address) => AddressRange.IsV4(range) && address.Equals(AddressRange.At(range, AddressRange.Size(range) - 1));
}
