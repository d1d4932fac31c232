using Kumoi.Agent.Networks.Vpn;
using static System.FormattableString;

namespace Kumoi.Agent.Networks;

/// <param name="Mtu">In bytes.</param>
/// <param name="Master">The bridge that it is a port of.</param>
public sealed record DeviceState(string Mac, bool Up, int Mtu, string? Master = null);

/// <summary>
/// Devices, addresses, routes and neighbours of a network's namespace, and what leads to it in the host's: as they are, or as they should be.
/// Everything is text in one form, so that the difference of two states is what is to be done.
/// </summary>
/// <param name="Local">Addresses of the namespace: <c>ADDRESS/LENGTH dev DEVICE</c>.</param>
/// <param name="Routes">Destination (<c>RANGE</c>, or <c>RANGE table NUMBER</c>) and way: <c>dev DEVICE</c>, <c>via ADDRESS dev DEVICE</c> or <c>unreachable</c>.</param>
/// <param name="Rules">Rules of routing, as <c>ip rule</c> is told them.</param>
/// <param name="Neighbours">Permanent ones: <c>ADDRESS dev DEVICE</c> and hardware address.</param>
/// <param name="Forwarding">Hardware addresses of other hosts on the overlay, and their addresses on the underlay.</param>
/// <param name="HostRoutes">Routes to the uplink in the host's namespace.</param>
/// <param name="Limits">Rate limits of taps.</param>
public sealed record LinkState(
    IReadOnlyDictionary<string, DeviceState> Devices, IReadOnlySet<string> Local, IReadOnlyDictionary<string, string> Routes, IReadOnlySet<string> Rules,
    IReadOnlyDictionary<string, string> Neighbours, IReadOnlyDictionary<string, string> Forwarding, IReadOnlyDictionary<string, string> HostRoutes, RateLimits Limits)
{
    /// <summary>The gateway's hardware address, the same everywhere, so that a guest that moves notices nothing.</summary>
    public const string GatewayMac = "fe:ff:ff:ff:ff:fe";

    /// <summary>The address that guests send everything to over IPv6; it is made of the hardware address (RFC 4291).</summary>
    public const string GatewayLinkLocal = "fe80::fcff:ffff:feff:fffe";

    /// <summary>The host's end of every uplink; it is only ever seen on that one link.</summary>
    public const string HostEnd = "169.254.255.1";

    /// <summary>Number of the routing table of guests with a floating address, where others leave by another host.</summary>
    public const int UplinkTable = 100;

    /// <summary>Before rules of routing that are IPv6's.</summary>
    public const string Ipv6 = "-6 ";

    /// <summary>The kernel's own rule: what is addressed to the namespace itself is looked for first.</summary>
    public const string OwnFirst = "pref 0 lookup local";

    private const string Metadata = "169.254.169.254", Uplink = NetworkRuleset.UplinkDevice, Overlay = NetworkRuleset.OverlayDevice;

    /// <summary>Of a namespace that was just made.</summary>
    public static LinkState None { get; } = new(
        new Dictionary<string, DeviceState>(), new HashSet<string>(), new Dictionary<string, string>(), new HashSet<string> { OwnFirst, $"{Ipv6}{OwnFirst}" },
        new Dictionary<string, string>(), new Dictionary<string, string>(), new Dictionary<string, string>(), RateLimits.None);

    /// <param name="links">Devices to other networks and of VPN gateways that are there: a network that comes up later brings its link with it.</param>
    public static LinkState Wanted(NetworkIntent intent, IReadOnlySet<string> links)
    {
        var devices = new Dictionary<string, DeviceState> { [Uplink] = new("", true, intent.Mtu) };
        if (intent.NeedsOverlay) devices[Overlay] = new DeviceState(RemoteHost.OverlayMac(intent.Underlay!), true, intent.Mtu);
        foreach (var port in intent.Ports) devices[port.Tap] = new DeviceState(GatewayMac, true, intent.Mtu);
        foreach (var port in intent.Ports.Where(port => port.RateMbps is not null)) devices[RateLimits.DeviceOf(port.Tap)] = new DeviceState("", true, intent.Mtu);
        var present = intent.Links.Where(link => links.Contains(link.Device)).ToArray();
        foreach (var link in present) devices[link.Device] = new DeviceState(LinkIntent.MacOf(intent.Vni), true, intent.Mtu);
        var vpn = intent.OwnVpn is { } own && links.Contains(own.Device) ? own.Device : null;
        if (vpn is not null) devices[vpn] = new DeviceState("", true, VpnIntent.Mtu(intent));
        var neighbours = intent.Remotes.ToDictionary(remote => $"{remote.NextHop} dev {Overlay}", remote => remote.Mac);
        foreach (var link in present) neighbours[$"{LinkIntent.NextHopOf(link.Vni)} dev {link.Device}"] = LinkIntent.MacOf(link.Vni);
        return new LinkState(
            devices, Addresses(intent), WantedRoutes(intent, present, vpn), WantedRules(intent), neighbours, intent.Remotes.ToDictionary(remote => remote.Mac, remote => remote.Address),
            WantedHostRoutes(intent), RateLimits.Wanted(intent));
    }

    private static HashSet<string> Addresses(NetworkIntent intent) =>
    [
        $"{Metadata}/32 dev lo", $"{intent.Uplink}/32 dev {Uplink}",
        // dnsmasq announces a prefix only from a device with a link-local address, and with an address as long as the prefix; neither makes a route.
        .. intent.HasIpv6 ? (string[])["fe80::1/64 dev lo", $"{NetworkRuleset.MetadataIpv6}/128 dev lo"] : [],
        // Given and not left to the kernel, which makes one only some time after the guest has opened its end.
        .. intent.HasIpv6 ? intent.Ports.Select(port => $"{GatewayLinkLocal}/64 dev {port.Tap}") : [],
        .. intent.Balancers.SelectMany(balancer => balancer.Addresses).Select(address => $"{AddressForm.Single(address)} dev lo"),
        .. intent.Subnets.Select(subnet => subnet.IsIpv6 ? $"{subnet.Gateway}/64 dev lo" : $"{subnet.Gateway}/32 dev lo"),
    ];

    /// <param name="vpn">The device of the VPN gateway that this host is, if it is there.</param>
    private static Dictionary<string, string> WantedRoutes(NetworkIntent intent, LinkIntent[] present, string? vpn)
    {
        var routes = new Dictionary<string, string> { ["0.0.0.0/0"] = $"via {HostEnd} dev {Uplink}" };
        if (intent.Remotes.FirstOrDefault(remote => remote.Address == intent.Source?.Host) is { } source)
        {
            routes["0.0.0.0/0"] = Way(source);
            routes[Invariant($"0.0.0.0/0 table {UplinkTable}")] = $"via {HostEnd} dev {Uplink}";
        }
        foreach (var host in TranslationRuleset.ReturningHosts(intent)) routes[Invariant($"0.0.0.0/0 table {TableOf(host)}")] = Way(host);
        if (SharesIpv6(intent))
            foreach (var host in intent.Remotes) routes[Invariant($"::/0 table {TableOf(host)}")] = Way(host);
        // What is behind no guest is nobody's: it must not leave by the default route, nor be answered for by proxy ARP.
        foreach (var range in intent.Inside) routes[range] = "unreachable";
        foreach (var link in present)
            foreach (var range in link.Cidrs) routes[range] = $"via {LinkIntent.NextHopOf(link.Vni)} dev {link.Device}";
        var elsewhere = intent.Remotes.FirstOrDefault(remote => remote.Address == intent.Vpn?.Host);
        if ((vpn is not null ? $"dev {vpn}" : elsewhere is not null ? Way(elsewhere) : null) is { } tunnel)
            foreach (var range in intent.Vpn!.Ranges) routes[range] = tunnel;
        // A guest that is here counts as here, whatever is said of other hosts while it moves.
        var owners = new Dictionary<string, string>();
        foreach (var remote in intent.Remotes)
            foreach (var guest in remote.Guests) owners[guest] = Way(remote);
        var local = intent.Ports.SelectMany(port => port.Addresses.Select(address => (address.Text, port.Tap))).DistinctBy(pair => pair.Text).ToDictionary(pair => pair.Text, pair => pair.Tap);
        foreach (var (guest, way) in owners) routes[AddressForm.Single(guest)] = way;
        foreach (var (guest, tap) in local) routes[AddressForm.Single(guest)] = $"dev {tap}";
        foreach (var route in intent.Routes)
            if (local.TryGetValue(route.Via, out var tap)) routes[route.Destination] = $"via {route.Via} dev {tap}";
            else if (owners.TryGetValue(route.Via, out var way)) routes[route.Destination] = way;
        return routes;
    }

    private static string Way(RemoteHost host) => $"via {host.NextHop} dev {Overlay}";

    /// <summary>True if another host may open connections to guests here from an IPv6 address that this host has, too.</summary>
    public static bool SharesIpv6(NetworkIntent intent) => TranslationRuleset.SharesAddresses(intent) && intent.Balancers.Any(balancer => balancer.Ipv6 is not null);

    /// <summary>
    /// Rules come into play only where not everything leaves by the same way; what is inside is found before them. Replies to a load balancer's address may be for
    /// another host: they are known by their mark, and that is looked at even before what is addressed to the namespace itself.
    /// </summary>
    private static HashSet<string> WantedRules(NetworkIntent intent)
    {
        var rules = Others(intent);
        if (!TranslationRuleset.SharesAddresses(intent)) return [.. rules, OwnFirst];
        string[] shared = [.. intent.Remotes.Select(remote => Invariant($"pref 60 fwmark {TableOf(remote)} lookup {TableOf(remote)}")), "pref 100 lookup local"];
        return [.. rules, .. shared, .. SharesIpv6(intent) ? shared.Select(rule => Ipv6 + rule) : []];
    }

    private static HashSet<string> Others(NetworkIntent intent)
    {
        var rules = new HashSet<string>();
        if (TranslationRuleset.ReturnsByUplink(intent)) rules.Add(Invariant($"pref 950 fwmark {UplinkTable} lookup {UplinkTable}"));
        foreach (var host in TranslationRuleset.ForwardingHosts(intent)) rules.Add(Invariant($"pref 950 fwmark {TableOf(host)} lookup {TableOf(host)}"));
        var leavesElsewhere = intent.Remotes.Any(remote => remote.Address == intent.Source?.Host);
        // WireGuard's own packets leave by this host, which has its address.
        if (leavesElsewhere && intent.OwnVpn is not null) rules.Add(Invariant($"pref 940 fwmark {VpnRuleset.Mark} lookup {UplinkTable}"));
        if (leavesElsewhere)
            foreach (var (_, guest) in TranslationRuleset.Floating(intent)) rules.Add(Invariant($"pref 1000 from {guest} lookup {UplinkTable}"));
        if (rules.Count > 0) rules.Add("pref 900 lookup main suppress_prefixlength 0");
        return rules;
    }

    private static Dictionary<string, string> WantedHostRoutes(NetworkIntent intent)
    {
        var routes = HostRuleset.Outer(intent).ToDictionary(AddressForm.Single, _ => $"via {intent.Uplink} dev {intent.HostDevice}");
        routes[$"{intent.Uplink}/32"] = $"dev {intent.HostDevice}";
        return routes;
    }

    /// <summary>A host's table and mark are its address on the underlay as a number.</summary>
    private static uint TableOf(RemoteHost host) => Convert.ToUInt32(AddressForm.Hex(host.Address), 16);
}
