using System.Globalization;

namespace Kumoi.Agent.Networks;

/// <summary>What the kernel counted at a tap. "Sent" is what its guest sent.</summary>
/// <param name="Device">The kernel's cookie of the namespace and number of the device: no other device of this boot has both, and one that was made anew counts from nothing.</param>
public sealed record TapCounters(string Device, long BytesSent, long PacketsSent, long BytesReceived, long PacketsReceived)
{
    /// <summary>Reads the text of <c>/proc/net/dev</c> (proc(5)): sixteen numbers behind each name, of which the first eight count what came in from the guest.</summary>
    public static IReadOnlyDictionary<string, TapCounters> Read(string text, Func<string, string?> deviceOf)
    {
        var counters = new Dictionary<string, TapCounters>();
        foreach (var line in text.Split('\n'))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || line[..colon].Trim() is var name && !LinkPlan.IsTap(name)) continue;
            var numbers = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (numbers.Length < 16 || deviceOf(name) is not { } device) continue;
            long Number(int at) => long.TryParse(numbers[at], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : long.MaxValue;
            counters[name] = new TapCounters(device, Number(0), Number(1), Number(8), Number(9));
        }
        return counters;
    }
}
