namespace Kumoi.Simulation.Engine;

/// <summary>The clock hardware of one machine: set wrong by some seconds, set anew at any time, and a little too fast or too slow.</summary>
internal sealed class Timepiece(Simulator simulator, TimeSpan skew, double pace)
{
    private static readonly DateTimeOffset Beginning = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far the wall clock is off; changed as NTP or a person sets it.</summary>
    public TimeSpan Skew { get; set; } = skew;

    /// <summary>Ticks of this machine since the beginning: never set back.</summary>
    public long Ticks => (long)(simulator.Now * pace);

    public DateTimeOffset Wall => Beginning + Skew + TimeSpan.FromTicks(Ticks);

    /// <summary>How long a span of this clock takes in truth; rounded up, so that no timer is early by its own clock.</summary>
    public long Real(long ticks) => pace == 1 ? ticks : (long)(ticks / pace) + 2;
}

/// <summary>A machine's clock as one process sees it: timers and timestamps go by its pace, and are not touched when it is set.</summary>
internal sealed class NodeClock(Simulator simulator, Node node, Timepiece timepiece) : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => timepiece.Ticks;

    public override DateTimeOffset GetUtcNow() => timepiece.Wall;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(simulator, node, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public long Real(TimeSpan span) => timepiece.Real(span.Ticks);
}
