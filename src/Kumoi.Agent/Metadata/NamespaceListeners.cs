using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Kumoi.Agent.Linux;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Metadata;

/// <summary>The network a connection came from: with the source address it says which guest calls, since addresses of networks may overlap.</summary>
public sealed record NetworkOrigin(string NetworkId);

/// <summary>The one address Kestrel is told to listen on; what is behind it are sockets in as many namespaces as there are networks.</summary>
internal sealed class NamespacesEndPoint : EndPoint
{
    public override string ToString() => "169.254.169.254:80 and [fd00:ec2::254]:80 in every network";
}

/// <summary>
/// Lets one Kestrel serve sockets opened inside network namespaces: a socket belongs to the namespace it was made in, whatever thread
/// uses it later.
/// </summary>
public sealed class NamespaceListeners(TimeProvider clock, ILogger log) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IAsyncDisposable
{
    private const int Port = 80;
    private const int Backlog = 128;
    private const int Ipv6Level = 41, Ipv6FreeBind = 78;

    private static readonly IPAddress Ipv4 = IPAddress.Parse("169.254.169.254"), Ipv6 = IPAddress.Parse("fd00:ec2::254");

    private readonly SocketConnectionContextFactory _connections = new(new SocketConnectionFactoryOptions(), log);
    private readonly ConcurrentDictionary<string, Socket[]> _sockets = new();

    /// <summary>Accepted and not yet taken by Kestrel. Too low: bursts are slowed; too high: a flood takes the agent's memory.</summary>
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateBounded<ConnectionContext>(64);

    public bool CanBind(EndPoint endpoint) => endpoint is NamespacesEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(new Listener(endpoint, _accepted.Reader));

    /// <summary>Listens in a namespace unless it already does; with no network id, stops doing so.</summary>
    public async Task EnsureAsync(string networkNamespace, string? networkId)
    {
        if (networkId is null)
        {
            if (_sockets.TryRemove(networkNamespace, out var old)) Close(old);
            return;
        }
        if (_sockets.ContainsKey(networkNamespace)) return;
        var sockets = await NetworkNamespaces.RunInsideAsync(networkNamespace, () => Socket.OSSupportsIPv6 ? new[] { Open(Ipv4), Open(Ipv6) } : [Open(Ipv4)]);
        if (!_sockets.TryAdd(networkNamespace, sockets)) Close(sockets);
        else foreach (var socket in sockets) _ = Task.Run(() => AcceptAsync(networkNamespace, socket, new NetworkOrigin(networkId)));
    }

    private static Socket Open(IPAddress address)
    {
        var made = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // A network may get its IPv6 subnet, and with it this address, later.
            if (address == Ipv6) made.SetRawSocketOption(Ipv6Level, Ipv6FreeBind, BitConverter.GetBytes(1));
            made.Bind(new IPEndPoint(address, Port));
            made.Listen(Backlog);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    private static void Close(Socket[] sockets)
    {
        foreach (var socket in sockets) socket.Dispose();
    }

    private async Task AcceptAsync(string networkNamespace, Socket listener, NetworkOrigin origin)
    {
        while (_sockets.TryGetValue(networkNamespace, out var current) && current.Contains(listener))
        {
            try
            {
                var connection = _connections.Create(await listener.AcceptAsync());
                connection.Features.Set(origin);
                await _accepted.Writer.WriteAsync(connection);
            }
            catch (Exception e) when (e is ObjectDisposedException or ChannelClosedException || e is SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (SocketException e)
            {
                // A caller that went away before it was accepted, or no descriptors left: neither ends the service.
                log.MetadataSocketEnded(networkNamespace, e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(100), clock);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _accepted.Writer.TryComplete();
        foreach (var name in _sockets.Keys)
            if (_sockets.TryRemove(name, out var sockets)) Close(sockets);
        _connections.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed class Listener(EndPoint endpoint, ChannelReader<ConnectionContext> accepted) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(_unbound.Token, cancellationToken);
            try
            {
                return await accepted.ReadAsync(both.Token);
            }
            catch (Exception e) when (e is ChannelClosedException or OperationCanceledException)
            {
                return null;
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _unbound.Cancel();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            _unbound.Cancel();
            return ValueTask.CompletedTask;
        }
    }
}
