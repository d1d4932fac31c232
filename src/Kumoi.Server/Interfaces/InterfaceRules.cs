using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Interfaces;

/// <summary>What requests about interfaces must satisfy before anything is looked up.</summary>
public static class InterfaceRules
{
    /// <summary>Slots of the emulated machine; more would need another one.</summary>
    public const int InterfacesMax = 8;

    // Each is an element of the filters on every host of the network.
    private const int SecondaryMax = 16, RangesMax = 16;

    // Shorter prefixes would let a guest send as nearly anybody.
    private const int PrefixMinV4 = 8, PrefixMinV6 = 16;

    private static readonly IPNetwork[] Never = [.. ((string[])["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "fe80::/10", "ff00::/8", "::/8"]).Select(IPNetwork.Parse)];

    public static IEnumerable<Violation> Check(UpdateInterface update)
    {
        if (update.SecondaryAddresses is { Count: > SecondaryMax }) yield return new Violation("secondaryAddresses", "at-most", SecondaryMax);
        if (update.SecurityGroups is { Count: > InterfaceCatalogue.SecurityGroupsMax }) yield return new Violation("securityGroups", "at-most", InterfaceCatalogue.SecurityGroupsMax);
        if (update.AllowedRanges is not { } ranges) yield break;
        if (ranges.Count > RangesMax) yield return new Violation("allowedRanges", "at-most", RangesMax);
        for (var i = 0; i < ranges.Count; i++)
            if (AddressRange.ReadRange(ranges[i]) is not { } range) yield return new Violation($"allowedRanges[{i}]", "cidr");
            else if (AddressRange.IsV4(range) && range.PrefixLength < PrefixMinV4) yield return new Violation($"allowedRanges[{i}]", "prefix-between", PrefixMinV4, 32);
            else if (!AddressRange.IsV4(range) && range.PrefixLength < PrefixMinV6) yield return new Violation($"allowedRanges[{i}]", "prefix-between", PrefixMinV6, 128);
            else if (Never.Any(never => AddressRange.Overlap(never, range))) yield return new Violation($"allowedRanges[{i}]", "never-sent-from");
    }

    public static IEnumerable<Violation> Check(LaunchInstance launch)
    {
        if (launch.Interfaces is not { } wanted) yield break;
        if (launch.Network is not null) yield return new Violation("network", "network-or-interfaces");
        if (wanted.Count is < 1 or > InterfacesMax) yield return new Violation("interfaces", "count-between", 1, InterfacesMax);
        for (var i = 0; i < wanted.Count; i++)
        {
            if (launch.Count is > 1 && (wanted[i].Address ?? wanted[i].Address6) is not null) yield return new Violation($"interfaces[{i}].address", "one-instance-only");
            if (wanted[i].SecurityGroups is { Count: > InterfaceCatalogue.SecurityGroupsMax }) yield return new Violation($"interfaces[{i}].securityGroups", "at-most", InterfaceCatalogue.SecurityGroupsMax);
        }
    }
}
