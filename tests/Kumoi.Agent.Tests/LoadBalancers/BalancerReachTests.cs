using System.Net.Sockets;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>
/// Goal: a load balancer is reached from linked networks and from the outside, whoever balances, and wherever its members are. Method: hosts in namespaces joined by
/// an underlay that is also the outside.
/// </summary>
public sealed class BalancerReachTests
{
    private const string Second = "net-19a3f2b4c5d6e7f99", SecondSubnet = "subnet-19a3f2b4c5d6e7f92", Proxied = "lsn-19a3f2b4c5d6e7fb1";
    private const string Public = "172.31.0.200", Source = "172.31.0.201";

    private static readonly DesiredRule[] Open = [Samples.Ingress("tcp", 80, 80, "0.0.0.0/0", null), Samples.EgressAll];

    /// <summary>Lets nobody in; only load balancers reach its members.</summary>
    private static readonly DesiredRule[] Shut = [Samples.EgressAll];

    [Fact]
    public async Task Guests_of_linked_networks_reach_it_and_it_reaches_its_members()
    {
        await using var hosts = await StandIns.StartAsync(2);
        var (near, far) = (Shared.Interface(12, Samples.Group), Shared.Interface(13, Samples.Group));
        var foreign = new DesiredInterface("eni-19a3f2b4c5d6e0015", 0, Second, SecondSubnet, "52:54:00:00:00:15", "10.8.0.21", null, [Samples.Group]);
        DesiredNetwork[] networks =
        [
            Shared.Network(Shared.HostOf(hosts.All[1], near, far)) with { Links = [new DesiredLink(Second, ["10.8.0.0/24"])] },
            new(Second, "other", 8, "198.19.0.8", "other.internal", [new DesiredSubnet(SecondSubnet, "10.8.0.0/24", "10.8.0.1", [])], [], Hosts: [Shared.HostOf(hosts.All[0], foreign)],
                Links: [new DesiredLink(Samples.Network, ["10.0.0.0/24", "fd00:1::/64"])]),
        ];
        networks[0] = networks[0].With(Balanced.Of("tcp", 80, Balanced.Member(12), Balanced.Member(13)), Balanced.Of("tcp", 81, Balanced.Member(12), Balanced.Member(13)) with { Id = Proxied, Algorithm = BalancingAlgorithm.LeastConnections });
        var groups = new[] { Shared.Group(Samples.Group, Open, near, far, foreign) };
        var (first, second) = (Shared.Document(networks, groups, Shared.Instance(21, foreign)), Shared.Document(networks, groups, Shared.Instance(12, near), Shared.Instance(13, far)));
        var client = await hosts.GuestAsync(hosts.All[0], foreign);
        StandInGuest[] members = [await hosts.GuestAsync(hosts.All[1], near), await hosts.GuestAsync(hosts.All[1], far)];
        foreach (var member in members) await Balanced.ServeLinesAsync(member);
        await using var one = new BalancedHost(hosts.All[0]);
        await using var two = new BalancedHost(hosts.All[1]);
        one.Replace(first);
        two.Replace(second);
        foreach (var listener in new[] { Balanced.Listener, Proxied })
            foreach (var host in new[] { one, two }) await host.WorksAsync(listener, Balanced.MemberId(12), Balanced.MemberId(13));

        await Wait.ForAsync("the linked network's guest is spread", async () => (await Balanced.SpreadAsync(client.Namespace, Balanced.Address, 80, 4)).Servers is { Count: 2 } servers && servers.Values.All(count => count == 2), TimeSpan.FromSeconds(10));
        Assert.Equal([foreign.Address], (await Balanced.SpreadAsync(client.Namespace, Balanced.Address, 80, 2)).Clients);
        Assert.Equal([Balanced.Address], (await Balanced.SpreadAsync(client.Namespace, Balanced.Address, 81, 2)).Clients);
        await Wait.ForAsync("counts of the linked network", () => one.Listener(Balanced.Listener) is { Connections: >= 6 }, TimeSpan.FromSeconds(30));
        Assert.Empty(one.Failures.Concat(two.Failures));
    }

