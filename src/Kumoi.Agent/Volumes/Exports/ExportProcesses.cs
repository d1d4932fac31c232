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
public sealed class ExportProcesses(AgentOptions options, Commands commands, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10), QuitLimit = TimeSpan.FromSeconds(3), KillLimit = TimeSpan.FromSeconds(10);

    private readonly AgentPaths _paths = options.Paths;
    private readonly ConcurrentDictionary<string, (QmpClient Qmp, int Process)> _known = new();

    /// <summary>For the note of guests that are held, of which there are none here.</summary>
    private readonly GuestFreeze _freeze = new(options.Paths, clock);

    /// <summary>To whom the volume is given; null if there is no process that does it, and none is left to be ended.</summary>
    /// <param name="links">Where the connection is told, for those who look after the volume's layers.</param>
    /// <param name="changed">Called when the process has ended.</param>
    internal async Task<ExportSight?> FindAsync(DesiredVolume volume, uint user, GuestLinks links, Action<string> changed, CancellationToken cancel)
    {
        if (ExportNote.Read(NoteOf(volume.Id)) is not { } note) return null;
        if (!_known.TryGetValue(volume.Id, out var known) || known.Qmp.Ended.IsCompleted)
        {
            await DropAsync(volume.Id, links);
            if (AliveOf(volume.Id, note).Count == 0) return note.Sight.IsOf(volume) ? null : note.Sight;
            if (await ConnectAsync(volume.Id, user, links, changed, cancel) && note.Sight.IsOf(volume)) await MendAsync(_known[volume.Id].Qmp, volume.Id, cancel);
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
        if (volume.Export is not { Protocol: VolumeProtocols.Nbd, Key.Length: > 0 }) throw new HypervisorException("export-refused", $"The servers have not told this host how the volume {id} is to be given to another one, or with which key.", null);
        DurableFiles.MakeDirectory(_paths.Exports, AgentModes.PrivateDirectory);
        DurableFiles.MakeDirectory(_paths.RunRoot, AgentModes.Passable);
        DurableFiles.MakeDirectory(_paths.ExportProcesses, AgentModes.Passable);
        if (Directory.Exists(PlaceOf(id))) Directory.Delete(PlaceOf(id), recursive: true);
        DurableFiles.MakeDirectory(PlaceOf(id), AgentModes.Passable);
        DurableFiles.MakeDirectory(SocketsOf(id), AgentModes.PrivateDirectory);
        DurableFiles.Own(SocketsOf(id), user);
        var keys = Path.Combine(PlaceOf(id), ExportCommand.KeyFile);
        DurableFiles.Write(keys, Encoding.ASCII.GetBytes(ExportCommand.KeyText(volume.Export.Key)), AgentModes.PrivateFile);
        DurableFiles.Own(keys, user);
        using var listener = ExportSocket.Open(options, id, ExportNote.Read(NoteOf(id))?.Port ?? 0);
        var note = new ExportNote(volume.Export.InstanceId, volume.Export.Incarnation, ((IPEndPoint)listener.LocalEndPoint!).Port, 0, default);
        note.Write(NoteOf(id));
        using var key = LayerKey.Of(volume, user);
        var started = await commands.StartAsync(QemuCommand.Program, ExportCommand.Build(drive with { KeyFile = key.Path }, user, (int)listener.Handle, PlaceOf(id), SocketOf(id)), [(int)listener.Handle, .. key.Descriptors], cancel);
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
        (note with { ProcessId = process, StartedAt = Processes.StartedAt(process) ?? default }).Write(NoteOf(id));
    }

    private static HypervisorException Failed(DesiredVolume volume, string words) =>
        LayerKey.IsRefused(words) ? LayerKey.Wrong(volume.Id, null)
            : words.Contains("\" lock", StringComparison.Ordinal) ? new HypervisorException("volume-in-use", $"Another process still has the volume {volume.Id} open; it is tried again.", null)
            : words.Contains($"failed to execute {ExportCommand.Program}", StringComparison.Ordinal) ? new HypervisorException("export-missing", $"The program {ExportCommand.Program}, which gives volumes to other hosts, is not installed on the host.", null)
            : new HypervisorException("export-failed", $"The volume {volume.Id} cannot be given to another host: {(words.Length > 500 ? words[^500..] : words)}", null);

    /// <summary>Lets the volume grow. Whom it is given to is asked to come back for that, since the size of what it was given is fixed.</summary>
    internal async Task GrowAsync(DesiredVolume volume, GuestLinks links, CancellationToken cancel)
    {
        if (links.With(volume.Id) is not { Qmp: var qmp }) throw new HypervisorException("volume-busy", $"The process that gives the volume {volume.Id} to another host does not answer; it grows when that does.", null);
        await GuestLayers.CancelAsync(qmp, volume.Id, clock, cancel);
        var (top, wanted) = (DriveParts.Throttle + volume.Id, volume.SizeGib * VolumeSizes.Gib);
        try
        {
            await QemuDrives.SendAsync(qmp, "block-export-del", new() { ["id"] = volume.Id, ["mode"] = "hard" }, cancel);
        }
        catch (QmpRefusedException e) when (e.Words.Contains("not found", StringComparison.Ordinal))
        {
            // An agent that was killed came so far.
        }
        await WaitForEndAsync(qmp, volume, cancel);
        try
        {
            if ((await QemuDrives.NodesAsync(qmp, cancel)).Any(node => node.Name == top && node.Size < wanted)) await QemuDrives.SendAsync(qmp, "block_resize", new() { ["node-name"] = top, ["size"] = wanted }, cancel);
        }
        finally
        {
            // Also of a store that is full.
            await ExportAsync(qmp, volume.Id, CancellationToken.None);
        }
    }

    private async Task WaitForEndAsync(QmpClient qmp, DesiredVolume volume, CancellationToken cancel)
    {
        var since = clock.GetTimestamp();
        while (await IsExportedAsync(qmp, volume.Id, cancel))
        {
            if (clock.GetElapsedTime(since) > QuitLimit) throw new HypervisorException("volume-busy", $"The volume {volume.Id} is being written to by whom it is given to; it grows after that.", null);
            await Task.Delay(TimeSpan.FromMilliseconds(10), clock, cancel);
        }
    }

    private static async Task<bool> IsExportedAsync(QmpClient qmp, string volumeId, CancellationToken cancel) =>
        (await qmp.ExecuteAsync("query-block-exports", null, cancel)).EnumerateArray().Any(export => export.GetProperty("id").GetString() == volumeId);

    private static Task ExportAsync(QmpClient qmp, string volumeId, CancellationToken cancel) => qmp.ExecuteAsync("block-export-add", writer =>
    {
        foreach (var (name, value) in ExportCommand.ExportOf(volumeId))
            if (value == "on") writer.WriteBoolean(name, true);
            else writer.WriteString(name, value);
    }, cancel);

    /// <summary>Gives the volume again if an agent that let it grow was killed before it had done so.</summary>
    private static async Task MendAsync(QmpClient qmp, string volumeId, CancellationToken cancel)
    {
        if (!await IsExportedAsync(qmp, volumeId, cancel)) await ExportAsync(qmp, volumeId, cancel);
    }

    /// <summary>Ends the process, and waits until it has ended.</summary>
    internal async Task EndAsync(string volumeId, GuestLinks links, CancellationToken cancel)
    {
        if (ExportNote.Read(NoteOf(volumeId)) is not { } note) return;
        var alive = AliveOf(volumeId, note);
        if (_known.TryGetValue(volumeId, out var known))
        {
            alive.Add(known.Process);
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
        }
        foreach (var process in alive.Where(Processes.IsAlive)) Processes.Signal(process, Libc.SignalKill);
        foreach (var process in alive)
            if (!await Processes.WaitForEndAsync(process, KillLimit, clock, cancel)) throw new HypervisorException("kill-failed", $"The process {process}, which gives the volume {volumeId} to another host, could not be ended within 10 s.", null);
        await DropAsync(volumeId, links);
        if (Directory.Exists(PlaceOf(volumeId))) Directory.Delete(PlaceOf(volumeId), recursive: true);
    }

    /// <summary>Forgets a process that has ended, and at which port it was.</summary>
    internal void Forget(string volumeId)
    {
        if (!File.Exists(NoteOf(volumeId))) return;
        File.Delete(NoteOf(volumeId));
        DurableFiles.FlushDirectory(_paths.Exports);
    }

    /// <summary>Processes of the volume that live: that which was noted, and any that was started before it could be.</summary>
    private HashSet<int> AliveOf(string volumeId, ExportNote note)
    {
        if (note.Process is { } process) return [process];
        var mark = $"path={QemuCommand.Escape(SocketOf(volumeId))},";
        return [.. Processes.All().Where(one => Path.GetFileName(one.Arguments[0]) is ExportCommand.Program or QemuCommand.Program or "setsid" && one.Arguments.Any(argument => argument.Contains(mark, StringComparison.Ordinal))).Select(one => one.Id)];
    }

    private async Task DropAsync(string volumeId, GuestLinks links)
    {
        if (!_known.TryRemove(volumeId, out var known)) return;
        links.Remove(volumeId);
        await known.Qmp.DisposeAsync();
    }

    private string NoteOf(string volumeId) => Path.Combine(_paths.Exports, volumeId + ".json");

    private string PlaceOf(string volumeId) => Path.Combine(_paths.ExportProcesses, volumeId);

    private string SocketsOf(string volumeId) => Path.Combine(PlaceOf(volumeId), "q");

    private string SocketOf(string volumeId) => Path.Combine(SocketsOf(volumeId), "qmp");

    /// <summary>Lets go of the processes; they run on.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var known in _known.Values) await known.Qmp.DisposeAsync();
        _known.Clear();
    }
}
