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

/// <summary>Starts of guests' processes: up to where they stand still, looked at.</summary>
public sealed partial class QemuHypervisor
{
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
            _groups.Enter(instance.Id, guest.ProcessId, instance.Vcpus, instance.MemoryMib * 1024L * 1024 + OverheadBytes);
            // Before the guest's first instruction the directory is taken from its process: whatever that becomes, it cannot put a socket
            // or link of its own where the agent will connect. Last, since it says that the process is ready to be resumed.
            DurableFiles.Own(sockets, 0);
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

    private async Task<uint?> KvmGroupAsync(CancellationToken cancel)
    {
        if (_accelerator != "kvm") return null;
        return _kvmGroup ??= uint.Parse(await _commands.RunAsync("stat", ["-c", "%g", "/dev/kvm"], cancel), CultureInfo.InvariantCulture);
    }
}
