using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Kumoi.Agent;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kumoi.Testing.Networks;

/// <summary>
/// Hosts as namespaces on one underlay, each with a driver of its own, and guests as namespaces whose device stands for a tap. The underlay is a
/// bridge in a namespace that is also the outside. Nothing of it is in the machine's own namespace.
/// </summary>
public sealed class StandIns : IAsyncDisposable
{
    public const string Outside = "172.31.0.254";
    private readonly Commands _commands = new(TimeProvider.System);
    private readonly string _digits = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
    private readonly List<string> _namespaces = [];
    private readonly List<StandInHost> _hosts = [];
    private readonly List<Socket> _sockets = [];

    public string OutsideNamespace => $"kto{_digits}";

    public IReadOnlyList<StandInHost> All => _hosts;

    public Commands Commands => _commands;

    public static async Task<StandIns> StartAsync(int count)
    {
        var hosts = new StandIns();
        try
        {
            await hosts.StartAllAsync(count);
            return hosts;
        }
        catch
        {
            await hosts.DisposeAsync();
            throw;
        }
    }

    private async Task StartAllAsync(int count)
    {
        await NamespaceAsync(OutsideNamespace);
        await IpAsync(OutsideNamespace, "link set lo up", "link add name br0 mtu 1600 type bridge", $"addr add {Outside}/24 dev br0", "link set dev br0 up");
        for (var i = 1; i <= count; i++) await AddAsync(i);
    }

    private async Task AddAsync(int number)
    {
        var name = $"kth{_digits}{number}";
        await NamespaceAsync(name);
        await IpAsync(name, "link set lo up", $"link add ul mtu 1600 type veth peer name u{number} netns {OutsideNamespace}", $"addr add 172.31.0.{number}/24 dev ul", "link set ul mtu 1600 up", $"route add default via {Outside}");
        await IpAsync(OutsideNamespace, $"link set u{number} mtu 1600 master br0 up");
        var state = Directory.CreateDirectory($"/tmp/kumoi-test-{_digits}{number:x2}").FullName;
        var options = new AgentOptions
        {
            StateDirectory = state, RunDirectory = Path.Combine(state, "run"), Tag = $"{_digits}{number:x2}", Name = $"host-{number}", Address = $"172.31.0.{number}", UplinkDevice = "ul",
        };
        DurableFiles.MakeDirectory(options.Paths.State, AgentModes.Passable);
        DurableFiles.MakeDirectory(options.Paths.RunRoot, AgentModes.Passable);
        DurableFiles.MakeDirectory(options.Paths.Networks, AgentModes.Passable);
        _hosts.Add(new StandInHost(number, name, options, new LinuxNetworks(options, _commands, TimeProvider.System, name)));
    }

    /// <summary>Has a host take over a document, as its agent does: the host's rules first, then each network, and those that were linked again.</summary>
    public static async Task ApplyAsync(StandInHost host, DesiredDocument document, params string[] removable)
    {
        var intents = IntentsOf(host, document);
        await host.Driver.ApplyHostAsync(intents, default);
        var set = removable.ToHashSet();
        foreach (var intent in intents.Concat(intents.Where(intent => intent.Links.Count > 0))) await host.Driver.ApplyAsync(intent, set, default);
    }

    public static NetworkIntent[] IntentsOf(StandInHost host, DesiredDocument document) =>
        [.. document.Networks.Select(network => NetworkIntents.Read(document, network.Id, host.Options.Tag, host.Options.Address, _ => false)!)];

