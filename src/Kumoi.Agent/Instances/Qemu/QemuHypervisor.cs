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
public sealed class QemuHypervisor : IHypervisor
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
            _volumes.Guests.Note(id, [.. (process?.Drives ?? []).Where(drive => !drive.Remote).Select(drive => drive.Id)]);
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

    public async Task StartAsync(DesiredInstance instance, DesiredImage image, IReadOnlyList<CardIntent> cards, IReadOnlyList<DriveIntent> drives, DesiredImage? cd, CancellationToken cancel)
    {
        await _processes.EndAsync(instance.Id, cancel);
        DurableFiles.MakeDirectory(_paths.Instance(instance.Id), AgentModes.Passable);
        var user = _users.Assign(instance.Id);
        var sockets = _paths.Sockets(instance.Id);
        if (Directory.Exists(sockets)) Directory.Delete(sockets, recursive: true);
        DurableFiles.MakeDirectory(sockets, AgentModes.PrivateDirectory);
        DurableFiles.Own(sockets, user);
        if (!File.Exists(_paths.ConsoleLog(instance.Id))) DurableFiles.Write(_paths.ConsoleLog(instance.Id), [], AgentModes.PrivateFile);
        DurableFiles.Own(_paths.ConsoleLog(instance.Id), user);
        if (!instance.RootVolume) await _disks.OpenAsync(instance, image, user, cancel);
        var machine = await MachineAsync(instance, cd, user, cancel);
        var files = new List<(DesiredVolume Volume, OpenedVolume Opened)>();
        var (opened, keys) = (new List<QemuDrive>(), new List<LayerKey>());
        QemuGuest guest;
        try
        {
            foreach (var (volume, below) in drives)
                if (volume.Remote is not null) opened.Add(await _remote.OpenAsync(volume, user, cancel));
                else
                {
                    files.Add((volume, await _volumes.OpenAsync(volume, below, user, cancel)));
                    keys.Add(files[^1].Opened.Block is { } block ? LayerKey.OfPlace(block.Secret, user) : LayerKey.Of(volume, user));
                    opened.Add(_volumes.DriveOf(volume, below, files[^1].Opened) with { KeyFile = keys[^1].Path });
                }
            guest = await StartAsync(instance, image, cards, opened, keys, machine, user, cancel);
        }
        finally
        {
            // By now the process has read them; what it has open of them is empty from here on.
            foreach (var key in keys) key.Dispose();
            _remote.Forget(drives.Select(drive => drive.Volume));
        }
        _volumes.Guests.Note(instance.Id, [.. files.Select(one => one.Volume.Id)]);
        try
        {
            await CheckHeldAsync(instance, files, cancel);
            // Before the guest's first instruction the directory is taken from its process: whatever that becomes, it cannot put a socket
            // or link of its own where the agent will connect.
            DurableFiles.Own(sockets, 0);
            _groups.Enter(instance.Id, guest.ProcessId, instance.Vcpus, instance.MemoryMib * 1024L * 1024 + OverheadBytes);
        }
        catch
        {
            // A process that stands still is resumed by the next plan: one that could not be looked at to the end is not left.
            await KillAsync(instance.Id, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Now that QEMU has the disks locked, nobody else has them open: whether they were granted to another host, or changed, after they were asked for.</summary>
    private async Task CheckHeldAsync(DesiredInstance instance, IReadOnlyList<(DesiredVolume Volume, OpenedVolume Opened)> files, CancellationToken cancel)
    {
        if (!instance.RootVolume && !_disks.IsHeld(instance)) throw StoreDirectory.Fenced(instance.Incarnation);
        foreach (var (volume, _) in files)
            if (!await _volumes.IsHeldAsync(volume, cancel)) throw StoreDirectory.Fenced(volume.Incarnation);
        foreach (var (volume, was) in files)
            if (!await _volumes.IsAsOpenedAsync(volume, was, cancel)) throw DirectoryVolumes.Changed(volume);
    }

    /// <summary>Starts the process, and waits until it answers.</summary>
    private async Task<QemuGuest> StartAsync(
        DesiredInstance instance, DesiredImage image, IReadOnlyList<CardIntent> cards, IReadOnlyList<QemuDrive> opened, IReadOnlyList<LayerKey> keys, QemuMachine machine, uint user, CancellationToken cancel)
    {
        StartedProcess started;
        var taps = new List<SafeFileHandle>();
        try
        {
            foreach (var card in cards) taps.Add(await OpenTapAsync(card.Interface));
            int[] descriptors = [.. taps.Select(tap => (int)tap.DangerousGetHandle())];
            var arguments = QemuCommand.Build(
                instance, new QemuSetting(_paths, _accelerator, user, await KvmGroupAsync(cancel), instance.RootVolume ? null : new QemuRoot(_images.PathOf(image), image.Format), [.. cards.Zip(descriptors, (card, tap) => new QemuCard(card, tap))], opened) { Machine = machine });
            started = await _commands.StartAsync(QemuCommand.Program, arguments, [.. descriptors, .. keys.SelectMany(key => key.Descriptors)], cancel);
        }
        finally
        {
            foreach (var tap in taps) tap.Dispose();
        }
        return await ReachAsync(instance.Id, started, opened, cancel);
    }

    private async Task<QemuMachine> MachineAsync(DesiredInstance instance, DesiredImage? cd, uint user, CancellationToken cancel)
    {
        QemuFirmware? firmware = null;
        if (instance.Machine?.Firmware == ImageFirmware.Uefi)
        {
            var files = FirmwareFiles.Need();
            firmware = new QemuFirmware(files.Code, await _disks.OpenVariablesAsync(instance, files, user, cancel));
        }
        return new QemuMachine(instance.Machine?.DeviceModel == ImageDevices.Emulated, firmware, cd is null ? null : (cd.Id, _images.PathOf(cd)));
    }

    private Task<SafeFileHandle> OpenTapAsync(DesiredInterface wanted) =>
        TapDevices.OpenAsync(ObjectNames.Namespace(_options.Tag, wanted.NetworkId), ObjectNames.Tap(wanted.Id));

    public async Task PlugAsync(string id, CardIntent card, CancellationToken cancel) =>
        await (await NeedAsync(id, cancel)).PlugAsync(card, () => OpenTapAsync(card.Interface), cancel);

    public async Task UnplugAsync(string id, string card, CancellationToken cancel) => await (await NeedAsync(id, cancel)).UnplugAsync(card, cancel);

    public async Task PlugDriveAsync(string id, DriveIntent drive, CancellationToken cancel)
    {
        var guest = await NeedAsync(id, cancel);
        if (drive.Volume.Remote is not null)
        {
            try
            {
                await guest.PlugAsync(await _remote.OpenAsync(drive.Volume, _users.Assign(id), cancel), () => Task.FromResult(true), _clock, cancel);
            }
            finally
            {
                _remote.Forget([drive.Volume]);
            }
            return;
        }
        var opened = await _volumes.OpenAsync(drive.Volume, drive.Image, _users.Assign(id), cancel);
        using var mine = await _volumes.GateAsync(drive.Volume.Id, cancel);
        if (!await _volumes.IsAsOpenedAsync(drive.Volume, opened, cancel)) throw DirectoryVolumes.Changed(drive.Volume);
        await guest.PlugAsync(_volumes.DriveOf(drive.Volume, drive.Image, opened), async () => await _volumes.IsHeldAsync(drive.Volume, cancel) && (opened.Block is null || await _volumes.IsAsOpenedAsync(drive.Volume, opened, cancel)), _clock, cancel);
    }

    public async Task UnplugDriveAsync(string id, string volumeId, CancellationToken cancel)
    {
        var guest = await NeedAsync(id, cancel);
        using var mine = await _volumes.GateAsync(volumeId, cancel);
        await guest.UnplugDriveAsync(volumeId, _clock, cancel);
    }

    public async Task AdjustDriveAsync(string id, DesiredVolume volume, CancellationToken cancel)
    {
        var guest = await NeedAsync(id, cancel);
        if (volume.Remote is null) await _volumes.GrowForGuestAsync(volume, cancel);
        using var mine = await _volumes.GateAsync(volume.Id, cancel);
        // The layer that is got ready for the time after a snapshot is as large as the one that is written now.
        if (volume.Remote is null && await _volumes.IsBetweenAsync(volume, guest.Qmp, cancel)) throw new HypervisorException("volume-busy", $"A snapshot of the volume {volume.Id} is being taken; it is changed after that.", null);
        await guest.AdjustAsync(volume, _clock, cancel);
    }

    /// <summary>Waits until the process answers: then all its devices and sockets are there.</summary>
    private async Task<QemuGuest> ReachAsync(string id, StartedProcess started, IReadOnlyList<QemuDrive> drives, CancellationToken cancel)
    {
        var since = _clock.GetTimestamp();
        while (_clock.GetElapsedTime(since) < StartLimit)
        {
            if (started.Ended.IsCompleted) throw Ended(started.LastWords, drives);
            try
            {
                if (await FindAsync(id, cancel) is { } guest) return guest;
            }
            catch (QmpException)
            {
                // It listened, and ended before it spoke; why, it has said on its standard error.
                await Task.WhenAny(started.Ended, Task.Delay(TimeSpan.FromSeconds(1), _clock, cancel));
                continue;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(5), _clock, cancel);
        }
        Processes.Signal(started.Id, Libc.SignalKill);
        throw new HypervisorException("start-failed", "QEMU did not answer within 30 s of its start.", null);
    }

    private static HypervisorException Ended(string words, IReadOnlyList<QemuDrive> drives)
    {
        var locked = words.Contains("Failed to get \"write\" lock", StringComparison.Ordinal);
        if (locked && drives.FirstOrDefault(drive => drive.KeyDirectory is null && words.Contains(drive.File, StringComparison.Ordinal)) is { Volume: var volume })
            return new HypervisorException("volume-in-use", $"Another process still has the volume {volume.Id} open; it is tried again.", null);
        if (LayerKey.IsRefused(words)) return LayerKey.Wrong(drives.FirstOrDefault(drive => words.Contains(DriveParts.Key + drive.Volume.Id, StringComparison.Ordinal))?.Volume.Id, null);
        if (locked)
            return new HypervisorException("disk-in-use", "The former host still has the disk: its guest has not ended there. It is tried again.", null);
        if (words.Contains($"failed to execute {QemuCommand.Emulator}", StringComparison.Ordinal))
            return new HypervisorException("qemu-missing", $"The program {QemuCommand.Emulator} is not installed on the host.", null);
        if (drives.FirstOrDefault(drive => drive.KeyDirectory is not null && words.Contains($"\"{DriveParts.Network}{drive.Volume.Id}\"", StringComparison.Ordinal)) is { Volume: var away })
            return new HypervisorException("volume-unreachable", $"The volume {away.Id} cannot be had from the host that has it; it is tried again: {(words.Length > 200 ? words[^200..] : words)}", null);
        return new HypervisorException("start-failed", $"QEMU did not start: {(words.Length > 500 ? words[^500..] : words)}", null);
    }

    public async Task ChangeCdAsync(string id, DesiredImage? image, bool force, CancellationToken cancel) =>
        await (await NeedAsync(id, cancel)).ChangeCdAsync(image, _images.PathOf, force, cancel);

    public async Task ResumeAsync(string id, CancellationToken cancel)
    {
        var guest = await NeedAsync(id, cancel);
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

    private async Task<uint?> KvmGroupAsync(CancellationToken cancel)
    {
        if (_accelerator != "kvm") return null;
        return _kvmGroup ??= uint.Parse(await _commands.RunAsync("stat", ["-c", "%g", "/dev/kvm"], cancel), CultureInfo.InvariantCulture);
    }

    /// <summary>Lets go of the guests; they run on.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var (id, guest) in _guests) await DropAsync(id, guest);
    }
}
