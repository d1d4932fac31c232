using System.Collections.Concurrent;
using System.IO.Pipes;
using System.Net.WebSockets;
using System.Text;
using Kumoi.Agent.Consoles;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Consoles;

public sealed class ConsoleControllerTests
{
    [Fact]
    public async Task A_log_session_sends_the_text_and_closes_and_is_not_connected_twice()
    {
        await using var machine = new Machine("simulated");
        await using var hypervisor = new SimulatedHypervisor(machine.Hardware, new SimulatedFaults(), TimeProvider.System);
        var record = Samples.Instance(11, "running");
        await hypervisor.MakeDiskAsync(record, Samples.ImageOf("", 0, 0), default);
        await hypervisor.StartAsync(record, Samples.ImageOf("", 0, 0), [], [], null, default);
        var connected = new ConcurrentQueue<string>();
        var (agentSide, viewerSide) = Pair();
        await using var consoles = new ConsoleController(hypervisor, (console, _) => { connected.Enqueue(console.Session); return Task.FromResult(agentSide); }, Machine.Log);
        DesiredConsole[] wanted = [new DesiredConsole("con-1", record.Id, "log")];
        consoles.Apply(wanted);
        consoles.Apply(wanted);
        var buffer = new byte[1024];
        var received = await viewerSide.ReceiveAsync(buffer, default);
        Assert.Equal("vm11: booted for epoch 1\r\n", Encoding.ASCII.GetString(buffer, 0, received.Count));
        Assert.Equal(WebSocketMessageType.Close, (await viewerSide.ReceiveAsync(buffer, default)).MessageType);
        await viewerSide.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        consoles.Apply(wanted);
        Assert.Equal(["con-1"], connected);
    }

    [Fact]
    public async Task A_pipe_carries_both_ways_until_the_viewer_leaves()
    {
        var (agentSide, viewerSide) = Pair();
        var typed = new TaskCompletionSource<string>();
        var never = new TaskCompletionSource<int>();
        var said = 0;
        var pipe = ConsolePipe.RunAsync(agentSide, async (buffer, cancel) =>
        {
            if (said++ > 0) return await never.Task.WaitAsync(cancel);
            "hello"u8.CopyTo(buffer.Span);
            return 5;
        }, (bytes, _) => { typed.TrySetResult(Encoding.ASCII.GetString(bytes.Span)); return ValueTask.CompletedTask; }, CancellationToken.None);
        var answer = new byte[16];
        var received = await viewerSide.ReceiveAsync(answer, default);
        Assert.Equal("hello", Encoding.ASCII.GetString(answer, 0, received.Count));
        await viewerSide.SendAsync("x"u8.ToArray(), WebSocketMessageType.Binary, true, default);
        Assert.Equal("x", await typed.Task.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.False(pipe.IsCompleted);
        await viewerSide.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        await pipe.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private static (WebSocket Agent, WebSocket Viewer) Pair()
    {
        var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var one = new System.Net.Sockets.TcpClient();
        one.Connect((System.Net.IPEndPoint)listener.LocalEndpoint);
        var two = listener.AcceptTcpClient();
        listener.Stop();
        return (WebSocket.CreateFromStream(one.GetStream(), new WebSocketCreationOptions { IsServer = false }),
            WebSocket.CreateFromStream(two.GetStream(), new WebSocketCreationOptions { IsServer = true }));
    }
}
