namespace Kumoi.Simulation.Engine;

/// <summary>
/// The clock of one machine. It is set wrong by some seconds, may be set anew at any time, and goes a little too fast or too slow; timers
/// and timestamps go by the machine's own pace, and are not touched when it is set.
/// </summary>
internal sealed class NodeClock(Simulator simulator, TimeSpan skew, double pace) : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private TimeSpan _skew = skew;

    public Node? Node { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => (long)(simulator.Now * pace);

    public override DateTimeOffset GetUtcNow() => Beginning + _skew + TimeSpan.FromTicks(GetTimestamp());

    /// <summary>Sets the clock, as NTP or a person does.</summary>
    public void Set(TimeSpan skew) => _skew = skew;

    /// <summary>How long a span of this clock takes in truth.</summary>
    public long Real(long ticks) => (long)(ticks / pace);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(simulator, Node, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}
