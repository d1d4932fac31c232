using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json;
using Kumoi.Agent.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Instances.Qemu;

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
    private readonly ConcurrentDictionary<long, (string Command, TaskCompletionSource<JsonElement> Answer)> _waiting = new();
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

    /// <summary>Runs a command whose answer tells nothing. <paramref name="arguments"/> is written as the arguments object.</summary>
    public Task ExecuteAsync(string command, Action<Utf8JsonWriter>? arguments, CancellationToken cancel) => RunAsync(command, arguments, null, cancel);

    /// <summary>The same, with a descriptor that QEMU gets a copy of.</summary>
    public Task ExecuteAsync(string command, Action<Utf8JsonWriter>? arguments, SafeFileHandle descriptor, CancellationToken cancel) => RunAsync(command, arguments, descriptor, cancel);

    /// <summary>Runs a command and gives what is read from its answer. One that lacks what is read, or has it of another kind, is a <see cref="QmpException"/>.</summary>
    /// <param name="read">Reads all that it needs before it returns.</param>
    public async Task<T> AskAsync<T>(string command, Action<Utf8JsonWriter>? arguments, Func<JsonElement, T> read, CancellationToken cancel)
    {
        var answer = await RunAsync(command, arguments, null, cancel);
        try
        {
            return read(answer);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException or OverflowException or ArgumentException)
        {
            throw Strange(command);
        }
    }

    private static QmpException Strange(string command) => new($"QEMU answers {command} otherwise than its protocol has it.");

    private async Task<JsonElement> RunAsync(string command, Action<Utf8JsonWriter>? arguments, SafeFileHandle? descriptor, CancellationToken cancel)
    {
        FaultPoints.Reach("qmp " + command);
        using var span = AgentTrace.Part("qmp " + command);
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = (command, answer);
        using var limit = new CancellationTokenSource(AnswerLimit, _clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            if (_reading.IsCompleted) throw Gone();
            await SendAsync(Compose(command, arguments, id), descriptor, both.Token);
            return await answer.Task.WaitAsync(both.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new QmpException($"QEMU did not answer {command} within 5 s.");
        }
        catch (ObjectDisposedException)
        {
            throw Gone();
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    private static QmpException Gone() => new("The connection to QEMU has ended.");

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
        catch (OperationCanceledException)
        {
            // Half of a command may have gone to a process that does not read: nothing that came after it would be understood.
            await _stream.DisposeAsync();
            throw;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            throw Gone();
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Sends the beginning of a line with the descriptor; how much of it.</summary>
    private async Task<int> HandOverAsync(ReadOnlyMemory<byte> line, SafeFileHandle descriptor, CancellationToken cancel)
    {
        while (true)
        {
            if (DescriptorPassing.Send(_socket, line.Span, descriptor) is > 0 and var sent) return sent;
            await Task.Delay(TimeSpan.FromMilliseconds(10), _clock, cancel);
        }
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
        var ended = Gone();
        _greeted.TrySetException(ended);
        foreach (var (_, answer) in _waiting.Values) answer.TrySetException(ended);
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
        else if (message.TryGetProperty("id", out var id) && id.TryGetInt64(out var number) && _waiting.TryGetValue(number, out var asked))
        {
            if (message.TryGetProperty("return", out var value)) asked.Answer.TrySetResult(value.Clone());
            else if (message.TryGetProperty("error", out var error) && error.TryGetProperty("desc", out var description)) asked.Answer.TrySetException(QmpRefusedException.Of(description.GetString() ?? ""));
            else asked.Answer.TrySetException(Strange(asked.Command));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        await _reading;
        _writing.Dispose();
    }
}
