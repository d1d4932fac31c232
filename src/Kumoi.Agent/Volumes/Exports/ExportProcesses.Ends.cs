using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>
/// Ends of processes that give volumes to others. Whoever is given a volume may have taken such a process over, and started others with the volume's files open: an export has ended when
/// all of them have.
/// </summary>
public sealed partial class ExportProcesses
{
    /// <summary>Ends the processes with all that they have started, and waits until they have ended.</summary>
    internal async Task EndAsync(string volumeId, GuestLinks links, CancellationToken cancel)
    {
        if (ExportNote.Read(NoteOf(volumeId)) is not { } note) return;
        // What it has taken is written out by the other one below.
        await LeaveAsync(volumeId);
        var targets = TargetsOf(volumeId, note);
        var isEnded = await KillAllAsync(TargetProcesses.GroupOf(volumeId), targets, cancel) is null;
        var alive = AliveOf(volumeId, note);
        if (_known.TryGetValue(volumeId, out var known))
            try
            {
                // It writes out what it holds of the layers' tables.
                await known.Qmp.ExecuteAsync("quit", null, cancel);
                await Processes.WaitForEndAsync(known.Process, QuitLimit, clock, cancel);
            }
            catch (QmpException)
            {
                // Ended before it answered, or does not answer.
            }
        await KillAsync(volumeId, volumeId, alive, cancel);
        // One that waited for the other, which does not answer, ends with that.
        if (!isEnded) await KillAsync(volumeId, TargetProcesses.GroupOf(volumeId), targets, cancel);
        if (!note.IsGrouped) await SweepAsync(volumeId, cancel);
        await DropAsync(volumeId, links);
        if (Directory.Exists(PlaceOf(volumeId))) Directory.Delete(PlaceOf(volumeId), recursive: true);
    }

    /// <summary>Ends the target alone, with all that it has started.</summary>
    private Task EndTargetAsync(string volumeId, ExportNote note, CancellationToken cancel) => KillAsync(volumeId, TargetProcesses.GroupOf(volumeId), TargetsOf(volumeId, note), cancel);

    private async Task KillAsync(string volumeId, string group, IReadOnlyCollection<int> processes, CancellationToken cancel)
    {
        if (await KillAllAsync(group, processes, cancel) is { } what) throw LivesOn(volumeId, what);
    }

    /// <summary>What of them has not ended in time; null: all have.</summary>
    private async Task<string?> KillAllAsync(string group, IReadOnlyCollection<int> processes, CancellationToken cancel)
    {
        foreach (var process in processes.Where(Processes.IsAlive)) Processes.Signal(process, Libc.SignalKill);
        foreach (var process in processes)
            if (!await Processes.WaitForEndAsync(process, KillLimit, clock, cancel)) return $"The process {process}";
        return await _groups.EndAsync(group, KillLimit, cancel) ? null : $"A process of the control group {group}";
    }

    /// <summary>Nothing of an export is there when its next process is started.</summary>
    private async Task EndGroupsAsync(string volumeId, CancellationToken cancel)
    {
        foreach (var group in new[] { TargetProcesses.GroupOf(volumeId), volumeId }) await KillAsync(volumeId, group, [], cancel);
    }

    /// <summary>Where there are no groups: ends whatever runs as the volume's user, as which nothing but this volume's processes run. What else works on its layers is begun anew.</summary>
    private async Task SweepAsync(string volumeId, CancellationToken cancel)
    {
        var (user, since) = (DirectoryVolumes.UserOf(volumeId), clock.GetTimestamp());
        while (Processes.Of(user) is { Count: > 0 } left)
        {
            foreach (var process in left) Processes.Signal(process, Libc.SignalKill);
            if (clock.GetElapsedTime(since) > KillLimit) throw LivesOn(volumeId, $"The process {left.First()}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), clock, cancel);
        }
    }

    private static HypervisorException LivesOn(string volumeId, string what) => new("kill-failed", $"{what}, which gives the volume {volumeId} to another host, could not be ended within 10 s.", null);

    /// <summary>Forgets a process that has ended, and at which port it was.</summary>
    internal void Forget(string volumeId)
    {
        if (!File.Exists(NoteOf(volumeId))) return;
        File.Delete(NoteOf(volumeId));
        DurableFiles.FlushDirectory(_paths.Exports);
    }

    /// <summary>Processes that have the volume open and live: that which was noted, and any that was started before it could be.</summary>
    private HashSet<int> AliveOf(string volumeId, ExportNote note) =>
        note.Process is { } process ? [process] : Marked($"path={QemuCommand.Escape(SocketOf(volumeId))},", ExportCommand.Program, QemuCommand.Program, "unshare", "flock", "setsid");

    private HashSet<int> TargetsOf(string volumeId, ExportNote note) =>
        note.Protocol == VolumeProtocols.Nbd ? [] : note.Target is { } target ? [target] : Marked(PlaceOf(volumeId), TargetCommand.Program, QemuCommand.Program, "env", "flock", "setsid");

    private static HashSet<int> Marked(string mark, params string[] programs) =>
        [.. Processes.All().Where(one => programs.Contains(Path.GetFileName(one.Arguments[0])) && one.Arguments.Any(argument => argument.Contains(mark, StringComparison.Ordinal))).Select(one => one.Id)];
}
