using System.Globalization;
using System.Runtime.InteropServices;

namespace Kumoi.Agent.Linux;

/// <summary>
/// Control groups that hold a process together with whatever it starts: it may leave its parent, its session and its name behind, and not its group. In version 2 of the kernel's interface
/// or in version 1, whichever is there; where neither can be written (a container, say) processes are started without.
/// </summary>
/// <param name="name">What the groups are in.</param>
/// <param name="hierarchies">Where groups may be, the best first.</param>
public sealed class ProcessGroups(string name, TimeProvider clock, IReadOnlyList<string> hierarchies)
{
    /// <summary>Version 2 alone ends all of a group at once; the first two are where it is, alone or beside version 1.</summary>
    public static IReadOnlyList<string> Hierarchies { get; } = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids"];

    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(10), GatePause = TimeSpan.FromMilliseconds(2);

    /// <summary>How long a process may take to come to its gate: the time of two small programs on a busy machine.</summary>
    private static readonly TimeSpan GateLimit = TimeSpan.FromSeconds(10);

    public bool IsThere(string group) => PathsOf(group).Any();

    /// <summary>Makes a group; false if there can be none on this machine.</summary>
    public bool TryMake(string group) => Make(group) is not null;

    /// <summary>
    /// Starts a process as <see cref="Commands.StartAsync"/> does, in a group of its own before it runs the program. Until it is in the group it stands before a pipe that nobody else opens:
    /// if this is cut off there, what is left has done nothing, and is ended with the group or found by its arguments.
    /// </summary>
    /// <param name="gate">Where the pipe is made, in a directory that nobody else may write to.</param>
    public async Task<StartedProcess> StartAsync(Commands commands, string group, string gate, string program, IReadOnlyList<string> arguments, IReadOnlyList<int> inherited, CancellationToken cancel)
    {
        if (Make(group) is not { } path) return await commands.StartAsync(program, arguments, inherited, cancel);
        File.Delete(gate);
        if (Libc.MakePipe(gate, (uint)AgentModes.PrivateFile) < 0) throw Libc.Failed("Making a pipe failed");
        // It opens the pipe, which waits for the other end, and becomes the program; the lock is nobody's matter.
        var started = await commands.StartAsync("flock", ["--no-fork", gate, program, .. arguments], inherited, cancel);
        FaultPoints.Reach("enter group");
        try
        {
            await File.WriteAllTextAsync($"{path}/cgroup.procs", started.Id.ToString(CultureInfo.InvariantCulture), cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Ended already, or not to be had here: where there is no group, a process is looked for by its user.
            TryRemove(path);
        }
        await OpenAsync(gate, started, cancel);
        File.Delete(gate);
        return started;
    }

    /// <summary>Lets the process go on that stands before the gate; nothing happens if it has ended.</summary>
    private async Task OpenAsync(string gate, StartedProcess started, CancellationToken cancel)
    {
        for (var since = clock.GetTimestamp(); ; await Task.Delay(GatePause, clock, cancel))
        {
            var end = Libc.Open(gate, Libc.WriteOnly | Libc.NonBlocking | Libc.CloseOnExec, 0);
            var error = Marshal.GetLastPInvokeError();
            if (end >= 0) _ = Libc.Close(end);
            if (end >= 0 || started.Ended.IsCompleted) return;
            if (error != Libc.NobodyThere) throw Libc.Failed("Opening a pipe failed");
            if (clock.GetElapsedTime(since) <= GateLimit) continue;
            Processes.Signal(started.Id, Libc.SignalKill);
            throw new IOException("A process did not come to run its program within 10 s.");
        }
    }

    /// <summary>
    /// Ends all processes of a group and removes it, which the kernel allows only when the last of them has let go of everything. True if there is no such group (any more), false if
    /// something of it lives after <paramref name="limit"/>.
    /// </summary>
    public async Task<bool> EndAsync(string group, TimeSpan limit, CancellationToken cancel)
    {
        foreach (var path in PathsOf(group))
            for (var since = clock.GetTimestamp(); !TryEnd(path); await Task.Delay(LookPause, clock, cancel))
                if (clock.GetElapsedTime(since) > limit) return false;
        return true;
    }

    /// <summary>Ends the processes of all groups, and removes what they are in; false if some live after <paramref name="limit"/>.</summary>
    public async Task<bool> EndAllAsync(TimeSpan limit, CancellationToken cancel)
    {
        var clean = true;
        foreach (var root in hierarchies.Select(hierarchy => $"{hierarchy}/{name}").Where(Directory.Exists))
        {
            foreach (var group in Directory.EnumerateDirectories(root)) clean &= await EndAsync(Path.GetFileName(group), limit, cancel);
            TryRemove(root);
        }
        return clean;
    }

    private IEnumerable<string> PathsOf(string group) => hierarchies.Select(hierarchy => $"{hierarchy}/{name}/{group}").Where(Directory.Exists);

    private string? Make(string group)
    {
        foreach (var hierarchy in hierarchies.Where(hierarchy => File.Exists($"{hierarchy}/cgroup.procs")))
            try
            {
                return Directory.CreateDirectory($"{hierarchy}/{name}/{group}").FullName;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is there to be read only; perhaps the next one is not.
            }
        return null;
    }

    private static bool TryEnd(string path)
    {
        if (TryWrite($"{path}/cgroup.kill", "1")) return TryRemove(path);
        // They are signalled one by one: none may start others meanwhile, or that would never come to an end.
        TryWrite($"{path}/pids.max", "0");
        TryWrite($"{path}/cgroup.freeze", "1");
        foreach (var process in In(path)) Processes.Signal(process, Libc.SignalKill);
        return TryRemove(path);
    }

    private static int[] In(string path)
    {
        try
        {
            // Of another namespace, which the kernel shows as 0, is none that was started from here.
            return [.. File.ReadLines($"{path}/cgroup.procs").Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Where(process => process > 0)];
        }
        catch (IOException)
        {
            // Gone meanwhile.
            return [];
        }
    }

    private static bool TryWrite(string path, string value)
    {
        if (!File.Exists(path)) return false;
        try
        {
            File.WriteAllText(path, value);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool TryRemove(string path)
    {
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path);
            return true;
        }
        catch (IOException)
        {
            // Something of it is still there.
            return !Directory.Exists(path);
        }
    }
}
