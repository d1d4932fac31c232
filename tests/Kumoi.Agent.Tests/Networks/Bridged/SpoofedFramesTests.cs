using System.Net;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Bridged;

/// <summary>
/// Goal: a guest speaks on a segment only as itself, and not as its router or DHCP server. Method: frames made by hand, each beside one that differs in
/// nothing but being honest, which must arrive.
/// </summary>
public sealed class SpoofedFramesTests
{
    private const string Own = "52:54:00:00:00:0b", Neighbour = "52:54:00:00:00:0c", OwnLinkLocal = "fe80::5054:ff:fe00:b", Everyone = "ff:ff:ff:ff:ff:ff", AllNodes = "33:33:00:00:00:01";

    private static readonly DesiredRule[] Open =
        [Samples.Ingress("any", null, null, "0.0.0.0/0", null), Samples.Ingress("any", null, null, "::/0", null), Samples.EgressAll, new("egress", "any", null, null, "::/0", null)];

    private static byte[] Advert(string target) => [0x20, 0, 0, 0, .. IPAddress.Parse(target).GetAddressBytes()];

    private static byte[] Mark(int number) => [.. "kumoi-frame-"u8, (byte)('a' + number)];

    private static IEnumerable<(string What, byte[] Frame, bool Passes)> Frames()
    {
        yield return ("ARP of its own", RawFrames.Arp(1, Own, Own, "10.0.0.11", "10.0.0.77"), true);
        yield return ("ARP for a virtual address", RawFrames.Arp(1, Own, Own, "10.0.9.9", "10.0.0.78"), true);
        yield return ("ARP that claims the router", RawFrames.Arp(2, Own, Own, SegmentStand.Router, "10.0.0.79"), false);
        yield return ("ARP with another's hardware address inside", RawFrames.Arp(2, Own, Neighbour, "10.0.0.11", "10.0.0.80"), false);
        yield return ("a frame with another's hardware address", RawFrames.Arp(1, Neighbour, Neighbour, "10.0.0.12", "10.0.0.81"), false);
        yield return ("ARP for the metadata service", RawFrames.Arp(1, Own, Own, "10.0.0.11", "169.254.169.254"), false);
        yield return ("UDP of its own", RawFrames.Udp(Own, SegmentStand.RouterMac, "10.0.0.11", SegmentStand.Router, 4000, 4001, Mark(0)), true);
        yield return ("UDP from a virtual address", RawFrames.Udp(Own, SegmentStand.RouterMac, "10.0.9.9", SegmentStand.Router, 4000, 4001, Mark(1)), true);
        yield return ("UDP from another's address", RawFrames.Udp(Own, SegmentStand.RouterMac, "10.0.0.12", SegmentStand.Router, 4000, 4001, Mark(2)), false);
        yield return ("UDP in a VLAN", RawFrames.Tagged(RawFrames.Udp(Own, SegmentStand.RouterMac, "10.0.0.11", SegmentStand.Router, 4000, 4001, Mark(3)), 7), false);
        yield return ("an answer of DHCP", RawFrames.Udp(Own, Everyone, "10.0.0.11", "255.255.255.255", 67, 68, Mark(4)), false);
        yield return ("a request of DHCP", RawFrames.Udp(Own, Everyone, "0.0.0.0", "255.255.255.255", 68, 67, Mark(5)), false);
        yield return ("an echo request over IPv6", RawFrames.Icmp6(Own, AllNodes, "fd00:1::11", "ff02::1", 128, [1, 2, 3, 4]), true);
        yield return ("an echo request from another's IPv6 address", RawFrames.Icmp6(Own, AllNodes, "fd00:1::12", "ff02::1", 128, [1, 2, 3, 4]), false);
        yield return ("an echo request from another's link-local address", RawFrames.Icmp6(Own, AllNodes, "fe80::1", "ff02::1", 128, [1, 2, 3, 4]), false);
        yield return ("a neighbour advertisement", RawFrames.Icmp6(Own, AllNodes, OwnLinkLocal, "ff02::1", 136, Advert("fd00:1::11")), true);
        yield return ("a neighbour advertisement for a virtual address", RawFrames.Icmp6(Own, AllNodes, OwnLinkLocal, "ff02::1", 136, Advert("fd00:1:0:0:99::5")), true);
        yield return ("a neighbour advertisement for the router", RawFrames.Icmp6(Own, AllNodes, OwnLinkLocal, "ff02::1", 136, Advert(SegmentStand.Router6)), false);
        yield return ("a router advertisement", RawFrames.Icmp6(Own, AllNodes, OwnLinkLocal, "ff02::1", 134, new byte[12]), false);
        yield return ("a redirect", RawFrames.Icmp6(Own, AllNodes, OwnLinkLocal, "ff02::1", 137, new byte[36]), false);
        yield return ("RARP of a guest that has moved", [.. RawFrames.Mac(Everyone), .. RawFrames.Mac(Own), 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3, .. RawFrames.Mac(Own), 0, 0, 0, 0, .. RawFrames.Mac(Own), 0, 0, 0, 0], true);
        yield return ("a frame of a tree of switches", [.. RawFrames.Mac("01:80:c2:00:00:00"), .. RawFrames.Mac(Own), 0, 38, 0x42, 0x42, 3, .. new byte[35]], false);
    }

