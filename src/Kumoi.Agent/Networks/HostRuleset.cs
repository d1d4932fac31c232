namespace Kumoi.Agent.Networks;

/// <summary>The one table in the host's own namespace: what may pass between guests, the host and the outside.</summary>
public static class HostRuleset
{
    /// <param name="uplinkDevice">Device on whose segment floating addresses are answered; they then keep their own address outside.</param>
    public static Ruleset Build(string tag, IReadOnlyList<NetworkIntent> networks, string? uplinkDevice)
    {
        var guests = $"\"{ObjectNames.UplinkPrefix(tag)}*\"";
        var floating = networks.SelectMany(network => network.Ports).Select(port => port.FloatingAddress).OfType<string>();
        IReadOnlyList<string> own = [.. networks.Select(network => network.Uplink).Distinct().Order(StringComparer.Ordinal)];
        IReadOnlyList<string> outer = [.. floating.Distinct().Order(StringComparer.Ordinal)];
        var body = string.Join('\n',
            "  chain forward {",
            "    type filter hook forward priority filter; policy accept;",
            $"    iifname {guests} ip saddr @uplinks accept",
            $"    iifname {guests} ip saddr @floating accept",
            $"    iifname {guests} drop",
            $"    oifname {guests} ct state established,related accept",
            $"    oifname {guests} ip daddr @floating accept",
            $"    oifname {guests} drop",
            "  }",
            // Guests have no business with the host's own services; the host may still open connections to them.
            "  chain input {",
            "    type filter hook input priority filter; policy accept;",
            $"    iifname {guests} ct state established,related accept",
            $"    iifname {guests} icmp type echo-request limit rate 20/second accept",
            $"    iifname {guests} drop",
            "  }",
            "  chain translate_out {",
            "    type nat hook postrouting priority srcnat; policy accept;",
            $"    oifname != {guests} ip saddr @uplinks masquerade",
            uplinkDevice is null ? $"    oifname != {guests} ip saddr @floating masquerade" : $"    oifname != {{ \"{uplinkDevice}\" }} oifname != {guests} ip saddr @floating masquerade",
            "  }",
            "");
        return new Ruleset(
            $"inet {ObjectNames.HostTable(tag)}", body, new Dictionary<string, IReadOnlyList<string>> { ["uplinks"] = own, ["floating"] = outer });
    }
}
