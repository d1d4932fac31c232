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
    private readonly AgentState _state = new();

    [Theory]
    [InlineData(GuestNamespaces.Guest, GuestNamespaces.Container, "169.254.169.254", "/proc/net/snmp")]
    [InlineData(GuestNamespaces.Guest6, GuestNamespaces.Container6, "fd00:ec2::254", "/proc/net/snmp6")]
    public async Task A_token_goes_as_far_as_the_hop_limit_says(string guest, string container, string service, string counters)
    {
        await using var machine = new Machine("qemu");
        var names = await GuestNamespaces.MakeAsync(machine);
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
        DesiredAddress[] further = [new(Samples.Subnet, GuestNamespaces.Container, false), new(Samples.Subnet, GuestNamespaces.Guest6, true), new(Samples.Subnet, GuestNamespaces.Container6, false)];
        _state.Replace(Samples.Document(hops, null, [], one with { Metadata = new DesiredMetadata(true, false, hops, null), Interfaces = [one.Interfaces[0] with { Further = further }] }));
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
