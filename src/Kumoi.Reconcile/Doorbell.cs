namespace Kumoi.Reconcile;

/// <summary>
/// Wakes one waiting loop. Rings while nobody waits are remembered as one: a ring says "look", never what has changed.
/// </summary>
public sealed class Doorbell(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _rung = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Rings; never blocks.</summary>
    public void Ring()
    {
        lock (_gate) _rung.TrySetResult();
    }

    /// <summary>Waits for a ring, at most for <paramref name="most"/>; true if it rang.</summary>
    public async Task<bool> WaitAsync(TimeSpan most, CancellationToken cancel)
    {
        Task rung;
        lock (_gate) rung = _rung.Task;
        try
        {
            await rung.WaitAsync(most, clock, cancel);
        }
        catch (TimeoutException)
        {
            return false;
        }
        lock (_gate)
        {
            // Taken before the caller looks, so a ring during its look is kept for the next wait.
            if (_rung.Task == rung) _rung = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        return true;
    }
}
