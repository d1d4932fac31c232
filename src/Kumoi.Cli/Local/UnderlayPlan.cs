using System.Globalization;
using System.Net;
using Kumoi.Agent;

namespace Kumoi.Cli.Local;

/// <summary>
/// The network that joins hosts which are namespaces of one machine: a bridge in the root namespace, and from it a pair of devices to each
/// host. It stands for the switch between machines, and the root namespace for the router behind it. Pure: names, addresses, lines for
/// <c>ip -batch</c> and rules for <c>nft -f</c>. All names are such that <see cref="AgentCleanup"/> finds them by the cloud's tag.
/// </summary>
public sealed record UnderlayPlan(string Tag, AddressRanges Ranges, int AgentPort)
{
    /// <summary>The host's end of its device: the underlay's address is on it, and floating addresses are answered there.</summary>
    public const string HostDevice = "underlay";

    /// <summary>A packet of 1,500 bytes has room in it beside what VXLAN puts around.</summary>
    public const int Mtu = 9000;

    /// <summary>The table in each host's namespace that is not its agent's.</summary>
    public const string HostTable = "inet kumoi_underlay";

    public string Bridge => ObjectNames.UplinkPrefix(Tag) + "hosts";

    public SegmentPlan Segment => new(Tag);

    private IPNetwork Range => Ranges.Underlay ?? throw new InvalidOperationException("The machine itself is the only host.");

    /// <summary>The machine's address on the underlay, where agents find the server.</summary>
    public IPAddress Address => AddressRanges.Add(Range.BaseAddress, 1);

    public IPAddress AddressOf(LocalHost host) => AddressRanges.Add(Range.BaseAddress, (uint)host.Number + 1);

    /// <summary>The root namespace's end of a host's device.</summary>
    public string DeviceOf(LocalHost host) => string.Create(CultureInfo.InvariantCulture, $"{ObjectNames.UplinkPrefix(Tag)}{host.Number}");

    /// <summary>Makes the bridge, if it is not there, and puts it in order.</summary>
    public IReadOnlyList<string> BridgeLinks(bool present) =>
    [
        .. present ? (string[])[] : [$"link add {Bridge} address {MacOf(Address)} type bridge forward_delay 0 stp_state 0"],
        $"link set {Bridge} mtu {Mtu} up",
        $"address replace {Address}/{Range.PrefixLength} dev {Bridge}",
        // Whichever host has a floating address answers for it.
        $"route replace {Ranges.Floating} dev {Bridge} scope link src {Address}",
    ];

    /// <summary>What joins a host to the bridge.</summary>
    public Cable CableOf(LocalHost host) => new(DeviceOf(host), HostDevice, Bridge, Mtu, MacOf(AddressOf(host)));

    /// <summary>The same inside the host's namespace.</summary>
    public IReadOnlyList<string> Inside(LocalHost host) =>
    [
        "link set lo up",
        $"link set {HostDevice} mtu {Mtu} up",
        $"address replace {AddressOf(host)}/{Range.PrefixLength} dev {HostDevice}",
        $"route replace {Ranges.Floating} dev {HostDevice} scope link",
        $"route replace default via {Address} dev {HostDevice}",
    ];

    /// <summary>Settings of a host's namespace, as paths below /proc/sys.</summary>
    public static IReadOnlyList<(string Setting, string Value)> Settings =>
    [
        ("net/ipv4/ip_forward", "1"),
        // Floating addresses are answered at once, not after the customary random wait.
        ($"net/ipv4/neigh/{HostDevice}/proxy_delay", "0"),
        ($"net/ipv4/conf/{HostDevice}/send_redirects", "0"),
        ($"net/ipv4/conf/{HostDevice}/accept_redirects", "0"),
    ];

    /// <summary>Rules of the root namespace: guests reach the outside under the machine's address and nothing of the machine itself; hosts reach the
    /// server; the outside reaches floating addresses only.</summary>
    public string MachineRules => Replace($"inet {ObjectNames.HostTable(Tag)}",
        $$"""
          chain input {
            type filter hook input priority filter; policy accept;
            iifname "{{Bridge}}" ct state established,related accept
            iifname "{{Bridge}}" ip saddr {{Range}} ip daddr {{Address}} tcp dport {{AgentPort}} accept
            iifname "{{Bridge}}" icmp type echo-request limit rate 20/second accept
            iifname "{{Bridge}}" drop
            iifname "{{Segment.Switch}}" drop
          }
          chain forward {
            type filter hook forward priority filter; policy accept;
            iifname "{{Bridge}}" oifname "{{Bridge}}" accept
            iifname "{{Bridge}}" ip saddr { {{Range}}, {{Ranges.Floating}} } accept
            iifname "{{Bridge}}" drop
            oifname "{{Bridge}}" ct state established,related accept
            oifname "{{Bridge}}" ip daddr {{Ranges.Floating}} accept
            oifname "{{Bridge}}" drop
          }
          chain translate_out {
            type nat hook postrouting priority srcnat; policy accept;
            oifname != "{{Bridge}}" ip saddr { {{Range}}, {{Ranges.Floating}} } masquerade
          }

        """);

    /// <summary>Rules of a host's namespace: guests send under its address, so it is here that they are kept from the underlay, where they would pass
    /// for a host.</summary>
    public string HostRules => Replace(HostTable,
        $$"""
          chain forward {
            type filter hook forward priority filter - 1; policy accept;
            ct state established,related accept
            ip daddr {{Range}} drop
          }

        """);

    private static string Replace(string table, string chains) => $"table {table}\ndelete table {table}\ntable {table} {{\n{chains}}}\n";

    /// <summary>The same after a host was made anew, so that what neighbours remember stays true.</summary>
    private static string MacOf(IPAddress address) => "06:00:" + string.Join(':', address.GetAddressBytes().Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));
}
