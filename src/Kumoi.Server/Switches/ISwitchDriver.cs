using Kumoi.Server.Networks;

namespace Kumoi.Server.Switches;

/// <summary>What a port carries.</summary>
public static class PortModes
{
    public const string Access = "access", Trunk = "trunk", None = "none";
}

/// <summary>What a port is set to.</summary>
/// <param name="Vlans">VLANs of a trunk, in order and without overlap, so that what is the same is equal.</param>
public sealed record PortSetting(string Mode, int? AccessVlan, IReadOnlyList<(int First, int Last)> Vlans)
{
    // Beyond, a trunk is one of everything.
    public const int RangesMax = 256;

    public static PortSetting Access(int vlan) => new(PortModes.Access, vlan, []);

    public static PortSetting Trunk(IEnumerable<(int First, int Last)> vlans) => new(PortModes.Trunk, null, Ordered(vlans));

    public static PortSetting Clear { get; } = new(PortModes.None, null, []);

    /// <summary>The setting of its parts; null if they do not go together.</summary>
    public static PortSetting? Of(string mode, int? accessVlan, IReadOnlyList<string> trunkVlans)
    {
        var vlans = trunkVlans.Take(RangesMax + 1).Select(SegmentRules.Vlans).ToList();
        if (vlans.Exists(range => range is null) || vlans.Count > RangesMax) return null;
        return mode switch
        {
            PortModes.Access when accessVlan is >= SegmentRules.VlanMin and <= SegmentRules.VlanMax && vlans.Count == 0 => Access(accessVlan.Value),
            PortModes.Trunk when accessVlan is null && vlans.Count > 0 => Trunk(vlans.Select(range => range!.Value)),
            PortModes.None when accessVlan is null && vlans.Count == 0 => Clear,
            _ => null,
        };
    }

    public IReadOnlyList<string> Texts => [.. Vlans.Select(range => range.First == range.Last ? FormattableString.Invariant($"{range.First}") : FormattableString.Invariant($"{range.First}-{range.Last}"))];

    public bool Equals(PortSetting? other) => other is not null && Mode == other.Mode && AccessVlan == other.AccessVlan && Vlans.SequenceEqual(other.Vlans);

    public override int GetHashCode() => HashCode.Combine(Mode, AccessVlan, Vlans.Count);

    private static List<(int First, int Last)> Ordered(IEnumerable<(int First, int Last)> vlans)
    {
        var merged = new List<(int First, int Last)>();
        foreach (var (first, last) in vlans.Order())
            if (merged.Count > 0 && first <= merged[^1].Last + 1) merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            else merged.Add((first, last));
        return merged;
    }
}

/// <summary>A switch, and who asks it. Not a record: nothing must write the token out.</summary>
/// <param name="authority">Certificates (PEM) of the authorities that its own is of; null: those that the machine trusts.</param>
public sealed class SwitchTarget(Uri url, string token, string? authority)
{
    public Uri Url => url;

    public string Token => token;

    public string? Authority => authority;
}

/// <summary>A switch's answer, or the problem that kept it from answering.</summary>
/// <param name="Value">Null if there is a problem.</param>
/// <param name="Problem">A sentence; null if the switch did what it was asked.</param>
public sealed record SwitchAnswer<T>(T? Value, string? Problem) where T : class;

/// <summary>
/// A way of speaking to switches. Every call ends by itself, and never throws for what a switch or its network does. Each may be repeated: a port that
/// has a setting already is not touched by it. What a switch took is only known by reading it back.
/// </summary>
public interface ISwitchDriver
{
    /// <summary>As operators name it.</summary>
    string Name { get; }

    /// <summary>Every port by its name.</summary>
    Task<SwitchAnswer<IReadOnlyDictionary<string, PortSetting>>> ListAsync(SwitchTarget target, CancellationToken cancel);

    Task<SwitchAnswer<PortSetting>> ReadAsync(SwitchTarget target, string port, CancellationToken cancel);

    /// <summary>Sets a port, and reads it back: the answer is what it has then, whatever the switch said to the order.</summary>
    Task<SwitchAnswer<PortSetting>> SetAsync(SwitchTarget target, string port, PortSetting setting, CancellationToken cancel);
}
