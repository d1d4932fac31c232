namespace Kumoi.Reconcile;

/// <summary>
/// Looks at keys one after another: a key rung twice is looked at once, the same key is never looked at by two workers at a time,
/// a ring during a look causes one more, and a failed look is repeated after a growing wait (a ring comes through at once).
/// The work is told nothing but the key: it reads everything again each time.
/// </summary>
/// <remarks>
/// Workers exist while there is work, and run under the <see cref="TaskScheduler"/> the queue was made under: a queue that rests holds
/// nothing, so that thousands fit one process, and a simulation decides what runs when.
/// </remarks>
/// <typeparam name="TKey">What names a piece of work.</typeparam>
public sealed class WorkQueue<TKey> : IAsyncDisposable where TKey : notnull
{
    private readonly Func<TKey, CancellationToken, Task<Outcome>> _look;
    private readonly Action<TKey, Exception> _broken;
    private readonly Backoff _backoff;
    private readonly TimeProvider _clock;
    private readonly int _parallelism;
    private readonly TaskScheduler _scheduler = TaskScheduler.Current;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private Dictionary<TKey, Entry>? _entries;
    private Queue<TKey>? _ready;
    private TaskCompletionSource? _ended;
    private int _workers;

    /// <param name="parallelism">How many keys are looked at together. Too low: one slow key delays others; too high: they crowd the machine.</param>
    /// <param name="look">The work. An exception counts as a failure and goes to <paramref name="broken"/>.</param>
    public WorkQueue(
        int parallelism, Backoff backoff, TimeProvider clock, Func<TKey, CancellationToken, Task<Outcome>> look, Action<TKey, Exception> broken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(parallelism, 1);
        (_parallelism, _look, _broken, _backoff, _clock) = (parallelism, look, broken, backoff, clock);
    }

    /// <summary>Asks for a look at the key as soon as a worker is free.</summary>
    public void Ring(TKey key)
    {
        lock (_gate)
        {
            if (_ended is not null) return;
            var entry = Find(key);
            entry.Timer?.Dispose();
            entry.Timer = null;
            if (entry.Running) entry.Again = !PlantedBugs.Has(PlantedBug.RingDuringLookIsLost);
            else if (!entry.Queued)
            {
                Enqueue(key, entry);
                HireWorker();
            }
        }
    }

    /// <summary>Forgets how often the key failed, and any wait for it.</summary>
    public void Forget(TKey key)
    {
        lock (_gate)
        {
            if (_entries is null || !_entries.TryGetValue(key, out var entry)) return;
            entry.Timer?.Dispose();
            entry.Timer = null;
            entry.Failures = 0;
            if (entry is { Running: false, Queued: false }) Remove(key);
        }
    }

    /// <summary>When the next look at a failed key is due; null if none waits.</summary>
    public DateTimeOffset? NextTry(TKey key)
    {
        lock (_gate) return _entries is not null && _entries.TryGetValue(key, out var entry) && entry is { Timer: not null, Failures: > 0 } ? entry.Due : null;
    }

    private Entry Find(TKey key)
    {
        _entries ??= [];
        if (!_entries.TryGetValue(key, out var entry)) _entries[key] = entry = new Entry();
        return entry;
    }

    private void Remove(TKey key)
    {
        _entries!.Remove(key);
        if (_entries.Count == 0) _entries = null;
    }

    private void Enqueue(TKey key, Entry entry)
    {
        entry.Queued = true;
        (_ready ??= []).Enqueue(key);
    }

    private void HireWorker()
    {
        if (_workers >= _parallelism) return;
        _workers++;
        // A worker serves whoever rings; what belongs to the one who rang first, such as a trace, must not stick to it.
        if (ExecutionContext.IsFlowSuppressed()) StartWorker();
        else
            using (ExecutionContext.SuppressFlow()) StartWorker();
    }

    private void StartWorker() => _ = Task.Factory.StartNew(WorkAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _scheduler);

    private async Task WorkAsync()
    {
        while (TryTake(out var key))
        {
            Outcome outcome;
            try
            {
                outcome = await _look(key, _stop.Token);
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

    /// <summary>The next key; false, and one worker less, if there is none.</summary>
    private bool TryTake(out TKey key)
    {
        lock (_gate)
        {
            if (_ready is not null && _ready.TryDequeue(out key!))
            {
                var entry = Find(key);
                (entry.Queued, entry.Running) = (false, true);
                return true;
            }
            key = default!;
            _ready = null;
            if (--_workers == 0) _ended?.TrySetResult();
            return false;
        }
    }

    private void Settle(TKey key, Outcome outcome)
    {
        lock (_gate)
        {
            var entry = Find(key);
            entry.Running = false;
            entry.Failures = outcome.Failed ? entry.Failures + 1 : 0;
            if (_ended is not null) return;
            if (entry.Again)
            {
                entry.Again = false;
                // For the worker that is here: it takes the next key when this is settled.
                Enqueue(key, entry);
                return;
            }
            var wait = outcome.Failed ? _backoff.After(entry.Failures) : outcome.LookAgainAfter;
            if (outcome.Failed && PlantedBugs.Has(PlantedBug.FailureIsNotRetried)) wait = null;
            if (wait is null)
            {
                Remove(key);
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
            if (_ended is not null) return;
            _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            foreach (var entry in _entries?.Values ?? Enumerable.Empty<Entry>()) entry.Timer?.Dispose();
            _ready = null;
            if (_workers == 0) _ended.TrySetResult();
        }
        // Outside the lock: what the looks do on cancellation is theirs.
#pragma warning disable CA1849 // The asynchronous form runs in the thread pool, where a simulation does not reach.
        _stop.Cancel();
#pragma warning restore CA1849
        await _ended.Task;
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
