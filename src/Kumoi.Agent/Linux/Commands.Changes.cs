using System.Diagnostics;
using System.Globalization;

namespace Kumoi.Agent.Linux;

public sealed partial class Commands
{
    /// <summary>The exit code by which <c>flock</c> says that a lock is held; none of the programs that are run under one has it.</summary>
    private const int Taken = 200;

    private static readonly TimeSpan TurnPause = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Runs a command that must not be cut off in the middle of what it changes: in a session of its own, to its end, whatever becomes of the agent. Only the wait for it is limited, and cancelled.
    /// While it runs it holds a lock, also when the agent that started it is gone, and no other command of the same lock is begun.
    /// </summary>
    /// <param name="turn">The file of the lock.</param>
    /// <param name="turnLimit">How long to wait for one that runs already.</param>
    /// <exception cref="CommandFailedException">It was not begun, since another one runs; or has not ended in time, and runs on.</exception>
    public async Task<CommandResult> TryChangeAsync(string program, IReadOnlyList<string> arguments, string turn, TimeSpan turnLimit, TimeSpan limit, CancellationToken cancel)
    {
        FaultPoints.Reach("run " + program);
        using var span = AgentTrace.Part("run " + program);
        if (Fault is { } fault) fault(program, null);
        for (var since = clock.GetTimestamp(); ; await Task.Delay(TurnPause, clock, cancel))
        {
            if (IsFree(turn))
            {
                var result = await StartChangeAsync(program, arguments, turn, limit, cancel);
                if (result.ExitCode != Taken) return result;
            }
            if (clock.GetElapsedTime(since) > turnLimit) throw new CommandFailedException(string.Create(CultureInfo.InvariantCulture, $"{program} was not begun: another change of the same place has not ended for {turnLimit.TotalSeconds:0.#} s."), null, false);
        }
    }

    private async Task<CommandResult> StartChangeAsync(string program, IReadOnlyList<string> arguments, string turn, TimeSpan limit, CancellationToken cancel)
    {
        var start = new ProcessStartInfo("setsid") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" };
        // That nobody reads its words any more must not end it. The lock is flock's own: a program may close what it inherits, as LVM does, or leave it to a daemon.
        foreach (var argument in (IEnumerable<string>)["env", "--ignore-signal=PIPE", "flock", "--nonblock", "--conflict-exit-code", Taken.ToString(CultureInfo.InvariantCulture), "--close", turn, program, .. arguments]) start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        var process = new Process { StartInfo = start };
        try
        {
            await StartAsync(process, [], cancel);
        }
        catch
        {
            process.Dispose();
            throw;
        }
        process.StandardInput.Close();
        try
        {
            return await EndAsync(process).WaitAsync(limit, clock, cancel);
        }
        catch (TimeoutException)
        {
            throw new CommandFailedException(string.Create(CultureInfo.InvariantCulture, $"{program} did not finish within {limit.TotalSeconds:0.#} s; it runs on."), null, false);
        }
    }

    /// <summary>Whether no command holds the lock. One that asks for it at the same moment has the better of a look.</summary>
    private static bool IsFree(string turn)
    {
        var descriptor = Libc.Open(turn, Libc.ReadWrite | Libc.Create | Libc.CloseOnExec, (int)AgentModes.PrivateFile);
        if (descriptor < 0) throw Libc.Failed($"Opening {turn} failed");
        try
        {
            return Libc.Lock(descriptor, Libc.LockExclusive | Libc.LockWithoutWaiting) == 0;
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    /// <summary>Reads what a process says until it has ended, whether anybody waits for it or not.</summary>
    private static async Task<CommandResult> EndAsync(Process process)
    {
        using (process)
        {
            var texts = await Task.WhenAll(ReadAsync(process.StandardOutput, CancellationToken.None), ReadAsync(process.StandardError, CancellationToken.None));
            await process.WaitForExitAsync(CancellationToken.None);
            return new CommandResult(process.ExitCode, texts[0], texts[1]);
        }
    }
}
