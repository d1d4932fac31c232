using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Metadata;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>
/// Goal: a token of a guest with the hop limit 1 does not reach what is behind the guest, and with 2 it does. Method: a network, a guest and a container in it, each a
/// namespace of the real kernel; the guest passes packets on as it would for a container, and counts those whose time was over.
/// </summary>
public sealed class MetadataHopTests
{
    private const string Guest = "10.0.0.11", Container = "10.0.0.12", Guest6 = "fd00:1::b", Container6 = "fd00:1::c";

    private readonly AgentState _state = new();

    [Theory]
    [InlineData(Guest, Container, "169.254.169.254", "/proc/net/snmp")]
    [InlineData(Guest6, Container6, "fd00:ec2::254", "/proc/net/snmp6")]
    public async Task A_token_goes_as_far_as_the_hop_limit_says(string guest, string container, string service, string counters)
    {
        await using var machine = new Machine("qemu");
        var names = await NamespacesAsync(machine);
        Allow(1);
        var listeners = new NamespaceListeners(TimeProvider.System, Machine.Log);
        await using var server = new MetadataServer(listeners, new MetadataEndpoint(_state, new MetadataTokens(new byte[32], TimeProvider.System), TimeProvider.System));
        await server.StartAsync(default);
        await listeners.EnsureAsync(names.Network, Samples.Network);

        Assert.StartsWith("HTTP/1.1 200", await AskAsync(names.Guest, guest, service, "PUT"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(names.Container, container, service, "GET"), StringComparison.Ordinal);
        using var lost = await ConnectAsync(names.Container, container, service);
        await lost.SendAsync(Request("PUT", service));
        await Wait.ForAsync("a packet whose time was over", async () => await LostAsync(names.Guest, counters) > 0, TimeSpan.FromSeconds(30));
        Assert.Equal(0, lost.Available);

        Allow(2);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(names.Container, container, service, "PUT"), StringComparison.Ordinal);
        Assert.Equal(0, lost.Available);
        await listeners.EnsureAsync(names.Network, null);
    }

    private void Allow(int hops)
    {
        var one = Samples.Instance(11, "running");
        DesiredAddress[] further = [new(Samples.Subnet, Container, false), new(Samples.Subnet, Guest6, true), new(Samples.Subnet, Container6, false)];
        _state.Replace(Samples.Document(hops, null, [], one with { Metadata = new DesiredMetadata(true, false, hops, null), Interfaces = [one.Interfaces[0] with { Further = further }] }));
    }

    private static async Task<(string Network, string Guest, string Container)> NamespacesAsync(Machine machine)
    {
        var commands = new Commands(TimeProvider.System);
        string[] names = [.. Enumerable.Range(1, 3).Select(i => ObjectNames.Namespace(machine.Tag, $"net-0000000000000000{i}"))];
        foreach (var name in names)
        {
            await new NetworkNamespaces(commands).CreateAsync(name, default);
            await NetworkNamespaces.RunInsideAsync(name, () =>
            {
                File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1");
                File.WriteAllText("/proc/sys/net/ipv6/conf/all/forwarding", "1");
                return true;
            });
            await commands.RunAsync("ip", ["-n", name, "link", "set", "lo", "up"], default);
        }
        var (network, guest, container) = (names[0], names[1], names[2]);
        await commands.RunAsync("ip", ["-n", network, "link", "add", "g0", "type", "veth", "peer", "name", "eth0", "netns", guest], default);
        await commands.RunAsync("ip", ["-n", guest, "link", "add", "c0", "type", "veth", "peer", "name", "eth0", "netns", container], default);
        await commands.RunAsync("ip", ["-n", network, "-batch", "-"],
            $"addr add 169.254.169.254/32 dev lo\naddr add fd00:ec2::254/128 dev lo nodad\naddr add 198.51.100.1/30 dev g0\naddr add fd00:2::1/64 dev g0 nodad\nlink set g0 up\n" +
            $"route add {Guest}/32 via 198.51.100.2\nroute add {Container}/32 via 198.51.100.2\nroute add {Guest6}/128 via fd00:2::2\nroute add {Container6}/128 via fd00:2::2\n", default);
        await commands.RunAsync("ip", ["-n", guest, "-batch", "-"],
            $"addr add 198.51.100.2/30 dev eth0\naddr add fd00:2::2/64 dev eth0 nodad\naddr add {Guest}/32 dev lo\naddr add {Guest6}/128 dev lo nodad\naddr add 198.51.100.5/30 dev c0\naddr add fd00:3::1/64 dev c0 nodad\nlink set eth0 up\nlink set c0 up\n" +
            $"route add default via 198.51.100.1\nroute add default via fd00:2::1\nroute add {Container}/32 via 198.51.100.6\nroute add {Container6}/128 via fd00:3::2\n", default);
        await commands.RunAsync("ip", ["-n", container, "-batch", "-"],
            $"addr add 198.51.100.6/30 dev eth0\naddr add fd00:3::2/64 dev eth0 nodad\naddr add {Container}/32 dev lo\naddr add {Container6}/128 dev lo nodad\nlink set eth0 up\nroute add default via 198.51.100.5\nroute add default via fd00:3::1\n", default);
        return (network, guest, container);
    }

    private static async Task<Socket> ConnectAsync(string name, string from, string to)
    {
        var address = IPAddress.Parse(from);
        var socket = await NetworkNamespaces.RunInsideAsync(name, () => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        socket.Bind(new IPEndPoint(address, 0));
        await socket.ConnectAsync(IPAddress.Parse(to), 80);
        return socket;
    }

    private static byte[] Request(string method, string host) => Encoding.ASCII.GetBytes(
        $"{method} /latest/{(method == "PUT" ? "api/token" : "meta-data/instance-id")} HTTP/1.1\r\nHost: {(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\n\r\n");

    private static async Task<string> AskAsync(string name, string from, string to, string method)
    {
        using var socket = await ConnectAsync(name, from, to);
        await socket.SendAsync(Request(method, to));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var answer = new byte[1024];
        return Encoding.ASCII.GetString(answer, 0, await socket.ReceiveAsync(answer, limit.Token));
    }

    /// <summary>Packets that a namespace did not pass on, of the kernel's own count of wrong headers.</summary>
    private static async Task<long> LostAsync(string name, string file)
    {
        var lines = (await Machine.RunAsync("nsenter", [.. NetworkNamespaces.Inside(name, "cat", file)])).Output.Split('\n');
        if (lines.FirstOrDefault(line => line.StartsWith("Ip6InHdrErrors", StringComparison.Ordinal)) is { } six) return long.Parse(six.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        var rows = lines.Where(line => line.StartsWith("Ip: ", StringComparison.Ordinal)).Select(line => line.Split(' ')).ToArray();
        return long.Parse(rows[1][Array.IndexOf(rows[0], "InHdrErrors")], CultureInfo.InvariantCulture);
    }
}
