using System.Globalization;
using System.Runtime.InteropServices;
using Kumoi.Benchmarks.Cloud;

namespace Kumoi.Benchmarks.Figures;

/// <summary>Where and when the figures were measured, in one paragraph.</summary>
public sealed record MachineFacts(DateTimeOffset Date, string Description)
{
    public static async Task<MachineFacts> ReadAsync(string tree)
    {
        var cpu = Value("/proc/cpuinfo", "model name", ':');
        var memory = long.Parse(Value("/proc/meminfo", "MemTotal", ':').Split(' ')[0], CultureInfo.InvariantCulture) / (1024 * 1024);
        var commit = (await Programs.SayAsync("git", "-C", tree, "rev-parse", "--short=10", "HEAD")).Trim();
        var qemu = Programs.FirstLine(await Programs.SayAsync("qemu-system-x86_64", "--version"));
        var postgres = Programs.FirstLine(await Programs.SayAsync(Programs.Postgres("postgres"), "--version"));
        return new MachineFacts(DateTimeOffset.UtcNow, string.Create(CultureInfo.InvariantCulture,
            $"""
            CPU: {cpu}, {Environment.ProcessorCount} cores (a virtual machine's, if it is one); {memory} GiB of memory. Load average before the run: {Load()}.
            Kumoi at commit {commit}; {RuntimeInformation.FrameworkDescription}; {postgres}, fsync on; {qemu}; Linux {Environment.OSVersion.Version}; {Value("/etc/os-release", "PRETTY_NAME", '=').Trim('"')}.
            """));
    }

    /// <summary>Of the last 1, 5 and 15 minutes.</summary>
    public static string Load() => string.Join(", ", File.ReadAllText("/proc/loadavg").Split(' ').Take(3));

    private static string Value(string file, string key, char separator) =>
        File.ReadLines(file).First(line => line.StartsWith(key, StringComparison.Ordinal)).Split(separator, 2)[1].Trim();
}
