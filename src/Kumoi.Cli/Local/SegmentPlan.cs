using System.Globalization;
using Kumoi.Agent;

namespace Kumoi.Cli.Local;

/// <summary>
/// A second switch between hosts that are namespaces of one machine, for bridged networks: each host has a bridge on it that its agent offers.
/// Neither the machine nor its hosts have an address there; other machines of the segment are what is plugged into the switch.
/// </summary>
public sealed record SegmentPlan(string Tag)
{
    /// <summary>The bridge of each host that bridged networks may be on.</summary>
    public const string Bridge = "segment";

    private const string Plug = "segment-port";
    private const int Mtu = 1500;

    public string Switch => ObjectNames.SegmentPrefix(Tag) + "hosts";

    /// <summary>Makes the switch, if it is not there, and puts it in order.</summary>
    public IReadOnlyList<string> SwitchLinks(bool present) =>
    [
        .. present ? (string[])[] : [$"link add {Switch} type bridge forward_delay 0 stp_state 0"],
        $"link set {Switch} mtu {Mtu} addrgenmode none up",
    ];

    public Cable CableOf(LocalHost host) => new(string.Create(CultureInfo.InvariantCulture, $"{ObjectNames.SegmentPrefix(Tag)}{host.Number}"), Plug, Switch, Mtu, null);

    /// <summary>Inside the host's namespace.</summary>
    public static IReadOnlyList<string> Inside(bool present) =>
    [
        .. present ? (string[])[] : [$"link add {Bridge} type bridge forward_delay 0 stp_state 0"],
        $"link set {Bridge} mtu {Mtu} addrgenmode none up",
        $"link set {Plug} master {Bridge} up",
    ];
}
