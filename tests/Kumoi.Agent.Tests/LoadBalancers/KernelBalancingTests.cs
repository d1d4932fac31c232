using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>
/// Goal: connections to a load balancer that the kernel balances come to the members that should get them, from wherever they are made. Method: hosts in namespaces
/// joined by an underlay, their own health checks, and connections from guests.
/// </summary>
public sealed class KernelBalancingTests
{
    private static readonly DesiredRule[] Open =
    [
        Samples.Ingress("tcp", 80, 80, "0.0.0.0/0", null), Samples.Ingress("tcp", 80, 80, "::/0", null), Samples.Ingress("udp", 80, 80, "0.0.0.0/0", null),
        Samples.EgressAll, new("egress", "any", null, null, "::/0", null),
    ];

    [Fact]
    public async Task Guests_are_spread_over_members_on_every_host()
    {
        await using var hosts = await StandIns.StartAsync(2);
        var (a, b, c, d) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group), Shared.Interface(13, Samples.Group), Shared.Interface(14, Samples.Group));
        var network = Shared.Network(Shared.HostOf(hosts.All[0], a, b), Shared.HostOf(hosts.All[1], c, d));
        var groups = new[] { Shared.Group(Samples.Group, Open, a, b, c, d) };
        DesiredDocument First(DesiredNetwork network) => Shared.Document([network], groups, Shared.Instance(11, a), Shared.Instance(12, b));
        DesiredDocument Second(DesiredNetwork network) => Shared.Document([network], groups, Shared.Instance(13, c), Shared.Instance(14, d));
        var (client, near, far, other) = (await hosts.GuestAsync(hosts.All[0], a), await hosts.GuestAsync(hosts.All[0], b), await hosts.GuestAsync(hosts.All[1], c), await hosts.GuestAsync(hosts.All[1], d));
        using var nearServer = await Balanced.ServeLinesAsync(near);
        var farServer = await Balanced.ServeLinesAsync(far);
        await using var one = new BalancedHost(hosts.All[0]);
        await using var two = new BalancedHost(hosts.All[1]);
        void Replace(DesiredListener listener)
        {
            one.Replace(First(network.With(listener)));
            two.Replace(Second(network.With(listener)));
        }
        Task BothAsync(params string[] members) => Task.WhenAll(one.WorksAsync(Balanced.Listener, members), two.WorksAsync(Balanced.Listener, members));

        var listener = Balanced.Of("tcp", 80, Balanced.Both(12), Balanced.Both(13));
        string[] all = [.. listener.Members.Select(member => member.Id)];
        Replace(listener);
        await BothAsync(all);
        foreach (var from in new[] { client, other })
            foreach (var ipv6 in new[] { false, true })
            {
                await SpreadsAsync(from, ipv6, 6, (near.Ipv4, 3), (far.Ipv4, 3));
                Assert.Equal([from.Of(ipv6)], (await Balanced.SpreadAsync(from.Namespace, ipv6 ? Balanced.Ipv6 : Balanced.Address, 80, 2)).Clients);
            }
        // A member that is led to itself sees the load balancer.
        foreach (var ipv6 in new[] { false, true })
        {
            var (servers, clients) = await Balanced.SpreadAsync(near.Namespace, ipv6 ? Balanced.Ipv6 : Balanced.Address, 80, 4);
            Assert.Equal((2, 2), (servers.GetValueOrDefault(near.Ipv4), servers.GetValueOrDefault(far.Ipv4)));
            Assert.True(clients.ToHashSet().SetEquals([near.Of(ipv6), ipv6 ? Balanced.Ipv6 : Balanced.Address]), string.Join(' ', clients));
        }
        // Other ports refuse, the address answers pings.
        Assert.Null(await Balanced.AskAsync(client.Namespace, Balanced.Address, 81));
        Assert.True(await StandIns.ReachesAsync(client.Namespace, "icmp", Balanced.Address, 0));

        // Weights.
        Replace(listener with { Members = [listener.Members[0] with { Weight = 3 }, listener.Members[1]] });
        await BothAsync(all[..2]);
        await SpreadsAsync(client, false, 8, (near.Ipv4, 6), (far.Ipv4, 2));

        // By the client's address.
        Replace(listener with { Algorithm = BalancingAlgorithm.Source });
        await BothAsync(all);
        await Wait.ForAsync("one member only", async () => (await Balanced.SpreadAsync(client.Namespace, Balanced.Address, 80, 6)).Servers.Count == 1, TimeSpan.FromSeconds(10));

        // A draining member keeps what it has and gets no more; one that is removed loses it.
        Replace(listener);
        await BothAsync(all);
        using var kept = await OpenToAsync(client, near.Ipv4);
        Replace(listener with { Members = [listener.Members[0] with { Draining = true }, .. listener.Members.Skip(1)] });
        await Wait.ForAsync("nothing new to the draining member", async () => !(await Balanced.SpreadAsync(client.Namespace, Balanced.Address, 80, 4)).Servers.ContainsKey(near.Ipv4), TimeSpan.FromSeconds(10));
        Assert.True(await kept.LivesAsync());
        Replace(listener with { Members = [.. listener.Members.Skip(1)] });
        await Wait.ForAsync("the connection of the removed member ends", async () => !await kept.LivesAsync(), TimeSpan.FromSeconds(10));
        using var direct = await Balanced.AskAsync(client.Namespace, near.Ipv4, 80);
        Assert.NotNull(direct);

        // A member that dies leaves on both hosts, and comes back.
        Replace(listener);
        await BothAsync(all);
        farServer.Dispose();
        await BothAsync(all[0]);
        Assert.Equal("the connection is refused", one.Listener(Balanced.Listener)!.Members[1].Reason);
        foreach (var from in new[] { client, other })
            await Wait.ForAsync("only the one that works", async () => (await Balanced.SpreadAsync(from.Namespace, Balanced.Address, 80, 4)).Servers is { Count: 1 } servers && servers.ContainsKey(near.Ipv4), TimeSpan.FromSeconds(10));
        using var again = await Balanced.ServeLinesAsync(far);
        await BothAsync(all);
        await Wait.ForAsync("both again", async () => (await Balanced.SpreadAsync(client.Namespace, Balanced.Address, 80, 4)).Servers.Count == 2, TimeSpan.FromSeconds(10));

        // Both hosts ask the same member from the same address and port, and each gets its own answers.
        using var asked = await Balanced.AskAsync(one.Host.Network(Samples.Network), far.Ipv4, 80, $"{Balanced.Address}:40000");
        using var askedThere = await Balanced.AskAsync(two.Host.Network(Samples.Network), far.Ipv4, 80, $"{Balanced.Address}:40000");
        Assert.Equal((Balanced.Address, Balanced.Address), (asked?.Client, askedThere?.Client));
        Assert.Equal((true, true), (await asked!.LivesAsync(), await askedThere!.LivesAsync()));

        // What was counted here: connections from this host's guests only.
        await Wait.ForAsync("counts", () => one.Listener(Balanced.Listener) is { Connections: > 20, BytesOut: > 1000, BytesIn: > 1000 }, TimeSpan.FromSeconds(30));

        // Nobody works: the client hears it at once.
        nearServer.Dispose();
        again.Dispose();
        await BothAsync();
        await Wait.ForAsync("refused", async () => await RefusedAsync(client.Namespace), TimeSpan.FromSeconds(10));
        Assert.Empty(one.Failures.Concat(two.Failures));
        Assert.Empty(one.Conditions.Concat(two.Conditions));
    }

    [Fact]
    public async Task A_sender_of_udp_is_led_to_another_member_when_its_own_ceases_to_work_and_nowhere_when_all_is_gone()
    {
        await using var hosts = await StandIns.StartAsync(1);
        DesiredInterface[] interfaces = [.. Enumerable.Range(11, 3).Select(number => Shared.Interface(number, Samples.Group))];
        var guests = new List<StandInGuest>();
        foreach (var wanted in interfaces) guests.Add(await hosts.GuestAsync(hosts.All[0], wanted));
        Socket[] checks = [await Balanced.ServeLinesAsync(guests[1]), await Balanced.ServeLinesAsync(guests[2])];
        foreach (var member in guests.Skip(1)) await Datagrams.EchoNameAsync(member);
        await using var one = new BalancedHost(hosts.All[0]);
        void Replace(params DesiredListener[] listeners) => one.Replace(Shared.Document(
            [Shared.Network(Shared.HostOf(hosts.All[0], interfaces)).With(listeners)], [Shared.Group(Samples.Group, Open, interfaces)], [.. interfaces.Select((wanted, i) => Shared.Instance(11 + i, wanted))]));
        var listener = Balanced.Of("udp", 53, Balanced.Member(12), Balanced.Member(13)) with { Health = Balanced.Check with { Port = 80 } };
        Replace(listener);
        await one.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));

        // One socket, so all of it is one connection to the kernel.
        using var socket = await Datagrams.OpenAsync(guests[0].Namespace, Balanced.Address, 53);
        string? first = null;
        await Wait.ForAsync("an answer", async () => (first = await Datagrams.AskAsync(socket)) is not null, TimeSpan.FromSeconds(10));
        for (var i = 0; i < 4; i++) Assert.Equal(first, await Datagrams.AskAsync(socket));
        var dead = first == guests[1].Ipv4 ? 0 : 1;
        checks[dead].Dispose();
        await Wait.ForAsync("the other member answers", async () => await Datagrams.AskAsync(socket) == guests[2 - dead].Ipv4, TimeSpan.FromSeconds(15));
        Replace();
        await Wait.ForAsync("nobody answers", async () => await Datagrams.AskAsync(socket) is null, TimeSpan.FromSeconds(15));
        Assert.Empty(one.Conditions);
    }

    [Fact]
    public async Task A_sender_of_udp_leaves_a_member_that_was_removed_while_no_agent_ran()
    {
        await using var hosts = await StandIns.StartAsync(1);
        DesiredInterface[] interfaces = [.. Enumerable.Range(11, 3).Select(number => Shared.Interface(number, Samples.Group))];
        var guests = new List<StandInGuest>();
        foreach (var wanted in interfaces) guests.Add(await hosts.GuestAsync(hosts.All[0], wanted));
        foreach (var member in guests.Skip(1)) await Datagrams.EchoNameAsync(member);
        DesiredDocument With(DesiredListener listener) => Shared.Document(
            [Shared.Network(Shared.HostOf(hosts.All[0], interfaces)).With(listener)], [Shared.Group(Samples.Group, Open, interfaces)], [.. interfaces.Select((wanted, i) => Shared.Instance(11 + i, wanted))]);
        var listener = Balanced.Of("udp", 53, Balanced.Member(12), Balanced.Member(13)) with { Health = Balanced.Check with { Protocol = "none" } };
        using var socket = await Datagrams.OpenAsync(guests[0].Namespace, Balanced.Address, 53);
        string? first = null;
        await using (var before = new BalancedHost(hosts.All[0]))
        {
            before.Replace(With(listener));
            await Wait.ForAsync("an answer", async () => (first = await Datagrams.AskAsync(socket)) is not null, TimeSpan.FromSeconds(10));
        }
        await using var after = new BalancedHost(hosts.All[0]);
        after.Replace(With(listener with { Members = [.. listener.Members.Where(member => member.Address != first)] }));
        await Wait.ForAsync("the other member answers", async () => await Datagrams.AskAsync(socket) is { } other && other != first, TimeSpan.FromSeconds(15));
        Assert.Empty(after.Conditions);
    }

    [Fact]
    public async Task A_change_of_health_is_set_without_a_look_at_everything()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var host = hosts.All[0];
        var own = Shared.Interface(12, Samples.Group);
        _ = await hosts.GuestAsync(host, own);
        var document = Shared.Document([Shared.Network(Shared.HostOf(host, own)).With(Balanced.Of("tcp", 80, Balanced.Member(12), Balanced.Member(13)))], [Shared.Group(Samples.Group, Open, own)], Shared.Instance(12, own));
        await StandIns.ApplyAsync(host, document);
        var intent = StandIns.IntentsOf(host, document)[0];
        var balancer = intent.Balancers[0];
        intent = intent with { Balancers = [balancer with { Listeners = [.. balancer.Listeners.Select(listener => listener with { Members = [.. listener.Members.Select(member => member with { Works = true })] })] }] };
        Assert.True(await host.Driver.TryApplyPeersAsync(intent, default));
        Assert.Null(Kumoi.Agent.Networks.NetworkRuleset.Build(intent).Change(await new Kumoi.Agent.Networks.NetworkTables(hosts.Commands).SeeAsync(intent.Namespace, Kumoi.Agent.Networks.NetworkRuleset.Table, default)));
    }

    private static async Task SpreadsAsync(StandInGuest from, bool ipv6, int count, params (string Server, int Count)[] expected) => await Wait.ForAsync(
        $"{count} connections spread",
        async () =>
        {
            var (servers, _) = await Balanced.SpreadAsync(from.Namespace, ipv6 ? Balanced.Ipv6 : Balanced.Address, 80, count);
            return servers.Count == expected.Length && expected.All(each => servers.GetValueOrDefault(each.Server) == each.Count);
        },
        TimeSpan.FromSeconds(10));

    private static async Task<Answered> OpenToAsync(StandInGuest from, string server)
    {
        Answered? open = null;
        await Wait.ForAsync($"a connection to {server}", async () =>
        {
            open = await Balanced.AskAsync(from.Namespace, Balanced.Address, 80);
            if (open?.Server == server) return true;
            open?.Dispose();
            return false;
        }, TimeSpan.FromSeconds(10));
        return open!;
    }

    private static async Task<bool> RefusedAsync(string from)
    {
        using var socket = await NetworkNamespaces.RunInsideAsync(from, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(Balanced.Address), 80), patience.Token);
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
