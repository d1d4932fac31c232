using System.Net;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Networks;

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

    /// <summary>What is given out without being asked for by name, in order.</summary>
    public List<AddressSpan> Given(IPNetwork range)
    {
        AddressSpan[] never = [AddressSpan.Of(range.BaseAddress), AddressSpan.Of(AddressRange.Gateway(range)), AddressSpan.Of(Gateway)];
        return (Part ?? AddressSpan.Given(range)).Without([.. never, .. AddressRange.IsV4(range) ? [AddressSpan.Of(AddressRange.At(range, AddressRange.Size(range) - 1))] : Array.Empty<AddressSpan>(), .. Reserved, .. Excluded]);
    }

    /// <summary>How many addresses are given out without being asked for by name.</summary>
    public long Size(IPNetwork range) => (long)UInt128.Min(Given(range).Aggregate(UInt128.Zero, (sum, span) => sum + span.Size), long.MaxValue);

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
