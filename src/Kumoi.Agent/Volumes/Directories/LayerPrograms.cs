using System.Collections.Concurrent;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// Programs that copy or bring together layers beside any guest, one for a volume at a time. They end with the agent; one that was killed leaves its
/// program, which the next agent finds by what it works on and ends: what is read is the same at each point of its work, and it is begun anew.
/// </summary>
internal sealed class LayerPrograms(Commands commands, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Programs at a time. Too low: a large copy delays all others; too high: guests wait for their disks.</summary>
    private const int Parallelism = 2;

    private readonly ConcurrentDictionary<string, LayerRun> _runs = new();
    private readonly SemaphoreSlim _free = new(Parallelism, Parallelism);

    /// <summary>What is done to a volume, or was and is not forgotten; null: nothing.</summary>
    public LayerWork? Of(string volumeId) => _runs.GetValueOrDefault(volumeId)?.Sight;

    /// <summary>When it was begun.</summary>
    public DateTimeOffset Since(string volumeId) => _runs.GetValueOrDefault(volumeId)?.Since ?? clock.GetUtcNow();

    /// <param name="keys">The keys that it is told of. They are disposed when it has ended.</param>
    /// <param name="ended">Called when it has ended, either way.</param>
    public void Start(string volumeId, LayerWork work, string program, IReadOnlyList<string> arguments, IReadOnlyList<LayerKey> keys, Action ended) => Start(volumeId, work, async run =>
    {
        await run.WatchAsync(commands, program, arguments, keys, work.TotalBytes);
        return null;
    }, keys, ended);

    /// <summary>The same for what is more than one program.</summary>
    /// <param name="act">Gives what is to be known of it when it is done.</param>
    public void Start(string id, LayerWork work, Func<LayerRun, Task<string?>> act, IReadOnlyList<LayerKey> keys, Action ended)
    {
        var run = new LayerRun(work, clock.GetUtcNow());
        if (!_runs.TryAdd(id, run)) throw new InvalidOperationException($"Something is done to the layers of {id} already.");
        run.Ended = Task.Run(async () =>
        {
            try
            {
                await _free.WaitAsync(run.Cancelled);
                try
                {
                    var words = await act(run);
                    run.Sight = run.Sight with { State = LayerWorkState.Done, Words = words };
                }
                finally
                {
                    _free.Release();
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperationCanceledException)
            {
                run.Sight = run.Sight with { State = LayerWorkState.Failed, Words = e.Message, Failure = e as HypervisorException };
            }
            finally
            {
                foreach (var key in keys) key.Dispose();
            }
            ended();
        });
    }

    /// <summary>The ids of processes that this agent has started and waits for.</summary>
    private IReadOnlySet<int> Known => _runs.Values.Select(run => run.Process).ToHashSet();

    /// <summary>Ends what is done to a volume, by this agent or one before it, and forgets it.</summary>
    /// <param name="directory">Where the volume is.</param>
    /// <param name="name">What files of it that are meant begin with; empty: all.</param>
    public async Task EndAsync(string volumeId, string directory, CancellationToken cancel, string name = "")
    {
        if (_runs.TryRemove(volumeId, out var run)) await run.DisposeAsync();
        var known = Known;
        foreach (var left in Processes.All().Where(process => process.Arguments[0] is "setpriv" or "qemu-img" && !known.Contains(process.Id) && process.Arguments.Any(argument => argument.Contains(directory + "/" + name, StringComparison.Ordinal))).ToArray())
        {
            Processes.Signal(left.Id, Libc.SignalKill);
            await Processes.WaitForEndAsync(left.Id, TimeSpan.FromSeconds(5), clock, cancel);
        }
    }

    /// <summary>Forgets what has ended.</summary>
    public void Forget(string volumeId) => _runs.TryRemove(volumeId, out _);

    public async ValueTask DisposeAsync()
    {
        foreach (var run in _runs.Values) await run.DisposeAsync();
    }
}
