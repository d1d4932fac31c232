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

    /// <summary>How long what failed is left alone, at first and at most. Too low: a full store is read and written without pause; too high: what was mended meanwhile waits.</summary>
    private static readonly TimeSpan RestFirst = TimeSpan.FromSeconds(1), RestMost = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, LayerRun> _runs = new();
    private readonly ConcurrentDictionary<string, Rest> _rests = new();
    private readonly SemaphoreSlim _free = new(Parallelism, Parallelism);

    /// <summary>What is done to a volume, or was and is not forgotten; null: nothing.</summary>
    public LayerWork? Of(string volumeId) => _runs.GetValueOrDefault(volumeId)?.Sight;

    /// <summary>When it was begun.</summary>
    public DateTimeOffset Since(string volumeId) => _runs.GetValueOrDefault(volumeId)?.Since ?? clock.GetUtcNow();

    /// <summary>Layers of a volume that are being read for something else.</summary>
    public IReadOnlySet<int> ReadOf(string volumeId) =>
        _runs.Values.Select(run => run.Sight).Where(work => work.State == LayerWorkState.Running && work.Reads?.VolumeId == volumeId).SelectMany(work => work.Reads!.Layers).ToHashSet();

    /// <summary>Forgets what has failed, and leaves it alone for longer each time; gives back why it did.</summary>
    public HypervisorException Failed(string id, HypervisorException why)
    {
        _runs.TryRemove(id, out _);
        var failures = (_rests.GetValueOrDefault(id)?.Failures ?? 0) + 1;
        var rest = RestFirst * Math.Pow(2, Math.Min(failures - 1, 10));
        _rests[id] = new Rest(failures, clock.GetUtcNow() + (rest < RestMost ? rest : RestMost), why);
        return why;
    }

    /// <summary>Why something is not begun again yet; null: it is not left alone.</summary>
    public HypervisorException? RestOf(string id) => _rests.GetValueOrDefault(id) is { } rest && clock.GetUtcNow() < rest.Until ? rest.Why : null;

    /// <summary>Throws while it is left alone.</summary>
    public void CheckRested(string id)
    {
        if (RestOf(id) is { } why) throw new HypervisorException(why.Reason, why.Message, why);
    }

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
    public Task EndAsync(string volumeId, string directory, CancellationToken cancel, string name = "") => EndMarkedAsync(volumeId, directory + "/" + name, cancel);

    /// <param name="mark">What is in an argument of each program that works on it, and of no other.</param>
    public async Task EndMarkedAsync(string volumeId, string mark, CancellationToken cancel)
    {
        if (_runs.TryRemove(volumeId, out var run)) await run.DisposeAsync();
        var known = Known;
        foreach (var left in Processes.All().Where(process => process.Arguments[0] is "setpriv" or "qemu-img" && !known.Contains(process.Id) && process.Arguments.Any(argument => argument.Contains(mark, StringComparison.Ordinal))).ToArray())
        {
            Processes.Signal(left.Id, Libc.SignalKill);
            await Processes.WaitForEndAsync(left.Id, TimeSpan.FromSeconds(5), clock, cancel);
        }
    }

    /// <summary>Forgets what has ended well, and how often it failed before that.</summary>
    public void Forget(string volumeId)
    {
        _runs.TryRemove(volumeId, out _);
        _rests.TryRemove(volumeId, out _);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var run in _runs.Values) await run.DisposeAsync();
    }

    private sealed record Rest(int Failures, DateTimeOffset Until, HypervisorException Why);
}
