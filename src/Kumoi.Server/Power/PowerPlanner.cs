using Kumoi.Server.Hosts;

namespace Kumoi.Server.Power;

/// <summary>A host with a power controller that does not report.</summary>
/// <param name="Gains">Instances on it could run elsewhere, were it certain that they do not run here.</param>
public sealed record SilentHost(string Id, string Name, string ZoneId, DateTimeOffset HeardAt, TimeSpan Silence, int HeartbeatSeconds, bool Gains);

/// <summary>How many hosts of a zone are silent at once. Those that have been down for long belong to another trouble and do not count.</summary>
public sealed record ZoneSilence(string Id, string Name, int Silent, int Hosts);

/// <summary>What is to become of a silent host's power.</summary>
public enum PowerDecision
{
    /// <summary>Nothing, now.</summary>
    Wait,

    /// <summary>It would be cut, but too many are silent at once.</summary>
    Hold,

    /// <summary>It is cut.</summary>
    Cut,
}

/// <summary>
/// Decides whether a silent host's power is cut: pure. It must be worth it (something can run elsewhere then), the silence must have been
/// heard for long enough, and it must be this host's own: silence of many hosts at once is a fault of the network, behind which they run.
/// </summary>
public static class PowerPlanner
{
    // One host alone is no pattern, however small the zone.
    private const int SilentLeast = 2;

    // More than this part of a zone: with less, a switch that carries a part of the zone would have its hosts cut; with more, one rack's loss would stop recovery.
    private const int ZoneParts = 3;

    /// <summary>A host that has been down for longer does not count among those that are silent at once.</summary>
    public static readonly TimeSpan Together = TimeSpan.FromMinutes(10);

    /// <param name="watched">How long the database has answered whoever judges without a gap.</param>
    public static PowerDecision Judge(SilentHost host, ZoneSilence zone, TimeSpan watched)
    {
        var known = host.Silence < watched ? host.Silence : watched;
        if (!host.Gains || known < TimeSpan.FromSeconds(host.HeartbeatSeconds * HostStates.PowerBeats)) return PowerDecision.Wait;
        return TooMany(zone) ? PowerDecision.Hold : PowerDecision.Cut;
    }

    public static bool TooMany(ZoneSilence zone) => zone.Silent >= SilentLeast && zone.Silent * ZoneParts > zone.Hosts;
}
