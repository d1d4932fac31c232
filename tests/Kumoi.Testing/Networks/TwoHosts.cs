using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Kumoi.Agent;
using Kumoi.Agent.Control;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kumoi.Testing.Networks;

/// <summary>
/// A server on one host and a client on another, in a group with many members elsewhere. The server's host is kept by the agent's controller; what changes on it is
/// timed from its document to the first answer that the client gets, for which it asks without pause.
/// </summary>
public sealed class TwoHosts : IAsyncDisposable
{
    private const int Port = 53, OtherPort = 54;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30), Silence = TimeSpan.FromMilliseconds(50);

    private readonly StandIns _hosts;
    private readonly int _members;
    private readonly NetworkController _controller;
    private readonly AgentState _state = new();
    private readonly Peers _peers = new(true);
    private readonly DesiredInterface _server = Shared.Interface(11, Samples.Group), _client = Shared.Interface(12, Shared.Clients);
    private readonly NetworkHost[] _places;
    private readonly DesiredNetwork _network = Shared.Network();
    private string _clientNamespace = "";
    private long _revision;
    private int _port = 20_000;

    private TwoHosts(StandIns hosts, int members)
    {
        (_hosts, _members) = (hosts, members);
        _controller = new NetworkController(hosts.All[0].Options, _state, hosts.All[0].Driver, _ => true, new Random(1), TimeProvider.System, NullLogger.Instance);
        _places = [Shared.HostOf(hosts.All[0], _server), new(hosts.All[1].Options.Address, [.. Members, _client.Address, _client.Further![0].Address])];
    }

    private IEnumerable<string> Members => Enumerable.Range(0, _members).Select(i => string.Create(CultureInfo.InvariantCulture, $"10.0.{(i / 200) + 1}.{(i % 200) + 10}"));

    public static async Task<TwoHosts> StartAsync(int members)
    {
        var two = new TwoHosts(await StandIns.StartAsync(2), members);
        await two.StartAsync();
        return two;
    }

    private async Task StartAsync()
    {
        var server = await _hosts.GuestAsync(_hosts.All[0], _server);
        _clientNamespace = (await _hosts.GuestAsync(_hosts.All[1], _client)).Namespace;
        await _hosts.ServeAsync(server.Namespace, Port, OtherPort);
        await StandIns.ApplyAsync(_hosts.All[1], Shared.Document([_network with { Hosts = _places }], Groups(false), Shared.Instance(12, _client)));
        _state.Replace(Take(Document(false)));
        _controller.RingAll();
        await Wait.UntilAsync(() => Task.FromResult(_controller.ReadinessOf(_state.Document!.Instances[0], _state.Document) == NetworkReadiness.Ready), (int)Limit.TotalSeconds, "the network");
    }

    private static DesiredSecurityGroup[] Groups(bool open)
    {
        DesiredRule[] all = [Samples.EgressAll, new("egress", "any", null, null, "::/0", null)];
        DesiredRule[] more = open ? [Samples.Ingress("udp", OtherPort, OtherPort, "0.0.0.0/0", null)] : [];
        return [new(Samples.Group, [Samples.Ingress("udp", Port, Port, null, Samples.Group), .. more, .. all], []), new(Shared.Clients, all, [])];
    }

    private DesiredDocument Document(bool open) => Shared.Document([_network], Groups(open), Shared.Instance(11, _server));

    private DesiredDocument Take(DesiredDocument? document, params string[] joined) => _peers.Take(new DesiredAnswer(document, [new NetworkPeers(
        Samples.Network, ++_revision, [.. Members.Select((address, i) => new DesiredName(string.Create(CultureInfo.InvariantCulture, $"vm{i}"), address))],
        [new GroupMembers(Samples.Group, [.. Members, .. joined])], _places)]))!;

    /// <summary>The client joins the group; null if it was let in before, or is not within half a minute.</summary>
    public Task<double?> JoinAsync() => EffectAsync(Port, () =>
    {
        _state.Replace(Take(null, _client.Address));
        _controller.RingPeers(Samples.Network);
    });

    /// <summary>It leaves; true once nothing new is let in. Connections that were let in live on.</summary>
    public Task<bool> LeaveAsync()
    {
        _state.Replace(Take(null));
        _controller.RingPeers(Samples.Network);
        return ClosedAsync(Port);
    }

    /// <summary>A rule lets the client in; as <see cref="JoinAsync"/>.</summary>
    public Task<double?> OpenAsync() => EffectAsync(OtherPort, () =>
    {
        _state.Replace(Take(Document(true)));
        _controller.RingAll();
    });

    public Task<bool> CloseAsync()
    {
        _state.Replace(Take(Document(false)));
        _controller.RingAll();
        return ClosedAsync(OtherPort);
    }

    private async Task<double?> EffectAsync(int port, Action change)
    {
        using var socket = await SocketAsync(port);
        if (await AnsweredAsync(socket, Silence)) return null;
        var watch = Stopwatch.StartNew();
        change();
        return await AnsweredAsync(socket, Limit) ? watch.Elapsed.TotalMilliseconds : null;
    }

    private async Task<bool> ClosedAsync(int port)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Limit;)
        {
            using var fresh = await SocketAsync(port);
            if (!await AnsweredAsync(fresh, Silence)) return true;
        }
        return false;
    }

    private async Task<Socket> SocketAsync(int port)
    {
        var socket = await NetworkNamespaces.RunInsideAsync(_clientNamespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { Blocking = false });
        // Never the port of a connection of before, which would still be let in.
        socket.Bind(new IPEndPoint(IPAddress.Any, _port++));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(_server.Address), port));
        return socket;
    }

    private static async Task<bool> AnsweredAsync(Socket socket, TimeSpan limit)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < limit;)
        {
            socket.Send("ask"u8);
            await Task.Yield();
            if (socket.Poll(TimeSpan.FromMilliseconds(1), SelectMode.SelectRead)) return socket.Receive(new byte[10]) == 3;
        }
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        await _controller.DisposeAsync();
        await _hosts.DisposeAsync();
    }
}
