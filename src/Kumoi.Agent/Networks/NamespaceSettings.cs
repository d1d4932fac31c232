using Kumoi.Agent.Networks.Vpn;

using Kumoi.Agent.Networks.Bridged;

namespace Kumoi.Agent.Networks;

/// <summary>The kernel's settings (sysctl) of a network's namespace. To be called on a thread that is inside.</summary>
public static class NamespaceSettings
{
    /// <summary>What holds for all devices, and for those to come. IPv6 is off on a device until it is meant to carry it.</summary>
    public static void SetDefaults(NetworkIntent intent)
    {
        // The bridge of a bridged network carries frames; nothing is routed there.
        var routed = intent.Segment is null ? "1" : "0";
        Set("net/ipv4/ip_forward", routed);
        // A packet to a load balancer's address may be for the same port of another host: sockets here are looked for only once it is known where it goes.
        Set("net/ipv4/ip_early_demux", intent.Balancers.Count > 0 ? "0" : "1");
        foreach (var scope in new[] { "all", "default" })
        {
            // The stricter one of this and the device's own counts, so it is left to the devices.
            Set($"net/ipv4/conf/{scope}/rp_filter", scope == "all" ? "0" : "1");
            // Redirects would tell guests to go around the gateway, and they have no other way.
            Set($"net/ipv4/conf/{scope}/send_redirects", "0");
            Set($"net/ipv4/conf/{scope}/accept_redirects", "0");
        }
        if (!HasIpv6) return;
        Set("net/ipv6/conf/all/disable_ipv6", "0");
        Set("net/ipv6/conf/default/disable_ipv6", "1");
        Set("net/ipv6/conf/all/forwarding", routed);
        Set("net/ipv6/conf/default/accept_ra", "0");
        Set("net/ipv6/conf/default/accept_redirects", "0");
        Set("net/ipv6/conf/lo/disable_ipv6", intent.HasIpv6 || intent.NeedsOverlay ? "0" : "1");
    }

    /// <summary>What one device needs before it is up.</summary>
    public static void SetDevice(string device, NetworkIntent intent)
    {
        if (intent.Segment is not null)
        {
            SetBridged(device, intent);
            return;
        }
        var tap = LinkPlan.IsTap(device);
        // Packets of linked networks and gateways come back another way than they went; who may send what is decided by the rules.
        Set($"net/ipv4/conf/{device}/rp_filter", tap ? "1" : "0");
        // A load balancer's address is every host's: packets from it come from others, and are no mistake.
        if (device == NetworkRuleset.OverlayDevice) Set($"net/ipv4/conf/{device}/accept_local", intent.Balancers.Any(balancer => balancer.Ipv4 is not null) ? "1" : "0");
        if (tap)
        {
            Set($"net/ipv4/conf/{device}/proxy_arp", "1");
            // ARP for the neighbours' addresses is answered at once, not after the customary random wait.
            Set($"net/ipv4/neigh/{device}/proxy_delay", "0");
        }
        if (!HasIpv6) return;
        // A guest that claims the gateway's address must not have the gateway give it up.
        Set($"net/ipv6/conf/{device}/accept_dad", "0");
        Set($"net/ipv6/conf/{device}/accept_ra", "0");
        if (tap) Set($"net/ipv6/conf/{device}/addr_gen_mode", "1");
        Set($"net/ipv6/conf/{device}/disable_ipv6", device != NetworkRuleset.UplinkDevice && !RateLimits.IsDevice(device) && (!tap || intent.HasIpv6) && (!VpnIntent.IsDevice(device) || intent.Vpn?.Ranges.Any(AddressForm.IsIpv6) == true) ? "0" : "1");
    }

    /// <summary>Only the bridge itself has addresses; ports of it carry frames.</summary>
    private static void SetBridged(string device, NetworkIntent intent)
    {
        var bridge = device == BridgeRuleset.Bridge;
        Set($"net/ipv4/conf/{device}/rp_filter", "0");
        // Its one address is for guests who ask for just that one.
        if (bridge) Set($"net/ipv4/conf/{device}/arp_ignore", "1");
        if (!HasIpv6) return;
        Set($"net/ipv6/conf/{device}/accept_dad", "0");
        Set($"net/ipv6/conf/{device}/accept_ra", "0");
        if (bridge) Set($"net/ipv6/conf/{device}/addr_gen_mode", "1");
        Set($"net/ipv6/conf/{device}/disable_ipv6", bridge && intent.HasIpv6 ? "0" : "1");
    }

    private static bool HasIpv6 => Directory.Exists("/proc/sys/net/ipv6");

    private static void Set(string setting, string value)
    {
        var file = $"/proc/sys/{setting}";
        if (File.ReadAllText(file).Trim() != value) File.WriteAllText(file, value);
    }
}
