using Kumoi.Agent.Instances;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>
/// A hypervisor whose every step may be slow, may fail before or after it took effect, and may be cut off at either side by the end of the
/// agent. What it does to the machine is told to the checks first.
/// </summary>
internal sealed class ModelHypervisor(Cloud cloud, ModelHost host, Node node) : IHypervisor
{
    private static readonly TimeSpan ShutdownMost = TimeSpan.FromSeconds(8);

    public bool UsesImages => false;

    public string? Storage => host.Shared?.Id;

    public void Watch(Action<string> changed) => host.GuestChanged = changed;

    public IReadOnlyList<string> List() => [.. host.Guests.Keys];

    public async Task<GuestSight> ObserveAsync(string id, CancellationToken cancel)
    {
        if (cloud.Dice.OneIn(4)) await Task.Yield();
        var guest = host.Guests.GetValueOrDefault(id);
        return new GuestSight(host.HasDisk(id), guest is not null, host.Shared is not null && host.HasDisk(id), guest?.Process);
    }

    public Task MakeDiskAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel) =>
        StepAsync("makes the disk of", instance.Id, () =>
    {
        Take(instance);
        var guest = Find(instance.Id);
        if (host.Shared is { } shared) shared.Disks.Add(instance.Id);
        else guest.Disk = true;
    }, cancel);

    public Task StartAsync(DesiredInstance instance, DesiredImage image, IReadOnlyList<CardIntent> cards, IReadOnlyList<DriveIntent> drives, DesiredImage? cd, CancellationToken cancel) => StepAsync("starts", instance.Id, () =>
    {
        Take(instance);
        if (!host.HasDisk(instance.Id)) throw new HypervisorException("no-disk", "The disk is missing.", null);
        var guest = Find(instance.Id);
        // Repeated after it was cut off, a start finds its own process.
        if (guest.Process is not null) return;
        if (host.Shared is not null && cloud.Hosts.Any(other => other.Guests.GetValueOrDefault(instance.Id)?.Process is not null))
            throw new HypervisorException("disk-in-use", "Another host has the disk.", null);
        guest.Process = new GuestProcess(instance.Incarnation, instance.BootEpoch, RunState.Prepared, host.Timepiece.Wall, [.. cards.Select(card => new GuestCard(card.Interface.Id, true, true))], [.. drives.Select(drive => Open(guest, drive.Volume))]) { Cd = new GuestCd(cd?.Id, false, false) };
        (guest.Generation, guest.Deaf) = (instance.Generation, cloud.Dice.PerMille(cloud.Faults.DeafGuests));
    }, cancel);

    public Task ResumeAsync(string id, CancellationToken cancel) => StepAsync("resumes", id, () =>
    {
        var guest = Running(id);
        guest.Process = guest.Process! with { State = RunState.Running };
    }, cancel);

    public Task PlugAsync(string id, CardIntent card, CancellationToken cancel) => StepAsync("plugs a card into", id, () =>
    {
        var guest = Running(id);
        guest.Process = guest.Process! with { Cards = [.. guest.Process.Cards!.Where(present => present.Id != card.Interface.Id), new GuestCard(card.Interface.Id, true, true)] };
    }, cancel);

    public Task UnplugAsync(string id, string card, CancellationToken cancel) => StepAsync("takes a card from", id, () =>
    {
        var guest = Running(id);
        guest.Process = guest.Process! with { Cards = [.. guest.Process.Cards!.Where(present => present.Id != card)] };
    }, cancel);

    public Task PlugDriveAsync(string id, DriveIntent drive, CancellationToken cancel) => StepAsync("plugs a volume into", id, () =>
    {
        var guest = Running(id);
        if (guest.Process!.Drives!.All(present => present.Id != drive.Volume.Id)) guest.Process = guest.Process with { Drives = [.. guest.Process.Drives!, Open(guest, drive.Volume)] };
    }, cancel);

    public Task UnplugDriveAsync(string id, string volumeId, CancellationToken cancel) => StepAsync("takes a volume from", id, () =>
    {
        var guest = Running(id);
        guest.Process = guest.Process! with { Drives = [.. guest.Process.Drives!.Where(present => present.Id != volumeId)] };
    }, cancel);

    public Task AdjustDriveAsync(string id, DesiredVolume volume, CancellationToken cancel) => StepAsync("changes a volume of", id, () =>
    {
        var guest = Running(id);
        var keeper = KeeperOf(guest, volume);
        // One that another host gives has grown there.
        if (keeper == host) host.Volumes[volume.Id] = Math.Max(host.Volumes[volume.Id], volume.SizeGib);
        guest.Process = guest.Process! with { Drives = [.. guest.Process.Drives!.Select(drive => drive.Id == volume.Id ? Drive(keeper, volume) : drive)] };
    }, cancel);

    public Task ChangeCdAsync(string id, DesiredImage? image, bool force, CancellationToken cancel) => StepAsync("changes the CD of", id, () =>
    {
        var guest = Running(id);
        guest.Process = guest.Process! with { Cd = new GuestCd(image?.Id, false, false) };
    }, cancel);

    /// <summary>As QEMU's own lock does, lets one guest have a volume at a time. One that another host gives is that host's to lock.</summary>
    private GuestDrive Open(Guest guest, DesiredVolume volume)
    {
        if (volume.Remote is { } remote) guest.Connections[volume.Id] = (cloud.Hosts.First(other => other.StoreId == volume.Store).Id, remote.Incarnation);
        else if (!host.Volumes.ContainsKey(volume.Id)) throw new HypervisorException("volume-not-ready", "The volume is missing.", null);
        else if (host.HasOpen(volume.Id) || host.Exports.ContainsKey(volume.Id)) throw new HypervisorException("volume-in-use", "Another guest has the volume.", null);
        return Drive(KeeperOf(guest, volume), volume);
    }

    private ModelHost KeeperOf(Guest guest, DesiredVolume volume) => volume.Remote is null ? host
        : guest.Connected(cloud, host, volume.Id) ?? throw new HypervisorException("volume-away", "The host that has the volume does not give it.", null);

    private static GuestDrive Drive(ModelHost keeper, DesiredVolume volume) => new(volume.Id, true, true, keeper.Volumes[volume.Id] * VolumeSizes.Gib, volume.Limits, volume.Remote is not null);

    public Task PressPowerButtonAsync(string id, CancellationToken cancel) => StepAsync("presses the button of", id, () =>
    {
        var pressed = Running(id).Process!;
        if (Running(id).Deaf) return;
        cloud.Simulator.After(cloud.Dice.Between(TimeSpan.Zero, ShutdownMost), () =>
        {
            if (host.Guests.GetValueOrDefault(id) is not { Process: { State: RunState.Running } process } guest || process.StartedAt != pressed.StartedAt) return;
            guest.Process = process with { State = RunState.Shutdown };
            host.Changed(id);
        });
    }, cancel);

    public Task KillAsync(string id, CancellationToken cancel) => StepAsync("kills", id, () =>
    {
        if (host.Guests.GetValueOrDefault(id) is not { Process: not null } guest) return;
        cloud.Checks.BeforeKill(host, id, guest);
        guest.Process = null;
    }, cancel);

    public async Task<IReadOnlyList<string>> CutOffAsync(IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        await Task.Yield();
        // A kernel that does not end a process is tried again each second; one in five is more than any does.
        if (cloud.StepFails() && cloud.Dice.OneIn(5)) throw new IOException("It fails before it began.");
        string[] running = [.. ids.Where(id => host.Guests.GetValueOrDefault(id) is { Process: not null })];
        foreach (var id in running)
        {
            cloud.Trace.Note(host.Name, $"cuts off {id}");
            cloud.Checks.BeforeKill(host, id, host.Guests[id]);
            host.Guests[id].Process = null;
            host.Changed(id);
        }
        return running;
    }

    public Task RemoveAsync(DesiredInstance instance, CancellationToken cancel) => StepAsync("removes", instance.Id, () =>
    {
        Take(instance);
        cloud.Checks.BeforeRemove(host, instance.Id);
        host.Guests.Remove(instance.Id);
        host.Shared?.Disks.Remove(instance.Id);
    }, cancel);

    public Task DiscardAsync(string id, CancellationToken cancel) => StepAsync("discards", id, () =>
    {
        cloud.Checks.BeforeDiscard(host, id);
        host.Guests.Remove(id);
    }, cancel);

    public IReadOnlyCollection<string> ImagesInUse() => [];

    public Task<Stream> OpenSerialAsync(string id, CancellationToken cancel) => throw new NotSupportedException("Consoles are not part of the model.");

    public Task<Stream> OpenScreenAsync(string id, CancellationToken cancel) => throw new NotSupportedException("Consoles are not part of the model.");

    public byte[] ReadConsoleLog(string id, int most) => [];

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>On shared storage a later placement's word counts, whoever asks.</summary>
    private void Take(DesiredInstance instance)
    {
        if (host.Shared is { } shared && !shared.Grant(instance.Id, instance.Incarnation))
            throw new HypervisorException("fenced", "The instance was given to another host.", null);
    }

    private Guest Find(string id) => host.Guests.TryGetValue(id, out var guest) ? guest : host.Guests[id] = new Guest();

    private Guest Running(string id) =>
        host.Guests.GetValueOrDefault(id) is { Process: not null } guest ? guest : throw new HypervisorException("not-running", "The guest's process ended.", null);

    private async Task StepAsync(string step, string id, Action effect, CancellationToken cancel)
    {
        await cloud.DawdleAsync(node, cancel);
        if (cloud.StepFails()) throw new HypervisorException("simulated-fault", "It fails before it began.", null);
        cloud.Trace.Note(host.Name, $"{step} {id}");
        effect();
        host.Changed(id);
        await cloud.DawdleAsync(node, cancel);
        if (cloud.StepFails()) throw new HypervisorException("simulated-fault", "It fails though it was done.", null);
    }
}
