using System.Text.RegularExpressions;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Networks;

/// <summary>What the segment of a bridged network may be, and ranges of VLANs: pure.</summary>
public static partial class SegmentRules
{
    // Numbers of IEEE 802.1Q; 0 and 4,095 have a meaning of their own.
    public const int VlanMin = 1, VlanMax = 4094;

    public const string HostDhcp = "host", ExternalDhcp = "external";

    public static IEnumerable<Violation> Check(CreateNetwork create)
    {
        if (create.Segment is not { } segment) yield break;
        if (segment.Device is { } device && !IsDevice(device)) yield return new Violation("segment.device", "device-name");
        if (segment.Vlan is < VlanMin or > VlanMax) yield return new Violation("segment.vlan", "between", VlanMin, VlanMax);
        if (segment.Dhcp is not (null or HostDhcp or ExternalDhcp)) yield return new Violation("segment.dhcp", "one-of", $"{HostDhcp}, {ExternalDhcp}");
        if (create.Outside is not null) yield return new Violation("outside", "network-bridged", create.Name ?? "");
    }

    /// <summary>True if a network device of Linux may be called so.</summary>
    public static bool IsDevice(string text) => DeviceForm().IsMatch(text) && text is not ("." or "..");

    /// <summary>The first and last of <c>100-199</c> or <c>100</c>; null if the text is neither.</summary>
    public static (int First, int Last)? Vlans(string text)
    {
        if (VlansForm().Match(text) is not { Success: true } match) return null;
        var first = int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        var last = match.Groups[2].Success ? int.Parse(match.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture) : first;
        return first is >= VlanMin and <= VlanMax && last is >= VlanMin and <= VlanMax && first <= last ? (first, last) : null;
    }

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,15}\z")] private static partial Regex DeviceForm();

    [GeneratedRegex(@"^([0-9]{1,4})(?:-([0-9]{1,4}))?\z")] private static partial Regex VlansForm();
}
