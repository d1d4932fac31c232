namespace Kumoi.Simulation.Engine;

/// <summary>A timer of one process, or of the world between them. Its callback runs as the process's own work.</summary>
internal sealed class SimulatedTimer(Simulator simulator, Node? node, TimerCallback callback, object? state) : ITimer
{
    private long _order, _period;

    public long Due { get; private set; }

    public bool IsDue(long order) => order == _order && node is not { Dead: true };

    public void Set(long wait, long period)
    {
        Due = simulator.Now + Math.Max(0, wait);
        _period = period;
        _order = simulator.Enqueue(this);
    }

    public void Fire()
    {
        _order = 0;
        if (_period > 0) Set(_period, _period);
        if (node is null) callback(state);
        else node.Start(() => callback(state));
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        _order = 0;
        if (dueTime != Timeout.InfiniteTimeSpan) Set(Scale(dueTime), period == Timeout.InfiniteTimeSpan ? 0 : Scale(period));
        return true;
    }

    private long Scale(TimeSpan span) => node is null ? span.Ticks : node.Clock.Real(span);

    public void Dispose() => _order = 0;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
