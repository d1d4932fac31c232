using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

/// <summary>The QMP client against a scripted peer on a real socket.</summary>
public sealed class QmpClientTests
{
    internal const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}""";

    [Fact]
    public async Task Answers_find_their_questions_and_events_come_between()
    {
        var events = new List<string>();
        await using var peer = await QmpPeer.StartAsync();
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
        await using var peer = await QmpPeer.StartAsync();
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
        await using var peer = await QmpPeer.StartAsync();
        var connecting = QmpClient.ConnectAsync(await peer.ConnectAsync(), TimeProvider.System, _ => { }, default);
        await peer.SendAsync(nonsense);
        await peer.DisposeAsync();
        await Assert.ThrowsAsync<QmpException>(() => connecting);
    }

    [Fact]
    public async Task A_peer_that_reads_nothing_holds_nobody()
    {
        var time = new ManualTime();
        await using var peer = await QmpPeer.StartAsync();
        await using var client = await peer.GreetedAsync(time);
        // More than the socket takes by itself.
        var words = new string('x', 4 * 1024 * 1024);
        Task[] asked = [client.ExecuteAsync("screendump", arguments => arguments.WriteString("filename", words), default), client.ExecuteAsync("cont", null, default)];
        await Wait.ForAsync("both to be given up", () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return asked.All(one => one.IsCompleted);
        }, TimeSpan.FromSeconds(20));
        foreach (var one in asked) await Assert.ThrowsAsync<QmpException>(() => one);
        // Half of a command has gone: nothing that came after it would be understood.
        await client.Ended.WaitAsync(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<QmpException>(() => client.ExecuteAsync("cont", null, default));
    }

    [Fact]
    public async Task A_line_without_an_end_is_the_end_of_the_connection()
    {
        await using var peer = await QmpPeer.StartAsync();
        await using var client = await peer.GreetedAsync(TimeProvider.System);
        var waiting = client.ExecuteAsync("query-status", null, default);
        await peer.FillAsync(client.Ended);
        await Assert.ThrowsAsync<QmpException>(() => waiting);
    }

    [Theory]
    [InlineData("""{"id": 2}""")]
    [InlineData("""{"error": {}, "id": 2}""")]
    [InlineData("""{"error": "no", "id": 2}""")]
    [InlineData("""{"error": {"desc": 7}, "id": 2}""")]
    [InlineData("""{"return": {}, "id": 2}""")]
    [InlineData("""{"return": [], "id": 2}""")]
    [InlineData("""{"return": {"status": 7}, "id": 2}""")]
    [InlineData("""{"return": {"status": "\ud800"}, "id": 2}""")]
    [InlineData("""{"return": {"status": "run""")]
    [InlineData("""{"event": 7}""")]
    [InlineData("7")]
    public async Task An_answer_that_is_none_of_the_protocol_is_told_as_such(string answer)
    {
        await using var peer = await QmpPeer.StartAsync();
        await using var client = await peer.GreetedAsync(TimeProvider.System);
        var status = client.AskAsync("query-status", null, answer => answer.GetProperty("status").GetString(), default);
        await peer.ReceiveAsync();
        await peer.SendAsync(answer);
        await Assert.ThrowsAsync<QmpException>(() => status);
    }

    [Fact]
    public async Task What_a_peer_says_is_told_to_nobody_in_any_length()
    {
        await using var peer = await QmpPeer.StartAsync();
        await using var client = await peer.GreetedAsync(TimeProvider.System);
        var refused = client.ExecuteAsync("cont", null, default);
        await peer.ReceiveAsync();
        await peer.SendAsync($$$"""{"error": {"desc": "\u001b[2J{{{new string('x', 100_000)}}}"}, "id": 2}""");
        var words = (await Assert.ThrowsAsync<QmpRefusedException>(() => refused)).Words;
        Assert.Equal((1000, " [2Jxxx"), (words.Length, words[..7]));
    }

    public static TheoryData<string> Returns =>
    [
        "{}", "[{}]", "7", "null", "\"x\"", "[7]", """[{"name": 7, "type": 7, "id": 7}]""", """[{"name": "vol-19a3f2b4c5d6e0001", "type": "child<virtio-blk-pci>"}, {"name": "g-vol-19a3f2b4c5d6e0001", "type": "child<virtio-blk-pci>", "node-name": "t-vol-19a3f2b4c5d6e0001", "image": {"virtual-size": 1e400}}]""",
        """[{"node-name": "a", "image": {"virtual-size": 1}}, {"node-name": "a", "image": {"virtual-size": 2}}]""", """[{"node-name": "a", "image": {"virtual-size": 99999999999999999999}}]""",
        """{"nodes": [{"id": 1, "type": "block-driver", "name": "a"}, {"id": 1, "type": "block-driver", "name": "b"}], "edges": []}""", """{"nodes": 7, "edges": [{"parent": "x"}]}""",
        """[{"id": "merge-1-vol-19a3f2b4c5d6e0001", "status": "running", "current-progress": "much"}]""", """[{"qdev": "cd0", "inserted": 7, "locked": "no"}]""", """{"iops-total": -1e99, "bps-total": true}""",
    ];

    [Theory]
    [MemberData(nameof(Returns))]
    public async Task Whatever_a_process_returns_those_who_read_it_come_to_an_end(string value)
    {
        await using var peer = await QmpPeer.StartAsync();
        await using var client = await peer.GreetedAsync(TimeProvider.System);
        var answering = peer.AnswerAsync(value);
        const string Volume = "vol-19a3f2b4c5d6e0001";
        foreach (var read in new Func<Task>[]
        {
            () => QemuDrives.ReadAsync(client, default), () => QemuCds.ReadAsync(client, default), () => QemuCards.ReadAsync(client, default), () => QemuPorts.FreeAsync(client, default), () => QemuDrives.NodesAsync(client, default),
            () => GuestLayers.ReadAsync(client, Volume, default), () => GuestLayers.HasAgentAsync(client, default), () => GuestLayers.SizeAsync(client, Volume, 1, default), () => client.AskAsync("qom-get", null, DriveParts.Read, default),
        })
            try
            {
                await read();
            }
            catch (QmpException)
            {
                // As it should be: anything else fails the test.
            }
        await client.DisposeAsync();
        await answering;
    }
}
