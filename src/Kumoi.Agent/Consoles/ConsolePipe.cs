using System.Net.WebSockets;

namespace Kumoi.Agent.Consoles;

/// <summary>Carries bytes both ways between a WebSocket and something else until either side ends.</summary>
internal static class ConsolePipe
{
    private const int BufferSize = 16 * 1024;

    public static async Task RunAsync(
        WebSocket socket, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write,
        CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var outgoing = SendAsync(socket, read, ended.Token);
        var incoming = ReceiveAsync(socket, write, ended.Token);
        await Task.WhenAny(outgoing, incoming);
        // The other direction may wait for bytes that never come; only then is it cancelled, so that a clean end stays clean.
        if (incoming.IsCompleted) await ended.CancelAsync();
        try
        {
            await outgoing;
            if (!incoming.IsCompleted && socket.State == WebSocketState.Open) await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel);
            ended.CancelAfter(TimeSpan.FromSeconds(5));
            await incoming;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The cancellation above: one side has ended, and the session with it.
        }
    }

    private static async Task SendAsync(WebSocket socket, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, CancellationToken cancel)
    {
        var buffer = new byte[BufferSize];
        int length;
        while ((length = await read(buffer, cancel)) > 0)
            await socket.SendAsync(buffer.AsMemory(0, length), WebSocketMessageType.Binary, true, cancel);
    }

    private static async Task ReceiveAsync(WebSocket socket, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, CancellationToken cancel)
    {
        var buffer = new byte[BufferSize];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), cancel);
            if (received.MessageType == WebSocketMessageType.Close) return;
            if (received.Count > 0) await write(buffer.AsMemory(0, received.Count), cancel);
        }
    }
}
