using System.Security.Cryptography;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.Tests.Fakes;

namespace Kumoi.Agent.Tests.Networks.Vpn;

/// <summary>A gateway's other end: a namespace on the underlay, which is also the outside, with a WireGuard device of its own.</summary>
internal sealed class Remote : IAsyncDisposable
{
    private readonly StandIns _hosts;

    private Remote(StandIns hosts, string name, string device, string publicKey) => (_hosts, Namespace, Device, PublicKey) = (hosts, name, device, publicKey);

    public string Namespace { get; }

    public string Device { get; }

    public string PublicKey { get; }

    /// <param name="number">Its last byte on the underlay.</param>
    /// <param name="addresses">Its own inside the tunnel.</param>
    /// <param name="listen">A port at which it waits; null: it connects by itself.</param>
    public static async Task<Remote> StartAsync(StandIns hosts, int number, string gatewayKey, string gateway, string[] addresses, string[] ranges, int? listen = null, string? presharedKey = null)
    {
        var digits = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        var (name, device) = (await hosts.NamespaceAsync($"ktr{digits}"), $"c{digits}");
        await hosts.IpAsync(name, "link set lo up", $"link add ul mtu 1500 type veth peer name v{digits} netns {hosts.OutsideNamespace}", $"addr add 172.31.0.{number}/24 dev ul", "link set ul up");
        await hosts.IpAsync(hosts.OutsideNamespace, $"link set v{digits} mtu 1500 master br0 up");
        await hosts.Commands.RunAsync("nsenter", NetworkNamespaces.Inside(name, WireGuard.Program, device), default);
        var privateKey = (await hosts.Commands.RunAsync("wg", ["genkey"], default)).Trim();
        var remote = new Remote(hosts, name, device, (await hosts.Commands.RunAsync("wg", ["pubkey"], privateKey, default)).Trim());
        await remote.WgAsync($"""
            [Interface]
            PrivateKey = {privateKey}
            {(listen is { } port ? $"ListenPort = {port}" : "")}
            [Peer]
            PublicKey = {gatewayKey}
            {(presharedKey is null ? "" : $"PresharedKey = {presharedKey}")}
            {(listen is null ? $"Endpoint = {gateway}" : "")}
            AllowedIPs = {string.Join(", ", ranges)}
            """, "setconf", device, "/dev/stdin");
        await hosts.IpAsync(name, [.. addresses.Select(address => $"addr add {address}/{(address.Contains(':', StringComparison.Ordinal) ? 128 : 32)} dev {device}"), $"link set dev {device} mtu 1420 up", .. ranges.Select(range => $"route add {range} dev {device}")]);
        return remote;
    }

    public Task<string> WgAsync(string? input, params string[] arguments) => _hosts.Commands.RunAsync("nsenter", NetworkNamespaces.Inside(Namespace, "wg", arguments), input, default);

    /// <summary>When keys were last agreed on, in seconds since 1970.</summary>
    public async Task<string> HandshakeAsync() => (await WgAsync(null, "show", Device, "latest-handshakes")).Trim().Split('\t')[1];

    /// <summary>A host name as the network's name server tells it; null if nobody answers.</summary>
    public Task<string?> ResolveAsync(string server, string name) => NetworkNamespaces.RunInsideAsync(Namespace, () =>
    {
        byte[] question = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name.Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. System.Text.Encoding.ASCII.GetBytes(label)]), 0, 0, 1, 0, 1];
        using var socket = new System.Net.Sockets.UdpClient(server, 53) { Client = { ReceiveTimeout = 2000 } };
        socket.Send(question);
        try
        {
            var from = new System.Net.IPEndPoint(System.Net.IPAddress.Any, 0);
            var answer = socket.Receive(ref from);
            return answer[7] == 0 ? "" : new System.Net.IPAddress(answer[^4..]).ToString();
        }
        catch (System.Net.Sockets.SocketException)
        {
            return null;
        }
    });

    public async ValueTask DisposeAsync()
    {
        var process = Processes.All().FirstOrDefault(process => WireGuard.IsOf(Device, process.Arguments));
        if (process is null) return;
        Processes.Signal(process.Id, Libc.SignalTerminate);
        await Processes.WaitForEndAsync(process.Id, TimeSpan.FromSeconds(5), TimeProvider.System, default);
        WireGuard.ForgetSockets(Device);
    }
}
