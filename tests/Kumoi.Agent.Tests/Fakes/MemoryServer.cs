using System.Collections.Concurrent;
using System.Net.WebSockets;
using Kumoi.Agent.Control;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Tests.Fakes;

/// <summary>How a server of a test behaves.</summary>
internal enum Manner
{
    Answers,

    /// <summary>Takes what it is sent, and is not heard of again.</summary>
    Silent,

    Unreachable,

    DatabaseAway,

    /// <summary>Does not know the host any more.</summary>
    Refuses,
}

/// <summary>The servers as an agent sees them, in memory: no socket, no certificate, no time of its own.</summary>
internal sealed class MemoryServer : IServerLink
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DesiredDocument? _document;
    private volatile Manner _manner;

    public ConcurrentQueue<ObservedReport> Reports { get; } = new();

    public ConcurrentDictionary<string, ObservedInstance> Seen { get; } = new();

    /// <summary>Revisions that documents were asked for after.</summary>
    public ConcurrentQueue<long> Asked { get; } = new();

    public ReportAnswer Answer { get; set; } = new(10, 60);

    /// <summary>Called when a report has come in, before it is answered.</summary>
    public Action<ObservedReport> Came { get; set; } = _ => { };

    /// <summary>Reports do not come through, while documents do.</summary>
    public bool Deaf { get; set; }

    /// <summary>Documents do not come through, while reports do.</summary>
    public bool Mute { get; set; }

    public int Calls => _calls;

    /// <summary>Questions that were not answered because nobody could be reached.</summary>
    public int Unreached => _unreached;

    private int _unreached;

    private int _calls;

    public Manner Manner
    {
        get => _manner;
        set
        {
            lock (_gate)
            {
                _manner = value;
                Change();
            }
        }
    }

    public void Set(DesiredDocument document)
    {
        lock (_gate)
        {
            _document = document;
            Change();
        }
    }

    private void Change()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public async Task<DesiredDocument?> DesiredAsync(long after, CancellationToken cancel)
    {
        Asked.Enqueue(after);
        while (true)
        {
            Task changed;
            DesiredDocument? document;
            lock (_gate) (changed, document) = (_changed.Task, _document);
            await FailAsync(cancel);
            if (Mute) throw new IOException("The connection was reset.");
            if (document?.Revision > after) return document;
            await changed.WaitAsync(cancel);
        }
    }

    public async Task<ReportAnswer> ReportAsync(ObservedReport report, CancellationToken cancel)
    {
        Interlocked.Increment(ref _calls);
        await FailAsync(cancel);
        if (Deaf) throw new IOException("The server did not answer in time.");
        Came(report);
        Reports.Enqueue(report);
        foreach (var seen in report.Instances) Seen[seen.Id] = seen;
        return Answer;
    }

    private async Task FailAsync(CancellationToken cancel)
    {
        if (_manner == Manner.Silent) await Task.Delay(Timeout.Infinite, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
        if (_manner == Manner.Refuses) throw new ServerRefusedException("The certificate is not that of a host of this cloud.");
        cancel.ThrowIfCancellationRequested();
        if (_manner == Manner.Unreachable)
        {
            Interlocked.Increment(ref _unreached);
            throw new IOException("Connection refused.");
        }
        if (_manner == Manner.DatabaseAway) throw new DatabaseAwayException("The cloud's database does not answer now.");
    }

    public Task<HttpResponseMessage> OpenImageAsync(string imageId, long offset, CancellationToken cancel) => throw new IOException("No images here.");

    public Task<WebSocket> OpenConsoleAsync(DesiredConsole console, CancellationToken cancel) => throw new IOException("No consoles here.");

    public Task KeepAsync(CancellationToken stop) => Task.CompletedTask;

    public void Dispose()
    {
    }
}
