using System.Threading.Channels;
using Kumoi.Agent.Instances;

namespace Kumoi.Agent.Consoles;

/// <summary>
/// Holds the one connection to a guest's serial line and shares it among all viewers. A viewer that does not keep up loses its own session,
/// and never holds up the guest or the others.
/// </summary>
public sealed class SerialHub : IAsyncDisposable
{
    /// <summary>Output sent to a viewer first, in bytes: a screen or two.</summary>
    public const int ReplayBytes = 16 * 1024;

    /// <summary>Pieces of at most 4 KiB waiting for one viewer. Too low cuts off viewers on bad lines; too high costs memory for each.</summary>
    private const int ViewerBacklog = 256;

    private readonly Stream _line;
    private readonly Lock _gate = new();
    private readonly List<Channel<byte[]>> _viewers = [];
    private readonly Queue<byte> _recent = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Task _reading;

    /// <param name="recent">What the line said before this connection.</param>
    public SerialHub(Stream line, byte[] recent)
    {
        _line = line;
        foreach (var one in recent) _recent.Enqueue(one);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>Ends when the line has ended.</summary>
    public Task Ended => _reading;

    public static async Task<SerialHub> OpenAsync(IHypervisor hypervisor, string id, CancellationToken cancel)
    {
        var line = await hypervisor.OpenSerialAsync(id, cancel);
        return new SerialHub(line, hypervisor.ReadConsoleLog(id, ReplayBytes));
    }

    /// <summary>Joins a viewer: first what was said last, then everything as it comes. The reader completes when line or viewer ends.</summary>
    public ChannelReader<byte[]> Join(out IDisposable leave)
    {
        var viewer = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(ViewerBacklog) { SingleReader = true });
        lock (_gate)
        {
            if (_recent.Count > 0) viewer.Writer.TryWrite([.. _recent]);
            if (_reading.IsCompleted) viewer.Writer.TryComplete();
            else _viewers.Add(viewer);
        }
        leave = new Leave(() =>
        {
            lock (_gate) _viewers.Remove(viewer);
            viewer.Writer.TryComplete();
        });
        return viewer.Reader;
    }

    /// <summary>Types at the line.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            await _line.WriteAsync(bytes, cancel);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>True if nobody looks any more.</summary>
    public bool IsIdle
    {
        get { lock (_gate) return _viewers.Count == 0; }
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[4096];
        try
        {
            int read;
            while ((read = await _line.ReadAsync(buffer)) > 0) Spread(buffer.AsSpan(0, read));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The guest's process has ended, or the hub was closed; viewers are told below.
        }
        lock (_gate)
        {
            foreach (var viewer in _viewers) viewer.Writer.TryComplete();
            _viewers.Clear();
        }
    }

    private void Spread(ReadOnlySpan<byte> bytes)
    {
        var piece = bytes.ToArray();
        lock (_gate)
        {
            foreach (var one in piece) _recent.Enqueue(one);
            while (_recent.Count > ReplayBytes) _recent.Dequeue();
            for (var index = _viewers.Count - 1; index >= 0; index--)
            {
                if (_viewers[index].Writer.TryWrite(piece)) continue;
                _viewers[index].Writer.TryComplete();
                _viewers.RemoveAt(index);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _line.DisposeAsync();
        await _reading;
        _writing.Dispose();
    }

    private sealed class Leave(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
