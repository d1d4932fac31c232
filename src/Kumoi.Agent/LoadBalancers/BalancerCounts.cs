using System.Text.Json;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.LoadBalancers;

/// <param name="Active">Open now.</param>
/// <param name="Connections">Since the counts began.</param>
public sealed record Counts(long Active, long Connections, long BytesIn, long BytesOut)
{
    public static Counts None { get; } = new(0, 0, 0, 0);

    public static Counts operator +(Counts a, Counts b) => new(a.Active + b.Active, a.Connections + b.Connections, a.BytesIn + b.BytesIn, a.BytesOut + b.BytesOut);

    public static Counts Sum(IEnumerable<Counts> counts) => counts.Aggregate(None, (sum, one) => sum + one);
}

/// <summary>The kernel's counts of what it balances, as <c>nft -j list counters</c> and the table of connections show them.</summary>
public static class BalancerCounts
{
    public const string New = "n", In = "i", Out = "o";

    public static string NameOf(string what, ListenerIntent listener, MemberIntent member) => $"{what}_{listener.Name}_{member.Name}";

    /// <param name="json">Of <c>nft -j list counters table</c>.</param>
    /// <param name="connections">The kernel's table of connections.</param>
    public static IReadOnlyDictionary<(string Listener, string Member), Counts> Read(IEnumerable<BalancerDoor> doors, string json, IEnumerable<Connection> connections)
    {
        var counters = new Dictionary<string, (long Packets, long Bytes)>();
        using var document = JsonDocument.Parse(json);
        foreach (var entry in document.RootElement.GetProperty("nftables").EnumerateArray())
            if (entry.TryGetProperty("counter", out var counter))
                counters[counter.GetProperty("name").GetString()!] = (counter.GetProperty("packets").GetInt64(), counter.GetProperty("bytes").GetInt64());
        var open = Open(connections);
        var counts = new Dictionary<(string Listener, string Member), Counts>();
        foreach (var door in doors)
            foreach (var member in door.Listener.Members)
            {
                var key = (door.Listener.Id, member.Id);
                var active = door.To(member) is { } way ? open.GetValueOrDefault(way) : 0;
                counts[key] = counts.TryGetValue(key, out var known) ? known with { Active = known.Active + active } : new Counts(
                    active, counters.GetValueOrDefault(NameOf(New, door.Listener, member)).Packets, counters.GetValueOrDefault(NameOf(In, door.Listener, member)).Bytes,
                    counters.GetValueOrDefault(NameOf(Out, door.Listener, member)).Bytes);
            }
        return counts;
    }

    /// <summary>How many connections to each address and port are with each member: of TCP those that are established, of UDP those that were answered.</summary>
    private static Dictionary<ConnectionWay, int> Open(IEnumerable<Connection> connections)
    {
        var open = new Dictionary<ConnectionWay, int>();
        foreach (var connection in connections.Where(connection => connection.IsOpen)) open[connection.Way] = open.GetValueOrDefault(connection.Way) + 1;
        return open;
    }
}
