using System.Diagnostics;

namespace Kumoi.Cli.Local;

/// <summary>What a command said.</summary>
public sealed record Said(int ExitCode, string Output, string Error)
{
    public bool Well => ExitCode == 0;
}

/// <summary>Runs other programs with argument lists.</summary>
public static class Shell
{
    /// <summary>Runs to the end and keeps what it said. <paramref name="line"/> hears each line as it comes.</summary>
    public static async Task<Said> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel, Action<string>? line = null, string? directory = null, string? input = null)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = directory ?? "/",
            },
        };
        process.Start();
        if (input is not null) await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
        process.StandardInput.Close();
        var output = ReadAsync(process.StandardOutput, line, cancel);
        var error = ReadAsync(process.StandardError, line, cancel);
        try
        {
            await process.WaitForExitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return new Said(process.ExitCode, await output, await error);
    }

    /// <summary>The same, but a failure is an error that names the program and the end of what it said.</summary>
    public static async Task<string> MustAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel, Action<string>? line = null, string? directory = null)
    {
        var said = await RunAsync(program, arguments, cancel, line, directory);
        if (said.Well) return said.Output;
        var end = string.Join('\n', (said.Error.Trim().Length > 0 ? said.Error : said.Output).Trim().Split('\n').TakeLast(15));
        throw new UserException("command-failed", $"{program} {string.Join(' ', arguments)}", said.ExitCode, end);
    }

    /// <summary>Gives the terminal to a program until it ends.</summary>
    public static async Task<int> AttachedAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) };
        process.Start();
        await process.WaitForExitAsync(cancel);
        return process.ExitCode;
    }

    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':').Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);

    private static async Task<string> ReadAsync(StreamReader reader, Action<string>? line, CancellationToken cancel)
    {
        var all = new System.Text.StringBuilder();
        while (await reader.ReadLineAsync(cancel) is { } text)
        {
            all.AppendLine(text);
            line?.Invoke(text);
        }
        return all.ToString();
    }
}
