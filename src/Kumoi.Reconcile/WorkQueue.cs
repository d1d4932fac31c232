using System.Threading.Channels;

namespace Kumoi.Reconcile;

/// <summary>
/// Looks at keys one after another: a key rung twice is looked at once, the same key is never looked at by two workers at a time,
/// a ring during a look causes one more, and a failed look is repeated after a growing wait (a ring comes through at once).
/// The work is told nothing but the key: it reads everything again each time.
/// </summary>
/// <typeparam name="TKey">What names a piece of work.</typeparam>
public sealed class WorkQueue<TKey> : IAsyncDisposable where TKey : notnull
{
    private readonly Func<TKey, CancellationToken, Task<Outcome>> _look;
    private readonly Action<TKey, Exception> _broken;
    private readonly Backoff _backoff;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, Entry> _entries = [];
    private readonly Channel<TKey> _ready = Channel.CreateUnbounded<TKey>();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _workers;

    /// <param name="parallelism">How many keys are looked at together. Too low: one slow key delays others; too high: they crowd the machine.</param>
    /// <param name="look">The work. An exception counts as a failure and goes to <paramref name="broken"/>.</param>
    public WorkQueue(
        int parallelism, Backoff backoff, TimeProvider clock, Func<TKey, CancellationToken, Task<Outcome>> look, Action<TKey, Exception> broken)
    {
        (_look, _broken, _backoff, _clock) = (look, broken, backoff, clock);
        _workers = [.. Enumerable.Range(0, parallelism).Select(_ => Task.Run(WorkAsync))];
    }

    /// <summary>Asks for a look at the key as soon as a worker is free.</summary>
    public void Ring(TKey key)
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return;
            var entry = Find(key);
            entry.Timer?.Dispose();
            entry.Timer = null;
            if (entry.Running) entry.Again = true;
            else if (!entry.Queued)
            {
                entry.Queued = true;
                _ready.Writer.TryWrite(key);
            }
        }
    }

    /// <summary>Forgets how often the key failed, and any wait for it.</summary>
    public void Forget(TKey key)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var entry)) return;
            entry.Timer?.Dispose();
            entry.Timer = null;
            entry.Failures = 0;
            if (entry is { Running: false, Queued: false }) _entries.Remove(key);
        }
    }

    /// <summary>When the next look at a failed key is due; null if none waits.</summary>
    public DateTimeOffset? NextTry(TKey key)
    {
        lock (_gate) return _entries.TryGetValue(key, out var entry) && entry is { Timer: not null, Failures: > 0 } ? entry.Due : null;
    }

    private Entry Find(TKey key)
    {
        if (!_entries.TryGetValue(key, out var entry)) _entries[key] = entry = new Entry();
        return entry;
    }

    private async Task WorkAsync()
    {
        await foreach (var key in _ready.Reader.ReadAllAsync())
        {
            lock (_gate)
            {
                var entry = Find(key);
                (entry.Queued, entry.Running) = (false, true);
            }
            Outcome outcome;
            try
            {
                outcome = _stop.IsCancellationRequested ? Outcome.Done : await _look(key, _stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                outcome = Outcome.Done;
            }
#pragma warning disable CA1031 // One broken key must not stop the worker; the exception is handed on, and the key is tried again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _broken(key, e);
                outcome = Outcome.Failure;
            }
            Settle(key, outcome);
        }
    }

    private void Settle(TKey key, Outcome outcome)
    {
        lock (_gate)
        {
            var entry = Find(key);
            entry.Running = false;
            entry.Failures = outcome.Failed ? entry.Failures + 1 : 0;
            if (_stop.IsCancellationRequested) return;
            if (entry.Again)
            {
                entry.Again = false;
                entry.Queued = true;
                _ready.Writer.TryWrite(key);
                return;
            }
            var wait = outcome.Failed ? _backoff.After(entry.Failures) : outcome.LookAgainAfter;
            if (wait is null)
            {
                _entries.Remove(key);
                return;
            }
            entry.Due = _clock.GetUtcNow() + wait.Value;
            entry.Timer = _clock.CreateTimer(_ => Ring(key), null, wait.Value, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Takes no more keys, cancels the looks under way and waits for them.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return;
            _stop.Cancel();
            foreach (var entry in _entries.Values) entry.Timer?.Dispose();
            _ready.Writer.Complete();
        }
        await Task.WhenAll(_workers);
        _stop.Dispose();
    }

    private sealed class Entry
    {
        public bool Queued, Running, Again;
        public int Failures;
        public ITimer? Timer;
        public DateTimeOffset Due;
    }
}