    /// <summary>A guest's place: what would be its tap leads to a namespace with its hardware and its own addresses.</summary>
    public async Task<StandInGuest> GuestAsync(StandInHost host, DesiredInterface wanted)
    {
        var network = ObjectNames.Namespace(host.Options.Tag, wanted.NetworkId);
        if (!NetworkNamespaces.Exists(network)) await NamespaceAsync(network);
        var name = $"ktg{_digits}{_namespaces.Count}";
        await NamespaceAsync(name);
        await IpAsync(name, "link set lo up", $"link add eth0 address {wanted.MacAddress} type veth peer name {ObjectNames.Tap(wanted.Id)} netns {network}");
        await NetworkNamespaces.RunInsideAsync(name, () => { File.WriteAllText("/proc/sys/net/ipv6/conf/eth0/accept_dad", "0"); return true; });
        await IpAsync(name, "link set eth0 up");
        var addresses = new[] { wanted.Address }.Concat((wanted.Further ?? []).Select(further => further.Address)).ToArray();
        foreach (var address in addresses.Where(AddressForm.IsIpv6)) await IpAsync(name, $"addr add {address}/128 dev eth0 nodad");
        if (addresses.Any(AddressForm.IsIpv6)) await IpAsync(name, "route replace ::/0 via fe80::fcff:ffff:feff:fffe dev eth0");
        foreach (var address in addresses.Where(address => !AddressForm.IsIpv6(address))) await IpAsync(name, $"addr add {address}/24 dev eth0");
        if (addresses.FirstOrDefault(address => !AddressForm.IsIpv6(address)) is { } first)
            await IpAsync(name, $"route replace 0.0.0.0/0 via {first[..(first.LastIndexOf('.') + 1)]}1 dev eth0");
        return new StandInGuest(name, wanted);
    }

    public async Task<string> NamespaceAsync(string name)
    {
        await new NetworkNamespaces(_commands).CreateAsync(name, default);
        _namespaces.Add(name);
        return name;
    }

    public Task IpAsync(string name, params string[] lines) => _commands.RunAsync("ip", ["-n", name, "-batch", "-"], string.Join('\n', lines) + "\n", default);

    /// <summary>Answers TCP connections and UDP packets at a port, of both families, until the end of the test.</summary>
    public async Task ServeAsync(string name, params int[] ports)
    {
        foreach (var port in ports)
        {
            var (stream, packets) = await NetworkNamespaces.RunInsideAsync(name, () =>
            {
                var stream = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
                stream.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
                stream.Listen(16);
                var packets = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true };
                packets.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
                return (stream, packets);
            });
            _sockets.AddRange([stream, packets]);
            _ = Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        using var connection = await stream.AcceptAsync();
                        await connection.SendAsync(System.Text.Encoding.ASCII.GetBytes(((IPEndPoint)connection.RemoteEndPoint!).Address.MapToIPv6().ToString()));
                    }
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
            });
            _ = Task.Run(async () =>
            {
                var buffer = new byte[2048];
                try
                {
                    while (true)
                    {
                        var got = await packets.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0));
                        await packets.SendToAsync(buffer.AsMemory(0, got.ReceivedBytes), got.RemoteEndPoint);
                    }
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
            });
        }
    }

    /// <summary>True if an exchange succeeds. A refusal takes the whole patience, as nothing answers.</summary>
    public static async Task<bool> ReachesAsync(string from, string protocol, string address, int port, string? source = null) => protocol switch
    {
        "icmp" => (await new Commands(TimeProvider.System).TryRunAsync("nsenter", [$"--net={NetworkNamespaces.PathOf(from)}", "ping", "-c", "1", "-W", "1", .. source is null ? (string[])[] : ["-I", source], address], default)).Succeeded,
        "tcp" => await TcpAsync(from, address, port, source) is not null,
        _ => await UdpAsync(from, address, port, source),
    };

    /// <summary>The address under which a server saw the connection; null if there was none.</summary>
    public static async Task<string?> TcpAsync(string from, string address, int port, string? source = null)
    {
        var target = IPAddress.Parse(address);
        using var socket = await NetworkNamespaces.RunInsideAsync(from, () => Bound(new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp), source));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1.3));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(target, port), patience.Token);
            var buffer = new byte[100];
            var seen = IPAddress.Parse(System.Text.Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, patience.Token)));
            return (seen.IsIPv4MappedToIPv6 ? seen.MapToIPv4() : seen).ToString();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    private static async Task<bool> UdpAsync(string from, string address, int port, string? source)
    {
        var target = IPAddress.Parse(address);
        using var socket = await NetworkNamespaces.RunInsideAsync(from, () => Bound(new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp), source));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(target, port), patience.Token);
            await socket.SendAsync("ask"u8.ToArray(), patience.Token);
            return await socket.ReceiveAsync(new byte[10], patience.Token) == 3;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    private static Socket Bound(Socket socket, string? source)
    {
        if (source is not null) socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var socket in _sockets) socket.Dispose();
        foreach (var host in _hosts)
        {
            if (!await AgentCleanup.RunAsync(host.Options, TimeProvider.System, NullLogger.Instance, default)) throw new InvalidOperationException($"{host.Namespace} could not be cleaned up.");
            host.Driver.Dispose();
            Directory.Delete(host.Options.StateDirectory, recursive: true);
        }
        foreach (var name in _namespaces) await new NetworkNamespaces(_commands).DeleteAsync(name, default);
    }
}

