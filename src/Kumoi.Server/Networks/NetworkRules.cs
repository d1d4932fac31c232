using System.Net;
using System.Text.RegularExpressions;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Networks;

/// <summary>What a network may be.</summary>
public static partial class NetworkRules
{
    // IPv6 needs 1,280 (RFC 8200); more than 9,000 few devices carry.
    private const int MtuMin = 1280, MtuMax = 9000, SearchDomainsMax = 6, DomainLengthMax = 190;

    public static IEnumerable<Violation> Check(int? mtu, string? outside, string? domain, IReadOnlyList<string>? searchDomains)
    {
        if (mtu is not (null or 0) and (< MtuMin or > MtuMax)) yield return new Violation("mtu", "between", MtuMin, MtuMax);
        if (outside is not (null or "nat" or "none")) yield return new Violation("outside", "one-of", "nat, none");
        if (domain is not null && !IsDomain(domain)) yield return new Violation("domain", "domain");
        if (searchDomains is { Count: > SearchDomainsMax }) yield return new Violation("searchDomains", "at-most", SearchDomainsMax);
        for (var i = 0; i < (searchDomains?.Count ?? 0); i++)
            if (!IsDomain(searchDomains![i])) yield return new Violation($"searchDomains[{i}]", "domain");
    }

    private const int RangePrefixMin = 8, RangePrefixMax = 28;

    /// <summary>What is wrong with the range of a network; null if nothing.</summary>
    public static Violation? CheckRange(string? text) =>
        text is null || (AddressRange.ReadRange(text) is { } range && AddressRange.IsV4(range) && range.PrefixLength is >= RangePrefixMin and <= RangePrefixMax) ? null : new Violation("range", "network-range");

    /// <summary>True of a subnet that may be in a network of the range; IPv6 may be in any.</summary>
    public static bool IsWithin(IPNetwork? network, IPNetwork subnet) => network is not { } range || !AddressRange.IsV4(subnet) || (range.Contains(subnet.BaseAddress) && range.PrefixLength <= subnet.PrefixLength);

    private static bool IsDomain(string text) => text.Length <= DomainLengthMax && DomainForm().IsMatch(text);

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\z")] private static partial Regex DomainForm();
}

/// <summary>What a subnet may be.</summary>
public static partial class SubnetRules
{
    private const int DnsServersMax = 4, OptionsMax = 16, OptionLengthMax = 255;

    private static readonly IPNetwork[] ReservedV4 = [.. ((string[])["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"]).Select(IPNetwork.Parse)];

    // Global unicast and unique local addresses (RFC 4291, RFC 4193).
    private static readonly IPNetwork[] UsableV6 = [IPNetwork.Parse("2000::/3"), IPNetwork.Parse("fc00::/7")];

    // What the network itself tells guests, and what DHCP's messages are made of (RFC 2132, RFC 3442).
    private static readonly int[] OwnOptions = [1, 3, 6, 12, 15, 26, 28, .. Enumerable.Range(50, 12), 82, 119, 121];

    public static (IPNetwork? Range, IReadOnlyList<Violation> Violations) Check(
        string prefix, string? name, string cidr, IReadOnlyList<string>? dnsServers, IReadOnlyList<DhcpOption>? options)
    {
        var violations = new List<Violation>();
        if (name is not null && Names.Check(prefix + "name", Names.Normal(name)) is { } bad) violations.Add(bad);
        var (range, violation) = CheckCidr(prefix + "cidr", cidr);
        if (violation is not null) violations.Add(violation);
        violations.AddRange(CheckDns(prefix + "dnsServers", dnsServers, violation is null ? AddressRange.IsV4(range) : null));
        violations.AddRange(CheckOptions(prefix + "dhcpOptions", options, violation is null && !AddressRange.IsV4(range)));
        return (violation is null ? range : null, violations);
    }

    /// <summary>An IPv4 range of /16 to /28 or an IPv6 range of /64, of addresses a guest may have, its host bits zero.</summary>
    public static (IPNetwork Range, Violation? Violation) CheckCidr(string field, string text)
    {
        if (AddressRange.ReadRange(text) is not { } range) return (default, new Violation(field, "cidr"));
        if (!AddressRange.IsV4(range))
            return range.PrefixLength != 64 ? (default, new Violation(field, "prefix-64")) : UsableV6.Any(u => u.Contains(range.BaseAddress)) ? (range, null) : (default, new Violation(field, "reserved-range"));
        if (range.PrefixLength is < 16 or > 28) return (default, new Violation(field, "prefix-between", 16, 28));
        return ReservedV4.Any(r => AddressRange.Overlap(r, range)) ? (default, new Violation(field, "reserved-range")) : (range, null);
    }

    /// <param name="v4">The family that they must be of; null: either.</param>
    public static IEnumerable<Violation> CheckDns(string field, IReadOnlyList<string>? servers, bool? v4)
    {
        if (servers is null) yield break;
        if (servers.Count > DnsServersMax) yield return new Violation(field, "at-most", DnsServersMax);
        for (var i = 0; i < servers.Count; i++)
            if (AddressRange.Read(servers[i]) is not { } address || address.ToString() != servers[i]) yield return new Violation($"{field}[{i}]", "ip-address");
            else if (v4 is { } wanted && (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork) != wanted) yield return new Violation($"{field}[{i}]", "other-family");
    }

    private static IEnumerable<Violation> CheckOptions(string field, IReadOnlyList<DhcpOption>? options, bool isV6)
    {
        if (options is null || options.Count == 0) yield break;
        if (isV6) yield return new Violation(field, "ipv4-only");
        if (options.Count > OptionsMax) yield return new Violation(field, "at-most", OptionsMax);
        for (var i = 0; i < options.Count; i++)
        {
            if (options[i].Code is < 1 or > 254) yield return new Violation($"{field}[{i}].code", "between", 1, 254);
            else if (OwnOptions.Contains(options[i].Code)) yield return new Violation($"{field}[{i}].code", "own-option");
            if (!OptionForm().IsMatch(options[i].Value) || options[i].Value.Length > OptionLengthMax) yield return new Violation($"{field}[{i}].value", "option-value", OptionLengthMax);
        }
    }

    [GeneratedRegex(@"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?\z")] private static partial Regex OptionForm();
}
