using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Kumoi.Agent.Consoles;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.Consoles;

public sealed class SerialHubTests
{
    [Fact]
    public async Task Every_viewer_gets_what_was_said_last_and_what_comes_and_one_may_leave()
    {
        var (guest, line) = await PairAsync();
        await using var hub = new SerialHub(line, Encoding.ASCII.GetBytes("booting\r\n"));
        var first = hub.Join(out var leaveFirst);
        Assert.Equal("booting\r\n", Text(await first.ReadAsync()));
        await guest.WriteAsync("login: "u8.ToArray());
        Assert.Equal("login: ", Text(await first.ReadAsync()));
        var second = hub.Join(out var leaveSecond);
        Assert.Equal("booting\r\nlogin: ", Text(await second.ReadAsync()));
        leaveFirst.Dispose();
        await hub.WriteAsync("root\r"u8.ToArray(), CancellationToken.None);
        var typed = new byte[5];
        await guest.ReadExactlyAsync(typed);
        Assert.Equal("root\r", Encoding.ASCII.GetString(typed));
        await guest.WriteAsync("# "u8.ToArray());
        Assert.Equal("# ", Text(await second.ReadAsync()));
        Assert.False(hub.IsIdle);
        leaveSecond.Dispose();
        Assert.True(hub.IsIdle);
    }

    [Fact]
    public async Task A_viewer_that_does_not_read_is_cut_off_and_the_others_go_on()
    {
        var (guest, line) = await PairAsync();
        await using var hub = new SerialHub(line, []);
        var idle = hub.Join(out _);
        var keen = hub.Join(out _);
        var said = new byte[1000];
        // Far more pieces than a backlog holds; the keen viewer reads each before the next.
        for (var piece = 0; piece < 400; piece++)
        {
            await guest.WriteAsync(said);
            await ReadAsync(keen, said.Length);
        }
        await Wait.ForAsync("the idle viewer cut off", () => idle.Completion.IsCompleted || Drain(idle), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task All_viewers_are_told_when_the_line_ends()
    {
        var (guest, line) = await PairAsync();
        await using var hub = new SerialHub(line, []);
        var viewer = hub.Join(out _);
        await guest.DisposeAsync();
        await viewer.Completion.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private static bool Drain(ChannelReader<byte[]> reader)
    {
        while (reader.TryRead(out _)) continue;
        return reader.Completion.IsCompleted;
    }

    private static async Task ReadAsync(ChannelReader<byte[]> reader, int count)
    {
        while (count > 0) count -= (await reader.ReadAsync()).Length;
    }

    private static string Text(byte[] bytes) => Encoding.ASCII.GetString(bytes);

    private static async Task<(Stream Guest, Stream Line)> PairAsync()
    {
        var path = Path.Combine(Path.GetTempPath(), $"kumoi-{Guid.NewGuid():N}");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var line = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await line.ConnectAsync(new UnixDomainSocketEndPoint(path));
        var guest = await listener.AcceptAsync();
        File.Delete(path);
        return (new NetworkStream(guest, ownsSocket: true), new NetworkStream(line, ownsSocket: true));
    }
}
