using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Kumoi.Agent.Linux;

/// <summary>What a command answered.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public bool Succeeded => ExitCode == 0;
}

/// <summary>A command could not be started, failed, or ran into its time limit. The message says which and why, in one sentence.</summary>
public sealed class CommandFailedException(string message, Exception? cause, bool missing) : IOException(message, cause)
{
    /// <summary>True if there is no such program on the machine.</summary>
    public bool Missing { get; } = missing;
}

/// <summary>
/// The only place that starts processes: an argument list (never a shell), a time limit, and its output captured. Starts are made one
/// at a time, since a descriptor meant for one child must not leak into another that is forked at the same moment.
/// </summary>
public sealed partial class Commands(TimeProvider clock)
{
    /// <summary>Output kept of one command, in characters. Too low cuts large listings; too high lets a broken tool fill the memory.</summary>
    private const int OutputLimit = 64 * 1024 * 1024;

    /// <summary>For the quick tools (ip, nft). Longer than any healthy run on a busy machine; shorter than a person's patience.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(20);

    private static readonly SemaphoreSlim StartGate = new(1, 1);

    /// <summary>A fault point for tests: sees each command and its input before it is run; may cut the input short, or throw as if the agent had died there.</summary>
    internal Func<string, string?, string?>? Fault { get; init; }

    /// <summary>Whether the machine has the program.</summary>
    public static bool IsThere(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin").Split(':').Any(directory => directory.Length > 0 && File.Exists(Path.Combine(directory, program)));

    /// <summary>Runs a command to its end and gives its answer, whatever the exit code.</summary>
    public Task<CommandResult> TryRunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel) =>
        TryRunAsync(program, arguments, null, [], DefaultLimit, cancel);

    /// <summary>Runs a command and gives its output; a failure is a <see cref="CommandFailedException"/>.</summary>
    public Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel) =>
        RunAsync(program, arguments, null, cancel);

    /// <summary>The same, with text for its standard input.</summary>
    public async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, string? input, CancellationToken cancel)
    {
        var result = await TryRunAsync(program, arguments, input, [], DefaultLimit, cancel);
        return result.Succeeded ? result.Output : throw Failure(program, arguments, result);
    }

    /// <summary>The failure of a command as an exception whose message names the command and its last words.</summary>
    public static CommandFailedException Failure(string program, IReadOnlyList<string> arguments, CommandResult result)
    {
        var words = result.Error.Trim();
        if (words.Length > 600) words = words[^600..];
        var verb = string.Join(' ', arguments.Take(6));
        return new CommandFailedException($"{program} {verb} failed with exit code {result.ExitCode}: {words}", null, false);
    }

    /// <param name="inherited">Descriptors that this child, and no other, gets under the same numbers.</param>
    public async Task<CommandResult> TryRunAsync(
        string program, IReadOnlyList<string> arguments, string? input, IReadOnlyList<int> inherited, TimeSpan limit, CancellationToken cancel)
    {
        FaultPoints.Reach("run " + program);
        using var span = AgentTrace.Part("run " + program);
        if (Fault is { } fault) input = fault(program, input);
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";

        using var process = new Process { StartInfo = start };
        await StartAsync(process, inherited, cancel);

        using var limiter = new CancellationTokenSource(limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limiter.Token, cancel);
        try
        {
            var output = ReadAsync(process.StandardOutput, both.Token);
            var error = ReadAsync(process.StandardError, both.Token);
            await WriteAsync(process, input, both.Token);
            var texts = await Task.WhenAll(output, error);
            await process.WaitForExitAsync(both.Token);
            return new CommandResult(process.ExitCode, texts[0], texts[1]);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancel.ThrowIfCancellationRequested();
            throw new CommandFailedException(
                string.Create(CultureInfo.InvariantCulture, $"{program} did not finish within {limit.TotalSeconds:0.#} s."), null, false);
        }
    }

    /// <summary>Runs a command that takes as long as it takes, and tells what it writes to its standard output meanwhile. It is killed when this is cancelled.</summary>
    /// <param name="inherited">Descriptors that this child, and no other, gets under the same numbers.</param>
    /// <param name="started">Gets the id of the process.</param>
    public async Task<CommandResult> WatchAsync(string program, IReadOnlyList<string> arguments, IReadOnlyList<int> inherited, Action<int> started, Action<string> said, CancellationToken cancel)
    {
        FaultPoints.Reach("watch " + program);
        using var span = AgentTrace.Part("watch " + program);
        if (Fault is { } fault) fault(program, null);
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        using var process = new Process { StartInfo = start };
        await StartAsync(process, inherited, cancel);
        started(process.Id);
        try
        {
            process.StandardInput.Close();
            var error = ReadAsync(process.StandardError, cancel);
            var buffer = new char[256];
            int read;
            while ((read = await process.StandardOutput.ReadAsync(buffer, cancel)) > 0) said(new string(buffer, 0, read));
            var words = await error;
            await process.WaitForExitAsync(cancel);
            return new CommandResult(process.ExitCode, "", words);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    /// <summary>
    /// Starts a process in a session of its own, which lives on when the agent ends. Its standard output and error are read while both live;
    /// the program must not mind that nobody reads them afterwards.
    /// </summary>
    public async Task<StartedProcess> StartAsync(string program, IReadOnlyList<string> arguments, IReadOnlyList<int> inherited, CancellationToken cancel)
    {
        FaultPoints.Reach("start " + program);
        using var span = AgentTrace.Part("start " + program);
        var start = new ProcessStartInfo("setsid")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        start.ArgumentList.Add(program);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        var process = new Process { StartInfo = start };
        await StartAsync(process, inherited, cancel);
        process.StandardInput.Close();
        return new StartedProcess(process);
    }

    private static async Task StartAsync(Process process, IReadOnlyList<int> inherited, CancellationToken cancel)
    {
        await StartGate.WaitAsync(cancel);
        try
        {
            foreach (var descriptor in inherited)
                if (Libc.Control(descriptor, Libc.SetDescriptorFlags, 0) < 0) throw Libc.Failed("Handing a descriptor to a child process failed");
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new CommandFailedException($"The program {process.StartInfo.FileName} could not be started: {e.Message}", e, e.NativeErrorCode == 2);
        }
        finally
        {
            foreach (var descriptor in inherited)
                _ = Libc.Control(descriptor, Libc.SetDescriptorFlags, Libc.DescriptorCloseOnExec);
            StartGate.Release();
        }
    }

    private static async Task WriteAsync(Process process, string? input, CancellationToken cancel)
    {
        try
        {
            if (input is not null) await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // A child that ends without reading its input has said why on its standard error, which the caller gets.
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancel)
    {
        var text = new StringBuilder();
        var buffer = new char[16 * 1024];
        int read;
        while ((read = await reader.ReadAsync(buffer, cancel)) > 0)
            if (text.Length < OutputLimit) text.Append(buffer, 0, read);
        return text.ToString();
    }
}
