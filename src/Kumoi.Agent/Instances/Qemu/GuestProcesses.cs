using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>Guests' processes as their command lines tell them, for when they cannot be spoken to.</summary>
internal sealed class GuestProcesses(AgentPaths paths, TimeProvider clock)
{
    /// <summary>Ends the processes of these guests at once; ids of those that had one.</summary>
    public async Task<IReadOnlyList<string>> CutOffAsync(IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        if (ids.Count == 0) return [];
        var marks = ids.ToDictionary(id => id, MarkOf);
        var found = Processes.All().SelectMany(process => marks.Where(mark => IsMarked(process, mark.Value)).Select(mark => (Id: mark.Key, Process: process.Id))).ToArray();
        foreach (var (_, process) in found) Processes.Signal(process, Libc.SignalKill);
        foreach (var (id, process) in found)
            if (!await Processes.WaitForEndAsync(process, TimeSpan.FromSeconds(10), clock, cancel)) throw new IOException($"The process {process} of {id} could not be ended within 10 s.");
        return [.. found.Select(one => one.Id).Distinct()];
    }

    /// <summary>Ends a process of this guest whose socket is gone (its directory was removed, say): nobody could speak to it again.</summary>
    public async Task EndAsync(string id, CancellationToken cancel)
    {
        foreach (var process in ByCommandLine(id).ToArray())
        {
            Processes.Signal(process.Id, Libc.SignalKill);
            await Processes.WaitForEndAsync(process.Id, TimeSpan.FromSeconds(5), clock, cancel);
        }
    }

    /// <summary>A process of this guest that does not answer, as its command line tells it.</summary>
    public GuestProcess? FindSilent(string id)
    {
        foreach (var process in ByCommandLine(id))
            if (process.Arguments.Select(argument => QemuGuest.Parse(argument, id)).FirstOrDefault(found => found is not null) is { } identity
                && Processes.StartedAt(process.Id) is { } startedAt)
                return new GuestProcess(identity.Incarnation, identity.BootEpoch, RunState.Unknown, startedAt, null, null) { Start = Processes.StartOf(process.Id) };
        return null;
    }

    private IEnumerable<ProcessSight> ByCommandLine(string id)
    {
        var mark = MarkOf(id);
        return Processes.All().Where(process => IsMarked(process, mark));
    }

    /// <summary>What only a process of this guest on this host has in its command line: its disk may be known to other hosts too.</summary>
    private string MarkOf(string id) => $"path={QemuCommand.Escape(paths.Socket(id, "qmp"))},";

    private static bool IsMarked(ProcessSight process, string mark) =>
        process.Arguments[0] is QemuCommand.Emulator or QemuCommand.Program or "setsid" && process.Arguments.Any(argument => argument.Contains(mark, StringComparison.Ordinal));
}
