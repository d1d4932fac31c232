using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>
/// Goal: packets between linked networks, to ranges behind guests, and from and to the outside take the way the document says, and no other.
/// Method: drivers in namespaces joined by an underlay that is also the outside, and packets from guests and from there.
/// </summary>
public sealed class RoutedTests
{
    private const string Second = "net-19a3f2b4c5d6e7f99", SecondSubnet = "subnet-19a3f2b4c5d6e7f92", SecondIpv6 = "subnet-19a3f2b4c5d6e7f93", Third = "net-19a3f2b4c5d6e7f9a";

    private static readonly DesiredRule[] Web =
    [
        Samples.Ingress("tcp", 80, 80, "0.0.0.0/0", null), Samples.Ingress("tcp", 80, 80, "::/0", null), Samples.EgressAll, new("egress", "any", null, null, "::/0", null),
    ];

    private static DesiredInterface Other(int number, string network, string range) => new(
        $"eni-19a3f2b4c5d6e{number:x4}", 0, network, SecondSubnet, $"52:54:00:00:00:{number:x2}", $"10.8.{range}.{number}", null, [Samples.Group], [new DesiredAddress(SecondIpv6, System.Net.IPAddress.Parse($"fd00:8:{range}::{number}").ToString(), true)]);

    private static DesiredNetwork OtherNetwork(string id, int vni, string range, NetworkHost[] hosts, params DesiredLink[] links) => new(
        id, "other", vni, $"198.19.0.{vni}", "other.internal", [new DesiredSubnet(SecondSubnet, $"10.8.{range}.0/24", $"10.8.{range}.1", []), new DesiredSubnet(SecondIpv6, $"fd00:8:{range}::/64", $"fd00:8:{range}::1", [])], [],
        Hosts: hosts, Links: links);

    [Fact]
    public async Task Linked_networks_reach_each_other_from_every_host_and_others_do_not()
    {
        await using var hosts = await StandIns.StartAsync(2);
        var (one, two) = (hosts.All[0], hosts.All[1]);
        var a = Shared.Interface(11, Samples.Group);
        var (near, far, foreign) = (Other(12, Second, "0"), Other(13, Second, "0"), Other(14, Third, "7"));
        DesiredNetwork[] networks =
        [
            Shared.Network(Shared.HostOf(one, a)) with { Links = [new DesiredLink(Second, ["10.8.0.0/24", "fd00:8:0::/64"])] },
            OtherNetwork(Second, 8, "0", [Shared.HostOf(one, near), Shared.HostOf(two, far)], new DesiredLink(Samples.Network, ["10.0.0.0/24", "fd00:1::/64"])),
            // It claims a link that the other side does not know.
            OtherNetwork(Third, 9, "7", [Shared.HostOf(two, foreign)], new DesiredLink(Samples.Network, ["10.0.0.0/24", "fd00:1::/64"])),
        ];
        var groups = new[] { Shared.Group(Samples.Group, Web, a, near, far, foreign) };
        var first = Shared.Document(networks, groups, Shared.Instance(11, a), Shared.Instance(12, near));
        var second = Shared.Document(networks, groups, Shared.Instance(13, far), Shared.Instance(14, foreign));
        StandInGuest[] guests = [await hosts.GuestAsync(one, a), await hosts.GuestAsync(one, near), await hosts.GuestAsync(two, far), await hosts.GuestAsync(two, foreign)];
        foreach (var guest in guests) await hosts.ServeAsync(guest.Namespace, 80, 81);
        await StandIns.ApplyAsync(one, first);
        await StandIns.ApplyAsync(two, second);

        foreach (var ipv6 in new[] { false, true })
        {
            foreach (var other in guests[1..3])
            {
                Assert.Equal(guests[0].Of(ipv6), await StandIns.TcpAsync(guests[0].Namespace, other.Of(ipv6), 80));
                Assert.Equal(other.Of(ipv6), await StandIns.TcpAsync(other.Namespace, guests[0].Of(ipv6), 80));
                Assert.Null(await StandIns.TcpAsync(guests[0].Namespace, other.Of(ipv6), 81));
            }
            Assert.Null(await StandIns.TcpAsync(guests[3].Namespace, guests[0].Of(ipv6), 80));
            Assert.Null(await StandIns.TcpAsync(guests[0].Namespace, guests[3].Of(ipv6), 80));
        }

        // Without the link the way is shut, and does not lead outside.
        DesiredNetwork[] parted = [.. networks.Select(network => network with { Links = null })];
        await StandIns.ApplyAsync(one, first with { Networks = parted });
        Assert.Null(await StandIns.TcpAsync(guests[0].Namespace, guests[1].Ipv4, 80));
        Assert.Null(await StandIns.TcpAsync(guests[0].Namespace, guests[2].Ipv4, 80));
    }

