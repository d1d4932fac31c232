using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>What an agent is made of as far as networks and load balancers go, on one of several hosts.</summary>
internal sealed class BalancedHost : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private readonly NetworkController _networks;
    private readonly AgentState _state = new();

    public BalancedHost(StandInHost host)
    {
        Host = host;
        Balancing = new Balancing(host.Options, new Commands(TimeProvider.System), new Random(1), TimeProvider.System, Machine.Log);
        _networks = new NetworkController(host.Options, _state, host.Driver, _ => null, new Random(1), TimeProvider.System, Machine.Log)
        {
            Judge = Balancing.Judge, Balanced = Balancing.TakeAsync, Unbalanced = Balancing.Forget,
        };
        (Balancing.Turned, Balancing.Ended) = (_networks.RingPeers, _networks.Ring);
        _loop = Kumoi.Reconcile.Resync.RunAsync(new Kumoi.Reconcile.Doorbell(TimeProvider.System), Balancing.Period, Balancing.LookAsync, Failures.Add, _stop.Token);
    }

    public StandInHost Host { get; }

    public Balancing Balancing { get; }

    public List<Exception> Failures { get; } = [];

    public IReadOnlyList<Kumoi.Api.Condition> Conditions => _networks.Conditions;

    public void Replace(DesiredDocument document)
    {
        _state.Replace(document);
        _networks.RingAll();
    }

    public ObservedListener? Listener(string id) => Balancing.Observed(null).FirstOrDefault(listener => listener.Id == id);

    /// <summary>Waits until the host sees exactly these members work.</summary>
    public async Task WorksAsync(string listener, params string[] members)
    {
        try
        {
            await Wait.ForAsync("members", () => Listener(listener) is { } seen && seen.Members.Where(member => member.Health == BackendHealth.Healthy).Select(member => member.Id).ToHashSet().SetEquals(members)
                && seen.Members.All(member => member.Health != BackendHealth.Unknown), TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(
                $"{string.Join(", ", members)} should work on {Host.Namespace}; seen: {string.Join(", ", Listener(listener)?.Members.Select(member => $"{member.Id} {member.Health} {member.Reason}") ?? ["nothing"])} "
                + $"{string.Join(' ', Conditions.Select(condition => condition.Message))} {string.Join('\n', Failures)}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await _networks.DisposeAsync();
        await Balancing.DisposeAsync();
        _stop.Dispose();
    }
}

/// <summary>Records of load balancers, servers that say who they are, and clients that ask.</summary>
internal static class Balanced
{
    public const string Address = "10.0.0.50", Ipv6 = "fd00:1::50", Balancer = "lb-19a3f2b4c5d6e7fa0", Listener = "lsn-19a3f2b4c5d6e7fb0";

    public static string MemberId(int number) => string.Create(CultureInfo.InvariantCulture, $"mbr-19a3f2b4c5d6e{number:x4}");

    public static DesiredHealthCheck Check => new("tcp", null, null, 1, 1, 1, 2);

    public static DesiredBackend Member(int number, int port = 80) => new(MemberId(number), string.Create(CultureInfo.InvariantCulture, $"10.0.0.{number}"), port, 1, false);

    public static DesiredBackend Member6(int number, int port = 80) => new(MemberId(number + 0x100), string.Create(CultureInfo.InvariantCulture, $"fd00:1::{number}"), port, 1, false);

    /// <summary>A member with addresses of both families.</summary>
    public static DesiredBackend Both(int number, int port = 80) => Member(number, port) with { Address6 = string.Create(CultureInfo.InvariantCulture, $"fd00:1::{number}") };

    public static DesiredListener Of(string protocol, int port, params IReadOnlyList<DesiredBackend> members) => new(
        Listener, protocol, port, BalancingAlgorithm.RoundRobin, ListenerStickiness.None, false, null, null, Check, 300, members);

    public static DesiredNetwork With(this DesiredNetwork network, params IReadOnlyList<DesiredListener> listeners) =>
        network with { LoadBalancers = [new DesiredLoadBalancer(Balancer, [Address, Ipv6], listeners)] };

    /// <summary>Answers each connection with the server's name and the client's address, and each line after that with the same line.</summary>
    public static async Task<Socket> ServeLinesAsync(StandInGuest guest, int port = 80)
    {
        var listener = await ListenAsync(guest, port);
        _ = AcceptAsync(listener, async socket =>
        {
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{guest.Ipv4} {Plain(((IPEndPoint)socket.RemoteEndPoint!).Address)}\n"));
            await stream.CopyToAsync(stream);
        });
        return listener;
    }

    public static async Task<Socket> ListenAsync(StandInGuest guest, int port) => await NetworkNamespaces.RunInsideAsync(guest.Namespace, () =>
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen(64);
        return socket;
    });

    public static async Task AcceptAsync(Socket listener, Func<Socket, Task> handle)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync();
                _ = Task.Run(async () =>
                {
                    using (socket)
                    {
                        try
                        {
                            await handle(socket);
                        }
                        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException) { }
                    }
                });
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    public static string Plain(IPAddress address) => (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();

    /// <summary>A connection, and who answered it as whom; null if nobody did.</summary>
    public static async Task<Answered?> AskAsync(string from, string address, int port, string? source = null)
    {
        var target = IPAddress.Parse(address);
        var socket = await NetworkNamespaces.RunInsideAsync(from, () =>
        {
            var made = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (source is not null) made.Bind(IPEndPoint.Parse(source));
            return made;
        });
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(target, port), patience.Token);
            var answered = new Answered(socket);
            var words = (await answered.ReadAsync(patience.Token)).Split(' ');
            return answered with { Server = words[0], Client = words[1] };
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>How many of a number of connections each server answered, and under which addresses they saw the client.</summary>
    public static async Task<(Dictionary<string, int> Servers, string[] Clients)> SpreadAsync(string from, string address, int port, int count)
    {
        var (servers, clients) = (new Dictionary<string, int>(), new HashSet<string>());
        for (var i = 0; i < count; i++)
        {
            using var answered = await AskAsync(from, address, port);
            servers[answered?.Server ?? "nobody"] = servers.GetValueOrDefault(answered?.Server ?? "nobody") + 1;
            if (answered is not null) clients.Add(answered.Client);
        }
        return (servers, [.. clients]);
    }
}

internal sealed record Answered(Socket Socket) : IDisposable
{
    public string Server { get; init; } = "";

    public string Client { get; init; } = "";

    public async Task<string> ReadAsync(CancellationToken cancel)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (true)
        {
            if (await Socket.ReceiveAsync(one, cancel) == 0) throw new IOException("The other side has ended the connection.");
            if (one[0] == '\n') return text.ToString();
            text.Append((char)one[0]);
        }
    }

    /// <summary>True if a line sent comes back.</summary>
    public async Task<bool> LivesAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            await Socket.SendAsync("still there\n"u8.ToArray(), patience.Token);
            return await ReadAsync(patience.Token) == "still there";
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException)
        {
            return false;
        }
    }

    public void Dispose() => Socket.Dispose();
}
