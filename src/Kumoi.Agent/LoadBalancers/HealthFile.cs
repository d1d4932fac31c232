using System.Globalization;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>What an agent knew of the members of one network, for the one that is started after it: the kernel goes on balancing by it meanwhile.</summary>
public static class HealthFile
{
    private static string In(string directory) => Path.Combine(directory, "health");

    /// <summary>States by listener and member; empty if there is no file, or none that can be read.</summary>
    public static IReadOnlyDictionary<(string Listener, string Member), HealthState> Read(string directory)
    {
        var states = new Dictionary<(string, string), HealthState>();
        try
        {
            if (!File.Exists(In(directory))) return states;
            foreach (var line in File.ReadLines(In(directory)))
                if (line.Split(' ', 5) is [var listener, var member, BackendHealth.Healthy or BackendHealth.Unhealthy, var since, ..] words
                    && long.TryParse(since, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
                    states[(listener, member)] = new HealthState(words[2], words.Length > 4 && words[4].Length > 0 ? words[4] : null, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            // They are asked anew.
        }
        return states;
    }

    /// <summary>What was known is of no use to a network that asks nobody; one that asks again begins anew.</summary>
    public static void Delete(string directory)
    {
        if (Directory.Exists(directory)) File.Delete(In(directory));
    }

    public static void Write(string directory, IEnumerable<KeyValuePair<(string Listener, string Member), HealthState>> states)
    {
        var text = new StringBuilder();
        foreach (var ((listener, member), state) in states.Where(state => state.Value.Health != BackendHealth.Unknown).OrderBy(state => state.Key.Listener, StringComparer.Ordinal).ThenBy(state => state.Key.Member, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"{listener} {member} {state.Health} {state.Since.ToUnixTimeMilliseconds()} {state.Reason}\n");
        if (Directory.Exists(directory)) DurableFiles.Write(In(directory), Encoding.ASCII.GetBytes(text.ToString()), AgentModes.PrivateFile);
    }
}
