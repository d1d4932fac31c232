using System.Text.Json;

namespace Kumoi.Agent.Networks;

/// <summary>What of a network's devices, addresses and routes is in its namespace, and of its uplink in the host's.</summary>
/// <param name="Taps">Name, hardware address, and whether it is up.</param>
/// <param name="LocalAddresses">Addresses on <c>lo</c>.</param>
/// <param name="Routes">Destination, and the device (or the word for a route without one).</param>
/// <param name="HostRoutes">Destinations routed to the uplink in the host's namespace.</param>
public sealed record LinkSight(
    IReadOnlyDictionary<string, (string Mac, bool Up)> Taps, IReadOnlySet<string> LocalAddresses, IReadOnlyDictionary<string, string> Routes,
    bool Uplink, IReadOnlySet<string> HostRoutes)
{
    public static LinkSight None { get; } = new(
        new Dictionary<string, (string, bool)>(), new HashSet<string>(), new Dictionary<string, string>(), false, new HashSet<string>());

    /// <summary>Reads <c>ip -j addr</c> and <c>ip -j route</c> of the namespace, and <c>ip -j route show dev UPLINK</c> of the host.</summary>
    public static LinkSight Read(string addresses, string routes, string? hostRoutes)
    {
        var taps = new Dictionary<string, (string, bool)>();
        var local = new HashSet<string>();
        var uplink = false;
        using var devices = JsonDocument.Parse(addresses);
        foreach (var device in devices.RootElement.EnumerateArray())
        {
            // ip leaves an empty object where a device was filtered out.
            if (!device.TryGetProperty("ifname", out var nameOf)) continue;
            var name = nameOf.GetString()!;
            var up = device.GetProperty("flags").EnumerateArray().Any(flag => flag.GetString() == "UP");
            if (name == NetworkRuleset.UplinkDevice) uplink = up;
            else if (name == "lo")
            {
                if (!up) continue;
                foreach (var address in device.GetProperty("addr_info").EnumerateArray()) local.Add(address.GetProperty("local").GetString()!);
            }
            else if (name.StartsWith('t')) taps[name] = (device.GetProperty("address").GetString()!, up);
        }
        return new LinkSight(taps, local, ReadRoutes(routes), uplink, hostRoutes is null ? new HashSet<string>() : ReadRoutes(hostRoutes).Keys.ToHashSet());
    }

    private static Dictionary<string, string> ReadRoutes(string json)
    {
        if (json.Trim().Length == 0) return [];
        using var document = JsonDocument.Parse(json);
        var found = new Dictionary<string, string>();
        foreach (var route in document.RootElement.EnumerateArray())
            if (route.TryGetProperty("dst", out var destination))
                found[destination.GetString()!] = route.TryGetProperty("type", out var type) && type.GetString() == "unreachable" ? "unreachable"
                    : route.TryGetProperty("dev", out var device) ? device.GetString()! : "";
        return found;
    }
}

/// <summary>Lines for <c>ip -batch</c>: in the host's namespace, inside, and then the host's routes.</summary>
/// <param name="Surplus">Lines that take away what no record wants any more; run last.</param>
public sealed record LinkPlan(IReadOnlyList<string> Host, IReadOnlyList<string> Inside, IReadOnlyList<string> HostRoutes, IReadOnlyList<string> Surplus)
{
    /// <summary>The gateway's hardware address, the same everywhere, so that a guest that moves notices nothing.</summary>
    public const string GatewayMac = "fe:ff:ff:ff:ff:fe";

    /// <summary>The host's end of every uplink; it is only ever seen on that one link.</summary>
    public const string HostEnd = "169.254.255.1";

    private const string Metadata = "169.254.169.254";

    /// <summary>Compares and gives only the differences. <paramref name="removable"/> are taps whose instance is known to be terminated.</summary>
    public static LinkPlan Make(NetworkIntent intent, LinkSight seen, IReadOnlySet<string> removable)
    {
        var (host, inside, hostRoutes, surplus) = (new List<string>(), new List<string>(), new List<string>(), new List<string>());
        const string Uplink = NetworkRuleset.UplinkDevice;
        if (!seen.Uplink)
        {
            host.Add($"link add {intent.HostDevice} mtu 1500 type veth peer name {Uplink} mtu 1500 netns {intent.Namespace}");
            host.Add($"link set {intent.HostDevice} up");
            host.Add($"addr add {HostEnd}/32 dev {intent.HostDevice}");
            inside.Add($"link set {Uplink} up");
            inside.Add($"addr add {intent.Uplink}/32 dev {Uplink}");
            inside.Add($"route replace default via {HostEnd} dev {Uplink} onlink");
        }
        string[] local = [Metadata, .. intent.Subnets.Select(subnet => subnet.Gateway)];
        if (local.Any(address => !seen.LocalAddresses.Contains(address))) inside.Add("link set lo up");
        inside.AddRange(local.Distinct().Where(address => !seen.LocalAddresses.Contains(address)).Select(address => $"addr add {address}/32 dev lo"));
        // Addresses of the subnet without a guest are nobody's: without this route the default route would have proxy ARP answer for them.
        inside.AddRange(intent.Subnets.Where(subnet => !seen.Routes.ContainsKey(subnet.Cidr)).Select(subnet => $"route replace unreachable {subnet.Cidr}"));
        foreach (var port in intent.Ports)
        {
            if (!seen.Taps.TryGetValue(port.Tap, out var tap)) inside.Add($"tuntap add dev {port.Tap} mode tap");
            if (tap.Mac != GatewayMac || !tap.Up) inside.Add($"link set dev {port.Tap} address {GatewayMac} up");
            if (seen.Routes.GetValueOrDefault(port.Address) != port.Tap) inside.Add($"route replace {port.Address}/32 dev {port.Tap}");
        }
        string[] outside = [intent.Uplink, .. intent.Ports.Select(port => port.FloatingAddress).OfType<string>().Distinct()];
        foreach (var address in outside.Where(address => !seen.HostRoutes.Contains(address)))
            hostRoutes.Add(address == intent.Uplink
                ? $"route replace {address}/32 dev {intent.HostDevice}"
                : $"route replace {address}/32 via {intent.Uplink} dev {intent.HostDevice} onlink");
        hostRoutes.AddRange(seen.HostRoutes.Except(outside).Select(address => $"route delete {address}/32 dev {intent.HostDevice}"));
        surplus.AddRange(seen.Taps.Keys.Where(tap => removable.Contains(tap) && intent.Ports.All(port => port.Tap != tap)).Select(tap => $"link delete {tap}"));
        surplus.AddRange(seen.LocalAddresses.Where(address => !local.Contains(address) && address is not ("127.0.0.1" or "::1")).Select(address => $"addr delete {address}/32 dev lo"));
        return new LinkPlan(host, inside, hostRoutes, surplus);
    }
}
