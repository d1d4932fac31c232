using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>Floating addresses, source translation, and forwarded ports of one network on one host. IPv4 only: IPv6 is not translated.</summary>
public static class TranslationRuleset
{
    public static IEnumerable<Chain> Chains(NetworkIntent intent)
    {
        yield return new Chain("translate_in", new ChainHook("nat", "prerouting", -100, "accept"),
        [
            .. VpnRuleset.TranslateIn(intent), "dnat ip to ip daddr map @floating_in",
            .. intent.OwnGateways.SelectMany(gateway => gateway.Forwards.Select(forward => Forward(intent, gateway, forward))), .. BalancerRuleset.Entrances(intent),
        ]);
        List<string> outgoing = [.. VpnRuleset.TranslateOut(intent), .. BalancerRuleset.Exits(intent), $"oifname \"{NetworkRuleset.UplinkDevice}\" snat ip to ip saddr map @floating_out"];
        string[] ranges = [.. intent.Subnets.Where(subnet => !subnet.IsIpv6).Select(subnet => subnet.Cidr)];
        if (intent.TranslatesOutside && ranges.Length > 0)
            outgoing.Add($"oifname \"{NetworkRuleset.UplinkDevice}\" ip saddr {{ {string.Join(", ", ranges)} }} snat ip to {(intent.Source is { } source && source.Host == intent.Underlay ? source.Address : intent.Uplink)}");
        yield return new Chain("translate_out", new ChainHook("nat", "postrouting", 100, "accept"), outgoing);
        if (Returns(intent) is { } returns) yield return returns;
        if (ReturnsByUplink(intent))
            yield return new Chain("returns_own", new ChainHook("route", "output", -150, "accept"), [$"ct direction reply ct mark {LinkState.UplinkTable} meta mark set ct mark"]);
        foreach (var chain in BalancerRuleset.Chains(intent)) yield return chain;
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

    /// <summary>True if every other host may open connections to guests here from an address that this host has, too: a load balancer's.</summary>
    public static bool SharesAddresses(NetworkIntent intent) => intent.Balancers.Count > 0 && intent.Remotes.Count > 0;

    /// <summary>The hosts to which replies are sent that would otherwise go another way.</summary>
    public static IEnumerable<RemoteHost> ReturningHosts(NetworkIntent intent) => SharesAddresses(intent) ? intent.Remotes : ForwardingHosts(intent);

    /// <summary>True if connections come in by the uplink here while the way to the outside leads to another host.</summary>
    public static bool ReturnsByUplink(NetworkIntent intent) =>
        intent.Remotes.Any(remote => remote.Address == intent.Source?.Host) && intent.OwnGateways.Any(gateway => gateway.Forwards.Count > 0);

    private static string Forward(NetworkIntent intent, DesiredGateway gateway, DesiredForward forward) => BalancerRuleset.ListenerOf(intent, forward) is { IsProxied: false } listener
        ? FormattableString.Invariant($"ip daddr {gateway.Address} {forward.Protocol} dport {forward.Port} goto {BalancerRuleset.ChoiceOf(listener)}")
        : FormattableString.Invariant($"ip daddr {gateway.Address} {forward.Protocol} dport {forward.Port} dnat ip to {forward.Target}:{forward.TargetPort}");

    /// <summary>
    /// A connection that another host forwards here is known by its source, which is in no network or is a load balancer's; its replies carry the number of
    /// that host, by which they are routed back to it. Those of connections from the uplink carry the number of its table.
    /// </summary>
    private static Chain? Returns(NetworkIntent intent)
    {
        RemoteHost[] hosts = [.. ForwardingHosts(intent)];
        var (shares, uplink) = (SharesAddresses(intent), ReturnsByUplink(intent));
        if (hosts.Length == 0 && !shares && !uplink) return null;
        return new Chain("returns", new ChainHook("filter", "prerouting", -150, "accept"),
        [
            .. uplink ? (string[])[$"iifname \"{NetworkRuleset.UplinkDevice}\" ct state new ct mark set {LinkState.UplinkTable}", $"ct direction reply ct mark {LinkState.UplinkTable} meta mark set ct mark"] : [],
            $"iifname != \"{NetworkRuleset.OverlayDevice}\" ct direction reply ct mark != 0 meta mark set ct mark",
            $"iifname != \"{NetworkRuleset.OverlayDevice}\" accept",
            .. shares ? intent.Balancers.SelectMany(balancer => balancer.Addresses).Select(address => $"{NetworkRuleset.Family(address)} saddr {address} ct state new ct mark set ether saddr map {Numbers(intent.Remotes)}") : [],
            .. intent.Inside.Where(range => !AddressForm.IsIpv6(range)).Select(range => $"ip saddr {range} accept"),
            .. hosts.Length == 0 ? (string[])[] : [$"meta nfproto ipv4 ct state new ct mark set ether saddr map {Numbers(hosts)}"],
        ]);
    }

    private static string Numbers(IEnumerable<RemoteHost> hosts) => $"{{ {string.Join(", ", hosts.Select(host => $"{host.Mac} : 0x{AddressForm.Hex(host.Address)}"))} }}";
}
