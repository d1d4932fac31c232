using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// Has a guest write out its file systems and hold them, through the guest agent that may run in it (its protocol is <c>qga/qapi-schema.json</c> of QEMU). What answers is
/// the guest, which may say anything: lengths and times are limited. That a guest may be held is noted before it is asked, and while the note is there
/// it is let go again by whoever finds it.
/// </summary>
internal sealed class GuestFreeze(AgentPaths paths, TimeProvider clock)
{
    /// <summary>The longest answer read.</summary>
    private const int AnswerBytesMax = 4096;

    /// <summary>How long a guest may take to answer. Too low: busy guests are not held; too high: a snapshot waits for guests without an agent, and file systems are held while one is slow.</summary>
    private static readonly TimeSpan SyncLimit = TimeSpan.FromSeconds(1), HoldLimit = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, byte> _held = new();

    /// <summary>The same guests' processors.</summary>
    public GuestPauses Pauses { get; } = new(paths);

    private string NoteOf(string id) => Path.Combine(paths.Instance(id), "frozen");

    /// <summary>An agent before this one, or this one in vain, has asked the guest to hold its file systems.</summary>
    public bool IsLeft(string id) => !_held.ContainsKey(id) && File.Exists(NoteOf(id));

    /// <summary>Forgets a guest whose process has ended: nothing of it is held any more.</summary>
    public void Forget(string id)
    {
        if (IsLeft(id)) File.Delete(NoteOf(id));
    }

    /// <summary>True if the guest holds its file systems now. Whatever the answer, <see cref="ThawAsync"/> follows.</summary>
    public async Task<bool> FreezeAsync(string id, CancellationToken cancel)
    {
        _held[id] = 0;
        using var channel = await OpenAsync(id, cancel);
        if (channel is null) return false;
        DurableFiles.Write(NoteOf(id), [], AgentModes.PrivateFile);
        return await AskAsync(channel, "guest-fsfreeze-freeze", HoldLimit, cancel) is { } answer && answer.TryGetProperty("return", out var held) && held.ValueKind == JsonValueKind.Number;
    }

    /// <summary>Lets the guest go on; what cannot be let go now stays noted.</summary>
    public async Task ThawAsync(string id, CancellationToken cancel)
    {
        try
        {
            if (!File.Exists(NoteOf(id))) return;
            using var channel = await OpenAsync(id, cancel);
            // Also the answer that nothing is held is one.
            if (channel is not null && await AskAsync(channel, "guest-fsfreeze-thaw", HoldLimit, cancel) is not null) File.Delete(NoteOf(id));
        }
        finally
        {
            _held.TryRemove(id, out _);
        }
    }

    /// <summary>A channel whose other end answers, and has nothing left to say of before; null if nobody answers.</summary>
    private async Task<Socket?> OpenAsync(string id, CancellationToken cancel)
    {
        Socket? socket = null;
        try
        {
            socket = await QemuGuest.ConnectAsync(paths.Socket(id, "agent"), cancel);
            if (socket is null) return null;
            var number = RandomNumberGenerator.GetInt32(int.MaxValue);
            // The byte that no text has makes the agent forget half a question of before, and its answer begins with one.
            await SendAsync(socket, [0xff, .. Compose("guest-sync-delimited", number)], cancel);
            if (await ReadAsync(socket, delimited: true, SyncLimit, cancel) is { } answer && answer.TryGetProperty("return", out var echo) && echo.ValueKind == JsonValueKind.Number && echo.TryGetInt32(out var same) && same == number) return socket;
        }
        catch (Exception e) when (e is SocketException or QmpException)
        {
            // The process has ended, or takes no connections.
        }
        socket?.Dispose();
        return null;
    }

    private async Task<JsonElement?> AskAsync(Socket socket, string command, TimeSpan limit, CancellationToken cancel)
    {
        try
        {
            await SendAsync(socket, Compose(command, null), cancel);
            return await ReadAsync(socket, delimited: false, limit, cancel);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private async Task SendAsync(Socket socket, byte[] line, CancellationToken cancel)
    {
        using var limiter = new CancellationTokenSource(SyncLimit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limiter.Token, cancel);
        try
        {
            await socket.SendAsync(line, both.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SocketException((int)SocketError.TimedOut);
        }
    }

    /// <summary>The next line; null if none comes in time, or it is none of the protocol.</summary>
    private async Task<JsonElement?> ReadAsync(Socket socket, bool delimited, TimeSpan limit, CancellationToken cancel)
    {
        using var limiter = new CancellationTokenSource(limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limiter.Token, cancel);
        var line = new List<byte>();
        var part = new byte[512];
        var begun = !delimited;
        try
        {
            for (var total = 0; total < AnswerBytesMax;)
            {
                var read = await socket.ReceiveAsync(part, both.Token);
                if (read == 0) return null;
                total += read;
                foreach (var one in part.AsSpan(0, read))
                {
                    if (one == 0xff) (begun, line) = (true, []);
                    else if (begun && one != '\n') line.Add(one);
                    else if (begun && line.Count > 0)
                    {
                        using var document = JsonDocument.Parse(line.ToArray());
                        return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // It does not answer.
        }
        catch (JsonException)
        {
            // It answers something else.
        }
        return null;
    }

    private static byte[] Compose(string command, int? number) =>
        [.. number is { } id ? JsonSerializer.SerializeToUtf8Bytes(new System.Text.Json.Nodes.JsonObject { ["execute"] = command, ["arguments"] = new System.Text.Json.Nodes.JsonObject { ["id"] = id } }) : JsonSerializer.SerializeToUtf8Bytes(new System.Text.Json.Nodes.JsonObject { ["execute"] = command }), (byte)'\n'];
}
