using System.Text;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>
/// Guests of a machine that exists only in memory. For tests of scale and faults, and for trying the cloud where QEMU is not wanted.
/// </summary>
public sealed class SimulatedHypervisor(SimulatedMachine machine, SimulatedFaults faults, TimeProvider clock) : IHypervisor
{
    public bool UsesImages => false;

    public string? Storage => machine.Storage;

    public void Watch(Action<string> changed) => machine.Watch(changed);

    public IReadOnlyList<string> List() => machine.List();

    public Task<GuestSight> ObserveAsync(string id, CancellationToken cancel) => Task.FromResult(machine.Look(id));

    public async Task MakeDiskAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel)
    {
        if (machine.LacksImage(instance.ImageId)) await WaitAsync("Copy", instance.Id, cancel);
        await StepAsync("MakeDisk", instance.Id, cancel);
        Grant(instance);
        machine.MakeDisk(instance.Id, instance.ImageId);
    }

    public async Task StartAsync(DesiredInstance instance, DesiredImage image, IReadOnlyList<CardIntent> cards, IReadOnlyList<DriveIntent> drives, DesiredImage? cd, CancellationToken cancel)
    {
        await StepAsync("Start", instance.Id, cancel);
        if (!instance.RootVolume)
        {
            if (!machine.Disks.Has(instance.Id)) throw new HypervisorException("no-disk", "The guest has no disk.", null);
            Grant(instance);
        }
        foreach (var drive in drives) Grant(drive.Volume);
        if (!machine.Start(instance, [.. drives.Select(drive => drive.Volume)], cd?.Id)) throw new HypervisorException("disk-in-use", "The former host still has the disk.", null);
    }

    public async Task ResumeAsync(string id, CancellationToken cancel)
    {
        await StepAsync("Resume", id, cancel);
        if (!machine.Resume(id)) throw Ended();
    }

    public async Task PlugAsync(string id, CardIntent card, CancellationToken cancel)
    {
        await StepAsync("Plug", id, cancel);
        if (!machine.Plug(id, card.Interface.Id)) throw Ended();
    }

    public Task UnplugAsync(string id, string card, CancellationToken cancel)
    {
        Fail("Unplug", id);
        if (!faults.KeepsCards(id) && !machine.Unplug(id, card, faults.Time("Unplug", id))) throw Ended();
        return Task.CompletedTask;
    }

    public async Task PlugDriveAsync(string id, DriveIntent drive, CancellationToken cancel)
    {
        await StepAsync("PlugDrive", id, cancel);
        Grant(drive.Volume);
        if (!machine.PlugDrive(id, drive.Volume)) throw new HypervisorException("volume-in-use", "Another guest still has the volume.", null);
    }

    public Task UnplugDriveAsync(string id, string volumeId, CancellationToken cancel)
    {
        Fail("UnplugDrive", id);
        if (!faults.KeepsDisks(id) && !machine.UnplugDrive(id, volumeId, faults.Time("UnplugDrive", id))) throw Ended();
        return Task.CompletedTask;
    }

    public async Task AdjustDriveAsync(string id, DesiredVolume volume, CancellationToken cancel)
    {
        await StepAsync("AdjustDrive", id, cancel);
        if (!machine.AdjustDrive(id, volume)) throw Ended();
    }

    public async Task ChangeCdAsync(string id, DesiredImage? image, bool force, CancellationToken cancel)
    {
        await StepAsync("ChangeCd", id, cancel);
        if (!machine.ChangeCd(id, image?.Id)) throw Ended();
    }

    public Task PressPowerButtonAsync(string id, CancellationToken cancel)
    {
        Fail("PressPowerButton", id);
        if (!faults.IgnoresButton(id) && !machine.ShutDown(id, faults.Time("PressPowerButton", id))) throw Ended();
        return Task.CompletedTask;
    }

    public async Task KillAsync(string id, CancellationToken cancel)
    {
        await StepAsync("Kill", id, cancel);
        machine.End(id, lost: false);
    }

    public async Task RemoveAsync(DesiredInstance instance, CancellationToken cancel)
    {
        await StepAsync("Remove", instance.Id, cancel);
        Grant(instance);
        machine.Disks.Remove(instance.Id);
    }

    public async Task DiscardAsync(string id, CancellationToken cancel)
    {
        await StepAsync("Discard", id, cancel);
        if (machine.Storage is null) machine.Disks.Remove(id);
    }

    public Task<IReadOnlyList<string>> CutOffAsync(IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        var running = machine.Guests.Intersect(ids).ToArray();
        foreach (var id in running) machine.End(id, lost: true);
        return Task.FromResult<IReadOnlyList<string>>(running);
    }

    public IReadOnlyCollection<string> ImagesInUse() => [];

    public Task<Stream> OpenSerialAsync(string id, CancellationToken cancel) =>
        Task.FromException<Stream>(new HypervisorException("not-supported", "A simulated guest has no serial line.", null));

    public Task<Stream> OpenScreenAsync(string id, CancellationToken cancel) =>
        Task.FromException<Stream>(new HypervisorException("not-supported", "A simulated guest has no screen.", null));

    public byte[] ReadConsoleLog(string id, int most)
    {
        var log = Encoding.UTF8.GetBytes(machine.ConsoleLog(id));
        return log[^Math.Min(most, log.Length)..];
    }

    private async Task StepAsync(string step, string id, CancellationToken cancel)
    {
        await WaitAsync(step, id, cancel);
        Fail(step, id);
    }

    private Task WaitAsync(string step, string id, CancellationToken cancel) =>
        faults.Time(step, id) is var time && time > TimeSpan.Zero ? Task.Delay(time, clock, cancel) : Task.CompletedTask;

    private void Fail(string step, string id)
    {
        if (faults.Fault(step, id) is { } fault) throw new HypervisorException("simulated-fault", fault, null);
    }

    private void Grant(DesiredInstance instance)
    {
        if (machine.Storage is not null && !machine.Disks.Grant(instance.Id, instance.Incarnation))
            throw new HypervisorException("fenced", "The instance was given to another host since.", null);
    }

    private void Grant(DesiredVolume volume)
    {
        if (machine.Storage is not null && !machine.Disks.Volumes.Grant(volume.Id, volume.Incarnation))
            throw new HypervisorException("fenced", "The volume was given to another host since.", null);
    }

    private static HypervisorException Ended() => new("not-running", "The guest's process ended.", null);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
