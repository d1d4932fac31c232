using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Networks.Bridged;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Bridged;

/// <summary>
/// Goal: wherever an agent is killed while it makes or changes a bridged network, no forbidden packet passes, and the next one gets everything right. Method: cut off
/// before each command in turn, or in the middle of the lines it is fed; then packets, a new driver, and packets again.
/// </summary>
public sealed class KilledBridgedTests
{
    private static DesiredRule Tcp(int port) => Samples.Ingress("tcp", port, port, "0.0.0.0/0", null);

    [Fact]
    public async Task A_network_that_was_half_made_is_completed()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var (a, b) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group));
        DesiredDocument Document(int port, params DesiredInterface[] faces) =>
            Shared.Document([SegmentStand.Network()], [Shared.Group(Samples.Group, [Tcp(port), Samples.EgressAll], faces)], [.. faces.Select((face, i) => Shared.Instance(11 + i, face))]);
        StandInGuest[] guests = [await stand.GuestAsync(host, a), await stand.GuestAsync(host, b)];
        foreach (var guest in guests) await hosts.ServeAsync(guest.Namespace, 79, 80, 81);
        var completed = false;
        for (var cut = 1; !completed; cut++)
        {
            // From one guest and port 80 to two and 81, and from nothing at the first cut.
            completed = await CutOffAsync(hosts, host, Document(81, a, b), cut);
            Assert.Null(await StandIns.TcpAsync(stand.Machine, a.Address, 79));
            using var next = new LinuxNetworks(host.Options, hosts.Commands, TimeProvider.System, host.Namespace);
            await StandIns.ApplyAsync(host with { Driver = next }, Document(81, a, b));
            Assert.Null(await StandIns.TcpAsync(stand.Machine, a.Address, 80));
            // Whoever was asked for while nobody answered is asked for again a second later.
            foreach (var guest in guests) await Wait.ForAsync($"{guest.Ipv4} at 81", async () => await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 81) == SegmentStand.Router, TimeSpan.FromSeconds(10));
            await RightAsync(hosts, host, Document(81, a, b));
            if (completed) break;
            // The segment's device is taken away, too, so that making it is cut off as well.
            await hosts.IpAsync(host.Network(Samples.Network), "link delete dev seg");
            await StandIns.ApplyAsync(host with { Driver = next }, Document(80, a));
            await hosts.IpAsync(host.Network(Samples.Network), "link delete dev seg");
        }
    }

    /// <summary>True if it was not cut off, because there were fewer commands.</summary>
    private static async Task<bool> CutOffAsync(StandIns hosts, StandInHost host, DesiredDocument document, int cut)
    {
        var count = 0;
        var commands = new Commands(TimeProvider.System)
        {
            Fault = (program, input) =>
            {
                var number = Interlocked.Increment(ref count);
                if (number < cut) return input;
                if (number > cut || program is "nsenter" or "nft" || input is null) throw new IOException("The agent is dead.");
                var lines = input.Split('\n');
                return string.Join('\n', lines[..(lines.Length / 2)]) + "\n";
            },
        };
        using var driver = new LinuxNetworks(host.Options, commands, TimeProvider.System, host.Namespace);
        try
        {
            await StandIns.ApplyAsync(host with { Driver = driver }, document);
            return count < cut;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task RightAsync(StandIns hosts, StandInHost host, DesiredDocument document)
    {
        var intent = StandIns.IntentsOf(host, document)[0];
        using var links = new NetworkLinks(hosts.Commands, host.Namespace);
        var tables = new NetworkTables(hosts.Commands);
        var plan = BridgedPlan.Between(await links.SeeAsync(intent, default), BridgedPlan.Wanted(intent), intent, new HashSet<string>());
        Assert.True(plan.IsEmpty, string.Join('\n', plan.Leading.Concat(plan.Taps).Concat(plan.Inside).Concat(plan.Limits).Concat(plan.Surplus)));
        Assert.True((await new SegmentLinks(hosts.Commands, host.Namespace, host.Options.SegmentDevices).SeeAsync(intent, intent.Segment!, default)).Joined);
        Assert.Null(BridgeRuleset.Build(intent, intent.Segment!).Change(await tables.SeeAsync(intent.Namespace, BridgeRuleset.Table, default)));
        Assert.Null(BridgedRuleset.Build(intent, intent.Segment!).Change(await tables.SeeAsync(intent.Namespace, NetworkRuleset.Table, default)));
        Assert.True(Dnsmasq.IsAlive(Path.Combine(host.Options.Paths.Networks, intent.Namespace)));
    }
}
