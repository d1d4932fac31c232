using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Linux;

namespace Kumoi.EndToEnd;

/// <summary>A machine outside of the cloud: a namespace beyond a link of this machine, where a port says hello to whom it sees.</summary>
public sealed class Outside : IAsyncDisposable
{
    public const int Port = 7000;

    private readonly string _name, _device;
    private readonly TcpListener _listener;
    private readonly Task _greeting;

    private Outside(string name, string device, TcpListener listener) => (_name, _device, _listener, _greeting) = (name, device, listener, GreetAsync(listener));

    public string Name => _name;

    // TEST-NET-3 (RFC 5737).
    public string Address => "203.0.113.2";

    public string MachineAddress => "203.0.113.1";

    public static async Task<Outside> MakeAsync(string tag)
    {
        var (name, device) = ("outside-" + tag, "o" + tag);
        await Machine.SayAsync("ip", "netns", "add", name);
        await Machine.SayAsync("ip", "link", "add", device, "type", "veth", "peer", "name", "outer", "netns", name);
        await Machine.SayAsync("ip", "addr", "add", "203.0.113.1/30", "dev", device);
        await Machine.SayAsync("ip", "link", "set", device, "up");
        await Machine.SayAsync("ip", "-n", name, "addr", "add", "203.0.113.2/30", "dev", "outer");
        await Machine.SayAsync("ip", "-n", name, "link", "set", "outer", "up");
        return new Outside(name, device, await NetworkNamespaces.RunInsideAsync(name, () =>
        {
            var listener = new TcpListener(IPAddress.Any, Port);
            listener.Start();
            return listener;
        }));
    }

    private static async Task GreetAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                using var caller = await listener.AcceptTcpClientAsync();
                await caller.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"hello {((IPEndPoint)caller.Client.RemoteEndPoint!).Address}\n"));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was stopped.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _greeting;
        // The namespace alone would take the link with it at some later moment.
        await Machine.SayAsync("ip", "link", "delete", _device);
        await Machine.SayAsync("ip", "netns", "delete", _name);
    }
}
