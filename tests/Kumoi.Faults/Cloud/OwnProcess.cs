using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Kumoi.Faults.Cloud;

/// <summary>A process of the cloud under test, to be killed, held and started again.</summary>
internal sealed partial class OwnProcess(string name, string directory, IReadOnlyList<string> command) : IDisposable
{
    private const int Kill = 9, Terminate = 15, Continue = 18, Stop = 19;

    private Process? _process;

    public string Log { get; } = Path.Combine(directory, name + ".log");

    public int Id => _process!.Id;

    public bool Lives => _process is { HasExited: false };

    public void Start()
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory };
        start.Environment["DOTNET_gcServer"] = "0";
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private readonly Lock _gate = new();

    private void Note(string? line)
    {
        if (line is null) return;
        lock (_gate) File.AppendAllText(Log, line + "\n");
    }

    /// <summary>kill -9, and waits until it is gone.</summary>
    public void KillHard()
    {
        if (!Lives) return;
        Signal(_process!.Id, Kill);
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, as a service manager stops it; the exit code.</summary>
    public async Task<int> StopAsync()
    {
        Signal(_process!.Id, Terminate);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>SIGSTOP: it is there and does nothing.</summary>
    public void Hold() => Signal(_process!.Id, Stop);

    public void Resume() => Signal(_process!.Id, Continue);

    internal static void Hold(int process) => Signal(process, Stop);

    internal static void Resume(int process) => Signal(process, Continue);

    internal static void KillHard(int process) => Signal(process, Kill);

    private static void Signal(int process, int signal)
    {
        if (kill(process, signal) != 0 && Marshal.GetLastPInvokeError() is var error && error != 3) throw new InvalidOperationException($"kill({process}, {signal}): errno {error}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int process, int signal);

    public void Dispose()
    {
        if (Lives) Resume();
        KillHard();
        _process?.Dispose();
        _process = null;
    }
}
