namespace Kumoi.Reconcile;

/// <summary>
/// Wakes one waiting loop. Rings while nobody waits are remembered as one: a ring says "look", never what has changed.
/// The loop goes on under the <see cref="TaskScheduler"/> it waits under, so that a simulation decides when.
/// </summary>
public sealed class Doorbell(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private Waiter? _waiter;
    private bool _rung;

    /// <summary>Rings; never blocks, and never runs the loop itself.</summary>
    public void Ring()
    {
        Waiter? waiter;
        lock (_gate)
        {
            (waiter, _waiter) = (_waiter, null);
            if (waiter is null) _rung = true;
        }
        waiter?.TrySetResult(true);
    }

    /// <summary>Waits for a ring, at most for <paramref name="most"/>; true if it rang.</summary>
    /// <exception cref="InvalidOperationException">Another loop waits already.</exception>
    public Task<bool> WaitAsync(TimeSpan most, CancellationToken cancel)
    {
        Waiter waiter;
        lock (_gate)
        {
            // Taken before the caller looks, so a ring during its look is kept for the next wait.
            if (_rung)
            {
                _rung = false;
                return Task.FromResult(true);
            }
            if (cancel.IsCancellationRequested) return Task.FromCanceled<bool>(cancel);
            if (most == TimeSpan.Zero) return Task.FromResult(false);
            if (_waiter is not null) throw new InvalidOperationException("A doorbell has one loop that waits for it.");
            _waiter = waiter = new Waiter();
        }
        return WaitAsync(waiter, most, cancel);
    }

    /// <remarks>Not <c>Task.WaitAsync</c>: that goes on in the thread pool, whatever scheduler the caller runs under.</remarks>
    private async Task<bool> WaitAsync(Waiter waiter, TimeSpan most, CancellationToken cancel)
    {
        using var timer = most == Timeout.InfiniteTimeSpan ? null
            : clock.CreateTimer(static state => ((Given)state!).Up(), new Given(this, waiter, default), most, Timeout.InfiniteTimeSpan);
        using var registration = cancel.UnsafeRegister(static state => ((Given)state!).Cancelled(), new Given(this, waiter, cancel));
        return await waiter.Task;
    }

    /// <summary>True for the one of ring, timer and cancellation that comes first.</summary>
    private bool Leave(Waiter waiter)
    {
        lock (_gate)
        {
            if (_waiter != waiter) return false;
            _waiter = null;
            return true;
        }
    }

    private sealed class Waiter() : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A wait that ends without a ring.</summary>
    private sealed record Given(Doorbell Doorbell, Waiter Waiter, CancellationToken Cancel)
    {
        public void Up()
        {
            if (Doorbell.Leave(Waiter)) Waiter.TrySetResult(false);
        }

        public void Cancelled()
        {
            if (Doorbell.Leave(Waiter)) Waiter.TrySetCanceled(Cancel);
        }
    }
}
