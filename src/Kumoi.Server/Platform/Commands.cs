using System.Diagnostics;

namespace Kumoi.Server.Platform;

/// <summary>What a command said: its exit code and the beginnings of its output.</summary>
public sealed record CommandOutcome(int ExitCode, string Output, string Error);

/// <summary>The server's only way to run other programs: an argument list (never a shell), a time limit, bounded output.</summary>
public static class Commands
{
    // What is kept of output; a hostile input must not make a tool fill memory.
    private const int CharactersMax = 1 << 20;

    /// <param name="environment">Variables beside those of this process; null takes one away.</param>
    public static async Task<CommandOutcome> RunAsync(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?> environment, TimeSpan limit, TimeProvider clock, CancellationToken cancel)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false },
        };
        foreach (var (name, value) in environment) process.StartInfo.Environment[name] = value;
        process.Start();
        process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancel);
        try
        {
            var output = ReadAsync(process.StandardOutput, either.Token);
            var error = ReadAsync(process.StandardError, either.Token);
            await process.WaitForExitAsync(either.Token);
            return new CommandOutcome(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            return new CommandOutcome(-1, "", $"{program} took longer than {limit.TotalSeconds:0} s.");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancel)
    {
        var buffer = new char[CharactersMax];
        var total = 0;
        for (int read; total < buffer.Length && (read = await reader.ReadAsync(buffer.AsMemory(total), cancel)) > 0;) total += read;
        // The rest is read and dropped, so that the program does not hang on a full pipe.
        var rest = new char[4096];
        while (await reader.ReadAsync(rest, cancel) > 0) ;
        return new string(buffer, 0, total);
    }
}
