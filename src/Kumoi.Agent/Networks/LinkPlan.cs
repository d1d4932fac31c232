using System.Buffers;
using System.Globalization;

namespace Kumoi.Agent.Networks;

/// <summary>
/// The difference of two states as lines for <c>ip -batch</c> and <c>bridge -batch</c>, in the order in which they are run. Devices come up only
/// with <see cref="Inside"/>, when they have their settings and the rules are in force.
/// </summary>
/// <param name="Outdated">In the namespace: devices that are to be made anew.</param>
/// <param name="Leading">In the host's namespace: devices that lead out of the network's.</param>
/// <param name="Taps">In the namespace.</param>
/// <param name="Forwarding">In the namespace, for <c>bridge</c>.</param>
/// <param name="Limits">In the namespace, for <c>tc</c>.</param>
/// <param name="Host">In the host's namespace.</param>
/// <param name="Surplus">In the namespace: what no record wants any more.</param>
public sealed record LinkPlan(
    IReadOnlyList<string> Outdated, IReadOnlyList<string> Leading, IReadOnlyList<string> Taps, IReadOnlyList<string> Inside,
    IReadOnlyList<string> Forwarding, IReadOnlyList<string> Limits, IReadOnlyList<string> Host, IReadOnlyList<string> Surplus)
{
    /// <summary>Nothing is to be done.</summary>
    public static LinkPlan None { get; } = new([], [], [], [], [], [], [], []);

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    private const string Uplink = NetworkRuleset.UplinkDevice, Overlay = NetworkRuleset.OverlayDevice;

    /// <summary>True if devices stay as they are, so that nothing needs to be done before the rules or after the routes.</summary>
    public bool KeepsDevices => Outdated.Count + Leading.Count + Taps.Count + Surplus.Count == 0 && Inside.All(line => !line.StartsWith("link ", StringComparison.Ordinal));

    public bool IsEmpty => KeepsDevices && Inside.Count + Forwarding.Count + Limits.Count + Host.Count == 0;

    /// <param name="removable">Taps whose instance is known to be terminated; others that no record explains are left as they are.</param>
    public static LinkPlan Between(LinkState seen, LinkState wanted, NetworkIntent intent, IReadOnlySet<string> removable)
    {
        // The host's end is put right before the inner one is up: a half-made uplink is known by that.
        var hasUplink = seen.Devices.TryGetValue(Uplink, out var uplink) && uplink.Up;
        var hasOverlay = !wanted.Devices.TryGetValue(Overlay, out var overlay) || (seen.Devices.TryGetValue(Overlay, out var present) && present.Mac == overlay.Mac);
        List<string> outdated = [], leading = [];
        if (!hasUplink)
        {
            if (uplink is not null) outdated.Add($"link delete {Uplink}");
            leading.Add(Line($"link add {intent.HostDevice} mtu {intent.Mtu} type veth peer name {Uplink} mtu {intent.Mtu} netns {intent.Namespace}"));
            leading.Add($"link set {intent.HostDevice} up");
            leading.Add($"addr add {LinkState.HostEnd}/32 dev {intent.HostDevice}");
        }
        if (!hasOverlay)
        {
            if (seen.Devices.ContainsKey(Overlay)) outdated.Add($"link delete {Overlay}");
            // It is made by the host's namespace, in which its packets then travel, and placed in the network's.
            leading.Add(Line($"link add {Overlay} netns {intent.Namespace} address {overlay!.Mac} mtu {overlay.Mtu} type vxlan id {intent.Vni} local {intent.Underlay} dstport {HostRuleset.OverlayPort} nolearning"));
        }
        // With a device goes all that is tied to it.
        var before = Without(seen, [.. hasUplink ? (string[])[] : [Uplink], .. hasOverlay ? (string[])[] : [Overlay]]);
        List<string> host = [];
        if (hasUplink && uplink!.Mtu != intent.Mtu) host.Add(Line($"link set dev {intent.HostDevice} mtu {intent.Mtu}"));
        host.AddRange(Changed(hasUplink ? before.HostRoutes : LinkState.None.HostRoutes, wanted.HostRoutes).Select(Replace));
        if (hasUplink) host.AddRange(before.HostRoutes.Keys.Except(wanted.HostRoutes.Keys).Select(range => $"route delete {range} dev {intent.HostDevice}"));
        return new LinkPlan(
            outdated, leading, [.. NewTaps(seen, wanted, intent)], [.. Inner(before, wanted, intent)], [.. Bridge(before, wanted)], [.. RateLimits.Lines(seen, wanted)], host,
            Unwanted(seen, wanted, intent, removable));
    }

    internal static IEnumerable<string> NewTaps(LinkState seen, LinkState wanted, NetworkIntent intent) =>
    [
        .. intent.Ports.Where(port => !seen.Devices.ContainsKey(port.Tap)).Select(port => $"tuntap add dev {port.Tap} mode tap"),
        .. wanted.Devices.Keys.Where(name => RateLimits.IsDevice(name) && !seen.Devices.ContainsKey(name)).Select(name => $"link add dev {name} type ifb"),
    ];

    internal static IReadOnlyList<string> Unwanted(LinkState seen, LinkState wanted, NetworkIntent intent, IReadOnlySet<string> removable) =>
        [.. seen.Devices.Keys.Where(name => !wanted.Devices.ContainsKey(name) && (removable.Contains(name) || !IsTap(name)) && !IsOfStrayTap(name, seen, removable, intent))
            .Order(StringComparer.Ordinal).Select(name => $"link delete {name}")];

    /// <summary>True for names that taps have, and nothing else in a namespace.</summary>
    public static bool IsTap(string device) => device.Length > 1 && device[0] == 't' && device.AsSpan(1).IndexOfAnyExcept(Digits) < 0;

    internal static IEnumerable<string> Inner(LinkState seen, LinkState wanted, NetworkIntent intent)
    {
        if (wanted.Local.Any(IsOfLoopback) && !seen.Local.Any(IsOfLoopback)) yield return "link set lo up";
        foreach (var (name, device) in wanted.Devices)
        {
            var present = seen.Devices.GetValueOrDefault(name);
            var parts = new List<string>();
            if (device.Mac.Length > 0 && present?.Mac != device.Mac) parts.Add($"address {device.Mac}");
            if (present?.Mtu != device.Mtu) parts.Add(Line($"mtu {device.Mtu}"));
            if (device.Master is { } master && present?.Master != master) parts.Add($"master {master}");
            if (present?.Up != true) parts.Add("up");
            if (parts.Count > 0) yield return $"link set dev {name} {string.Join(' ', parts)}";
        }
        foreach (var address in wanted.Local.Except(seen.Local)) yield return $"addr add {address}{(!AddressForm.IsIpv6(address) ? "" : address.EndsWith(" dev lo", StringComparison.Ordinal) ? " nodad noprefixroute" : " nodad")}";
        foreach (var (neighbour, mac) in Changed(seen.Neighbours, wanted.Neighbours)) yield return $"neigh replace {neighbour} lladdr {mac} nud permanent";
        // The longest first: an address must not be unreachable for the moment before its own route is there.
        foreach (var route in Changed(seen.Routes, wanted.Routes).OrderByDescending(route => Length(route.Key))) yield return Replace(route);
        foreach (var rule in wanted.Rules.Except(seen.Rules)) yield return $"rule add {rule}";
        // Those of IPv6 are looked at only where some are wanted.
        var ipv6 = wanted.Rules.Any(rule => rule.StartsWith(LinkState.Ipv6, StringComparison.Ordinal));
        foreach (var rule in seen.Rules.Except(wanted.Rules).Where(rule => ipv6 || !rule.StartsWith(LinkState.Ipv6, StringComparison.Ordinal))) yield return $"rule delete {rule}";
        foreach (var (range, way) in seen.Routes)
            if (!wanted.Routes.ContainsKey(range) && !IsOfStray(way, intent)) yield return $"route delete {(way == "unreachable" ? "unreachable " : "")}{range}";
        foreach (var neighbour in seen.Neighbours.Keys.Except(wanted.Neighbours.Keys)) yield return $"neigh delete {neighbour}";
        foreach (var address in seen.Local.Except(wanted.Local).Where(address => !IsOfStray(address, intent))) yield return $"addr delete {address}";
    }

    private static bool IsOfLoopback(string address) => address.EndsWith(" dev lo", StringComparison.Ordinal);

    private static IEnumerable<string> Bridge(LinkState seen, LinkState wanted)
    {
        foreach (var (mac, host) in Changed(seen.Forwarding, wanted.Forwarding)) yield return $"fdb replace {mac} dev {Overlay} dst {host} self permanent";
        foreach (var mac in seen.Forwarding.Keys.Except(wanted.Forwarding.Keys)) yield return $"fdb delete {mac} dev {Overlay} dst {seen.Forwarding[mac]} self";
    }

    private static IEnumerable<KeyValuePair<string, string>> Changed(IReadOnlyDictionary<string, string> seen, IReadOnlyDictionary<string, string> wanted) =>
        wanted.Where(entry => !seen.TryGetValue(entry.Key, out var present) || present != entry.Value);

    private static string Replace(KeyValuePair<string, string> route)
    {
        if (route.Value == "unreachable") return $"route replace unreachable {route.Key}";
        var words = route.Value.Split(' ');
        if (words[0] != "via") return $"route replace {route.Key} {route.Value}";
        var family = AddressForm.IsIpv6(words[1]) && !AddressForm.IsIpv6(route.Key) ? "inet6 " : "";
        return $"route replace {route.Key} via {family}{words[1]} dev {words[3]} onlink";
    }

    private static int Length(string key)
    {
        var range = key.Split(' ')[0];
        return int.Parse(range.AsSpan(range.IndexOf('/', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture);
    }

    /// <summary>Routes of a tap that is left alone are left, too.</summary>
    private static bool IsOfStray(string way, NetworkIntent intent)
    {
        var device = way.Split(' ')[^1];
        return IsTap(device) && intent.Ports.All(port => port.Tap != device);
    }

    private static bool IsOfStrayTap(string name, LinkState seen, IReadOnlySet<string> removable, NetworkIntent intent) =>
        RateLimits.IsDevice(name) && RateLimits.TapOf(name) is var tap && seen.Devices.ContainsKey(tap) && !removable.Contains(tap) && intent.Ports.All(port => port.Tap != tap);

    private static LinkState Without(LinkState state, string[] devices)
    {
        if (devices.Length == 0) return state;
        bool Stays(string text) => !devices.Any(device => text.EndsWith($" {device}", StringComparison.Ordinal) || text == $"dev {device}");
        return state with
        {
            Devices = state.Devices.Where(device => !devices.Contains(device.Key)).ToDictionary(),
            Local = state.Local.Where(Stays).ToHashSet(),
            Routes = state.Routes.Where(route => Stays(route.Value)).ToDictionary(),
            Neighbours = state.Neighbours.Where(neighbour => Stays(neighbour.Key)).ToDictionary(),
            Forwarding = devices.Contains(Overlay) ? LinkState.None.Forwarding : state.Forwarding,
        };
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
