using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Instances;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>The sockets at which volumes are given to other hosts: at the host's own address, and at a port that stays the same.</summary>
internal static class ExportSocket
{
    private const int SocketLevel = 1, ReuseAddress = 2, TcpLevel = 6, UserTimeout = 18;

    /// <summary>When a connection is given up whose other end is silent. Too low: a network that hesitates breaks connections; too high: a host that lost its connection waits as long for its next one.</summary>
    private const int SilentSeconds = 10, ProbeSeconds = 5, Probes = 2, UserTimeoutMs = 20_000;

    /// <summary>How long a host may take to answer. Too low: a busy one is taken for silent; too high: what fills a volume holds its place among the few that may.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    /// <summary>A socket that does not listen yet; connections to it inherit what is set here.</summary>
    /// <param name="port">The one that it is to be; 0: any of the range.</param>
    /// <param name="others">The ports of other volumes: their guests come back to them, whether anybody listens there at the moment or not. Asked while a port is held, since a volume's port is noted by who holds it.</param>
    public static Socket Open(AgentOptions options, string volumeId, int port, Func<IReadOnlySet<int>> others)
    {
        var address = IPAddress.Parse(options.Address);
        if (port > 0) return Bind(address, port) ?? throw new HypervisorException("export-port-taken", $"Another process listens at the port {port} of {address}, at which the volume {volumeId} is given to another host: end that process.", null);
        var (first, count) = (options.ExportPorts.First, options.ExportPorts.Last - options.ExportPorts.First + 1);
        var start = (int)(BitConverter.ToUInt32(SHA256.HashData(Encoding.ASCII.GetBytes(volumeId))) % (uint)count);
        var taken = others();
        foreach (var at in Enumerable.Range(0, count).Select(at => first + ((start + at) % count)))
        {
            if (taken.Contains(at) || Bind(address, at) is not { } socket) continue;
            taken = others();
            if (!taken.Contains(at)) return socket;
            socket.Dispose();
        }
        throw new HypervisorException("export-ports-taken", string.Create(CultureInfo.InvariantCulture, $"All ports from {first} to {options.ExportPorts.Last} of {address} are taken: volumes are given to other hosts there. Name more of them to the agent."), null);
    }

    /// <summary>Connects to where a volume is given; the connection is given up when the other end is silent.</summary>
    public static async Task<Socket> ConnectAsync(string volumeId, IPEndPoint at, TimeProvider clock, CancellationToken cancel)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            GiveUpSilent(socket);
            // As programs expect what they inherit, it blocks: an asynchronous call would have it otherwise from then on.
            await Task.Run(() => socket.Connect(at), cancel).WaitAsync(AnswerLimit, clock, cancel);
            return socket;
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is not (SocketException or TimeoutException)) throw;
            throw new HypervisorException("volume-unreachable", $"The host that has the volume {volumeId} does not answer at {at}: it is down, or a firewall on the way lets nobody through. It is tried again.", e);
        }
    }

    private static void GiveUpSilent(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, SilentSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, ProbeSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
        socket.SetRawSocketOption(TcpLevel, UserTimeout, BitConverter.GetBytes(UserTimeoutMs));
    }

    /// <summary>Null if the port is taken.</summary>
    private static Socket? Bind(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // A process that was killed leaves connections behind, for a minute; but two may never listen at one port.
            socket.SetRawSocketOption(SocketLevel, ReuseAddress, BitConverter.GetBytes(1));
            GiveUpSilent(socket);
            socket.Bind(new IPEndPoint(address, port));
            // Binding alone does not keep others out.
            socket.Listen();
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            if (e.SocketErrorCode == SocketError.AddressAlreadyInUse) return null;
            throw new HypervisorException("export-failed", $"The port {port} of {address} cannot be listened at: {e.Message}.", e);
        }
    }
}
