using Kumoi.Reconcile;

namespace Kumoi.Server.Hosts;

/// <summary>
/// What the silence of a host means: pure. All limits are multiples of the heartbeat agreed with the host: after three it is
/// <c>unreachable</c>, and nothing more is known of it; after six its lease is over, and its agent ends the guests that may move; after
/// nine they have certainly ended, and it is <c>down</c>: only then may they be started elsewhere.
/// </summary>
public static class HostStates
{
    public const string Up = "up", Unreachable = "unreachable", Down = "down";

    public static readonly IReadOnlyList<string> All = [Up, Unreachable, Down];

    // Fewer cries wolf at a slow network; more keeps placing instances on a dead host.
    public const int UnreachableBeats = 3;

    // Longer than unreachable, so that a short trouble costs no guest its life; short enough for a restart within two minutes.
    public const int LeaseBeats = 6;

    // Silence for which a host's power is cut: as long as the lease, since the machine's other guests die with it; sooner than the wait for clocks and
    // endings, which a machine that is off does not need.
    public const int PowerBeats = 6;

    // What is between this and the lease is for ending the guests, and for clocks that run unlike.
    public const int DownBeats = 9;

    // 300 hosts report once a second between them: a heartbeat costs little, and ten thousand of them every ten seconds would not.
    private const int SecondsLeast = 10, SecondsMost = 30, HostsPerSecond = 300;

    /// <summary>How often each of so many hosts reports.</summary>
    public static int HeartbeatSeconds(int hosts) => Math.Clamp(hosts / HostsPerSecond, SecondsLeast, SecondsMost);

    public static TimeSpan Lease(int heartbeatSeconds) => TimeSpan.FromSeconds(heartbeatSeconds * LeaseBeats);

    /// <summary>So many heartbeats must be missed before a host may be taken for this.</summary>
    public static int BeatsMissed(string state) => state == Down && !PlantedBugs.Has(PlantedBug.FenceIsNotAwaited) ? DownBeats : UnreachableBeats;

    /// <summary>The heartbeat by which a host's silence is judged: that of the lease just granted, or of the one it has still, if that is longer.</summary>
    public static int Judged(int grantedSeconds, int? leaseSeconds) =>
        Math.Max(grantedSeconds, Math.Min(BeatMost, ((leaseSeconds ?? 0) + LeaseBeats - 1) / LeaseBeats));

    // As the schema has it.
    private const int BeatMost = 300;

    /// <summary>The state that follows from silence. Only a report makes a host <c>up</c> again.</summary>
    /// <param name="silence">Since the last report that was recorded.</param>
    /// <param name="watched">How long the database has answered whoever judges without a gap: a report that could not be recorded is no silence of the host.</param>
    public static string Next(string state, TimeSpan silence, TimeSpan watched, int heartbeatSeconds)
    {
        var known = silence < watched ? silence : watched;
        if (state == Down || known >= TimeSpan.FromSeconds(heartbeatSeconds * BeatsMissed(Down))) return Down;
        return state == Unreachable || known >= TimeSpan.FromSeconds(heartbeatSeconds * BeatsMissed(Unreachable)) ? Unreachable : state;
    }
}
