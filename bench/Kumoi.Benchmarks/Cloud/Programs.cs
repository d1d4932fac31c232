using System.Diagnostics;

namespace Kumoi.Benchmarks.Cloud;

/// <summary>Runs other programs to their end.</summary>
public static class Programs
{
    public static Task<string> SayAsync(string program, params string[] arguments) => SayAsync(program, arguments, new Dictionary<string, string>());

    /// <summary>What a program says on its standard output; an error if it fails.</summary>
    public static async Task<string> SayAsync(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true } };
        foreach (var (name, value) in environment) process.StartInfo.Environment[name] = value;
        process.Start();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}\n{await output}{await error}");
    }

    /// <summary>A program of PostgreSQL's newest version on this machine, which Debian keeps out of the path.</summary>
    public static string Postgres(string name) => Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(d => Path.Combine(d, "bin", name)).First(File.Exists);

    public static string FirstLine(string text) => text.Split('\n')[0].Trim();
}
