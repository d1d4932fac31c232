using System.Collections.Concurrent;
using System.Net.WebSockets;
using Kumoi.Agent.Instances;
using Kumoi.Api.Agent;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Consoles;

/// <summary>Joins viewers who wait at the server to guests: for each session of the document one WebSocket, opened from here.</summary>
public sealed class ConsoleController(
    IHypervisor hypervisor, Func<DesiredConsole, CancellationToken, Task<WebSocket>> connect, ILogger log) : IAsyncDisposable
{
    /// <summary>Text sent of a console log, in bytes.</summary>
    private const int LogBytes = 64 * 1024;

    /// <summary>Sessions served together. Too low turns viewers away; too high lets a flood of sessions crowd the agent.</summary>
    private const int SessionLimit = 256;

    private readonly ConcurrentDictionary<string, Task> _sessions = new();
    private readonly ConcurrentDictionary<string, byte> _served = new();
    private readonly Dictionary<string, SerialHub> _hubs = [];
    private readonly SemaphoreSlim _hubGate = new(1, 1);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Serves the sessions not served yet; forgets those that are no longer listed.</summary>
    public void Apply(IReadOnlyList<DesiredConsole> consoles)
    {
        var listed = consoles.Select(console => console.Session).ToHashSet();
        foreach (var gone in _served.Keys.Where(session => !listed.Contains(session) && !_sessions.ContainsKey(session))) _served.TryRemove(gone, out _);
        foreach (var console in consoles)
        {
            if (_stop.IsCancellationRequested || _sessions.Count >= SessionLimit || !ObjectNames.IsId(console.InstanceId)) continue;
            if (!_served.TryAdd(console.Session, 0)) continue;
            _sessions[console.Session] = Task.Run(() => ServeAsync(console));
        }
    }

    private async Task ServeAsync(DesiredConsole console)
    {
        try
        {
            using var socket = await connect(console, _stop.Token);
            await ServeAsync(console, socket, _stop.Token);
            await CloseAsync(socket);
        }
        catch (Exception e) when (e is WebSocketException or IOException or HttpRequestException or OperationCanceledException)
        {
            if (!_stop.IsCancellationRequested) log.ConsoleEnded(console.Session, e.Message);
        }
        finally
        {
            _sessions.TryRemove(console.Session, out _);
        }
    }

    /// <summary>Says that the session has ended and waits a moment for the answer, so that what was sent before is not cut off.</summary>
    private async Task CloseAsync(WebSocket socket)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived or WebSocketState.CloseSent)) return;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);
    }

    private async Task ServeAsync(DesiredConsole console, WebSocket socket, CancellationToken cancel)
    {
        switch (console.Kind)
        {
            case "log":
                await socket.SendAsync(hypervisor.ReadConsoleLog(console.InstanceId, LogBytes), WebSocketMessageType.Binary, true, cancel);
                break;
            case "screen":
                await using (var screen = await hypervisor.OpenScreenAsync(console.InstanceId, cancel))
                    await ConsolePipe.RunAsync(socket, (buffer, token) => screen.ReadAsync(buffer, token), (bytes, token) => screen.WriteAsync(bytes, token), cancel);
                break;
            case "serial":
                await ServeSerialAsync(console.InstanceId, socket, cancel);
                break;
            default:
                log.ConsoleEnded(console.Session, $"'{console.Kind}' is no kind of console");
                break;
        }
    }

    private async Task ServeSerialAsync(string id, WebSocket socket, CancellationToken cancel)
    {
        var (hub, output, leave) = await JoinAsync(id, cancel);
        try
        {
            using (leave)
            {
                var rest = ReadOnlyMemory<byte>.Empty;
                await ConsolePipe.RunAsync(socket, async (buffer, token) =>
                {
                    if (rest.IsEmpty)
                    {
                        if (!await output.WaitToReadAsync(token) || !output.TryRead(out var piece)) return 0;
                        rest = piece;
                    }
                    var length = Math.Min(rest.Length, buffer.Length);
                    rest[..length].CopyTo(buffer);
                    rest = rest[length..];
                    return length;
                }, async (bytes, token) => await hub.WriteAsync(bytes, token), cancel);
            }
        }
        finally
        {
            await ReleaseAsync(id, hub);
        }
    }

    /// <summary>Joins the guest's hub, opening it for its first viewer. Under the gate, so that a hub is never closed between the two.</summary>
    private async Task<(SerialHub Hub, System.Threading.Channels.ChannelReader<byte[]> Output, IDisposable Leave)> JoinAsync(string id, CancellationToken cancel)
    {
        await _hubGate.WaitAsync(cancel);
        try
        {
            if (_hubs.TryGetValue(id, out var hub))
            {
                if (!hub.Ended.IsCompleted) return (hub, hub.Join(out var joined), joined);
                await hub.DisposeAsync();
            }
            hub = _hubs[id] = await SerialHub.OpenAsync(hypervisor, id, cancel);
            return (hub, hub.Join(out var leave), leave);
        }
        finally
        {
            _hubGate.Release();
        }
    }

    private async Task ReleaseAsync(string id, SerialHub hub)
    {
        await _hubGate.WaitAsync(CancellationToken.None);
        try
        {
            if (!hub.IsIdle || !_hubs.TryGetValue(id, out var current) || current != hub) return;
            _hubs.Remove(id);
            await hub.DisposeAsync();
        }
        finally
        {
            _hubGate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_sessions.Values);
        foreach (var hub in _hubs.Values) await hub.DisposeAsync();
        _hubGate.Dispose();
        _stop.Dispose();
    }
}