public sealed record StandInHost(int Number, string Namespace, AgentOptions Options, LinuxNetworks Driver)
{
    public string Network(string id) => ObjectNames.Namespace(Options.Tag, id);
}

public sealed record StandInGuest(string Namespace, DesiredInterface Wanted)
{
    public string Ipv4 => Wanted.Address;

    public string Ipv6 => Wanted.Further!.First(further => AddressForm.IsIpv6(further.Address)).Address;

    public string Of(bool ipv6) => ipv6 ? Ipv6 : Ipv4;
}

/// <summary>Documents of hosts that share networks.</summary>
public static class Shared
{
    public const string Ipv6Subnet = "subnet-19a3f2b4c5d6e7f91", Clients = "sg-19a3f2b4c5d6e7f84";

    public static DesiredInterface Interface(int number, params string[] groups) => new(
        string.Create(CultureInfo.InvariantCulture, $"eni-19a3f2b4c5d6e{number:x4}"), 0, Samples.Network, Samples.Subnet, $"52:54:00:00:00:{number:x2}", $"10.0.0.{number}", null, groups,
        [new DesiredAddress(Ipv6Subnet, $"fd00:1::{number}", true)]);

    public static DesiredInstance Instance(int number, params IReadOnlyList<DesiredInterface> interfaces) =>
        Samples.Instance(number, "running") with { Interfaces = interfaces };

    public static DesiredNetwork Network(params IReadOnlyList<NetworkHost> hosts) => new(
        Samples.Network, "default", 7, "198.19.0.7", "default.internal", [new DesiredSubnet(Samples.Subnet, "10.0.0.0/24", "10.0.0.1", []), new DesiredSubnet(Ipv6Subnet, "fd00:1::/64", "fd00:1::1", [])], [],
        Hosts: hosts);

    public static NetworkHost HostOf(StandInHost host, params IEnumerable<DesiredInterface> interfaces) =>
        new(host.Options.Address, [.. interfaces.SelectMany(wanted => (wanted.Further ?? []).Select(further => further.Address).Prepend(wanted.Address))]);

    public static DesiredSecurityGroup Group(string id, IReadOnlyList<DesiredRule> rules, params IEnumerable<DesiredInterface> members) => new(
        id, rules, [.. members.SelectMany(wanted => (wanted.Further ?? []).Select(further => further.Address).Prepend(wanted.Address).Select(address => new DesiredMember(wanted.NetworkId, address)))]);

    public static DesiredDocument Document(IReadOnlyList<DesiredNetwork> networks, IReadOnlyList<DesiredSecurityGroup> groups, params IReadOnlyList<DesiredInstance> instances) =>
        new(1, "h-1", [], networks, groups, instances, [], [], []);
}
