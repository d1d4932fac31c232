using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Goal: a guest is told by RA, DHCPv6 and DNS what the document says. Method: a guest's namespace whose kernel listens to RAs, and DHCPv6 by hand.</summary>
public sealed class GuestConfigurationTests
{
    [Fact]
    public async Task A_guest_learns_its_router_address_and_names_over_ipv6()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var host = hosts.All[0];
        var wanted = Shared.Interface(11, Samples.Group);
        var network = Shared.Network(Shared.HostOf(host, wanted)) with
        {
            Mtu = 1400, SearchDomains = ["a.example", "b.example"], Names = [new DesiredName("vm11", "10.0.0.11"), new DesiredName("vm11", "fd00:1::11"), new DesiredName("far", "fd00:1::22")],
        };
        var document = Shared.Document([network], [Shared.Group(Samples.Group, [Samples.EgressAll], wanted)], Shared.Instance(11, wanted));
        // It knows nothing yet but its hardware address.
        var guest = await hosts.GuestAsync(host, wanted with { Address = "fe80::5054:ff:fe00:b", Further = null });
        await hosts.IpAsync(guest.Namespace, "route delete ::/0", "link set eth0 down");
        await NetworkNamespaces.RunInsideAsync(guest.Namespace, () => { File.WriteAllText("/proc/sys/net/ipv6/conf/eth0/accept_ra", "2"); return true; });
        await StandIns.ApplyAsync(host, document);
        await hosts.IpAsync(guest.Namespace, "link set eth0 up");

        await Wait.ForAsync("a default route", async () => (await Ip(hosts, guest, "-6", "route", "show", "default")).Contains("via fe80::fcff:ffff:feff:fffe dev eth0 proto ra", StringComparison.Ordinal), TimeSpan.FromSeconds(30));
        Assert.Equal("1400", await NetworkNamespaces.RunInsideAsync(guest.Namespace, () => File.ReadAllText("/proc/sys/net/ipv6/conf/eth0/mtu").Trim()));
        // No address by itself, and no neighbours on the link.
        Assert.DoesNotContain("fd00:1:", await Ip(hosts, guest, "-6", "addr", "show", "dev", "eth0"), StringComparison.Ordinal);
        Assert.DoesNotContain("fd00:1:", await Ip(hosts, guest, "-6", "route", "show"), StringComparison.Ordinal);
        Assert.Equal("fd00:1::11", await SolicitAsync(guest.Namespace, [0x52, 0x54, 0, 0, 0, 0x0b]));

        await hosts.IpAsync(guest.Namespace, "addr add fd00:1::11/128 dev eth0 nodad");
        Assert.Contains("far.default.internal", await Dig(guest, "-x", "fd00:1::22"), StringComparison.Ordinal);
        Assert.Contains("fd00:1::22", await Dig(guest, "far.default.internal", "AAAA"), StringComparison.Ordinal);
        Assert.Contains("10.0.0.11", await Dig(guest, "vm11.default.internal", "A"), StringComparison.Ordinal);
        Assert.True(await StandIns.ReachesAsync(guest.Namespace, "icmp", "fd00:1::1", 0));
    }

    private static Task<string> Ip(StandIns hosts, StandInGuest guest, params string[] arguments) => hosts.Commands.RunAsync("ip", ["-n", guest.Namespace, .. arguments], default);

    /// <summary>One question of DNS, by hand; the printable letters of the answer.</summary>
    private static async Task<string> Dig(StandInGuest guest, string name, string type)
    {
        var (question, code) = name == "-x" ? (Reverse(type), 12) : (name, type == "AAAA" ? 28 : 1);
        var message = new List<byte> { 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        foreach (var label in question.Split('.'))
        {
            message.Add((byte)label.Length);
            message.AddRange(System.Text.Encoding.ASCII.GetBytes(label));
        }
        message.AddRange([0, 0, (byte)code, 0, 1]);
        using var socket = await NetworkNamespaces.RunInsideAsync(guest.Namespace, () => new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse("fd00:1::1"), 53), patience.Token);
        await socket.SendAsync(message.ToArray(), patience.Token);
        var answer = new byte[1024];
        var length = await socket.ReceiveAsync(answer, patience.Token);
        // The answer's data is at the end; names in it are written label by label.
        var data = answer[message.Count..length];
        if (code == 28) return new IPAddress(data[^16..]).ToString();
        if (code == 1) return new IPAddress(data[^4..]).ToString();
        return string.Concat(data.Select(b => b is >= 0x20 and < 0x7f ? (char)b : '.'));
    }

    private static string Reverse(string address) =>
        string.Join('.', Convert.ToHexStringLower(IPAddress.Parse(address).GetAddressBytes()).Reverse()) + ".ip6.arpa";

    /// <summary>Asks for an address (RFC 8415, Solicit); the one that is offered, or null.</summary>
    internal static async Task<string?> SolicitAsync(string guest, byte[] mac)
    {
        using var socket = await NetworkNamespaces.RunInsideAsync(guest, () =>
        {
            var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            var index = System.Net.NetworkInformation.NetworkInterface.GetAllNetworkInterfaces().First(device => device.Name == "eth0").GetIPProperties().GetIPv6Properties().Index;
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 546));
            byte[] message = [1, 1, 2, 3, 0, 1, 0, 10, 0, 3, 0, 1, .. mac, 0, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 2, 0, 0, 0, 6, 0, 4, 0, 23, 0, 24];
            socket.SendTo(message, new IPEndPoint(IPAddress.Parse($"ff02::1:2%{index}"), 547));
            return socket;
        });
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            var answer = new byte[1500];
            var length = await socket.ReceiveAsync(answer, patience.Token);
            for (var at = 4; at + 4 <= length;)
            {
                var (code, size) = ((answer[at] << 8) + answer[at + 1], (answer[at + 2] << 8) + answer[at + 3]);
                // IA_NA; its first option is the address.
                if (code == 3 && size >= 12 + 4 + 16 && answer[at + 17] == 5) return new IPAddress(answer[(at + 20)..(at + 36)]).ToString();
                at += 4 + size;
            }
            return null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
