using System.Globalization;
using System.Text.Json;
using static System.FormattableString;

namespace Kumoi.Agent.Networks.Bridged;

/// <summary>How a network is joined to its segment.</summary>
public enum SegmentWay
{
    /// <summary>By a veth pair, whose end on the host is a port of the bridge there.</summary>
    Pair,

    /// <summary>The same, and the port is a member of the VLAN without a tag, as the bridge knows VLANs itself.</summary>
    TaggedPair,

    /// <summary>By a VLAN device.</summary>
    Vlan,
}

/// <summary>What there is of the segment's device and of what joins the network to it, and what is to be done: pure.</summary>
/// <param name="Device">The device on the host.</param>
/// <param name="DeviceMtu">Its own, in bytes: a port with less would change it for all others.</param>
/// <param name="Joined">True if the network's end is there, of the right kind, and up. The host's end is put right before the other is up: one that is half made is known by that.</param>
/// <param name="HasInner">True if anything of the name is in the namespace.</param>
/// <param name="Port">The host's end of a pair; null if it is not there.</param>
/// <param name="Vlans">VLANs that the host's end is a member of, as <c>bridge vlan</c> tells them: <c>NUMBER FLAGS</c>.</param>
public sealed record SegmentSight(SegmentWay Way, string Device, int DeviceMtu, bool Joined, bool HasInner, SegmentPort? Port, IReadOnlySet<string> Vlans)
{
    /// <summary>Reads the answers of <c>ip -j -d link show dev</c>; null stands for a device that is not there.</summary>
    /// <param name="vlans">Of <c>bridge -j vlan show dev</c> for the host's end; null if not asked.</param>
    public static SegmentSight Read(SegmentIntent segment, JsonElement? device, JsonElement? inner, JsonElement? port, string? vlans)
    {
        var way = WayOf(segment, device);
        var fits = inner is { } there && (way == SegmentWay.Vlan
            ? Kind(there) == "vlan" && Data(there, "id") == segment.Vlan!.Value.ToString(CultureInfo.InvariantCulture) && Text(there, "link_index") == Text(device!.Value, "ifindex")
            : Kind(there) == "veth" && port is { } end && Kind(end) == "veth"
                // A port begins in the bridge's own VLAN, so it may only become one while the network's end is down.
                && (way != SegmentWay.TaggedPair || Text(end, "master") == segment.Device));
        return new SegmentSight(
            way, segment.Device, device!.Value.GetProperty("mtu").GetInt32(), fits && IsUp(inner!.Value), inner is not null,
            port is { } host ? new SegmentPort(Text(host, "master"), IsUp(host), host.GetProperty("mtu").GetInt32()) : null, ReadVlans(vlans));
    }

    public static SegmentWay WayOf(SegmentIntent segment, JsonElement? device)
    {
        if (device is not { } there) throw new IOException($"This host has no device {segment.Device}, on which the bridged network is.");
        var bridge = Kind(there) == "bridge";
        if (segment.Vlan is null) return bridge ? SegmentWay.Pair : throw new IOException($"The device {segment.Device} of this host is no bridge; without a VLAN a bridged network needs one.");
        return bridge && Data(there, "vlan_filtering") == "1" ? SegmentWay.TaggedPair : SegmentWay.Vlan;
    }

    public static IReadOnlySet<string> ReadVlans(string? answer)
    {
        if (string.IsNullOrWhiteSpace(answer)) return new HashSet<string>();
        using var document = JsonDocument.Parse(answer);
        return document.RootElement.EnumerateArray().Where(entry => entry.TryGetProperty("vlans", out _)).SelectMany(entry => entry.GetProperty("vlans").EnumerateArray())
            .Select(vlan => $"{Text(vlan, "vlan")} {(vlan.TryGetProperty("flags", out var flags) ? string.Join(' ', flags.EnumerateArray().Select(flag => flag.GetString())) : "")}".Trim()).ToHashSet();
    }

    /// <summary>Lines for <c>ip</c> in the host's namespace.</summary>
    public IEnumerable<string> Making(NetworkIntent intent)
    {
        if (Way == SegmentWay.Vlan)
        {
            yield return Invariant($"link add link {Device} name {BridgeRuleset.Segment} netns {intent.Namespace} mtu {intent.Mtu} type vlan id {intent.Segment!.Vlan}");
            yield break;
        }
        yield return Invariant($"link add name {intent.HostDevice} mtu {DeviceMtu} type veth peer name {BridgeRuleset.Segment} mtu {intent.Mtu} netns {intent.Namespace}");
        // The host speaks by its bridge, and not by the port.
        yield return $"link set dev {intent.HostDevice} addrgenmode none master {Device} up";
    }

    /// <summary>What is to be put right of the host's end.</summary>
    public IEnumerable<string> Mending(NetworkIntent intent)
    {
        if (Way == SegmentWay.Vlan || Port is not { } port) yield break;
        if (port.Mtu != DeviceMtu) yield return Invariant($"link set dev {intent.HostDevice} mtu {DeviceMtu}");
        if (port.Master != Device || !port.Up) yield return $"link set dev {intent.HostDevice} master {Device} up";
    }

    /// <summary>Lines for <c>bridge</c> in the host's namespace: into the network's VLAN, and out of the one that ports of a bridge begin with.</summary>
    public IEnumerable<string> Tagging(NetworkIntent intent)
    {
        if (Way != SegmentWay.TaggedPair || intent.Segment?.Vlan is not { } vlan) yield break;
        if (!Vlans.Contains(Invariant($"{vlan} PVID Egress Untagged"))) yield return Invariant($"vlan add dev {intent.HostDevice} vid {vlan} pvid untagged");
        foreach (var other in Vlans.Select(text => text.Split(' ')[0]).Distinct().Where(id => id != vlan.ToString(CultureInfo.InvariantCulture)))
            yield return $"vlan delete dev {intent.HostDevice} vid {other}";
    }

    private static bool IsUp(JsonElement device) => device.GetProperty("flags").EnumerateArray().Any(flag => flag.GetString() == "UP");

    private static string Kind(JsonElement device) => device.TryGetProperty("linkinfo", out var info) ? Text(info, "info_kind") : "";

    private static string Data(JsonElement device, string name) =>
        device.TryGetProperty("linkinfo", out var info) && info.TryGetProperty("info_data", out var data) ? Text(data, name) : "";

    private static string Text(JsonElement entry, string name) => entry.TryGetProperty(name, out var value) ? value.ToString() : "";
}

/// <param name="Master">The bridge that it is a port of; empty if none.</param>
/// <param name="Mtu">In bytes.</param>
public sealed record SegmentPort(string Master, bool Up, int Mtu);
