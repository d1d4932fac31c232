using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// Programs that copy or bring together layers beside any guest, one for a volume at a time. They end with the agent; one that was killed leaves its
/// program, which the next agent finds by what it works on and ends: what is read is the same at each point of its work, and it is begun anew.
/// </summary>
internal sealed partial class LayerPrograms(Commands commands, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Programs at a time. Too low: a large copy delays all others; too high: guests wait for their disks.</summary>
    private const int Parallelism = 2;

    private readonly ConcurrentDictionary<string, Run> _runs = new();
    private readonly SemaphoreSlim _free = new(Parallelism, Parallelism);

    /// <summary>What is done to a volume, or was and is not forgotten; null: nothing.</summary>
    public LayerWork? Of(string volumeId) => _runs.GetValueOrDefault(volumeId)?.Sight;

    /// <summary>When it was begun.</summary>
    public DateTimeOffset Since(string volumeId) => _runs.GetValueOrDefault(volumeId)?.Since ?? clock.GetUtcNow();

    /// <param name="keys">The keys that it is told of. They are disposed when it has ended.</param>
    /// <param name="ended">Called when it has ended, either way.</param>
    public void Start(string volumeId, LayerWork work, string program, IReadOnlyList<string> arguments, IReadOnlyList<LayerKey> keys, Action ended)
    {
        var run = new Run(work, clock.GetUtcNow());
        if (!_runs.TryAdd(volumeId, run)) throw new InvalidOperationException($"Something is done to the layers of {volumeId} already.");
        run.Ended = Task.Run(async () =>
        {
            try
            {
                await _free.WaitAsync(run.Cancel.Token);
                try
                {
                    var result = await commands.WatchAsync(program, arguments, [.. keys.SelectMany(key => key.Descriptors)], id => run.Process = id, run.Said, run.Cancel.Token);
                    run.Sight = result.Succeeded ? run.Sight with { State = LayerWorkState.Done } : run.Sight with { State = LayerWorkState.Failed, Words = result.Error.Trim() };
                }
                finally
                {
                    _free.Release();
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                run.Sight = run.Sight with { State = LayerWorkState.Failed, Words = e.Message };
            }
            finally
            {
                foreach (var key in keys) key.Dispose();
            }
            ended();
        });
    }

    /// <summary>Ends what is done to a volume, by this agent or one before it, and forgets it.</summary>
    /// <param name="directory">Where the volume is.</param>
    public async Task EndAsync(string volumeId, string directory, CancellationToken cancel)
    {
        if (_runs.TryRemove(volumeId, out var run)) await run.EndAsync();
        var known = _runs.Values.Select(other => other.Process).ToHashSet();
        foreach (var left in Processes.All().Where(process => process.Arguments[0] is "setpriv" or "qemu-img" && !known.Contains(process.Id) && process.Arguments.Any(argument => argument.Contains(directory + "/", StringComparison.Ordinal))).ToArray())
        {
            Processes.Signal(left.Id, Libc.SignalKill);
            await Processes.WaitForEndAsync(left.Id, TimeSpan.FromSeconds(5), clock, cancel);
        }
    }

    /// <summary>Forgets what has ended.</summary>
    public void Forget(string volumeId) => _runs.TryRemove(volumeId, out _);

    public async ValueTask DisposeAsync()
    {
        foreach (var run in _runs.Values) await run.EndAsync();
    }

    [GeneratedRegex(@"\(([0-9]+\.[0-9]+)/100%\)")] private static partial Regex PercentForm();

    private sealed class Run(LayerWork work, DateTimeOffset since)
    {
        public DateTimeOffset Since => since;

        public CancellationTokenSource Cancel { get; } = new();

        public volatile LayerWork Sight = work;

        public volatile int Process;

        public Task Ended { get; set; } = Task.CompletedTask;

        public void Said(string text)
        {
            if (PercentForm().Matches(text) is [.., var last]) Sight = Sight with { DoneBytes = (long)(Sight.TotalBytes * double.Parse(last.Groups[1].ValueSpan, CultureInfo.InvariantCulture) / 100) };
        }

        public async Task EndAsync()
        {
            await Cancel.CancelAsync();
            await Ended;
            Cancel.Dispose();
        }
    }
}