    [Fact]
    public async Task What_is_not_a_guests_own_reaches_nobody()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var (a, b) = (Shared.Interface(11, Samples.Group) with { Allowed = ["10.0.9.0/24", "fd00:1:0:0:99::/80"] }, Shared.Interface(12, Samples.Group));
        var document = Shared.Document([SegmentStand.Network()], [Shared.Group(Samples.Group, Open, a, b)], Shared.Instance(11, a), Shared.Instance(12, b));
        var (guest, neighbour) = (await stand.GuestAsync(host, a), await stand.GuestAsync(host, b));
        await StandIns.ApplyAsync(host, document);
        await stand.OpenAsync(guest);
        await stand.OpenAsync(neighbour);
        using var from = await RawFrames.OpenAsync(guest.Namespace);
        foreach (var (what, frame, passes) in Frames())
        {
            using var segment = await RawFrames.OpenAsync(stand.Machine);
            using var beside = await RawFrames.OpenAsync(neighbour.Namespace);
            // The tag is taken off before anybody looks, so what is behind it tells.
            var body = frame[12..].AsSpan() is [0x81, 0, ..] ? frame[16..] : frame[14..];
            bool Same(byte[] seen) => seen.AsSpan().IndexOf(body) >= 0;
            from.Send(frame);
            var patience = passes ? TimeSpan.FromSeconds(5) : TimeSpan.FromMilliseconds(300);
            Assert.True(passes == await segment.SeeAsync(Same, patience) is not null, $"{what} on the segment");
            if (!passes) Assert.True(await beside.SeeAsync(Same, TimeSpan.FromMilliseconds(50)) is null, $"{what} at the neighbour");
        }
    }

    [Fact]
    public async Task The_segment_does_not_reach_the_hosts_own_service()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var a = Shared.Interface(11, Samples.Group);
        var guest = await stand.GuestAsync(host, a);
        await StandIns.ApplyAsync(host, Shared.Document([SegmentStand.Network()], [Shared.Group(Samples.Group, Open, a)], Shared.Instance(11, a)));
        await hosts.ServeAsync(host.Network(Samples.Network), 80);
        // Through its router as well as where it knows the address to be on the link.
        Assert.Equal(guest.Ipv4, await StandIns.TcpAsync(guest.Namespace, "169.254.169.254", 80));
        Assert.Equal(guest.Ipv6, await StandIns.TcpAsync(guest.Namespace, "fd00:ec2::254", 80));
        await hosts.IpAsync(guest.Namespace, "route add 169.254.169.254/32 dev eth0");
        Assert.Equal(guest.Ipv4, await StandIns.TcpAsync(guest.Namespace, "169.254.169.254", 80));
        await hosts.IpAsync(stand.Machine, "route add 169.254.169.254/32 dev eth0", "neigh replace 169.254.169.254 lladdr fe:ff:ff:ff:ff:fe dev eth0");
        Assert.Null(await StandIns.TcpAsync(stand.Machine, "169.254.169.254", 80));
    }

    [Fact]
    public async Task What_comes_in_a_vlan_of_the_segment_is_not_of_the_network()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var a = Shared.Interface(11, Samples.Group);
        var guest = await stand.GuestAsync(host, a);
        await StandIns.ApplyAsync(host, Shared.Document([SegmentStand.Network()], [Shared.Group(Samples.Group, Open, a)], Shared.Instance(11, a)));
        await stand.OpenAsync(guest);
        using var machine = await RawFrames.OpenAsync(stand.Machine);
        using var seen = await RawFrames.OpenAsync(guest.Namespace);
        var payload = Mark(9);
        bool Same(byte[] frame) => frame.AsSpan().IndexOf(payload) >= 0;
        var frame = RawFrames.Udp(SegmentStand.RouterMac, Own, SegmentStand.Router, "10.0.0.11", 4000, 4001, payload);
        machine.Send(RawFrames.Tagged(frame, 7));
        Assert.Null(await seen.SeeAsync(Same, TimeSpan.FromMilliseconds(300)));
        machine.Send(frame);
        Assert.NotNull(await seen.SeeAsync(Same, TimeSpan.FromSeconds(5)));
    }
}