    [Fact]
    public async Task A_range_behind_a_guest_is_reached_from_every_host_and_may_be_sent_from()
    {
        await using var hosts = await StandIns.StartAsync(2);
        var (one, two) = (hosts.All[0], hosts.All[1]);
        var (a, near) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group));
        var router = Shared.Interface(13, Samples.Group) with { Allowed = ["172.20.0.0/16"] };
        var network = Shared.Network(Shared.HostOf(one, a), Shared.HostOf(two, near, router)) with { Routes = [new DesiredRoute("172.20.0.0/16", router.Address)] };
        var groups = new[] { Shared.Group(Samples.Group, Web, a, near, router) };
        var (first, second) = (Shared.Document([network], groups, Shared.Instance(11, a)), Shared.Document([network], groups, Shared.Instance(12, near), Shared.Instance(13, router)));
        var (client, neighbour, way) = (await hosts.GuestAsync(one, a), await hosts.GuestAsync(two, near), await hosts.GuestAsync(two, router));
        await hosts.IpAsync(way.Namespace, "addr add 172.20.5.5/32 dev lo");
        foreach (var guest in new[] { client, neighbour, way }) await hosts.ServeAsync(guest.Namespace, 80);
        await StandIns.ApplyAsync(one, first);
        await StandIns.ApplyAsync(two, second);
        foreach (var from in new[] { client, neighbour })
        {
            Assert.Equal(from.Ipv4, await StandIns.TcpAsync(from.Namespace, "172.20.5.5", 80));
            Assert.Equal("172.20.5.5", await StandIns.TcpAsync(way.Namespace, from.Ipv4, 80, "172.20.5.5"));
        }
        // It is no longer allowed there, while the route is.
        await StandIns.ApplyAsync(two, second with { Instances = [second.Instances[0], Shared.Instance(13, router with { Allowed = null })] });
        Assert.Null(await StandIns.TcpAsync(way.Namespace, client.Ipv4, 80, "172.20.5.5"));
    }

    [Fact]
    public async Task The_outside_is_reached_under_the_right_address_and_reaches_what_it_may()
    {
        const string Public = "172.31.0.200", Floating = "172.31.0.201";
        await using var hosts = await StandIns.StartAsync(2);
        var (one, two) = (hosts.All[0], hosts.All[1]);
        var (a, b, floated) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group), Shared.Interface(13, Samples.Group) with { FloatingAddress = Floating });
        var plain = Shared.Network(Shared.HostOf(one, a), Shared.HostOf(two, b, floated));
        var groups = new[] { Shared.Group(Samples.Group, Web, a, b, floated) };
        DesiredDocument First(DesiredNetwork network) => Shared.Document([network], groups, Shared.Instance(11, a));
        DesiredDocument Second(DesiredNetwork network) => Shared.Document([network], groups, Shared.Instance(12, b), Shared.Instance(13, floated));
        StandInGuest[] guests = [await hosts.GuestAsync(one, a), await hosts.GuestAsync(two, b), await hosts.GuestAsync(two, floated)];
        foreach (var guest in guests) await hosts.ServeAsync(guest.Namespace, 80, 81);
        await hosts.ServeAsync(hosts.OutsideNamespace, 80);
        Task<string?> Out(StandInGuest guest) => StandIns.TcpAsync(guest.Namespace, StandIns.Outside, 80);
        Task<string?> In(string address, int port) => StandIns.TcpAsync(hosts.OutsideNamespace, address, port);

        // Each host's own address; the floating one for its guest.
        await StandIns.ApplyAsync(one, First(plain));
        await StandIns.ApplyAsync(two, Second(plain));
        Assert.Equal("172.31.0.1", await Out(guests[0]));
        Assert.Equal("172.31.0.2", await Out(guests[1]));
        Assert.Equal(Floating, await Out(guests[2]));
        Assert.Equal(StandIns.Outside, await In(Floating, 80));
        Assert.Null(await In(Floating, 81));
        Assert.Null(await In(Public, 80));

        // The network has an address of its own on the first host, with a port that leads to a guest on the second.
        var served = plain with { Gateways = [new DesiredGateway(Public, one.Options.Address, true, [new DesiredForward("tcp", 8080, b.Address, 80), new DesiredForward("tcp", 8081, b.Address, 81), new DesiredForward("tcp", 8082, a.Address, 80)])] };
        await StandIns.ApplyAsync(one, First(served));
        await StandIns.ApplyAsync(two, Second(served));
        Assert.Equal(Public, await Out(guests[0]));
        Assert.Equal(Public, await Out(guests[1]));
        Assert.Equal(Floating, await Out(guests[2]));
        Assert.Equal(StandIns.Outside, await In(Public, 8080));
        Assert.Null(await In(Public, 8081));
        Assert.Equal(StandIns.Outside, await In(Public, 8082));
        Assert.Equal(StandIns.Outside, await In(Floating, 80));
        Assert.Equal(b.Address, await StandIns.TcpAsync(guests[1].Namespace, a.Address, 80));

        // Replies find their way back also where guests leave by their own host.
        var forwarded = plain with { Gateways = [served.Gateways![0] with { IsSource = false }] };
        await StandIns.ApplyAsync(one, First(forwarded));
        await StandIns.ApplyAsync(two, Second(forwarded));
        Assert.Equal(StandIns.Outside, await In(Public, 8080));
        Assert.Equal("172.31.0.2", await Out(guests[1]));

        // Nobody but the guest with a floating address reaches the outside.
        var shut = plain with { Outside = NetworkOutside.None };
        await StandIns.ApplyAsync(one, First(shut));
        await StandIns.ApplyAsync(two, Second(shut));
        Assert.Null(await Out(guests[0]));
        Assert.Null(await Out(guests[1]));
        Assert.Equal(Floating, await Out(guests[2]));
        Assert.Equal(StandIns.Outside, await In(Floating, 80));
        Assert.Null(await In(Public, 8080));
        Assert.Equal(b.Address, await StandIns.TcpAsync(guests[1].Namespace, a.Address, 80));

        // The floating address goes to the guest on the first host, and the outside notices at once.
        await StandIns.ApplyAsync(two, Shared.Document([shut], groups, Shared.Instance(12, b), Shared.Instance(13, floated with { FloatingAddress = null })));
        await StandIns.ApplyAsync(one, Shared.Document([shut], groups, Shared.Instance(11, a with { FloatingAddress = Floating })));
        Assert.Equal(Floating, await Out(guests[0]));
        Assert.Equal(StandIns.Outside, await In(Floating, 80));
        Assert.Null(await Out(guests[2]));
        var answered = new FloatingAddresses(hosts.Commands, two.Namespace);
        Assert.Empty(await answered.AnsweredAsync("ul", default));
    }
}
