using Kumoi.Server.Metrics;
using Npgsql;

namespace Kumoi.Server.Platform;

/// <summary>
/// Answers together what is asked together. A request that comes while nothing is under way is answered at once; those that come
/// meanwhile are gathered and answered in one go, so that the more there are, the less each costs. Nothing is kept between batches:
/// every answer is as fresh as one asked for alone.
/// </summary>
/// <typeparam name="TIn">A question.</typeparam>
/// <typeparam name="TOut">Its answer.</typeparam>
/// <param name="name">Names it in the metrics.</param>
/// <param name="parallelism">Batches under way together. More: smaller batches that cost more; fewer: the database idles between them.</param>
/// <param name="most">Questions in one batch. More: all wait for the slowest; fewer: more batches.</param>
/// <param name="answer">Answers the questions, in their order. If it fails for several, each is tried alone, so that one bad question does not spoil the others.</param>
public sealed class Batcher<TIn, TOut>(string name, int parallelism, int most, Func<IReadOnlyList<TIn>, Task<IReadOnlyList<TOut>>> answer)
{
    private readonly KeyValuePair<string, object?> _label = new("batch", name);
    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = new();
    private int _running;

    /// <summary>The answer. A caller that goes away leaves its question behind: it is answered, and nobody hears it.</summary>
    public Task<TOut> AskAsync(TIn question, CancellationToken cancel)
    {
        var waiting = new Waiting(question);
        ServerMeter.BatchWaiting.Add(1, _label);
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (_running >= parallelism) return waiting.Answer.Task.WaitAsync(cancel);
            _running++;
        }
        _ = RunAsync();
        return waiting.Answer.Task.WaitAsync(cancel);
    }

    private async Task RunAsync()
    {
        for (; ; )
        {
            Waiting[] batch;
            lock (_gate)
            {
                if (_waiting.Count == 0)
                {
                    _running--;
                    return;
                }
                batch = new Waiting[Math.Min(_waiting.Count, most)];
                for (var i = 0; i < batch.Length; i++) batch[i] = _waiting.Dequeue();
            }
            ServerMeter.BatchWaiting.Add(-batch.Length, _label);
            ServerMeter.BatchSize.Record(batch.Length, _label);
            if (await TryAsync(batch)) continue;
            foreach (var one in batch) await TryAsync([one]);
        }
    }

    /// <summary>False if the batch as a whole met an error that may be that of one question.</summary>
    private async Task<bool> TryAsync(Waiting[] batch)
    {
        var since = TimeProvider.System.GetTimestamp();
        try
        {
            var answers = await answer(Array.ConvertAll(batch, waiting => waiting.Question));
            for (var i = 0; i < batch.Length; i++) batch[i].Answer.TrySetResult(answers[i]);
        }
        catch (Exception e) when (batch.Length > 1 && (e is PostgresException || e is not (NpgsqlException or OperationCanceledException or TimeoutException)))
        {
            return false;
        }
#pragma warning disable CA1031 // Whatever it is, it belongs to those who asked; the loop must go on for those who come after.
        catch (Exception e)
#pragma warning restore CA1031
        {
            foreach (var waiting in batch) waiting.Answer.TrySetException(e);
        }
        finally
        {
            ServerMeter.BatchDuration.Record(TimeProvider.System.GetElapsedTime(since).TotalSeconds, _label);
        }
        return true;
    }

    private sealed record Waiting(TIn Question)
    {
        public TaskCompletionSource<TOut> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
