using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Kumoi.Agent.Images;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>Guests as QEMU processes, spoken to by QMP. They outlive the agent and are adopted again by what they say of themselves.</summary>
public sealed partial class QemuHypervisor : IHypervisor
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    /// <summary>Memory of the emulator beside the guest's: devices, screen, and TCG's translated code.</summary>
    private const long OverheadBytes = 640L * 1024 * 1024;

    private readonly AgentOptions _options;
    private readonly AgentPaths _paths;
    private readonly Commands _commands;
    private readonly TimeProvider _clock;
    private readonly string _accelerator;
    private readonly GuestUsers _users;
    private readonly GuestProcesses _processes;
    private readonly QemuDisks _disks;
    private readonly Cgroups _groups;
    private readonly ImageCache _images;
    private readonly IGuestVolumes _volumes;
    private readonly RemoteVolumes _remote;
    private readonly GuestFreeze _freeze;
    private readonly ConcurrentDictionary<string, QemuGuest> _guests = new();
    private readonly ConcurrentDictionary<string, long> _trimmed = new();
    private Action<string> _changed = _ => { };
    private uint? _kvmGroup;

    public QemuHypervisor(AgentOptions options, string accelerator, StoreDirectory? shared, ImageCache images, IGuestVolumes volumes, Commands commands, TimeProvider clock)
    {
        (_options, _paths, _accelerator, _images, _volumes, _commands, _clock) = (options, options.Paths, accelerator, images, volumes, commands, clock);
        _processes = new GuestProcesses(_paths, clock);
        _remote = new RemoteVolumes(_paths, clock);
        _freeze = new GuestFreeze(_paths, clock);
        _users = new GuestUsers(_paths, options.Tag);
        _disks = new QemuDisks(_paths, shared, commands);
        Storage = shared?.Id;
        _groups = new Cgroups($"kumoi-{options.Tag}");
        DurableFiles.MakeDirectory(_paths.Instances, AgentModes.Passable);
        DurableFiles.MakeDirectory(_paths.RunRoot, AgentModes.Passable);
        DurableFiles.MakeDirectory(_paths.Guests, AgentModes.Passable);
    }

    public bool UsesImages => true;

    public string? Storage { get; }

    public void Watch(Action<string> changed) => _changed = changed;

    public IReadOnlyList<string> List() =>
        [.. new[] { _paths.Instances, _paths.Guests }.Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories)
            .Select(path => Path.GetFileName(path)).Where(ObjectNames.IsId).Distinct()];

    public async Task<GuestSight> ObserveAsync(string id, CancellationToken cancel)
    {
        GuestProcess? process;
        try
        {
            var guest = await FindAsync(id, cancel);
            process = guest is null ? null : await ObserveAsync(id, guest, cancel);
            if (process is null)
            {
                _freeze.Forget(id);
                await _freeze.Pauses.MendAsync(id, null, cancel);
            }
            else
            {
                if (await MendAsync(id, guest!, cancel)) process = process with { State = RunState.Running };
                if (_freeze.IsLeft(id)) await _freeze.ThawAsync(id, cancel);
            }
            _volumes.Guests.Note(id, [.. (process?.Drives ?? []).Where(drive => !drive.Remote).Select(drive => drive.Id)], guest is null ? [] : OpenVolumes.Of(guest.ProcessId));
        }
        catch (QmpException)
        {
            process = _processes.FindSilent(id);
        }
        if (process is not null) _trimmed[id] = ConsoleLogs.Trim(_paths.ConsoleLog(id), _trimmed.GetValueOrDefault(id));
        var traces = Directory.Exists(_paths.Instance(id)) || Directory.Exists(_paths.Sockets(id));
        return new GuestSight(_disks.Ready(id), traces, _disks.OnShared(id), process);
    }

    /// <summary>Lets a guest go on that was held for a snapshot; true if it is held for one now, and would run.</summary>
    private async Task<bool> MendAsync(string id, QemuGuest guest, CancellationToken cancel)
    {
        if (_freeze.Pauses.IsHeld(id)) return true;
        await _freeze.Pauses.MendAsync(id, guest.Qmp, cancel);
        return false;
    }

    private async Task<GuestProcess?> ObserveAsync(string id, QemuGuest guest, CancellationToken cancel)
    {
        try
        {
            return await guest.ObserveAsync(cancel);
        }
        catch (QmpException) when (guest.Ended.IsCompleted)
        {
            await DropAsync(id, guest);
            return null;
        }
    }

    public Task MakeDiskAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel)
    {
        DurableFiles.MakeDirectory(_paths.Instance(instance.Id), AgentModes.Passable);
        return _disks.MakeAsync(instance, image, _images.PathOf(image), _users.Assign(instance.Id), cancel);
    }

    public async Task ChangeCdAsync(string id, DesiredImage? image, bool force, CancellationToken cancel) =>
        await (await NeedAsync(id, cancel)).ChangeCdAsync(image, _images.PathOf, force, cancel);

    public async Task ResumeAsync(string id, CancellationToken cancel)
    {
        var guest = await NeedAsync(id, cancel);
        if (FileStates.UserOf(_paths.Sockets(id)) != 0)
        {
            // The agent that started it was killed before it had looked whether its disks are still this host's: it is started anew.
            await KillAsync(id, cancel);
            return;
        }
        // One that is held for a snapshot goes on when that is taken.
        using var free = await _freeze.Pauses.EnterAsync(id, cancel);
        await guest.ContinueAsync(cancel);
    }

    public async Task PressPowerButtonAsync(string id, CancellationToken cancel) => await (await NeedAsync(id, cancel)).PressPowerButtonAsync(cancel);

    public async Task KillAsync(string id, CancellationToken cancel)
    {
        try
        {
            if (await FindAsync(id, cancel) is { } guest)
            {
                await guest.KillAsync(_clock, cancel);
                await DropAsync(id, guest);
            }
        }
        catch (QmpException)
        {
            // It does not answer; it is found by its command line instead.
        }
        await _processes.EndAsync(id, cancel);
        _groups.Remove(id);
    }

    public Task<IReadOnlyList<string>> CutOffAsync(IReadOnlyCollection<string> ids, CancellationToken cancel) => _processes.CutOffAsync(ids, cancel);

    public async Task RemoveAsync(DesiredInstance instance, CancellationToken cancel)
    {
        // What others can see goes first: while something is left here, it is known that there is something to do.
        if (!instance.RootVolume || _disks.OnShared(instance.Id)) await _disks.RemoveAsync(instance, cancel);
        await DiscardAsync(instance.Id, cancel);
    }

    public Task DiscardAsync(string id, CancellationToken cancel)
    {
        _disks.Discard(id);
        foreach (var path in new[] { _paths.Sockets(id), _paths.Instance(id) })
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        _groups.Remove(id);
        _trimmed.TryRemove(id, out _);
        return Task.CompletedTask;
    }

    public IReadOnlyCollection<string> ImagesInUse() => _disks.ImagesInUse();

    public Task<Stream> OpenSerialAsync(string id, CancellationToken cancel) => OpenAsync(id, "serial", cancel);

    public Task<Stream> OpenScreenAsync(string id, CancellationToken cancel) => OpenAsync(id, "screen", cancel);

    public byte[] ReadConsoleLog(string id, int most) => ConsoleLogs.ReadTail(_paths.ConsoleLog(id), most);

    private async Task<Stream> OpenAsync(string id, string name, CancellationToken cancel)
    {
        var socket = await QemuGuest.ConnectAsync(_paths.Socket(id, name), cancel);
        return socket is null ? throw new HypervisorException("not-running", "The guest does not run.", null) : new NetworkStream(socket, ownsSocket: true);
    }

    private async Task<QemuGuest> NeedAsync(string id, CancellationToken cancel) =>
        await FindAsync(id, cancel) ?? throw new HypervisorException("not-running", "The guest's process ended.", null);

    /// <summary>The guest's process, connected; null if none runs. Called only from the guest's own mailbox, so never twice at a time.</summary>
    private async Task<QemuGuest?> FindAsync(string id, CancellationToken cancel)
    {
        if (_guests.TryGetValue(id, out var known))
        {
            if (!known.Ended.IsCompleted) return known;
            // The socket may close a moment before the process has ended and let go of its disk.
            await Processes.WaitForEndAsync(known.ProcessId, TimeSpan.FromSeconds(2), _clock, cancel);
            await DropAsync(id, known);
        }
        var found = await QemuGuest.FindAsync(_paths, id, _clock, name => Happened(id, name), cancel);
        if (found is null) return null;
        _guests[id] = found;
        _volumes.Guests.Add(id, _users.Assign(id), found.Qmp, _freeze);
        _ = found.Ended.ContinueWith(_ => _changed(id), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return found;
    }

    private void Happened(string id, string name)
    {
        // Work on layers is no matter of the guest's.
        if (name == "JOB_STATUS_CHANGE") _volumes.Guests.Rung(id);
        else if (!name.StartsWith("BLOCK_JOB_", StringComparison.Ordinal)) _changed(id);
    }

    private async Task DropAsync(string id, QemuGuest guest)
    {
        _guests.TryRemove(new KeyValuePair<string, QemuGuest>(id, guest));
        _volumes.Guests.Remove(id);
        await guest.DisposeAsync();
    }

    /// <summary>Lets go of the guests; they run on.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var (id, guest) in _guests) await DropAsync(id, guest);
    }
}
