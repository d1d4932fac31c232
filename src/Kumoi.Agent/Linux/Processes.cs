using System.Globalization;
using System.Text;

namespace Kumoi.Agent.Linux;

/// <summary>A process as /proc shows it.</summary>
/// <param name="Arguments">The command line, one entry per argument.</param>
public sealed record ProcessSight(int Id, IReadOnlyList<string> Arguments);

/// <summary>When a process was started, counted from the start of the machine, which no step of the clock changes.</summary>
/// <param name="BootId">The machine's start.</param>
/// <param name="Ticks">As the kernel counts them: field 22 of /proc/PID/stat, proc(5).</param>
public sealed record ProcessStart(string BootId, long Ticks);

/// <summary>Reads /proc and sends signals. A process that ends meanwhile is simply not there.</summary>
public static class Processes
{
    /// <summary>The kernel's USER_HZ, which it reports times in; fixed to 100 for user space on all of Linux's main platforms.</summary>
    private const long TicksPerSecond = 100;

    /// <summary>All processes with a command line (kernel threads have none).</summary>
    public static IEnumerable<ProcessSight> All()
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && Arguments(id) is { } arguments)
                yield return new ProcessSight(id, arguments);
    }

    /// <summary>The command line of a living process; null if there is none (a zombie has none either).</summary>
    public static IReadOnlyList<string>? Arguments(int id)
    {
        try
        {
            var bytes = File.ReadAllBytes($"/proc/{id}/cmdline");
            return bytes.Length == 0 ? null : Encoding.UTF8.GetString(bytes).TrimEnd('\0').Split('\0');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>When a process was started, by the system's clock as that is now; null if it is gone.</summary>
    public static DateTimeOffset? StartedAt(int id) => TicksOf(id) is { } ticks ? BootedAt() + TimeSpan.FromMilliseconds(ticks * 1000 / TicksPerSecond) : null;

    /// <summary>What tells a process from any other that has had, or will have, its number; null if it is gone.</summary>
    public static ProcessStart? StartOf(int id) => TicksOf(id) is { } ticks ? new ProcessStart(BootTime.Id(), ticks) : null;

    private static long? TicksOf(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            // The second field is the name in parentheses and may hold anything; the 22nd, counted from behind the last ')', is the start in ticks since boot.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Processes of a user, whatever they call themselves: the kernel lets none of them become another one's that may do nothing else.</summary>
    public static IReadOnlyCollection<int> Of(uint user)
    {
        var found = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && UsersOf(id).Contains(user) && IsAlive(id)) found.Add(id);
        return found;
    }

    /// <summary>The real user, and as whom else it acts.</summary>
    private static uint[] UsersOf(int id)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal));
            return [.. line[4..].Split('\t', StringSplitOptions.RemoveEmptyEntries).Select(number => uint.Parse(number, CultureInfo.InvariantCulture))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            // Gone, or going while it is read.
            return [];
        }
    }

    /// <summary>
    /// True until the process has let go of everything. Its command line goes first and its files (with their locks) later, so only a zombie
    /// without other threads, or nothing at all, counts as ended.
    /// </summary>
    public static bool IsAlive(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            return text[text.LastIndexOf(')') + 2] is not ('Z' or 'X') || Directory.EnumerateDirectories($"/proc/{id}/task").Skip(1).Any();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Sends a signal; a process that is gone is no error.</summary>
    public static void Signal(int id, int signal)
    {
        if (Libc.Kill(id, signal) < 0 && System.Runtime.InteropServices.Marshal.GetLastPInvokeError() != Libc.NoSuchProcess)
            throw Libc.Failed($"Sending signal {signal} to process {id} failed");
    }

    /// <summary>Waits until the process has ended, looking every 10 ms; false if it still lives after <paramref name="limit"/>.</summary>
    public static async Task<bool> WaitForEndAsync(int id, TimeSpan limit, TimeProvider clock, CancellationToken cancel)
    {
        var since = clock.GetTimestamp();
        while (IsAlive(id))
        {
            if (clock.GetElapsedTime(since) > limit) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(10), clock, cancel);
        }
        return true;
    }

    private static DateTimeOffset BootedAt()
    {
        foreach (var line in File.ReadLines("/proc/stat"))
            if (line.StartsWith("btime ", StringComparison.Ordinal))
                return DateTimeOffset.FromUnixTimeSeconds(long.Parse(line.AsSpan(6), CultureInfo.InvariantCulture));
        throw new InvalidDataException("/proc/stat does not tell when the machine was started.");
    }
}
