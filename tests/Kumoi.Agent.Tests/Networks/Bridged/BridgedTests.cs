using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Bridged;

/// <summary>Goal: guests on a segment reach what their rules allow, on both families, and nothing else. Method: packets between two hosts' guests and a machine beside the cloud.</summary>
public sealed class BridgedTests
{
    private static readonly DesiredRule[] Web =
    [
        Samples.Ingress("tcp", 80, 80, "0.0.0.0/0", null), Samples.Ingress("tcp", 80, 80, "::/0", null), Samples.Ingress("udp", 80, 80, "0.0.0.0/0", null), Samples.Ingress("udp", 80, 80, "::/0", null),
        Samples.Ingress("icmp", null, null, "10.0.0.0/24", null), Samples.Ingress("icmp", null, null, "fd00:1::/64", null), Samples.EgressAll, new("egress", "any", null, null, "::/0", null),
    ];


    [Fact]
    public async Task Guests_and_the_segment_reach_what_the_rules_allow()
    {
        await using var hosts = await StandIns.StartAsync(2);
        var stand = await SegmentStand.StartAsync(hosts);
        var (one, two) = (stand.All[0], stand.All[1]);
        var (a, near, far) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group), Shared.Interface(13, Samples.Group));
        var closed = Shared.Interface(14, Shared.Clients);
        DesiredSecurityGroup[] groups = [Shared.Group(Samples.Group, Web, a, near, far), Shared.Group(Shared.Clients, [Samples.Ingress("tcp", 80, 80, null, Samples.Group)], closed)];
        var (first, second) = (Shared.Document([SegmentStand.Network()], groups, Shared.Instance(11, a), Shared.Instance(12, near)), Shared.Document([SegmentStand.Network()], groups, Shared.Instance(13, far), Shared.Instance(14, closed)));
        StandInGuest[] guests = [await stand.GuestAsync(one, a), await stand.GuestAsync(one, near), await stand.GuestAsync(two, far)];
        var shut = await stand.GuestAsync(two, closed);
        foreach (var guest in guests.Append(shut)) await hosts.ServeAsync(guest.Namespace, 80, 81);
        await hosts.ServeAsync(stand.Machine, 80);
        await StandIns.ApplyAsync(one, first);
        await StandIns.ApplyAsync(two, second);

        foreach (var ipv6 in new[] { false, true })
        {
            var machine = ipv6 ? SegmentStand.Router6 : SegmentStand.Router;
            foreach (var protocol in new[] { "tcp", "udp", "icmp" })
            {
                foreach (var other in guests[1..]) Assert.True(await StandIns.ReachesAsync(guests[0].Namespace, protocol, other.Of(ipv6), 80), $"{protocol} to {other.Of(ipv6)}");
                Assert.True(await StandIns.ReachesAsync(guests[0].Namespace, protocol, machine, 80), $"{protocol} to the machine, {machine}");
                Assert.True(await StandIns.ReachesAsync(stand.Machine, protocol, guests[0].Of(ipv6), 80), $"{protocol} from the machine to {guests[0].Of(ipv6)}");
                // It sends to nobody, and answers one group on one port.
                Assert.False(await StandIns.ReachesAsync(shut.Namespace, protocol, machine, 80), $"{protocol} of a guest without egress");
                Assert.False(await StandIns.ReachesAsync(stand.Machine, protocol, shut.Of(ipv6), 80), $"{protocol} from the machine to a closed guest");
            }
            foreach (var protocol in new[] { "tcp", "udp" })
                foreach (var from in new[] { guests[1].Namespace, guests[2].Namespace, stand.Machine })
                    Assert.False(await StandIns.ReachesAsync(from, protocol, guests[0].Of(ipv6), 81), $"{protocol} 81 of {guests[0].Of(ipv6)}");
            Assert.Equal(guests[0].Of(ipv6), await StandIns.TcpAsync(guests[0].Namespace, shut.Of(ipv6), 80));
            Assert.Null(await StandIns.TcpAsync(guests[0].Namespace, shut.Of(ipv6), 81));
        }
    }

    [Fact]
    public async Task A_changed_rule_acts_at_once_and_leaves_what_is_open()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var a = Shared.Interface(11, Samples.Group);
        DesiredDocument Document(params DesiredRule[] rules) => Shared.Document([SegmentStand.Network()], [Shared.Group(Samples.Group, rules, a)], Shared.Instance(11, a));
        var guest = await stand.GuestAsync(host, a);
        await hosts.ServeAsync(guest.Namespace, 80, 81);
        await StandIns.ApplyAsync(host, Document(Web));
        Assert.Equal(SegmentStand.Router, await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 80));
        Assert.Null(await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 81));
        await StandIns.ApplyAsync(host, Document(Samples.Ingress("tcp", 81, 81, "0.0.0.0/0", null)));
        Assert.Null(await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 80));
        Assert.Equal(SegmentStand.Router, await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 81));
        Assert.Null(await StandIns.TcpAsync(guest.Namespace, SegmentStand.Router, 80));
    }

    [Fact]
    public async Task A_member_that_joins_is_one_element()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var a = Shared.Interface(11, Samples.Group);
        DesiredSecurityGroup Members(params string[] addresses) => new(Samples.Group, [Samples.Ingress("tcp", 80, 80, null, Samples.Group)], [.. addresses.Select(address => new DesiredMember(Samples.Network, address))]);
        var guest = await stand.GuestAsync(host, a);
        await hosts.ServeAsync(guest.Namespace, 80);
        var document = Shared.Document([SegmentStand.Network()], [Members(a.Address)], Shared.Instance(11, a));
        await StandIns.ApplyAsync(host, document);
        Assert.Null(await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 80));
        var joined = StandIns.IntentsOf(host, document with { SecurityGroups = [Members(a.Address, SegmentStand.Router)] })[0];
        Assert.True(await host.Driver.TryApplyPeersAsync(joined, default));
        Assert.Equal(SegmentStand.Router, await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 80));
    }

    [Fact]
    public async Task Without_the_kernels_filter_no_packet_passes()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var a = Shared.Interface(11, Samples.Group);
        var document = Shared.Document([SegmentStand.Network()], [Shared.Group(Samples.Group, Web, a)], Shared.Instance(11, a));
        var guest = await stand.GuestAsync(host, a);
        await hosts.ServeAsync(guest.Namespace, 80);
        await hosts.ServeAsync(stand.Machine, 80);
        await StandIns.ApplyAsync(host, document);
        Assert.NotNull(await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 80));
        await NetworkNamespaces.RunInsideAsync(host.Network(Samples.Network), () => { File.WriteAllText("/proc/sys/net/bridge/bridge-nf-call-iptables", "0"); return true; });
        Assert.Null(await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 80));
        Assert.Null(await StandIns.TcpAsync(guest.Namespace, SegmentStand.Router, 80));
        await StandIns.ApplyAsync(host, document);
        Assert.NotNull(await StandIns.TcpAsync(stand.Machine, guest.Ipv4, 80));
    }

    [Fact]
    public async Task A_device_that_is_not_open_to_bridged_networks_is_not_used()
    {
        await using var hosts = await StandIns.StartAsync(1);
        await SegmentStand.StartAsync(hosts);
        var a = Shared.Interface(11, Samples.Group);
        var document = Shared.Document([SegmentStand.Network()], [Shared.Group(Samples.Group, Web, a)], Shared.Instance(11, a));
        var failure = await Assert.ThrowsAsync<IOException>(() => StandIns.ApplyAsync(hosts.All[0], document));
        Assert.Contains("--segment-device", failure.Message, StringComparison.Ordinal);
        // It never had a server that could have ended.
        Assert.True(hosts.All[0].Driver.IsServed(hosts.All[0].Network(Samples.Network)));
    }
}
