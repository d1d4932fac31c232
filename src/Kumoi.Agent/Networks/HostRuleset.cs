namespace Kumoi.Agent.Networks;

/// <summary>The one table in the host's own namespace: what may pass between guests, the host and the outside.</summary>
public static class HostRuleset
{
    /// <summary>Of VXLAN (RFC 7348).</summary>
    public const int OverlayPort = 4789;

    /// <param name="uplinkDevice">Device on whose segment floating addresses are answered; they then keep their own address outside.</param>
    public static Ruleset Build(string tag, IReadOnlyList<NetworkIntent> networks, string? uplinkDevice)
    {
        var guests = $"\"{ObjectNames.UplinkPrefix(tag)}*\"";
        var hosts = networks.SelectMany(network => network.Remotes).Select(remote => remote.Address).ToHashSet();
        var chains = new List<Chain>
        {
            new("forward", new ChainHook("filter", "forward", 0, "accept"),
            [
                // A packet of the overlay that a guest made up would carry this host's address when it arrives.
                FormattableString.Invariant($"iifname {guests} udp dport {OverlayPort} drop"),
                $"iifname {guests} ip saddr @uplinks accept",
                $"iifname {guests} ip saddr @floating accept",
                $"iifname {guests} drop",
                $"oifname {guests} ct state established,related accept",
                $"oifname {guests} ip daddr @floating accept",
                $"oifname {guests} drop",
            ]),
            // Guests have no business with the host's own services; the host may still open connections to them.
            new("input", new ChainHook("filter", "input", 0, "accept"),
            [
                FormattableString.Invariant($"iifname {guests} udp dport {OverlayPort} drop"),
                // Another cloud or another overlay of the machine may use the port where this one does not.
                .. hosts.Count == 0 ? (string[])[] : [FormattableString.Invariant($"udp dport {OverlayPort} ip saddr != @underlay drop")],
                $"iifname {guests} ct state established,related accept",
                $"iifname {guests} icmp type echo-request limit rate 20/second accept",
                $"iifname {guests} drop",
            ]),
            new("translate_out", new ChainHook("nat", "postrouting", 100, "accept"),
            [
                $"oifname != {guests} ip saddr @uplinks masquerade",
                uplinkDevice is null ? $"oifname != {guests} ip saddr @floating masquerade" : $"oifname != {{ \"{uplinkDevice}\" }} oifname != {guests} ip saddr @floating masquerade",
            ]),
        };
        if (hosts.Count > 0)
        {
            // Each flow inside would be a connection of the host's; the filter needs none of them.
            chains.Add(new Chain("overlay_in", new ChainHook("filter", "prerouting", -300, "accept"), [FormattableString.Invariant($"ip saddr @underlay udp dport {OverlayPort} notrack")]));
            chains.Add(new Chain("overlay_out", new ChainHook("filter", "output", -300, "accept"), [FormattableString.Invariant($"ip daddr @underlay udp dport {OverlayPort} notrack")]));
        }
        return new Ruleset($"inet {ObjectNames.HostTable(tag)}", chains,
        [
            NamedSet.Of("uplinks", "ipv4_addr", networks.Where(network => network.Segment is null).Select(network => network.Uplink)),
            NamedSet.Of("floating", "ipv4_addr", networks.SelectMany(Outer)),
            NamedSet.Of("underlay", "ipv4_addr", hosts),
        ]);
    }

    /// <summary>The addresses that lead from the outside to one network here.</summary>
    public static IEnumerable<string> Outer(NetworkIntent network) =>
        TranslationRuleset.Floating(network).Select(pair => pair.Floating).Concat(network.OwnGateways.Select(gateway => gateway.Address)).Distinct();
}
