using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Instances.Qemu;

namespace Kumoi.Agent.Tests.Instances;

/// <summary>A scripted peer on a real socket.</summary>
internal sealed class QmpPeer : IAsyncDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"kumoi-qmp-{Guid.NewGuid():N}");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private StreamReader? _reader;
    private Socket? _accepted;

    public static Task<QmpPeer> StartAsync()
    {
        var peer = new QmpPeer();
        peer._listener.Bind(new UnixDomainSocketEndPoint(peer._path));
        peer._listener.Listen();
        return Task.FromResult(peer);
    }

    public async Task<Socket> ConnectAsync()
    {
        var socket = (await QemuGuest.ConnectAsync(_path, default))!;
        _accepted = await _listener.AcceptAsync();
        _reader = new StreamReader(new NetworkStream(_accepted));
        return socket;
    }

    /// <summary>A client that has been greeted; its next command has the number 2.</summary>
    public async Task<QmpClient> GreetedAsync(TimeProvider clock)
    {
        var connecting = QmpClient.ConnectAsync(await ConnectAsync(), clock, _ => { }, default);
        await SendAsync(QmpClientTests.Greeting);
        await ReceiveAsync();
        await SendAsync("""{"return": {}, "id": 1}""");
        return await connecting;
    }

    /// <summary>Sends one line for as long as it is taken.</summary>
    public async Task FillAsync(Task taken)
    {
        var part = new byte[64 * 1024];
        Array.Fill(part, (byte)'x');
        try
        {
            while (!taken.IsCompleted) await _accepted!.SendAsync(part);
        }
        catch (SocketException)
        {
            // The other end is closed.
        }
        await taken.WaitAsync(TimeSpan.FromSeconds(10));
    }

    /// <summary>Answers each question with this, until the other end is closed.</summary>
    public async Task AnswerAsync(string value)
    {
        for (var number = 2; (await ReceiveAsync()).Length > 0; number++) await SendAsync($$$"""{"return": {{{value}}}, "id": {{{number}}}}""");
    }

    public async Task SendAsync(string line) => await _accepted!.SendAsync(Encoding.UTF8.GetBytes(line + "\r\n"));

    public async Task<string> ReceiveAsync() => await _reader!.ReadLineAsync() ?? "";

    public ValueTask DisposeAsync()
    {
        _accepted?.Dispose();
        _listener.Dispose();
        File.Delete(_path);
        return ValueTask.CompletedTask;
    }
}
