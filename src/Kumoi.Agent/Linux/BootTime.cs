namespace Kumoi.Agent.Linux;

/// <summary>Timestamps since the start of the machine, time of suspend included (CLOCK_BOOTTIME): the clock for leases, which go on while the
/// machine sleeps. Everything else is the system's clock.</summary>
public sealed class BootTime : TimeProvider
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    public override long TimestampFrequency => NanosecondsPerSecond;

    /// <summary>Changes when the machine restarts.</summary>
    public static string Id() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    public override long GetTimestamp() =>
        Libc.GetTime(Libc.BootTimeClock, out var time) == 0
            ? time.Seconds * NanosecondsPerSecond + time.Nanoseconds : throw Libc.Failed("Asking for the time since the start of the machine failed");
}
