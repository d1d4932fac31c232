using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using Kumoi.Benchmarks.Figures;
using Kumoi.Benchmarks.Measures;
using Kumoi.Testing.Networks;

namespace Kumoi.Benchmarks.Networks;

/// <summary>How long a change takes: until a packet passes that did not, and what it costs where more or less is on the host.</summary>
public static class Changes
{
    private static readonly int[] Sizes = [10, 100, 1000];

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(NetworkSizes sizes)
    {
        var figures = new List<Figure>();
        var (joins, rules) = (new List<double>(), new List<double>());
        await using (var hosts = await TwoHosts.StartAsync(sizes.Members))
            for (var round = 0; round < sizes.Rounds; round++)
            {
                joins.Add(await hosts.JoinAsync() ?? throw new InvalidOperationException("The member was not let in."));
                if (!await hosts.LeaveAsync()) throw new InvalidOperationException("The member that left is let in.");
                rules.Add(await hosts.OpenAsync() ?? throw new InvalidOperationException("The rule lets nobody in."));
                if (!await hosts.CloseAsync()) throw new InvalidOperationException("The rule that is gone lets in.");
            }
        figures.Add(new Figure($"a member joins a group of {sizes.Members:N0}: document → first answer", new Sample(joins), "ms", 1, new Goal(50)));
        figures.Add(new Figure($"a rule is added to a group of {sizes.Members:N0}: document → first answer", new Sample(rules), "ms", 1, null));
        foreach (var count in Sizes.Where(count => count <= sizes.Members)) figures.AddRange(await CostsAsync(count, sizes.Rounds));
        return figures;
    }

    /// <summary>Of changes in a network with so many interfaces on the host.</summary>
    private static async Task<IReadOnlyList<Figure>> CostsAsync(int count, int rounds)
    {
        await using var hosts = await StandIns.StartAsync(1);
        var host = hosts.All[0];
        var places = new NetworkHost("172.31.0.200", ["10.200.255.1"]);
        DesiredDocument With(int interfaces, int members) => Made.Document([Made.Network(0, interfaces) with { Hosts = [places] }],
            Enumerable.Range(0, members).Select(i => new DesiredMember(Made.NetworkId(0), $"10.200.{200 + i / 250}.{i % 250 + 1}")), Made.Instances(0, interfaces));
        NetworkIntent Intent(DesiredDocument document) => StandIns.IntentsOf(host, document)[0];
        await StandIns.ApplyAsync(host, With(count, 0));
        var (members, ports) = (new List<double>(), new List<double>());
        for (var round = 1; round <= rounds; round++)
        {
            var joined = Intent(With(count, round));
            members.Add(await Clock.MillisecondsAsync(async () =>
            {
                if (!await host.Driver.TryApplyPeersAsync(joined, default)) throw new InvalidOperationException("The member's coming had everything looked at.");
            }));
        }
        for (var round = 1; round <= rounds / 4 + 2; round++)
        {
            var more = Intent(With(count + round, rounds));
            ports.Add(await Clock.MillisecondsAsync(() => host.Driver.ApplyAsync(more, new HashSet<string>(), default)));
        }
        return
        [
            new Figure($"one member more, {count:N0} interfaces of the network on the host", new Sample(members), "ms", 1, null),
            new Figure($"one interface more, {count:N0} interfaces of the network on the host", new Sample(ports), "ms", 1, null),
        ];
    }
}
