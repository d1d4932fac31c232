using System.Globalization;
using System.Text.Json;

namespace Kumoi.Agent.Networks;

/// <summary>
/// The limits of what guests send and are sent: a token bucket (tbf) on the tap for what goes to the guest, and one on a device behind it (ifb) for what
/// comes from it, so that both are held back and not dropped. The tap's own bucket is set last and removed last: where it is right, all is.
/// </summary>
/// <param name="Mbps">Rate of each limited tap, in 10^6 bits a second.</param>
/// <param name="Redirected">Taps whose guests' packets go by the device behind.</param>
public sealed record RateLimits(IReadOnlyDictionary<string, int> Mbps, IReadOnlySet<string> Redirected)
{
    /// <summary>Bytes let through at once. Too low: the timer's steps eat the rate; too high: it is exceeded for long.</summary>
    private const int BurstMin = 65_536, BurstsPerSecond = 100;

    public static RateLimits None { get; } = new(new Dictionary<string, int>(), new HashSet<string>());

    /// <summary>The device behind a tap.</summary>
    public static string DeviceOf(string tap) => $"i{tap[1..]}";

    public static string TapOf(string device) => $"t{device[1..]}";

    public static bool IsDevice(string name) => name.Length > 1 && name[0] == 'i' && LinkPlan.IsTap(TapOf(name));

    public static RateLimits Wanted(NetworkIntent intent)
    {
        var limited = intent.Ports.Where(port => port.RateMbps is not null).ToDictionary(port => port.Tap, port => port.RateMbps!.Value);
        return new RateLimits(limited, limited.Keys.ToHashSet());
    }

    /// <param name="entries">Of <c>tc -j qdisc show</c>.</param>
    public static RateLimits Read(IEnumerable<JsonElement> entries)
    {
        var (rates, redirected) = (new Dictionary<string, int>(), new HashSet<string>());
        foreach (var entry in entries)
        {
            var device = entry.GetProperty("dev").GetString()!;
            if (!LinkPlan.IsTap(device)) continue;
            if (entry.GetProperty("kind").GetString() == "ingress") redirected.Add(device);
            else if (entry.GetProperty("kind").GetString() == "tbf" && entry.TryGetProperty("root", out _)) rates[device] = (int)(entry.GetProperty("options").GetProperty("rate").GetInt64() / 125_000);
        }
        return new RateLimits(rates, redirected);
    }

    /// <summary>Lines for <c>tc -batch</c>.</summary>
    public static IEnumerable<string> Lines(LinkState seen, LinkState wanted)
    {
        foreach (var (tap, rate) in wanted.Limits.Mbps)
        {
            var complete = seen.Limits.Redirected.Contains(tap) && seen.Devices.ContainsKey(DeviceOf(tap));
            if (complete && seen.Limits.Mbps.GetValueOrDefault(tap) == rate) continue;
            yield return Bucket(DeviceOf(tap), rate);
            if (!seen.Limits.Redirected.Contains(tap)) yield return $"qdisc add dev {tap} ingress";
            yield return $"filter replace dev {tap} parent ffff: protocol all pref 1 handle 800::800 u32 match u32 0 0 action mirred egress redirect dev {DeviceOf(tap)}";
            yield return Bucket(tap, rate);
        }
        foreach (var tap in wanted.Devices.Keys.Where(name => LinkPlan.IsTap(name) && !wanted.Limits.Mbps.ContainsKey(name)))
        {
            if (seen.Limits.Redirected.Contains(tap)) yield return $"qdisc delete dev {tap} ingress";
            if (seen.Limits.Mbps.ContainsKey(tap)) yield return $"qdisc delete dev {tap} root";
        }
    }

    private static string Bucket(string device, int mbps) => string.Create(
        CultureInfo.InvariantCulture, $"qdisc replace dev {device} root tbf rate {mbps}mbit burst {Math.Max(BurstMin, mbps * 125_000L / BurstsPerSecond)} latency 50ms");
}
