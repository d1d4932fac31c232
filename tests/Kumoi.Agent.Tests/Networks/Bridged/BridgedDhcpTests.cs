using System.Net;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Bridged;

/// <summary>Goal: guests on a segment get their address from their host, or from the segment's server, and from nobody else. Method: DHCP by hand (RFC 2131).</summary>
public sealed class BridgedDhcpTests
{
    private const int Discover = 1, Offer = 2, Request = 3, Acknowledge = 5;

    private static readonly byte[] Cookie = [99, 130, 83, 99];

    [Fact]
    public async Task The_host_answers_its_own_guests_and_nobody_else_hears_of_it()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var (a, b) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group));
        var guest = await stand.GuestAsync(host, a, configured: false);
        var neighbour = await stand.GuestAsync(host, b, configured: false);
        var network = SegmentStand.Network() with { Mtu = 1400, SearchDomains = ["a.example"] };
        await StandIns.ApplyAsync(host, Shared.Document([network], [Shared.Group(Samples.Group, [Samples.EgressAll], a, b)], Shared.Instance(11, a), Shared.Instance(12, b)));
        await stand.OpenAsync(guest);
        await stand.OpenAsync(neighbour);
        using var frames = await RawFrames.OpenAsync(guest.Namespace);
        using var segment = await RawFrames.OpenAsync(stand.Machine);
        using var beside = await RawFrames.OpenAsync(neighbour.Namespace);

        frames.Send(Message(a.MacAddress, Discover, 1));
        var offer = await AnswerAsync(frames, 1, TimeSpan.FromSeconds(10));
        Assert.NotNull(offer);
        Assert.Equal((byte)Offer, offer.Options[53][0]);
        Assert.Equal(a.Address, offer.Address);
        frames.Send(Message(a.MacAddress, Request, 2, a.Address, new IPAddress(offer.Options[54]).ToString()));
        var lease = await AnswerAsync(frames, 2, TimeSpan.FromSeconds(10));
        Assert.NotNull(lease);
        Assert.Equal((byte)Acknowledge, lease.Options[53][0]);
        Assert.Equal("255.255.255.0", new IPAddress(lease.Options[1]).ToString());
        Assert.Equal(SegmentStand.Router, new IPAddress(lease.Options[3]).ToString());
        Assert.Equal(SegmentStand.Router, new IPAddress(lease.Options[6]).ToString());
        Assert.Equal([1400 >> 8, 1400 & 255], lease.Options[26].Select(b => (int)b));
        Assert.Equal([32, 169, 254, 169, 254, 0, 0, 0, 0, 0, 10, 0, 0, 1], lease.Options[121].Select(b => (int)b));
        Assert.Equal("169.254.169.254", new IPAddress(lease.Options[54]).ToString());
        // What it said and was told went by no other port.
        Assert.Null(await segment.SeeAsync(IsDhcp, TimeSpan.FromMilliseconds(200)));
        Assert.Null(await beside.SeeAsync(IsDhcp, TimeSpan.FromMilliseconds(50)));

        // A machine of the segment is not answered.
        segment.Send(Message(SegmentStand.RouterMac, Discover, 3));
        Assert.Null(await AnswerAsync(segment, 3, TimeSpan.FromMilliseconds(500)));
        // Nor does an answer of a stranger's server reach a guest.
        segment.Send(RawFrames.Udp(SegmentStand.RouterMac, a.MacAddress, SegmentStand.Router, "255.255.255.255", 67, 68, Reply(a.MacAddress, 4, "10.0.0.99")));
        Assert.Null(await AnswerAsync(frames, 4, TimeSpan.FromMilliseconds(300)));
        Assert.True(host.Driver.IsServed(host.Network(Samples.Network)));
    }

    [Fact]
    public async Task A_server_of_the_segment_is_asked_where_it_should_be()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var (a, b) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group));
        var guest = await stand.GuestAsync(host, a, configured: false);
        var neighbour = await stand.GuestAsync(host, b, configured: false);
        // Without a rule that would let it in.
        await StandIns.ApplyAsync(host, Shared.Document([SegmentStand.Network(externalDhcp: true)], [Shared.Group(Samples.Group, [], a, b)], Shared.Instance(11, a), Shared.Instance(12, b)));
        await stand.OpenAsync(guest);
        await stand.OpenAsync(neighbour);
        using var frames = await RawFrames.OpenAsync(guest.Namespace);
        using var segment = await RawFrames.OpenAsync(stand.Machine);
        using var beside = await RawFrames.OpenAsync(neighbour.Namespace);
        frames.Send(Message(a.MacAddress, Discover, 1));
        Assert.NotNull(await segment.SeeAsync(IsDhcp, TimeSpan.FromSeconds(5)));
        Assert.Null(await beside.SeeAsync(IsDhcp, TimeSpan.FromMilliseconds(200)));
        segment.Send(RawFrames.Udp(SegmentStand.RouterMac, a.MacAddress, SegmentStand.Router, "255.255.255.255", 67, 68, Reply(a.MacAddress, 1, a.Address)));
        Assert.Equal(a.Address, (await AnswerAsync(frames, 1, TimeSpan.FromSeconds(5)))?.Address);
        // There is no server of the host's, and none is missed.
        Assert.True(host.Driver.IsServed(host.Network(Samples.Network)));
        frames.Send(Message(a.MacAddress, Discover, 2));
        Assert.Null(await AnswerAsync(frames, 2, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Its_ipv6_address_is_told_by_the_host_too()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var stand = await SegmentStand.StartAsync(hosts);
        var host = stand.All[0];
        var a = Shared.Interface(11, Samples.Group);
        var guest = await stand.GuestAsync(host, a, configured: false);
        await StandIns.ApplyAsync(host, Shared.Document([SegmentStand.Network()], [Shared.Group(Samples.Group, [], a)], Shared.Instance(11, a)));
        await stand.OpenAsync(guest);
        string? told = null;
        await Wait.ForAsync("an offer of DHCPv6", async () => (told = await GuestConfigurationTests.SolicitAsync(guest.Namespace, RawFrames.Mac(a.MacAddress))) is not null, TimeSpan.FromSeconds(20));
        Assert.Equal("fd00:1::11", told);
    }

    private static bool IsDhcp(byte[] frame) => frame.AsSpan().IndexOf(Cookie) >= 0;

    private sealed record Answer(string Address, Dictionary<byte, byte[]> Options);

    private static async Task<Answer?> AnswerAsync(RawFrames frames, byte transaction, TimeSpan patience)
    {
        const int Payload = 14 + 20 + 8;
        var frame = await frames.SeeAsync(frame => frame.Length > Payload + 240 && frame[12] == 8 && frame[23] == 17 && frame[Payload] == 2 && frame[Payload + 7] == transaction && IsDhcp(frame), patience);
        if (frame is null) return null;
        var message = frame[Payload..];
        var options = new Dictionary<byte, byte[]>();
        for (var at = 240; at + 1 < message.Length && message[at] != 255; at += 2 + message[at + 1]) options[message[at]] = message[(at + 2)..(at + 2 + message[at + 1])];
        return new Answer(new IPAddress(message[16..20]).ToString(), options);
    }

    private static byte[] Message(string mac, byte type, byte transaction, string? requested = null, string? server = null) =>
        RawFrames.Udp(mac, "ff:ff:ff:ff:ff:ff", "0.0.0.0", "255.255.255.255", 68, 67,
        [
            .. Body(1, mac, transaction, "0.0.0.0"), 53, 1, type, .. requested is null ? [] : (byte[])[50, 4, .. IPAddress.Parse(requested).GetAddressBytes()],
            .. server is null ? [] : (byte[])[54, 4, .. IPAddress.Parse(server).GetAddressBytes()], 55, 6, 1, 3, 6, 26, 119, 121, 255,
        ]);

    private static byte[] Reply(string mac, byte transaction, string address) =>
        [.. Body(2, mac, transaction, address), 53, 1, Offer, 54, 4, .. IPAddress.Parse(SegmentStand.Router).GetAddressBytes(), 255];

    private static byte[] Body(byte operation, string mac, byte transaction, string address) =>
        [operation, 1, 6, 0, 0, 0, 0, transaction, 0, 0, 0, 0, 0, 0, 0, 0, .. IPAddress.Parse(address).GetAddressBytes(), .. new byte[8], .. RawFrames.Mac(mac), .. new byte[10], .. new byte[192], .. Cookie];
}
