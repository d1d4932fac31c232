using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Agent.Networks.Bridged;

/// <summary>
/// The rules for frames of a bridged network on one host, as a pure function: who may speak, what never crosses to the segment, and a mark by which the
/// stateful filters (<see cref="BridgedRuleset"/>), which see only the bridge, know the ports that a packet comes from and leaves by.
/// </summary>
public static class BridgeRuleset
{
    public const string Table = "bridge kumoi";

    /// <summary>The bridge in the namespace, and the port of it that leads to the segment.</summary>
    public const string Bridge = "br", Segment = "seg";

    public const string Metadata = "169.254.169.254";

    /// <summary>Mark of what comes from the segment or leaves to it.</summary>
    public const uint SegmentMark = 1;

    /// <summary>Set by the stateful filter on what it has let pass: where the kernel does not ask it, no packet has it and none goes on.</summary>
    public const uint PassedMark = 0x8000_0000;

    /// <summary>Lower numbers have a meaning of their own.</summary>
    private const uint NumberMin = 16;

    private const string Mac = LinkState.GatewayMac, MetadataIpv6 = NetworkRuleset.MetadataIpv6;

    public static Ruleset Build(NetworkIntent intent, SegmentIntent segment)
    {
        var numbers = Numbers(intent.Ports);
        List<Chain> chains =
        [
            new("from", new ChainHook("filter", "prerouting", -300, "drop"),
            [
                "meta mark set 0",
                // Frames with a tag of their own would pass the stateful filter unseen. 0x8035 is RARP, by which a guest that moved is announced.
                "ether type != { 0x0800, 0x0806, 0x86dd, 0x8035 } drop",
                .. intent.HasIpv6 ? (string[])[] : ["ether type 0x86dd drop"],
                .. Both($"iifname \"{Segment}\"", intent.HasIpv6),
                $"iifname \"{Segment}\" ether saddr {Mac} drop",
                $"iifname \"{Segment}\" ether type 0x8035 drop",
                FormattableString.Invariant($"iifname \"{Segment}\" meta mark set {SegmentMark} accept"),
                "meta mark set iifname map @numbers",
                "iifname vmap @ports_from",
            ]),
            // The segment has no business with the host.
            new("input", new ChainHook("filter", "input", 0, "accept"), [$"iifname \"{Segment}\" drop"]),
            new("forward", new ChainHook("filter", "forward", -10, "accept"),
            [
                FormattableString.Invariant($"ether type {{ 0x0800, 0x86dd }} meta mark & 0x{PassedMark:x8} == 0 drop"),
                "meta mark set 0",
                .. Both("", intent.HasIpv6),
                .. Requests(segment, intent.HasIpv6),
                $"oifname != \"{Segment}\" ether type 0x8035 drop",
                FormattableString.Invariant($"oifname \"{Segment}\" meta mark set {SegmentMark} accept"),
                "meta mark set oifname map @numbers",
                "meta mark 0 drop",
            ]),
            // Nor has the host with the segment: it answers guests.
            new("output", new ChainHook("filter", "output", 0, "accept"), [$"oifname \"{Segment}\" drop"]),
            .. intent.Ports.Select(port => new Chain($"from_{port.Tap}", null, [.. Sources(port, intent.HasIpv6)])),
        ];
        return new Ruleset(Table, chains,
        [
            NamedSet.Map("numbers", "ifname", "mark", intent.Ports.Select(port => (NamedSet.Device(port.Tap), Text(numbers[port.Tap])))),
            NamedSet.Map("ports_from", "ifname", "verdict", intent.Ports.Select(port => (NamedSet.Device(port.Tap), $"jump from_{port.Tap}"))),
        ]);
    }

    /// <summary>A number for each tap, by its name, so that it stays whoever comes and goes; the next one where two meet.</summary>
    public static IReadOnlyDictionary<string, uint> Numbers(IEnumerable<Port> ports)
    {
        var numbers = new Dictionary<string, uint>();
        var taken = new HashSet<uint>();
        foreach (var tap in ports.Select(port => port.Tap).Distinct().Order(StringComparer.Ordinal))
        {
            var number = BitConverter.ToUInt32(SHA256.HashData(Encoding.ASCII.GetBytes(tap))) & ~PassedMark;
            while (number < NumberMin || !taken.Add(number)) number = (number + 1) & ~PassedMark;
            numbers[tap] = number;
        }
        return numbers;
    }

