using System.Globalization;

namespace Kumoi.Benchmarks.Cloud;

/// <summary>What /proc tells of processes: time of processors used, memory held, and when they began.</summary>
public static class ProcessFiles
{
    // USER_HZ, in which the kernel tells times; 100 on all of Linux's main platforms. Costs are told of hundreds of operations, so 10 ms are fine enough.
    private const double TicksPerSecond = 100;

    /// <summary>Seconds of processor time of one process.</summary>
    public static double CpuSeconds(int pid) => Fields(pid) is { } fields ? (Number(fields, 14) + Number(fields, 15)) / TicksPerSecond : 0;

    /// <summary>The same of a process, its living children, and those that have ended.</summary>
    public static double CpuSecondsWithChildren(int pid) =>
        Fields(pid) is { } fields ? (Number(fields, 14) + Number(fields, 15) + Number(fields, 16) + Number(fields, 17)) / TicksPerSecond + Children(pid).Sum(CpuSeconds) : 0;

    public static IEnumerable<int> Children(int pid) => Directory.GetDirectories("/proc").Select(Path.GetFileName)
        .Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _)).Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
        .Where(child => Fields(child) is { } fields && (int)Number(fields, 4) == pid);

    /// <summary>Megabytes (10⁶ bytes) resident, and the share that is this process's own when shared pages are divided among their users.</summary>
    public static (double Rss, double Pss) Memory(int pid)
    {
        try
        {
            var lines = File.ReadAllLines($"/proc/{pid}/smaps_rollup");
            double Megabytes(string key) => double.Parse(lines.First(line => line.StartsWith(key, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
            return (Megabytes("Rss:"), Megabytes("Pss:"));
        }
        catch (IOException)
        {
            // It has ended meanwhile, and holds nothing.
            return (0, 0);
        }
    }

    /// <summary>Milliseconds since the machine's start at which a process began, told in steps of 10.</summary>
    public static double? StartedAtMs(int pid) => Fields(pid) is { } fields ? Number(fields, 22) * 1000 / TicksPerSecond : null;

    /// <summary>The same clock now.</summary>
    public static double NowMs() => double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture) * 1000;

    /// <summary>The process of a program with a word in its command line.</summary>
    public static int? Find(string program, string word) => Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
        .Select(name => int.Parse(name!, CultureInfo.InvariantCulture)).Cast<int?>()
        .FirstOrDefault(pid => Arguments(pid!.Value) is [var first, ..] arguments && Path.GetFileName(first) == program && arguments.Any(argument => argument.Contains(word, StringComparison.Ordinal)));

    public static string[] Arguments(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>The fields of /proc/PID/stat from the third on; the name before may hold anything.</summary>
    private static string[]? Fields(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static double Number(string[] fields, int field) => double.Parse(fields[field - 3], CultureInfo.InvariantCulture);
}
