using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.Networks.Bridged;

namespace Kumoi.Agent.Networks;

/// <summary>Reads what <c>ip -j</c> and <c>bridge -j</c> tell into a <see cref="LinkState"/>.</summary>
public static class LinkReader
{
    /// <summary>Asked inside. All tables of routes come with both families.</summary>
    public const string Questions = "addr show\nroute show table all\nrule show\nneigh show nud permanent\n";

    /// <param name="inside">Answers to <see cref="Questions"/>.</param>
    /// <param name="forwarding">Of <c>bridge -j fdb show</c>; null if not asked.</param>
    /// <param name="limits">Of <c>tc -j qdisc show</c>; null if not asked.</param>
    /// <param name="hostRoutes">Of <c>ip -j route show dev UPLINK</c> on the host; null if there is no such device.</param>
    /// <param name="hostDevice">That device, which ip then does not name.</param>
    /// <param name="ipv6Rules">Of <c>ip -6 -j rule show</c>; null if not asked.</param>
    public static LinkState Read(string inside, string? forwarding, string? limits, string? hostRoutes, string hostDevice, string? ipv6Rules = null)
    {
        var devices = new Dictionary<string, DeviceState>();
        var local = new HashSet<string>();
        var (routes, neighbours, entries, rules) = (new Dictionary<string, string>(), new Dictionary<string, string>(), new Dictionary<string, string>(), new HashSet<string>());
        // An answer of any kind is known by its first word, so that one that was left out (some are when empty) is not mistaken for another.
        foreach (var entry in Entries(inside).Concat(Entries(forwarding)))
        {
            if (entry.TryGetProperty("addr_info", out var addresses)) Device(entry, addresses, devices, local);
            else if (entry.TryGetProperty("priority", out _)) Rule(entry, rules, "");
            else if (entry.TryGetProperty("mac", out var mac)) Forward(entry, mac.GetString()!, entries);
            else if (entry.TryGetProperty("lladdr", out var neighbour)) neighbours[$"{Normal(Text(entry, "dst"))} dev {Text(entry, "dev")}"] = neighbour.GetString()!;
            else if (entry.TryGetProperty("dst", out _)) Route(entry, routes, Text(entry, "dev"));
        }
        foreach (var entry in Entries(ipv6Rules)) Rule(entry, rules, LinkState.Ipv6);
        var host = new Dictionary<string, string>();
        foreach (var entry in Entries(hostRoutes)) Route(entry, host, hostDevice);
        return new LinkState(devices, local, routes, rules, neighbours, entries, host, RateLimits.Read(Entries(limits)));
    }

    /// <summary>The entries of all answers, which follow each other.</summary>
    private static List<JsonElement> Entries(string? answers)
    {
        var entries = new List<JsonElement>();
        if (string.IsNullOrWhiteSpace(answers)) return entries;
        var reader = new Utf8JsonReader(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(answers)), new JsonReaderOptions { AllowMultipleValues = true });
        while (reader.Read())
        {
            using var document = JsonDocument.ParseValue(ref reader);
            if (document.RootElement.ValueKind == JsonValueKind.Array) entries.AddRange(document.RootElement.EnumerateArray().Select(entry => entry.Clone()));
        }
        return entries;
    }

    private static string Text(JsonElement entry, string name) => entry.TryGetProperty(name, out var value) ? value.ToString() : "";

    private static void Device(JsonElement entry, JsonElement addresses, Dictionary<string, DeviceState> devices, HashSet<string> local)
    {
        // ip leaves an empty object where a device was filtered out.
        var name = Text(entry, "ifname");
        var up = entry.GetProperty("flags").EnumerateArray().Any(flag => flag.GetString() == "UP");
        if (IsOwn(name)) devices[name] = new DeviceState(Text(entry, "address"), up, entry.GetProperty("mtu").GetInt32(), Text(entry, "master") is { Length: > 0 } master ? master : null);
        if ((name is not ("lo" or NetworkRuleset.UplinkDevice or BridgeRuleset.Bridge) && !LinkPlan.IsTap(name)) || !up) return;
        foreach (var address in addresses.EnumerateArray())
        {
            var text = Normal(Text(address, "local"));
            if ((name != NetworkRuleset.UplinkDevice || Text(address, "scope") != "link") && !IPAddress.IsLoopback(IPAddress.Parse(text))) local.Add($"{text}/{Text(address, "prefixlen")} dev {name}");
        }
    }

    /// <summary>Other devices may be there because a module of the kernel brings one with it.</summary>
    private static bool IsOwn(string name) =>
        name is NetworkRuleset.UplinkDevice or NetworkRuleset.OverlayDevice or BridgeRuleset.Bridge or BridgeRuleset.Segment || LinkPlan.IsTap(name) || LinkIntent.IsDevice(name) || RateLimits.IsDevice(name) || VpnIntent.IsDevice(name);

    private static void Route(JsonElement entry, Dictionary<string, string> routes, string device)
    {
        var table = Text(entry, "table");
        var type = Text(entry, "type");
        // What the kernel makes by itself comes and goes with addresses and devices.
        if (table == "local" || Text(entry, "protocol") == "kernel" || type is "local" or "multicast" or "anycast" or "broadcast") return;
        var way = entry.TryGetProperty("via", out var via) ? Text(via, "host") : Text(entry, "gateway");
        var destination = Text(entry, "dst");
        // Both families call it so; only IPv6 has a preference.
        if (destination == "default") destination = entry.TryGetProperty("pref", out _) ? "::/0" : "0.0.0.0/0";
        var key = destination.Contains('/', StringComparison.Ordinal) ? destination : AddressForm.Single(Normal(destination));
        if (table.Length > 0 && table != "main") key += $" table {table}";
        routes[key] = type == "unreachable" ? "unreachable" : way.Length > 0 ? $"via {Normal(way)} dev {device}" : $"dev {device}";
    }

    private static void Rule(JsonElement entry, HashSet<string> rules, string family)
    {
        var priority = entry.GetProperty("priority").GetInt32();
        // The kernel's own.
        if (priority is 32766 or 32767) return;
        var text = new StringBuilder(family).Append(CultureInfo.InvariantCulture, $"pref {priority}");
        if (Text(entry, "src") is not ("all" or "") and var source) text.Append(CultureInfo.InvariantCulture, $" from {source}");
        if (Text(entry, "fwmark") is { Length: > 0 } mark) text.Append(CultureInfo.InvariantCulture, $" fwmark {(mark.StartsWith("0x", StringComparison.Ordinal) ? Convert.ToUInt32(mark, 16).ToString(CultureInfo.InvariantCulture) : mark)}");
        text.Append(CultureInfo.InvariantCulture, $" lookup {Text(entry, "table")}");
        if (Text(entry, "suppress_prefixlen") is { Length: > 0 } length) text.Append(CultureInfo.InvariantCulture, $" suppress_prefixlength {length}");
        rules.Add(text.ToString());
    }

    private static void Forward(JsonElement entry, string mac, Dictionary<string, string> entries)
    {
        if (Text(entry, "dst") is { Length: > 0 } host && Text(entry, "ifname") == NetworkRuleset.OverlayDevice) entries[mac] = host;
    }

    private static string Normal(string address) => IPAddress.TryParse(address, out var parsed) ? parsed.ToString() : address;
}
