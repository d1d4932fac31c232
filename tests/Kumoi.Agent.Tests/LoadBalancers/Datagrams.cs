using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Networks;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Guests that answer datagrams, and clients whose datagrams are all one connection to the kernel.</summary>
internal static class Datagrams
{
    public static async Task<Socket> OpenAsync(string from, string address, int port)
    {
        var socket = await NetworkNamespaces.RunInsideAsync(from, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), port));
        return socket;
    }

    /// <summary>Answers each datagram with the guest's address.</summary>
    public static async Task EchoNameAsync(StandInGuest guest)
    {
        var socket = await NetworkNamespaces.RunInsideAsync(guest.Namespace, () =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            made.Bind(new IPEndPoint(IPAddress.Any, 80));
            return made;
        });
        _ = Task.Run(async () =>
        {
            while (true)
            {
                var got = await socket.ReceiveFromAsync(new byte[100], new IPEndPoint(IPAddress.Any, 0));
                await socket.SendToAsync(Encoding.ASCII.GetBytes(guest.Ipv4), got.RemoteEndPoint);
            }
        });
    }

    /// <summary>The answer; null if none comes.</summary>
    public static async Task<string?> AskAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            var buffer = new byte[100];
            await socket.SendAsync("ask"u8.ToArray(), patience.Token);
            return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, patience.Token));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return null;
        }
    }
}
