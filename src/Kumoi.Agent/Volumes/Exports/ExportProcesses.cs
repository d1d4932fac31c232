using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>
/// The processes that give volumes to other hosts, one for each volume, as an own user. They outlive the agent and are found again. One that was ended
/// is ended for good: it is waited for, by whatever of it can be found.
/// </summary>
public sealed partial class ExportProcesses(AgentOptions options, Commands commands, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10), QuitLimit = TimeSpan.FromSeconds(3), KillLimit = TimeSpan.FromSeconds(10);

    private readonly AgentPaths _paths = options.Paths;
    private readonly ProcessGroups _groups = GroupsOf(options, clock);
    private readonly TargetProcesses _targets = new(commands, GroupsOf(options, clock), clock);
    private readonly ConcurrentDictionary<string, (QmpClient Qmp, int Process)> _known = new();
    private readonly ConcurrentDictionary<string, (CancellationTokenSource Cancel, Task Ended)> _watched = new();

    /// <summary>Where content is had from that others give for a move.</summary>
    internal MoveSources Sources { get; } = new(options.Paths, clock);

    /// <summary>For the note of guests that are held, of which there are none here.</summary>
    private readonly GuestFreeze _freeze = new(options.Paths, clock);

    /// <summary>Where a process waits until it is in its group.</summary>
    internal const string Gate = "gate";

    /// <summary>In which the processes of each export are.</summary>
    internal static ProcessGroups GroupsOf(AgentOptions options, TimeProvider clock) => new($"kumoi-{options.Tag}-exports", clock, options.ProcessHierarchies);

    /// <summary>To whom the volume is given; null if there is no process that does it, and none is left to be ended.</summary>
    /// <param name="links">Where the connection is told, for those who look after the volume's layers.</param>
    /// <param name="changed">Called when the process has ended.</param>
    internal async Task<ExportSight?> FindAsync(DesiredVolume volume, uint user, GuestLinks links, Action<string> changed, CancellationToken cancel)
    {
        if (ExportNote.Read(NoteOf(volume.Id)) is not { } note) return null;
        if (!note.IsWhole && note.Sight.IsOf(volume))
        {
            // It has ended, or was never looked at to the end of its start, by an agent that was killed; and one of two without the other serves nobody. What the target had taken is not lost: the other one is asked to write it out.
            if (!_known.TryGetValue(volume.Id, out var left) || left.Qmp.Ended.IsCompleted)
            {
                await DropAsync(volume.Id, links);
                await ConnectAsync(volume.Id, user, links, changed, cancel);
            }
            await EndAsync(volume.Id, links, cancel);
            return null;
        }
        if (!_known.TryGetValue(volume.Id, out var known) || known.Qmp.Ended.IsCompleted)
        {
            await DropAsync(volume.Id, links);
            if (AliveOf(volume.Id, note).Count == 0) return note.Sight;
            if (await ConnectAsync(volume.Id, user, links, changed, cancel) && note.Sight.IsOf(volume) && note.Protocol == VolumeProtocols.Nbd) await MendAsync(_known[volume.Id].Qmp, volume, cancel);
            if (note.Protocol == VolumeProtocols.Iscsi && note.Sight.IsOf(volume)) await WatchAsync(volume.Id, note, user, changed);
        }
        return note.Sight;
    }

    private async Task<bool> ConnectAsync(string volumeId, uint user, GuestLinks links, Action<string> changed, CancellationToken cancel)
    {
        try
        {
            if (await QemuGuest.ConnectAsync(SocketOf(volumeId), cancel) is not { } socket) return false;
            var process = QemuGuest.PeerOf(socket);
            var qmp = await QmpClient.ConnectAsync(socket, clock, name =>
            {
                if (name == "JOB_STATUS_CHANGE") changed(volumeId);
            }, cancel);
            _known[volumeId] = (qmp, process);
            links.Add(volumeId, user, qmp, _freeze);
            links.Note(volumeId, [volumeId]);
            _ = qmp.Ended.ContinueWith(_ => changed(volumeId), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return true;
        }
        catch (QmpException)
        {
            // It does not answer; that it is there is enough.
            return false;
        }
    }

    /// <summary>Starts the process. What was noted of another one must be forgotten.</summary>
    internal async Task StartAsync(QemuDrive drive, uint user, GuestLinks links, Action<string> changed, CancellationToken cancel)
    {
        var (volume, id) = (drive.Volume, drive.Volume.Id);
        if (volume.Export is not { Protocol: VolumeProtocols.Nbd or VolumeProtocols.Iscsi, Key.Length: > 0 }) throw new HypervisorException("export-refused", $"The servers have not told this host how the volume {id} is to be given to another one, or with which key.", null);
        var isNbd = volume.Export.Protocol == VolumeProtocols.Nbd;
        DurableFiles.MakeDirectory(_paths.Exports, AgentModes.PrivateDirectory);
        DurableFiles.MakeDirectory(_paths.RunRoot, AgentModes.Passable);
        DurableFiles.MakeDirectory(_paths.ExportProcesses, AgentModes.Passable);
        await EndGroupsAsync(id, cancel);
        if (Directory.Exists(PlaceOf(id))) Directory.Delete(PlaceOf(id), recursive: true);
        DurableFiles.MakeDirectory(PlaceOf(id), AgentModes.Passable);
        DurableFiles.MakeDirectory(SocketsOf(id), AgentModes.PrivateDirectory);
        DurableFiles.Own(SocketsOf(id), user);
        var file = Path.Combine(PlaceOf(id), isNbd ? ExportCommand.KeyFile : ExportCommand.File);
        DurableFiles.Write(file, isNbd ? Encoding.ASCII.GetBytes(ExportCommand.KeyText(volume.Export.Key)) : [], AgentModes.PrivateFile);
        DurableFiles.Own(file, user);
        using var listener = ExportSocket.Open(options, id, ExportNote.Read(NoteOf(id))?.Port ?? 0, () => PortsBeside(id));
        var at = (IPEndPoint)listener.LocalEndPoint!;
        var note = new ExportNote(volume.Export.InstanceId, volume.Export.Incarnation, at.Port, 0, default, volume.Export.Protocol) { IsGrouped = _groups.TryMake(id) };
        note.Write(NoteOf(id));
        using var key = drive.Block is { } block ? LayerKey.OfPlace(block.Secret, user) : LayerKey.Of(volume, user);
        var open = drive with { KeyFile = key.Path };
        var started = await _groups.StartAsync(
            commands, id, Path.Combine(PlaceOf(id), Gate), QemuCommand.Program, isNbd ? ExportCommand.Build(open, user, (int)listener.Handle, PlaceOf(id), SocketOf(id)) : ExportCommand.BuildFile(open, user, file, SocketOf(id)), isNbd ? [(int)listener.Handle, .. key.Descriptors] : key.Descriptors, cancel);
        var since = clock.GetTimestamp();
        while (!await ConnectAsync(id, user, links, changed, cancel))
        {
            if (started.Ended.IsCompleted) throw Failed(volume, started.LastWords);
            if (clock.GetElapsedTime(since) > StartLimit)
            {
                Processes.Signal(started.Id, Libc.SignalKill);
                throw Failed(volume, "it did not answer within 10 s of its start");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(10), clock, cancel);
        }
        // Whatever becomes of it, it cannot put a socket of its own where the agent will connect.
        DurableFiles.Own(SocketsOf(id), 0);
        var process = _known[id].Process;
        note = note.With(process) with { IsGrouped = _groups.IsThere(id) };
        note.Write(NoteOf(id));
        if (isNbd) return;
        // The target opens the port itself.
        listener.Dispose();
        await TargetAsync(volume, user, note, changed, cancel);
    }

    /// <summary>Starts the target beside the process that has the volume open.</summary>
    private async Task TargetAsync(DesiredVolume volume, uint user, ExportNote note, Action<string> changed, CancellationToken cancel)
    {
        var target = await _targets.StartAsync(volume, user, note.ProcessId, PlaceOf(volume.Id), new IPEndPoint(IPAddress.Parse(options.Address), note.Port), cancel);
        note = note.WithTarget(target) with { IsGrouped = note.IsGrouped && _groups.IsThere(TargetProcesses.GroupOf(volume.Id)) };
        note.Write(NoteOf(volume.Id));
        await WatchAsync(volume.Id, note, user, changed);
    }

    private async Task WatchAsync(string volumeId, ExportNote note, uint user, Action<string> changed)
    {
        await LeaveAsync(volumeId);
        var cancel = new CancellationTokenSource();
        _watched[volumeId] = (cancel, Task.Run(() => _targets.WatchAsync(note, user, PlaceOf(volumeId), () => changed(volumeId), cancel.Token)));
    }

    private async Task LeaveAsync(string volumeId)
    {
        if (!_watched.TryRemove(volumeId, out var watch)) return;
        await watch.Cancel.CancelAsync();
        try
        {
            await watch.Ended;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }
        watch.Cancel.Dispose();
    }

    private static HypervisorException Failed(DesiredVolume volume, string words) =>
        LayerKey.IsRefused(words) ? LayerKey.Wrong(volume.Id, null)
            : words.Contains("\" lock", StringComparison.Ordinal) ? new HypervisorException("volume-in-use", $"Another process still has the volume {volume.Id} open; it is tried again.", null)
            : words.Contains($"failed to execute {ExportCommand.Program}", StringComparison.Ordinal) ? new HypervisorException("export-missing", $"The program {ExportCommand.Program}, which gives volumes to other hosts, is not installed on the host.", null)
            : new HypervisorException("export-failed", $"The volume {volume.Id} cannot be given to another host: {(words.Length > 500 ? words[^500..] : words)}", null);

    private async Task DropAsync(string volumeId, GuestLinks links)
    {
        await LeaveAsync(volumeId);
        if (!_known.TryRemove(volumeId, out var known)) return;
        links.Remove(volumeId);
        await known.Qmp.DisposeAsync();
    }

    /// <summary>The ports of all volumes but this one.</summary>
    private IReadOnlySet<int> PortsBeside(string volumeId) =>
        Directory.EnumerateFiles(_paths.Exports, "*.json").Where(path => path != NoteOf(volumeId)).Select(path => ExportNote.Read(path)?.Port ?? 0).ToHashSet();

    private string NoteOf(string volumeId) => Path.Combine(_paths.Exports, volumeId + ".json");

    private string PlaceOf(string volumeId) => Path.Combine(_paths.ExportProcesses, volumeId);

    private string SocketsOf(string volumeId) => Path.Combine(PlaceOf(volumeId), "q");

    private string SocketOf(string volumeId) => Path.Combine(SocketsOf(volumeId), "qmp");

    /// <summary>Lets go of the processes; they run on.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var volume in _watched.Keys) await LeaveAsync(volume);
        foreach (var known in _known.Values) await known.Qmp.DisposeAsync();
        _known.Clear();
    }
}
