using System.Globalization;
using Kumoi.Api;

namespace Kumoi.Agent.Control;

/// <summary>
/// Compares the host's clock with that of its server, which each answer tells: a clock that is wrong makes certificates invalid and logs
/// lie, and nobody looks at it until then.
/// </summary>
public sealed class ClockWatch
{
    // Less may be the way of the answer through a busy network; certificates bear an hour.
    private static readonly TimeSpan Bearable = TimeSpan.FromSeconds(10);

    // Told in steps, so that a clock that drifts is no news with each report.
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(10);

    private volatile Condition? _condition;

    /// <summary>What is wrong with the clock; empty if nothing is.</summary>
    public IReadOnlyList<Condition> Conditions => _condition is { } condition ? [condition] : [];

    /// <param name="server">The server's clock when it answered.</param>
    /// <param name="sent">The host's clock when it asked, and <paramref name="received"/> when the answer came: the server answered in between.</param>
    public void Answered(DateTimeOffset server, DateTimeOffset sent, DateTimeOffset received)
    {
        var ahead = sent > server + Bearable ? sent - server : received < server - Bearable ? received - server : TimeSpan.Zero;
        if (ahead == TimeSpan.Zero)
        {
            _condition = null;
            return;
        }
        var seconds = (long)(Math.Round(ahead.Duration() / Step) * Step.TotalSeconds);
        var message = string.Create(CultureInfo.InvariantCulture, $"The host's clock is about {seconds} seconds {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} its server's. Set it, and keep it by NTP (chrony, systemd-timesyncd).");
        if (_condition?.Message != message) _condition = new Condition("Clock", "clock-differs", message, _condition?.Since ?? server, null);
    }
}
