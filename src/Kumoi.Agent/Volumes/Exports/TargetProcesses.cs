using System.Net;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>The targets that give volumes by iSCSI, one for each volume, beside the processes that have them open. They outlive the agent; while it lives, it looks after who may come to them.</summary>
internal sealed class TargetProcesses(Commands commands, ProcessGroups groups, TimeProvider clock)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    /// <summary>Too low: it costs a busy host more than it is worth; too high: a guest whose connection broke waits so much longer, and a second session is there for as long.</summary>
    private static readonly TimeSpan LookPause = TimeSpan.FromSeconds(1);

    /// <summary>The target's own: it is ended alone when the volume grows.</summary>
    public static string GroupOf(string volumeId) => volumeId + ".target";

    /// <summary>Starts the target, and gives its process once it may be come to.</summary>
    /// <param name="process">The process that has the volume open.</param>
    public async Task<int> StartAsync(DesiredVolume volume, uint user, int process, string place, IPEndPoint at, CancellationToken cancel)
    {
        var (export, sockets) = (volume.Export!, Path.Combine(place, TargetCommand.Sockets));
        await RefreshAsync(process, user, place, cancel);
        if (Directory.Exists(sockets)) Directory.Delete(sockets, recursive: true);
        DurableFiles.MakeDirectory(sockets, AgentModes.Passable);
        DurableFiles.Own(sockets, user, AgentModes.Passable);
        var started = await groups.StartAsync(commands, GroupOf(volume.Id), Path.Combine(place, ExportProcesses.Gate), QemuCommand.Program, TargetCommand.Build(user, place, at), [], cancel);
        var management = new TargetManagement(Path.Combine(place, TargetCommand.Socket), user, clock);
        var (since, id) = (clock.GetTimestamp(), 0);
        while (id == 0)
        {
            try
            {
                await management.AskAsync(TargetRequest.Show, process => id = process, cancel);
            }
            catch (TargetException)
            {
                id = 0;
                if (started.Ended.IsCompleted) throw Failed(volume, started.LastWords);
                if (clock.GetElapsedTime(since) > StartLimit)
                {
                    Processes.Signal(started.Id, Libc.SignalKill);
                    throw Failed(volume, "the target did not answer within 10 s of its start");
                }
                await Task.Delay(TimeSpan.FromMilliseconds(10), clock, cancel);
            }
        }
        // Whatever becomes of it, it cannot put a socket of its own where the agent will connect.
        DurableFiles.Own(sockets, 0, AgentModes.Passable);
        FaultPoints.Reach("target set up");
        try
        {
            foreach (var request in TargetCommand.Setup(volume.Id, TargetCommand.FileOf(process, place), export.Key)) await management.AskAsync(request, null, cancel);
            await management.AskAsync(TargetCommand.Open(TargetCommand.InitiatorName(export.InstanceId, export.Incarnation)), null, cancel);
        }
        catch (TargetException e)
        {
            throw Failed(volume, $"{e.Message} {started.LastWords}");
        }
        return id;
    }

    /// <summary>Has the size of the file asked for anew: the kernel keeps for a second what it was told before, and the target asks once.</summary>
    private async Task RefreshAsync(int process, uint user, string place, CancellationToken cancel) => await commands.RunAsync(
        QemuCommand.Program, [.. ExportCommand.As(user), "stat", "--cached=never", "--format=%s", TargetCommand.FileOf(process, place)], cancel);

    private static HypervisorException Failed(DesiredVolume volume, string words) =>
        words.Contains($"failed to execute {TargetCommand.Program}", StringComparison.Ordinal) || words.Contains($"{TargetCommand.Program}’: No such file", StringComparison.Ordinal) || words.Contains($"{TargetCommand.Program}': No such file", StringComparison.Ordinal)
            ? new HypervisorException("export-missing", $"The program {TargetCommand.Program} (package tgt), which gives volumes to other hosts by iSCSI, is not installed on the host.", null)
            : new HypervisorException("export-failed", $"The volume {volume.Id} cannot be given to another host by iSCSI: {(words.Length > 500 ? words[^500..] : words)}", null);

    /// <summary>Looks after who may come to the target, until it has ended or this is cancelled.</summary>
    /// <param name="ended">Called when it has ended.</param>
    public async Task WatchAsync(ExportNote note, uint user, string place, Action ended, CancellationToken cancel)
    {
        var management = new TargetManagement(Path.Combine(place, TargetCommand.Socket), user, clock);
        var initiator = TargetCommand.InitiatorName(note.InstanceId, note.Incarnation);
        bool? open = null;
        while (note.Target is { } target)
        {
            try
            {
                switch (TargetGate.Next(TargetGate.SessionsIn(await management.AskAsync(TargetRequest.Show, null, cancel)), open))
                {
                    case TargetMove.Open:
                        await management.AskAsync(TargetCommand.Open(initiator), null, cancel);
                        open = true;
                        break;
                    case TargetMove.Close:
                        await management.AskAsync(TargetCommand.Close(initiator), null, cancel);
                        open = false;
                        // Another one may have come before that.
                        continue;
                    case TargetMove.End:
                        Processes.Signal(target, Libc.SignalKill);
                        break;
                    case TargetMove.Stay:
                        break;
                }
            }
            catch (IOException)
            {
                // Stopped, or ended just now; what it was last told is not known.
                open = null;
            }
            await Task.Delay(LookPause, clock, cancel);
        }
        ended();
    }
}