    public static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The address of the metadata service is each host's own: asked for and answered nowhere else.</summary>
    private static IEnumerable<string> Both(string where, bool ipv6)
    {
        var prefix = where.Length > 0 ? where + " " : "";
        foreach (var side in (string[])["saddr", "daddr"])
        {
            yield return $"{prefix}ip {side} {Metadata} drop";
            yield return $"{prefix}arp {side} ip {Metadata} drop";
            if (ipv6) yield return $"{prefix}ip6 {side} {MetadataIpv6} drop";
        }
        // Who has it is asked of all neighbours; the target is behind the eight bytes of the message's head (RFC 4861).
        if (ipv6) yield return $"{prefix}icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} @th,64,128 {Hex(MetadataIpv6)} drop";
    }

    /// <summary>Requests of DHCP go to the host, or to a server of the segment, and never to another guest.</summary>
    private static IEnumerable<string> Requests(SegmentIntent segment, bool ipv6)
    {
        var where = segment.ExternalDhcp ? $"oifname != \"{Segment}\" iifname != \"{Segment}\" " : $"iifname != \"{Segment}\" ";
        yield return $"{where}udp sport 68 udp dport 67 drop";
        if (ipv6) yield return $"{where}udp sport 546 udp dport 547 drop";
    }

    /// <summary>
    /// What a guest may send from. Its link-local address is the one made of its hardware address (RFC 4291): the segment's router has one too, and guests
    /// must not be able to claim it.
    /// </summary>
    private static IEnumerable<string> Sources(Port port, bool ipv6)
    {
        var (ranges, ranges6) = (port.Allowed.Where(range => !AddressForm.IsIpv6(range)).ToArray(), port.Allowed.Where(AddressForm.IsIpv6).ToArray());
        yield return $"ether saddr != {port.Mac} drop";
        yield return "ether type 0x8035 ether daddr ff:ff:ff:ff:ff:ff accept";
        yield return $"ether type 0x0806 arp saddr ether != {port.Mac} drop";
        yield return $"ether type 0x0806 arp saddr ip != {{ {string.Join(", ", port.Ipv4.Append("0.0.0.0"))} }}{string.Concat(ranges.Select(range => $" arp saddr ip != {range}"))} drop";
        yield return "ether type 0x0806 accept";
        yield return "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept";
        if (port.Ipv4.Any())
        {
            var own = $"ip saddr {{ {string.Join(", ", port.Ipv4)} }}";
            // A guest that sends everything to the segment's router finds the service nonetheless.
            yield return $"{own} ip daddr {Metadata} ether daddr set {Mac} meta pkttype set host accept";
            yield return $"{own} accept";
        }
        foreach (var range in ranges) yield return $"ip saddr {range} accept";
        if (!ipv6) yield break;
        var local = LinkLocal(port.Mac);
        string[] all = [.. port.Ipv6, local];
        yield return "icmpv6 type { nd-router-advert, nd-redirect } drop";
        yield return "ether type 0x86dd udp sport 547 drop";
        yield return $"icmpv6 type nd-neighbor-advert @th,64,128 != {{ {string.Join(", ", all.Select(Hex))} }}{string.Concat(ranges6.Select(range => $" @th,64,128 & {Masked(range)}"))} drop";
        if (port.Ipv6.Any()) yield return $"ip6 saddr {{ {string.Join(", ", port.Ipv6)} }} ip6 daddr {MetadataIpv6} ether daddr set {Mac} meta pkttype set host accept";
        if (port.Ipv6.Any()) yield return $"ip6 saddr {{ {string.Join(", ", port.Ipv6)} }} accept";
        foreach (var range in ranges6) yield return $"ip6 saddr {range} accept";
        yield return $"ip6 saddr {local} ip6 daddr {{ fe80::/10, ff02::/16 }} accept";
        yield return $"ip6 saddr :: ip6 daddr ff02::/16 icmpv6 type nd-neighbor-solicit @th,64,128 {{ {string.Join(", ", all.Select(Hex))} }} accept";
        yield return "ip6 saddr :: ip6 daddr ff02::/16 icmpv6 type { nd-router-solicit, mld2-listener-report } accept";
    }

    private static string LinkLocal(string mac)
    {
        var bytes = Convert.FromHexString(mac.Replace(":", "", StringComparison.Ordinal));
        return new IPAddress([0xfe, 0x80, 0, 0, 0, 0, 0, 0, (byte)(bytes[0] ^ 2), bytes[1], bytes[2], 0xff, 0xfe, bytes[3], bytes[4], bytes[5]]).ToString();
    }

    private static string Hex(string ipv6) => "0x" + Convert.ToHexStringLower(IPAddress.Parse(ipv6).GetAddressBytes());

    /// <summary>That a range does not hold the bits before.</summary>
    private static string Masked(string range)
    {
        var network = IPNetwork.Parse(range);
        var mask = new byte[16];
        for (var i = 0; i < network.PrefixLength; i++) mask[i / 8] |= (byte)(0x80 >> (i % 8));
        return $"0x{Convert.ToHexStringLower(mask)} != {Hex(network.BaseAddress.ToString())}";
    }
}
