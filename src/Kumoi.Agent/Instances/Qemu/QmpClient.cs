using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json;
using Kumoi.Agent.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>QEMU did not speak its protocol, or has ended.</summary>
public class QmpException(string message) : IOException(message);

/// <summary>QEMU refused a command.</summary>
/// <param name="words">Why, in QEMU's words.</param>
public sealed class QmpRefusedException(string words) : QmpException($"QEMU refused: {words}")
{
    public string Words { get; } = words;
}

/// <summary>
/// A client of the QEMU Machine Protocol: JSON objects, one a line; a greeting, answers by id, and events between them.
/// The guest may have taken over the process at the other end, so lengths are limited and nothing it says is trusted as more than text.
/// </summary>
public sealed class QmpClient : IAsyncDisposable
{
    /// <summary>The longest line read. Answers used here have a few KiB; a broken peer must not fill the agent's memory.</summary>
    private const int LineLimit = 1024 * 1024;

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly TimeProvider _clock;
    private readonly Action<string> _onEvent;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _waiting = new();
    private readonly TaskCompletionSource _greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Task _reading;
    private long _lastId;

    private QmpClient(Socket socket, TimeProvider clock, Action<string> onEvent)
    {
        (_socket, _stream, _clock, _onEvent) = (socket, new NetworkStream(socket, ownsSocket: true), clock, onEvent);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>Ends when the connection has ended.</summary>
    public Task Ended => _reading;

    /// <summary>Waits for the greeting and leaves negotiation mode. <paramref name="onEvent"/> gets the names of events.</summary>
    public static async Task<QmpClient> ConnectAsync(Socket socket, TimeProvider clock, Action<string> onEvent, CancellationToken cancel)
    {
        var client = new QmpClient(socket, clock, onEvent);
        try
        {
            await client._greeted.Task.WaitAsync(AnswerLimit, clock, cancel);
            await client.ExecuteAsync("qmp_capabilities", null, cancel);
            return client;
        }
        catch (Exception e)
        {
            await client.DisposeAsync();
            if (e is TimeoutException) throw new QmpException("QEMU did not greet within 5 s.");
            throw;
        }
    }

    /// <summary>Runs a command and gives what it returned. <paramref name="arguments"/> is written as the arguments object.</summary>
    public Task<JsonElement> ExecuteAsync(string command, Action<Utf8JsonWriter>? arguments, CancellationToken cancel) => ExecuteAsync(command, arguments, null, cancel);

    /// <summary>The same, with a descriptor that QEMU gets a copy of.</summary>
    public async Task<JsonElement> ExecuteAsync(string command, Action<Utf8JsonWriter>? arguments, SafeFileHandle? descriptor, CancellationToken cancel)
    {
        FaultPoints.Reach("qmp " + command);
        using var span = AgentTrace.Part("qmp " + command);
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = answer;
        try
        {
            if (_reading.IsCompleted) throw new QmpException("The connection to QEMU has ended.");
            await SendAsync(Compose(command, arguments, id), descriptor, cancel);
            return await answer.Task.WaitAsync(AnswerLimit, _clock, cancel);
        }
        catch (TimeoutException)
        {
            throw new QmpException($"QEMU did not answer {command} within 5 s.");
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    private static ReadOnlyMemory<byte> Compose(string command, Action<Utf8JsonWriter>? arguments, long id)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("execute", command);
            if (arguments is not null)
            {
                writer.WriteStartObject("arguments");
                arguments(writer);
                writer.WriteEndObject();
            }
            writer.WriteNumber("id", id);
            writer.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private async Task SendAsync(ReadOnlyMemory<byte> line, SafeFileHandle? descriptor, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            if (descriptor is not null) line = line[await HandOverAsync(line, descriptor, cancel)..];
            await _stream.WriteAsync(line, cancel);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException and not QmpException)
        {
            throw new QmpException("The connection to QEMU has ended.");
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Sends the beginning of a line with the descriptor; how much of it.</summary>
    private async Task<int> HandOverAsync(ReadOnlyMemory<byte> line, SafeFileHandle descriptor, CancellationToken cancel)
    {
        var since = _clock.GetTimestamp();
        while (_clock.GetElapsedTime(since) < AnswerLimit)
        {
            if (DescriptorPassing.Send(_socket, line.Span, descriptor) is > 0 and var sent) return sent;
            await Task.Delay(TimeSpan.FromMilliseconds(10), _clock, cancel);
        }
        throw new QmpException("QEMU did not take a command within 5 s.");
    }

    private async Task ReadAsync()
    {
        var reader = PipeReader.Create(_stream);
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync();
                var rest = read.Buffer;
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    Understand(rest.Slice(0, end));
                    rest = rest.Slice(rest.GetPosition(1, end));
                }
                if (rest.Length > LineLimit) throw new QmpException("QEMU sent a line beyond the limit.");
                reader.AdvanceTo(rest.Start, rest.End);
                if (read.IsCompleted) break;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or JsonException or InvalidOperationException)
        {
            // The end of the process is an ordinary end of this connection, and a peer that sends no JSON is treated as gone;
            // whoever waits is told below, and Ended tells the owner.
        }
        var ended = new QmpException("The connection to QEMU has ended.");
        _greeted.TrySetException(ended);
        foreach (var answer in _waiting.Values) answer.TrySetException(ended);
        await _stream.DisposeAsync();
        // Nobody may be waiting for the greeting any more; its failure is then nobody's news.
        _ = _greeted.Task.Exception;
    }

    private void Understand(ReadOnlySequence<byte> line)
    {
        if (line.IsEmpty) return;
        using var document = JsonDocument.Parse(line);
        var message = document.RootElement;
        if (message.TryGetProperty("QMP", out _)) _greeted.TrySetResult();
        else if (message.TryGetProperty("event", out var name)) _onEvent(name.GetString() ?? "");
        else if (message.TryGetProperty("id", out var id) && id.TryGetInt64(out var number) && _waiting.TryGetValue(number, out var answer))
        {
            if (message.TryGetProperty("return", out var value)) answer.TrySetResult(value.Clone());
            else if (message.TryGetProperty("error", out var error) && error.TryGetProperty("desc", out var description))
                answer.TrySetException(new QmpRefusedException(description.GetString() ?? ""));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        await _reading;
        _writing.Dispose();
    }
}
