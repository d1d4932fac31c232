using Kumoi.Agent.Instances;
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

    public string? Storage => null;

    public void Watch(Action<string> changed) => host.GuestChanged = changed;

    public IReadOnlyList<string> List() => [.. host.Guests.Keys];

    public async Task<GuestSight> ObserveAsync(string id, CancellationToken cancel)
    {
        if (cloud.Dice.OneIn(4)) await Task.Yield();
        var guest = host.Guests.GetValueOrDefault(id);
        return new GuestSight(guest is { Disk: true }, guest is not null, false, guest?.Process);
    }

    public Task MakeDiskAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel) =>
        StepAsync("makes the disk of", instance.Id, () => Find(instance.Id).Disk = true, cancel);

    public Task StartAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel) => StepAsync("starts", instance.Id, () =>
    {
        var guest = host.Guests.GetValueOrDefault(instance.Id);
        if (guest is not { Disk: true }) throw new HypervisorException("no-disk", "The disk is missing.", null);
        // Repeated after it was cut off, a start finds its own process.
        if (guest.Process is not null) return;
        guest.Process = new GuestProcess(instance.Incarnation, instance.BootEpoch, RunState.Prepared, host.Timepiece.Wall);
        (guest.Generation, guest.Deaf) = (instance.Generation, cloud.Dice.PerMille(cloud.Faults.DeafGuests));
    }, cancel);

    public Task ResumeAsync(string id, CancellationToken cancel) => StepAsync("resumes", id, () =>
    {
        var guest = Running(id);
        guest.Process = guest.Process! with { State = RunState.Running };
    }, cancel);

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

    public Task RemoveAsync(DesiredInstance instance, CancellationToken cancel) => TakeAwayAsync("removes", instance.Id, cancel);

    public Task DiscardAsync(string id, CancellationToken cancel) => TakeAwayAsync("discards", id, cancel);

    public Task<IReadOnlyList<string>> CutOffAsync(IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        var ended = ids.Where(id => host.Guests.GetValueOrDefault(id) is { Process: not null }).ToArray();
        foreach (var id in ended)
        {
            cloud.Trace.Note(host.Name, $"cuts off {id}");
            host.Guests[id].Process = null;
            host.Changed(id);
        }
        return Task.FromResult<IReadOnlyList<string>>(ended);
    }

    private Task TakeAwayAsync(string step, string id, CancellationToken cancel) => StepAsync(step, id, () =>
    {
        if (!host.Guests.TryGetValue(id, out var guest)) return;
        cloud.Checks.BeforeRemove(host, id, guest);
        host.Guests.Remove(id);
    }, cancel);

    public IReadOnlyCollection<string> ImagesInUse() => [];

    public Task<Stream> OpenSerialAsync(string id, CancellationToken cancel) => throw new NotSupportedException("Consoles are not part of the model.");

    public Task<Stream> OpenScreenAsync(string id, CancellationToken cancel) => throw new NotSupportedException("Consoles are not part of the model.");

    public byte[] ReadConsoleLog(string id, int most) => [];

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

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
