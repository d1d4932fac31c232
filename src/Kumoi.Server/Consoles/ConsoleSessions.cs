using System.Collections.Concurrent;
using System.Net.WebSockets;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Consoles;

/// <summary>Where a viewer and the host's agent meet: both open a WebSocket to this server, and bytes go between.</summary>
public sealed class ConsoleSessions(Database database, TimeProvider clock)
{
    // Time for the agent to hear of the session and to connect; beyond it the viewer is told to try again.
    private static readonly TimeSpan MeetMax = TimeSpan.FromSeconds(20);
    private const int BufferBytes = 16 * 1024;

    private sealed record Meeting(TaskCompletionSource<WebSocket> Agent, TaskCompletionSource Over);

    private readonly ConcurrentDictionary<string, Meeting> _meetings = new();

    /// <summary>Waits for the agent of a session that was just written; null if it does not come.</summary>
    public async Task<(WebSocket Agent, IDisposable Meeting)?> MeetAsync(string session, Func<Task> announce, CancellationToken cancel)
    {
        var meeting = new Meeting(new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously));
        _meetings[session] = meeting;
        var end = new End(() =>
        {
            _meetings.TryRemove(session, out _);
            meeting.Over.TrySetResult();
        });
        try
        {
            await announce();
            return (await meeting.Agent.Task.WaitAsync(MeetMax, clock, cancel), end);
        }
        catch (TimeoutException)
        {
            end.Dispose();
            return null;
        }
        catch
        {
            end.Dispose();
            throw;
        }
    }

    /// <summary>The agent's end: only the host on which the instance is placed is let in.</summary>
    public async Task ServeAgentAsync(HttpContext http, string hostId, string session)
    {
        var owned = await database.FindAsync(
            "UPDATE console_sessions c SET connected = true FROM instances v WHERE c.id = $1 AND v.id = c.instance_id AND v.host_id = $2 RETURNING 1", row => row.GetInt32(0), http.RequestAborted,
            session, hostId);
        if (owned != 1 || !http.WebSockets.IsWebSocketRequest || !_meetings.TryGetValue(session, out var meeting))
        {
            await Problems.WriteAsync(http, Failure.NotFound("console", session));
            return;
        }
        using var socket = await http.WebSockets.AcceptWebSocketAsync();
        if (meeting.Agent.TrySetResult(socket)) await meeting.Over.Task;
    }

    public Task EndAsync(string session) => database.ExecuteAsync("DELETE FROM console_sessions WHERE id = $1", CancellationToken.None, session);

    /// <summary>Carries bytes both ways until either side closes.</summary>
    public static async Task JoinAsync(WebSocket viewer, WebSocket agent, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var pumps = new[] { PumpAsync(viewer, agent, ended.Token), PumpAsync(agent, viewer, ended.Token) };
        await Task.WhenAny(pumps);
        await CloseAsync(viewer);
        await CloseAsync(agent);
        await ended.CancelAsync();
        await Task.WhenAll(pumps);
    }

    private static async Task PumpAsync(WebSocket from, WebSocket to, CancellationToken cancel)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (true)
            {
                var received = await from.ReceiveAsync(buffer.AsMemory(), cancel);
                if (received.MessageType == WebSocketMessageType.Close) return;
                await to.SendAsync(buffer.AsMemory(0, received.Count), WebSocketMessageType.Binary, received.EndOfMessage, cancel);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // One side is gone; the other is closed by the caller.
        }
    }

    private static async Task CloseAsync(WebSocket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived) await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // It was gone already.
        }
    }

    private sealed class End(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
