using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Goal: what a guest sends and is sent is counted from its side, and told once. Method: real packets through real devices.</summary>
public sealed class InterfaceTrafficTests
{
    [Fact]
    public void The_kernels_table_is_read_from_the_guests_side()
    {
        const string text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
            t19a3f2b4c5d6e: 5000      50    0    0    0     0          0         0     7000      70    0    0    0     0       0          0
            t19a3f2b4c5d6f: 1 2 3
            """;
        var tap = "t19a3f2b4c5d6e";
        Assert.Equal(LinkPlan.IsTap(tap) ? [new(tap, new TapCounters("1/4", 5000, 50, 7000, 70))] : [], TapCounters.Read(text, _ => "1/4"));
        Assert.Empty(TapCounters.Read(text, _ => null));
    }

    [Fact]
    public async Task Packets_are_counted_and_told_until_they_are_heard()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var host = hosts.All[0];
        var (one, two) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group));
        var group = Shared.Group(Samples.Group, [Samples.Ingress("tcp", 80, 80, "0.0.0.0/0", null), Samples.EgressAll], one, two);
        var document = Shared.Document([Shared.Network(Shared.HostOf(host, one, two))], [group], Shared.Instance(11, one), Shared.Instance(12, two));
        var (a, b) = (await hosts.GuestAsync(host, one), await hosts.GuestAsync(host, two));
        await StandIns.ApplyAsync(host, document);
        await hosts.ServeAsync(b.Namespace, 80);
        var state = new AgentState();
        var traffic = new InterfaceTraffic(state, host.Driver, "boot", new Random(1), TimeProvider.System);
        Assert.Empty(await traffic.LookAsync(default));
        state.Replace(document);
        var before = (await traffic.LookAsync(default)).ToDictionary(seen => seen.Interface);
        Assert.Equal([one.Id, two.Id], before.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(2, traffic.Untold()!.Count);
        traffic.Told(traffic.Untold()!);
        Assert.Null(traffic.Untold());
        Assert.Equal(one.Address, await StandIns.TcpAsync(a.Namespace, two.Address, 80));
        var after = (await traffic.LookAsync(default)).ToDictionary(seen => seen.Interface);
        // A connection and what it carried: a handshake and an answer at the least, seen by both.
        foreach (var id in (string[])[one.Id, two.Id])
        {
            Assert.Equal(before[id].Counting, after[id].Counting);
            Assert.InRange(after[id].PacketsSent - before[id].PacketsSent, 3, 50);
            Assert.InRange(after[id].BytesReceived - before[id].BytesReceived, 150, 10_000);
        }
        Assert.NotEqual(after[one.Id].Counting, after[two.Id].Counting);
        // Untold until the servers say that they have heard.
        Assert.Equal(2, traffic.Untold()!.Count);
        Assert.Equal(2, traffic.Untold()!.Count);
        var text = await traffic.MetricsAsync(default);
        Assert.Contains($"kumoi_interface_sent_bytes_total{{interface=\"{one.Id}\",instance=\"{Samples.InstanceId(11)}\",network=\"{Samples.Network}\"}} ", text, StringComparison.Ordinal);
    }
}
