using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Instances.Qemu;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

/// <summary>The QMP client against a scripted peer on a real socket.</summary>
public sealed class QmpClientTests
{
    private const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}""";

    [Fact]
    public async Task Answers_find_their_questions_and_events_come_between()
    {
        var events = new List<string>();
        await using var peer = await Peer.StartAsync();
        var connecting = QmpClient.ConnectAsync(await peer.ConnectAsync(), TimeProvider.System, events.Add, default);
        await peer.SendAsync(Greeting);
        Assert.Contains("qmp_capabilities", await peer.ReceiveAsync(), StringComparison.Ordinal);
        await peer.SendAsync("""{"return": {}, "id": 1}""");
        await using var client = await connecting;
        var name = client.AskAsync("query-name", null, answer => answer.GetProperty("name").GetString(), default);
        var status = client.AskAsync("query-status", null, answer => answer.GetProperty("status").GetString(), default);
        await peer.ReceiveAsync();
        await peer.ReceiveAsync();
        await peer.SendAsync("""{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}""");
        await peer.SendAsync("""{"return": {"status": "running"}, "id": 3}""");
        await peer.SendAsync("""{"return": {"name": "i-1f/1/1"}, "id": 2}""");
        Assert.Equal("i-1f/1/1", await name);
        Assert.Equal("running", await status);
        Assert.Equal(["STOP"], events);
    }

    [Fact]
    public async Task A_refusal_is_an_exception_with_its_words_and_the_end_fails_everyone_who_waits()
    {
        await using var peer = await Peer.StartAsync();
        var connecting = QmpClient.ConnectAsync(await peer.ConnectAsync(), TimeProvider.System, _ => { }, default);
        await peer.SendAsync(Greeting);
        await peer.ReceiveAsync();
        await peer.SendAsync("""{"return": {}, "id": 1}""");
        await using var client = await connecting;
        var refused = client.ExecuteAsync("cont", null, default);
        await peer.ReceiveAsync();
        await peer.SendAsync("""{"error": {"class": "GenericError", "desc": "Resetting the Virtual Machine is required"}, "id": 2}""");
        Assert.Contains("Resetting", (await Assert.ThrowsAsync<QmpRefusedException>(() => refused)).Message, StringComparison.Ordinal);
        var waiting = client.ExecuteAsync("query-status", null, default);
        await peer.ReceiveAsync();
        await peer.DisposeAsync();
        await Assert.ThrowsAsync<QmpException>(() => waiting);
        await Assert.ThrowsAsync<QmpException>(() => client.ExecuteAsync("query-status", null, default));
        await client.Ended.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData("this is no JSON")]
    [InlineData("""{"id": "x", "return": {}}""")]
    [InlineData("[1,2,3]")]
    public async Task A_peer_that_speaks_nonsense_is_given_up_or_ignored_and_never_hangs(string nonsense)
    {
        await using var peer = await Peer.StartAsync();
        var connecting = QmpClient.ConnectAsync(await peer.ConnectAsync(), TimeProvider.System, _ => { }, default);
        await peer.SendAsync(nonsense);
        await peer.DisposeAsync();
        await Assert.ThrowsAsync<QmpException>(() => connecting);
    }

    private sealed class Peer : IAsyncDisposable
    {
        private readonly string _path = Path.Combine(Path.GetTempPath(), $"kumoi-qmp-{Guid.NewGuid():N}");
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private StreamReader? _reader;
        private Socket? _accepted;

        public static Task<Peer> StartAsync()
        {
            var peer = new Peer();
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
}
