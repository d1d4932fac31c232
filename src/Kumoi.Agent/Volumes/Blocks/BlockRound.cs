namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>What is in a place, asked once for all volumes that are looked at in the same round. What this agent has changed since is always in it; what others have, after a moment.</summary>
/// <param name="changes">How many changes this agent has made.</param>
public sealed class BlockRound(IBlockTool tool, Func<long> changes, TimeProvider clock)
{
    /// <summary>For how long it is remembered. Too low: each volume asks anew; too high: what others do is seen late.</summary>
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private Task<IReadOnlyList<BlockDisk>>? _asked;
    private long _since, _changes;

    public Task<IReadOnlyList<BlockDisk>> AskAsync()
    {
        lock (_gate)
        {
            // One question is open at a time, and no more: a place that is gone holds whoever asks it.
            if (_asked is { IsFaulted: false, IsCanceled: false } asked && _changes == changes() && (!asked.IsCompleted || clock.GetElapsedTime(_since) < Age)) return asked;
            (_since, _changes) = (clock.GetTimestamp(), changes());
            return _asked = Task.Run(() => tool.SurveyAsync(CancellationToken.None));
        }
    }
}
