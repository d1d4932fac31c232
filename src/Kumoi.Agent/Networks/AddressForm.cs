using System.Net;
using System.Net.Sockets;

namespace Kumoi.Agent.Networks;

/// <summary>Addresses and ranges in the one form that commands and rulesets are given, whatever form they came in.</summary>
public static class AddressForm
{
    public static bool IsIpv6(string text) => text.Contains(':', StringComparison.Ordinal);

    /// <summary>The address in its usual form; null if the text is none. IPv4 must be written so already: other notations hide what is meant.</summary>
    public static string? Address(string? text)
    {
        if (text is null || text.AsSpan().IndexOfAny('%', '[') >= 0 || !IPAddress.TryParse(text, out var address)) return null;
        return address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text ? address.ToString() : null;
    }

    public static string? Ipv4(string? text) => Address(text) is { } address && !IsIpv6(address) ? address : null;

    /// <summary>The range, such as <c>10.0.0.0/8</c>; null if the text is none or has bits beside the prefix.</summary>
    public static string? Range(string? text)
    {
        if (text is null || text.AsSpan().IndexOfAny('%', '[') >= 0 || !IPNetwork.TryParse(text, out var range)) return null;
        return IsIpv6(text) || range.ToString() == text ? range.ToString() : null;
    }

    /// <summary>The address as a range of its own.</summary>
    public static string Single(string address) => IsIpv6(address) ? $"{address}/128" : $"{address}/32";

    public static bool Overlap(string one, string other)
    {
        var (a, b) = (IPNetwork.Parse(one), IPNetwork.Parse(other));
        return a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);
    }

    /// <summary>The four bytes of an IPv4 address as hex digits, the first byte first.</summary>
    public static string Hex(string ipv4) => Convert.ToHexStringLower(IPAddress.Parse(ipv4).GetAddressBytes());
}
