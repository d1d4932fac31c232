using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Control;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>
/// Goal: news of who else is in a network is in force without a look at everything, in a group of a thousand, too. Method: the controller with the real driver;
/// a guest on another host asks without pause until it is let in. How long that took is written, not judged: it is a measure of the machine, too.
/// </summary>
public sealed class MemberJoinTests(ITestOutputHelper output)
{
    private const int Members = 1000, Rounds = 20;

    [Fact]
    public async Task A_member_that_joins_on_another_host_is_let_in()
    {
        await using var hosts = await Hosts.StartAsync(2);
        var (one, two) = (hosts.All[0], hosts.All[1]);
        var (server, client) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Shared.Clients));
        DesiredRule[] all = [Samples.EgressAll, new("egress", "any", null, null, "::/0", null)];
        DesiredSecurityGroup[] groups = [new(Samples.Group, [Samples.Ingress("udp", 53, 53, null, Samples.Group), .. all], []), new(Shared.Clients, all, [])];
        var (a, b) = (await hosts.GuestAsync(one, server), await hosts.GuestAsync(two, client));
        await hosts.ServeAsync(a.Namespace, 53);
        var network = Shared.Network();
        NetworkHost[] places = [Shared.HostOf(one, server), new(two.Options.Address, [.. Enumerable.Range(0, Members).Select(Address), client.Address, b.Ipv6])];
        await Hosts.ApplyAsync(two, Shared.Document([network with { Hosts = places }], groups, Shared.Instance(12, client)));

        var state = new AgentState();
        await using var controller = new NetworkController(one.Options, state, one.Driver, _ => true, new Random(1), TimeProvider.System, Machine.Log);
        var peers = new Peers(true);
        DesiredDocument Take(DesiredDocument? document, long revision, params string[] joined) => peers.Take(new DesiredAnswer(document, [new NetworkPeers(
            Samples.Network, revision, [.. Enumerable.Range(0, Members).Select(i => new DesiredName(string.Create(CultureInfo.InvariantCulture, $"vm{i}"), Address(i)))],
            [new GroupMembers(Samples.Group, [.. Enumerable.Range(0, Members).Select(Address), .. joined])], places)]))!;
        var whole = Take(Shared.Document([network], groups, Shared.Instance(11, server)), 1);
        state.Replace(whole);
        controller.RingAll();
        await Wait.ForAsync("the network", () => controller.ReadinessOf(whole.Instances[0], whole) == NetworkReadiness.Ready, TimeSpan.FromSeconds(30));

        var times = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            using var socket = await NetworkNamespaces.RunInsideAsync(b.Namespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { Blocking = false });
            socket.Connect(new IPEndPoint(IPAddress.Parse(server.Address), 53));
            Assert.False(await AnsweredAsync(socket, TimeSpan.FromMilliseconds(50)));
            var watch = Stopwatch.StartNew();
            state.Replace(Take(null, 2 + (2 * round), client.Address));
            controller.RingPeers(Samples.Network);
            Assert.True(await AnsweredAsync(socket, TimeSpan.FromSeconds(30)));
            times.Add(watch.Elapsed.TotalMilliseconds);
            state.Replace(Take(null, 3 + (2 * round)));
            controller.RingPeers(Samples.Network);
            // Connections that were let in live on; new ones are not.
            await Wait.ForAsync("the member's leave", async () =>
            {
                using var fresh = await NetworkNamespaces.RunInsideAsync(b.Namespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { Blocking = false });
                fresh.Connect(new IPEndPoint(IPAddress.Parse(server.Address), 53));
                return !await AnsweredAsync(fresh, TimeSpan.FromMilliseconds(50));
            }, TimeSpan.FromSeconds(30));
        }
        times.Sort();
        output.WriteLine(FormattableString.Invariant($"A member joins a group of {Members}: median {times[Rounds / 2]:0.0} ms, least {times[0]:0.0} ms, most {times[^1]:0.0} ms from the document to the first answer."));
    }

    private static string Address(int i) => $"10.0.{(i / 200) + 1}.{(i % 200) + 10}";

    private static async Task<bool> AnsweredAsync(Socket socket, TimeSpan limit)
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < limit)
        {
            socket.Send("ask"u8);
            await Task.Yield();
            if (socket.Poll(TimeSpan.FromMilliseconds(1), SelectMode.SelectRead)) return socket.Receive(new byte[10]) == 3;
        }
        return false;
    }
}
