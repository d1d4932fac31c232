using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

/// <summary>A guest's agent on the other end, which may say anything: whatever it does, a guest that may be held is noted, and let go.</summary>
public sealed class GuestFreezeTests
{
    private static readonly string Guest = Samples.InstanceId(7);

    [Fact]
    public async Task A_guest_is_held_and_let_go()
    {
        await using var stand = new Stand((asked, number) => asked switch
        {
            "guest-sync-delimited" => [0xff, .. Answer($"{{\"return\": {number}}}")],
            "guest-fsfreeze-freeze" or "guest-fsfreeze-thaw" => Answer("{\"return\": 2}"),
            _ => [],
        });
        Assert.True(await stand.Freeze.FreezeAsync(Guest, default));
        Assert.True(stand.IsNoted);
        // It is this agent's own business for now.
        Assert.False(stand.Freeze.IsLeft(Guest));
        await stand.Freeze.ThawAsync(Guest, default);
        Assert.False(stand.IsNoted);
        Assert.Equal(["guest-sync-delimited", "guest-fsfreeze-freeze", "guest-sync-delimited", "guest-fsfreeze-thaw"], stand.Asked);
    }

    [Fact]
    public async Task One_that_an_agent_had_held_when_it_was_killed_is_let_go_by_the_next()
    {
        await using var stand = new Stand((asked, number) => asked == "guest-sync-delimited" ? [.. Encoding.ASCII.GetBytes("{\"return\": 1}\n{\"half"), 0xff, .. Answer($"{{\"return\": {number}}}")] : Answer("{\"return\": 1}"));
        Assert.True(await stand.Freeze.FreezeAsync(Guest, default));
        var next = stand.Another();
        Assert.True(next.IsLeft(Guest));
        await next.ThawAsync(Guest, default);
        Assert.False(next.IsLeft(Guest));
        Assert.Equal("guest-fsfreeze-thaw", stand.Asked[^1]);
    }

    [Fact]
    public async Task One_that_does_not_say_that_it_let_go_stays_noted_until_it_does_or_ends()
    {
        var answers = false;
        await using var stand = new Stand((asked, number) => asked == "guest-sync-delimited" ? [0xff, .. Answer($"{{\"return\": {number}}}")] : asked == "guest-fsfreeze-thaw" && !answers ? [] : Answer("{\"error\": {\"desc\": \"no\"}}"));
        // That it refused is no promise that nothing is held.
        Assert.False(await stand.Freeze.FreezeAsync(Guest, default));
        await stand.Freeze.ThawAsync(Guest, default);
        Assert.True(stand.Freeze.IsLeft(Guest));
        answers = true;
        await stand.Freeze.ThawAsync(Guest, default);
        Assert.False(stand.Freeze.IsLeft(Guest));
        await stand.Freeze.FreezeAsync(Guest, default);
        var next = stand.Another();
        Assert.True(next.IsLeft(Guest));
        next.Forget(Guest);
        Assert.False(next.IsLeft(Guest));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"return\": 12}\n")]
    [InlineData("\u00ff{\"return\": 12}\n")]
    [InlineData("\u00ff{\"return\": \"x\"}\n")]
    [InlineData("\u00ff[1]\n")]
    [InlineData("\u00ffnothing of the kind\n")]
    [InlineData("endless")]
    public async Task One_that_answers_something_else_is_not_asked_to_hold_anything(string says)
    {
        await using var stand = new Stand((_, _) => says == "endless" ? [0xff, .. Enumerable.Repeat((byte)'x', 1 << 20)] : Encoding.Latin1.GetBytes(says));
        Assert.False(await stand.Freeze.FreezeAsync(Guest, default));
        Assert.False(stand.IsNoted);
        await stand.Freeze.ThawAsync(Guest, default);
        Assert.Equal(["guest-sync-delimited"], stand.Asked);
    }

    private static byte[] Answer(string text) => Encoding.ASCII.GetBytes(text + "\n");

    private sealed class Stand : IAsyncDisposable
    {
        private readonly Machine _machine = new("simulated");
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _served;

        public Stand(Func<string, long, byte[]> answer)
        {
            var paths = _machine.Options.Paths;
            Directory.CreateDirectory(paths.Instance(Guest));
            Directory.CreateDirectory(paths.Sockets(Guest));
            _listener.Bind(new UnixDomainSocketEndPoint(paths.Socket(Guest, "agent")));
            _listener.Listen();
            _served = ServeAsync(answer);
            Freeze = Another();
        }

        public GuestFreeze Freeze { get; }

        public List<string> Asked { get; } = [];

        public bool IsNoted => File.Exists(Path.Combine(_machine.Options.Paths.Instance(Guest), "frozen"));

        /// <summary>As an agent that begins has it.</summary>
        public GuestFreeze Another() => new(_machine.Options.Paths, TimeProvider.System);

        private async Task ServeAsync(Func<string, long, byte[]> answer)
        {
            try
            {
                while (true)
                {
                    using var socket = await _listener.AcceptAsync(_stop.Token);
                    using var stream = new NetworkStream(socket);
                    using var reader = new StreamReader(stream, Encoding.Latin1);
                    while (await reader.ReadLineAsync(_stop.Token) is { } line)
                    {
                        using var question = System.Text.Json.JsonDocument.Parse(line.TrimStart('\u00ff'));
                        var command = question.RootElement.GetProperty("execute").GetString()!;
                        Asked.Add(command);
                        await socket.SendAsync(answer(command, question.RootElement.TryGetProperty("arguments", out var arguments) ? arguments.GetProperty("id").GetInt64() : 0), _stop.Token);
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                // The test is over, or has closed its end.
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _served;
            _listener.Dispose();
            _stop.Dispose();
            await _machine.DisposeAsync();
        }
    }
}