    [Fact]
    public async Task The_outside_reaches_it_on_one_host_with_members_on_all()
    {
        await using var hosts = await StandIns.StartAsync(2);
        var (near, far) = (Shared.Interface(12, Samples.Group), Shared.Interface(13, Samples.Group));
        var network = Shared.Network(Shared.HostOf(hosts.All[0], near), Shared.HostOf(hosts.All[1], far)).With(
            Balanced.Of("tcp", 80, Balanced.Member(12), Balanced.Member(13)), Balanced.Of("tcp", 81, Balanced.Member(12), Balanced.Member(13)) with { Id = Proxied, Algorithm = BalancingAlgorithm.LeastConnections }) with
        {
            // Guests leave by the other host, which must not have the replies.
            Gateways =
            [
                new DesiredGateway(Public, hosts.All[0].Options.Address, false, [new DesiredForward("tcp", 8080, Balanced.Address, 80), new DesiredForward("tcp", 8081, Balanced.Address, 81)]),
                new DesiredGateway(Source, hosts.All[1].Options.Address, true, []),
            ],
        };
        var groups = new[] { Shared.Group(Samples.Group, Open, near, far) };
        StandInGuest[] members = [await hosts.GuestAsync(hosts.All[0], near), await hosts.GuestAsync(hosts.All[1], far)];
        foreach (var member in members) await Balanced.ServeLinesAsync(member);
        await using var one = new BalancedHost(hosts.All[0]);
        await using var two = new BalancedHost(hosts.All[1]);
        void Replace(DesiredNetwork network, DesiredSecurityGroup[] groups)
        {
            one.Replace(Shared.Document([network], groups, Shared.Instance(12, near)));
            two.Replace(Shared.Document([network], groups, Shared.Instance(13, far)));
        }
        Replace(network, groups);
        foreach (var listener in new[] { Balanced.Listener, Proxied })
            foreach (var host in new[] { one, two }) await host.WorksAsync(listener, Balanced.MemberId(12), Balanced.MemberId(13));
        await Wait.ForAsync("the outside is spread", async () => (await Balanced.SpreadAsync(hosts.OutsideNamespace, Public, 8080, 4)).Servers is { Count: 2 } servers && servers.Values.All(count => count == 2), TimeSpan.FromSeconds(10));
        Assert.Equal([StandIns.Outside], (await Balanced.SpreadAsync(hosts.OutsideNamespace, Public, 8080, 2)).Clients);
        var (servers, clients) = await Balanced.SpreadAsync(hosts.OutsideNamespace, Public, 8081, 4);
        Assert.Equal((2, 2), (servers.GetValueOrDefault(near.Address), servers.GetValueOrDefault(far.Address)));
        Assert.Equal([Balanced.Address], clients);

        // Members that let nobody in are reached through haproxy, which asks them itself, and by nobody else.
        Replace(network, [Shared.Group(Samples.Group, Shut, near, far)]);
        await Wait.ForAsync("clients are not let in", async () => (await Balanced.SpreadAsync(hosts.OutsideNamespace, Public, 8080, 1)).Servers.ContainsKey("nobody"), TimeSpan.FromSeconds(10));
        Assert.Null(await Balanced.AskAsync(members[0].Namespace, far.Address, 80));
        (servers, _) = await Balanced.SpreadAsync(hosts.OutsideNamespace, Public, 8081, 4);
        Assert.Equal((2, 2), (servers.GetValueOrDefault(near.Address), servers.GetValueOrDefault(far.Address)));
        Assert.True(one.Listener(Balanced.Listener)!.Members.All(member => member.Health == BackendHealth.Healthy));
        Assert.Empty(one.Failures.Concat(two.Failures));
        Assert.Empty(one.Conditions.Concat(two.Conditions));
    }

    [Fact]
    public async Task What_comes_from_the_outside_is_counted_and_led_to_another_member()
    {
        await using var hosts = await StandIns.StartAsync(1);
        DesiredInterface[] interfaces = [Shared.Interface(12, Samples.Group), Shared.Interface(13, Samples.Group)];
        StandInGuest[] members = [await hosts.GuestAsync(hosts.All[0], interfaces[0]), await hosts.GuestAsync(hosts.All[0], interfaces[1])];
        Socket[] servers = [await Balanced.ServeLinesAsync(members[0]), await Balanced.ServeLinesAsync(members[1])];
        foreach (var member in members) await Datagrams.EchoNameAsync(member);
        var datagrams = Balanced.Of("udp", 53, Balanced.Member(12), Balanced.Member(13)) with { Id = Proxied, Health = Balanced.Check with { Port = 80 } };
        var network = Shared.Network(Shared.HostOf(hosts.All[0], interfaces)).With(Balanced.Of("tcp", 80, Balanced.Member(12), Balanced.Member(13)), datagrams) with
        {
            Gateways = [new DesiredGateway(Public, hosts.All[0].Options.Address, true, [new DesiredForward("tcp", 8080, Balanced.Address, 80), new DesiredForward("udp", 5300, Balanced.Address, 53)])],
        };
        await using var one = new BalancedHost(hosts.All[0]);
        one.Replace(Shared.Document([network], [Shared.Group(Samples.Group, [.. Open, Samples.Ingress("udp", 80, 80, "0.0.0.0/0", null)], interfaces)], Shared.Instance(12, interfaces[0]), Shared.Instance(13, interfaces[1])));
        foreach (var listener in new[] { Balanced.Listener, Proxied }) await one.WorksAsync(listener, Balanced.MemberId(12), Balanced.MemberId(13));

        Answered? open = null;
        await Wait.ForAsync("a connection", async () => (open = await Balanced.AskAsync(hosts.OutsideNamespace, Public, 8080)) is not null, TimeSpan.FromSeconds(10));
        await Wait.ForAsync("it is told", () => one.Listener(Balanced.Listener) is { Active: 1 } seen && seen.Members.Sum(member => member.Active) == 1, TimeSpan.FromSeconds(30));
        open!.Dispose();
        await Wait.ForAsync("its end is told", () => one.Listener(Balanced.Listener) is { Active: 0 }, TimeSpan.FromSeconds(30));

        using var socket = await Datagrams.OpenAsync(hosts.OutsideNamespace, Public, 5300);
        string? first = null;
        await Wait.ForAsync("an answer", async () => (first = await Datagrams.AskAsync(socket)) is not null, TimeSpan.FromSeconds(10));
        var dead = first == members[0].Ipv4 ? 0 : 1;
        servers[dead].Dispose();
        await Wait.ForAsync("the other member answers", async () => await Datagrams.AskAsync(socket) == members[1 - dead].Ipv4, TimeSpan.FromSeconds(15));
        Assert.Empty(one.Failures);
    }
}
