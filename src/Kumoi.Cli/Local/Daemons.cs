namespace Kumoi.Cli.Local;

/// <summary>
/// Starts processes that outlive this command and its terminal. Where systemd runs the machine, each is a transient unit, restarted
/// when it dies and untouched by a logout; elsewhere it is a session of its own.
/// </summary>
public sealed class Daemons(CloudLayout layout)
{
    /// <summary>systemd is process 1 here.</summary>
    public static bool HasSystemd => Directory.Exists("/run/systemd/system");

    // The log file is opened by a constant script; every other word is passed on as it is. Descriptors of whoever ran this command, a lock for example, are not kept open for as long as a daemon lives.
    private const string AppendScript = "log=$1; shift; for open in /proc/self/fd/*; do open=${open##*/}; [ \"$open\" -le 2 ] || eval \"exec $open>&-\"; done; exec \"$@\" >>\"$log\" 2>&1 </dev/null";

    public async Task StartAsync(string role, IReadOnlyList<string> command, CancellationToken cancel)
    {
        var log = LogOf(role);
        string[] logged = ["bash", "-c", AppendScript, "kumoi", log, .. command];
        if (HasSystemd)
        {
            await Shell.RunAsync("systemctl", ["reset-failed", Unit(role)], cancel);
            // KillMode=process: guests started by the agent are not the unit's to kill.
            await Shell.MustAsync("systemd-run", [
                "--unit", Unit(role), "--description", $"Kumoi {role} ({layout.State})", "--property=Restart=always", "--property=RestartSec=1", "--property=KillMode=process",
                "--property=LimitNOFILE=65536", "--", .. logged], cancel);
        }
        else await Shell.MustAsync("setsid", ["--fork", .. logged], cancel, directory: "/");
    }

    /// <summary>Asks the processes of a role to end, waits, and insists.</summary>
    public async Task StopAsync(string role, TimeSpan patience, CancellationToken cancel)
    {
        if (HasSystemd) await Shell.RunAsync("systemctl", ["stop", Unit(role)], cancel);
        foreach (var signal in (string[])["-INT", "-KILL"])
        {
            var living = LocalProcesses.Find(layout).Where(process => process.Role == role).ToList();
            if (living.Count == 0) return;
            foreach (var process in living) await Shell.RunAsync("kill", [signal, process.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture)], cancel);
            await Until.TrueAsync(() => Task.FromResult(LocalProcesses.Find(layout).All(process => process.Role != role)), patience, cancel);
        }
    }

    public string LogOf(string role) => Path.Combine(layout.Logs, role + ".log");

    private string Unit(string role) => $"kumoi-{layout.Tag}-{role}.service";
}

/// <summary>Waiting for a condition.</summary>
public static class Until
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    /// <summary>True once the condition holds; false if it does not within the limit.</summary>
    public static async Task<bool> TrueAsync(Func<Task<bool>> condition, TimeSpan limit, CancellationToken cancel)
    {
        var clock = TimeProvider.System;
        for (var end = clock.GetUtcNow() + limit; ;)
        {
            if (await condition()) return true;
            if (clock.GetUtcNow() >= end) return false;
            await Task.Delay(Pause, clock, cancel);
        }
    }
}
