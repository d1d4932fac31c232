using System.Text;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>What a simulated hypervisor does beside working: delays, and faults by step.</summary>
public sealed class SimulatedFaults
{
    /// <summary>Time every step takes.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.Zero;

    /// <summary>Asked before each step with its name and the instance's id; a text makes the step fail with it.</summary>
    public Func<string, string, string?> Fault { get; set; } = (_, _) => null;

    /// <summary>Guests that do not react to the power button.</summary>
    public Func<string, bool> IgnoresButton { get; set; } = _ => false;
}

/// <summary>Guests that exist only on a simulated machine: for tests of scale and faults, and for trying the cloud where QEMU is not wanted.</summary>
public sealed class SimulatedHypervisor(SimulatedMachine machine, SimulatedFaults faults, TimeProvider clock) : IHypervisor
{
    private Action<string> _changed = _ => { };

    public bool UsesImages => false;

    public void Watch(Action<string> changed) => _changed = changed;

    public IReadOnlyList<string> List() => machine.List();

    public Task<GuestSight> ObserveAsync(string id, CancellationToken cancel)
    {
        var guest = machine.Find(id);
        var process = guest?.StartedAt is { } startedAt ? new GuestProcess(guest.Incarnation, guest.BootEpoch, guest.State, startedAt) : null;
        return Task.FromResult(new GuestSight(guest is not null, guest is not null, process));
    }

    public Task MakeDiskAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel) =>
        StepAsync("MakeDisk", instance.Id, guest => guest ?? new SimulatedGuest(0, 0, RunState.Unknown, null, []), cancel);

    public Task StartAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel) =>
        StepAsync("Start", instance.Id, guest => new SimulatedGuest(
            instance.Incarnation, instance.BootEpoch, RunState.Prepared, clock.GetUtcNow(),
            [.. guest?.Log ?? [], .. Encoding.UTF8.GetBytes($"{instance.Hostname}: booted for epoch {instance.BootEpoch}\r\n")]), cancel);

    public Task ResumeAsync(string id, CancellationToken cancel) => StepAsync("Resume", id, guest => guest! with { State = RunState.Running }, cancel);

    public async Task PressPowerButtonAsync(string id, CancellationToken cancel)
    {
        await StepAsync("PressPowerButton", id, guest => faults.IgnoresButton(id) ? guest : guest! with { State = RunState.Shutdown }, cancel);
        _changed(id);
    }

    public Task KillAsync(string id, CancellationToken cancel) =>
        StepAsync("Kill", id, guest => guest is null ? null : guest with { StartedAt = null, State = RunState.Unknown }, cancel);

    public Task<IReadOnlyList<string>> CutOffAsync(IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        var running = ids.Where(id => machine.Find(id) is { StartedAt: not null }).ToArray();
        foreach (var id in running) Crash(id);
        return Task.FromResult<IReadOnlyList<string>>(running);
    }

    public Task RemoveAsync(string id, CancellationToken cancel) => StepAsync("Remove", id, _ => null, cancel);

    public IReadOnlyCollection<string> ImagesInUse() => [];

    /// <summary>Loses a guest's process, as a crash would.</summary>
    public void Crash(string id)
    {
        if (machine.Find(id) is { } guest) machine.Keep(id, guest with { StartedAt = null, State = RunState.Unknown });
        _changed(id);
    }

    public Task<Stream> OpenSerialAsync(string id, CancellationToken cancel) =>
        Task.FromException<Stream>(new HypervisorException("not-supported", "A simulated guest has no serial line.", null));

    public Task<Stream> OpenScreenAsync(string id, CancellationToken cancel) =>
        Task.FromException<Stream>(new HypervisorException("not-supported", "A simulated guest has no screen.", null));

    public byte[] ReadConsoleLog(string id, int most) => machine.Find(id) is { } guest ? guest.Log[^Math.Min(most, guest.Log.Length)..] : [];

    private async Task StepAsync(string step, string id, Func<SimulatedGuest?, SimulatedGuest?> change, CancellationToken cancel)
    {
        if (faults.Delay > TimeSpan.Zero) await Task.Delay(faults.Delay, clock, cancel);
        if (faults.Fault(step, id) is { } fault) throw new HypervisorException("simulated-fault", fault, null);
        var known = machine.Find(id);
        if (known?.StartedAt is null && (step is "Resume" or "PressPowerButton"))
            throw new HypervisorException("not-running", "The guest's process ended.", null);
        machine.Keep(id, change(known));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
