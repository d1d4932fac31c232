using Kumoi.Agent.Networks.Vpn;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>Floating addresses, source translation, and forwarded ports of one network on one host. IPv4 only: IPv6 is not translated.</summary>
public static class TranslationRuleset
{
    public static IEnumerable<Chain> Chains(NetworkIntent intent)
    {
        yield return new Chain("translate_in", new ChainHook("nat", "prerouting", -100, "accept"),
            [.. VpnRuleset.TranslateIn(intent), "dnat ip to ip daddr map @floating_in", .. intent.OwnGateways.SelectMany(gateway => gateway.Forwards.Select(forward => Forward(gateway, forward)))]);
        var outgoing = new List<string>(VpnRuleset.TranslateOut(intent)) { $"oifname \"{NetworkRuleset.UplinkDevice}\" snat ip to ip saddr map @floating_out" };
        string[] ranges = [.. intent.Subnets.Where(subnet => !subnet.IsIpv6).Select(subnet => subnet.Cidr)];
        if (intent.TranslatesOutside && ranges.Length > 0)
            outgoing.Add($"oifname \"{NetworkRuleset.UplinkDevice}\" ip saddr {{ {string.Join(", ", ranges)} }} snat ip to {(intent.Source is { } source && source.Host == intent.Underlay ? source.Address : intent.Uplink)}");
        yield return new Chain("translate_out", new ChainHook("nat", "postrouting", 100, "accept"), outgoing);
        if (Returns(intent) is { } returns) yield return returns;
    }

    public static IEnumerable<NamedSet> Sets(NetworkIntent intent)
    {
        (string Floating, string Guest)[] floating = [.. Floating(intent)];
        yield return NamedSet.Map("floating_in", "ipv4_addr", "ipv4_addr", floating);
        yield return NamedSet.Map("floating_out", "ipv4_addr", "ipv4_addr", floating.Select(pair => (pair.Guest, pair.Floating)));
        yield return NamedSet.Of("floated", "ipv4_addr", floating.Select(pair => pair.Guest));
    }

    /// <summary>Each floating address and the guest's address behind it.</summary>
    public static IEnumerable<(string Floating, string Guest)> Floating(NetworkIntent intent) =>
        intent.Ports.Where(port => port.FloatingAddress is not null && port.Ipv4.Any()).Select(port => (port.FloatingAddress!, port.Ipv4.First())).DistinctBy(pair => pair.Item1);

    /// <summary>The other hosts whose public addresses may lead connections to guests here.</summary>
    public static IEnumerable<RemoteHost> ForwardingHosts(NetworkIntent intent) =>
        intent.Remotes.Where(remote => intent.Gateways.Any(gateway => gateway.Host == remote.Address && gateway.Forwards.Count > 0));

    private static string Forward(DesiredGateway gateway, DesiredForward forward) => FormattableString.Invariant(
        $"ip daddr {gateway.Address} {forward.Protocol} dport {forward.Port} dnat ip to {forward.Target}:{forward.TargetPort}");

    /// <summary>
    /// A connection that another host forwards here is known by its source, which is in no network; its replies carry the number of that host,
    /// by which they are routed back to it.
    /// </summary>
    private static Chain? Returns(NetworkIntent intent)
    {
        RemoteHost[] hosts = [.. ForwardingHosts(intent)];
        if (hosts.Length == 0) return null;
        return new Chain("returns", new ChainHook("filter", "prerouting", -150, "accept"),
        [
            $"iifname != \"{NetworkRuleset.OverlayDevice}\" ct direction reply ct mark != 0 meta mark set ct mark",
            $"iifname != \"{NetworkRuleset.OverlayDevice}\" accept",
            .. intent.Inside.Where(range => !AddressForm.IsIpv6(range)).Select(range => $"ip saddr {range} accept"),
            $"meta nfproto ipv4 ct state new ct mark set ether saddr map {{ {string.Join(", ", hosts.Select(host => $"{host.Mac} : 0x{AddressForm.Hex(host.Address)}"))} }}",
        ]);
    }
}
