using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Linux;
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

/// <summary>
/// Guests that exist only in memory and a directory of state files, from which an agent that is started again finds them as it finds real ones.
/// For tests of scale and faults, and for trying the cloud where QEMU is not wanted.
/// </summary>
public sealed class SimulatedHypervisor : IHypervisor
{
    private readonly string _directory;
    private readonly SimulatedFaults _faults;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<string, SimulatedGuest> _guests = new();
    private Action<string> _changed = _ => { };

    public SimulatedHypervisor(AgentPaths paths, SimulatedFaults faults, TimeProvider clock)
    {
        (_directory, _faults, _clock) = (Path.Combine(paths.State, "simulated"), faults, clock);
        DurableFiles.MakeDirectory(_directory, AgentModes.PrivateDirectory);
        foreach (var file in Directory.EnumerateFiles(_directory, "*.json"))
            if (JsonSerializer.Deserialize(File.ReadAllBytes(file), SimulatedJson.Default.SimulatedGuest) is { } guest)
                _guests[Path.GetFileNameWithoutExtension(file)] = guest;
    }

    public bool UsesImages => false;

    public void Watch(Action<string> changed) => _changed = changed;

    public IReadOnlyList<string> List() => [.. _guests.Keys];

    public Task<GuestSight> ObserveAsync(string id, CancellationToken cancel)
    {
        var guest = _guests.GetValueOrDefault(id);
        var process = guest?.StartedAt is { } startedAt ? new GuestProcess(guest.Incarnation, guest.BootEpoch, guest.State, startedAt) : null;
        return Task.FromResult(new GuestSight(guest is not null, guest is not null, process));
    }

    public Task MakeDiskAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel) =>
        StepAsync("MakeDisk", instance.Id, guest => guest ?? new SimulatedGuest(0, 0, RunState.Unknown, null, []), cancel);

    public Task StartAsync(DesiredInstance instance, DesiredImage image, CancellationToken cancel) =>
        StepAsync("Start", instance.Id, guest => new SimulatedGuest(
            instance.Incarnation, instance.BootEpoch, RunState.Prepared, _clock.GetUtcNow(),
            [.. guest?.Log ?? [], .. Encoding.UTF8.GetBytes($"{instance.Hostname}: booted for epoch {instance.BootEpoch}\r\n")]), cancel);

    public Task ResumeAsync(string id, CancellationToken cancel) => StepAsync("Resume", id, guest => guest! with { State = RunState.Running }, cancel);

    public async Task PressPowerButtonAsync(string id, CancellationToken cancel)
    {
        await StepAsync("PressPowerButton", id, guest => _faults.IgnoresButton(id) ? guest : guest! with { State = RunState.Shutdown }, cancel);
        _changed(id);
    }

    public Task KillAsync(string id, CancellationToken cancel) =>
        StepAsync("Kill", id, guest => guest is null ? null : guest with { StartedAt = null, State = RunState.Unknown }, cancel);

    public Task RemoveAsync(string id, CancellationToken cancel) => StepAsync("Remove", id, _ => null, cancel);

    public IReadOnlyCollection<string> ImagesInUse() => [];

    /// <summary>Loses a guest's process, as a crash would.</summary>
    public void Crash(string id)
    {
        if (_guests.TryGetValue(id, out var guest)) _guests[id] = guest with { StartedAt = null, State = RunState.Unknown };
        Save(id);
        _changed(id);
    }

    public Task<Stream> OpenSerialAsync(string id, CancellationToken cancel) =>
        Task.FromException<Stream>(new HypervisorException("not-supported", "A simulated guest has no serial line.", null));

    public Task<Stream> OpenScreenAsync(string id, CancellationToken cancel) =>
        Task.FromException<Stream>(new HypervisorException("not-supported", "A simulated guest has no screen.", null));

    public byte[] ReadConsoleLog(string id, int most) => _guests.TryGetValue(id, out var guest) ? guest.Log[^Math.Min(most, guest.Log.Length)..] : [];

    private async Task StepAsync(string step, string id, Func<SimulatedGuest?, SimulatedGuest?> change, CancellationToken cancel)
    {
        if (_faults.Delay > TimeSpan.Zero) await Task.Delay(_faults.Delay, _clock, cancel);
        if (_faults.Fault(step, id) is { } fault) throw new HypervisorException("simulated-fault", fault, null);
        var known = _guests.GetValueOrDefault(id);
        if (known?.StartedAt is null && (step is "Resume" or "PressPowerButton"))
            throw new HypervisorException("not-running", "The guest's process ended.", null);
        if (change(known) is { } next) _guests[id] = next;
        else _guests.TryRemove(id, out _);
        Save(id);
    }

    /// <summary>One file a guest, so that a thousand guests do not write a thousand guests' states at each step.</summary>
    private void Save(string id)
    {
        var file = Path.Combine(_directory, $"{id}.json");
        if (!_guests.TryGetValue(id, out var guest))
        {
            File.Delete(file);
            return;
        }
        File.WriteAllBytes(file + ".tmp", JsonSerializer.SerializeToUtf8Bytes(guest, SimulatedJson.Default.SimulatedGuest));
        File.Move(file + ".tmp", file, overwrite: true);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

internal sealed record SimulatedGuest(int Incarnation, int BootEpoch, RunState State, DateTimeOffset? StartedAt, byte[] Log);

[JsonSerializable(typeof(SimulatedGuest))]
internal sealed partial class SimulatedJson : JsonSerializerContext;
