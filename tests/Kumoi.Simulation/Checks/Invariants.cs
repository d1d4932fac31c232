using Kumoi.Agent;
using Kumoi.Agent.Instances;
using Kumoi.Simulation.Model;

namespace Kumoi.Simulation.Checks;

/// <param name="Invariant">Its name, as <c>docs/simulation.md</c> lists it.</param>
internal sealed record Violation(string Invariant, string Detail);

/// <summary>What must be true after every step, of what is really on the machines and of what the records say.</summary>
internal sealed partial class Invariants(Cloud cloud)
{
    private readonly HashSet<(string Id, int Incarnation, int BootEpoch)> _ran = [];
    private readonly Dictionary<(string Id, int Incarnation), long> _observed = [];
    private readonly Dictionary<string, string> _holders = [];
    // Agents that were started or continued look at their lease within seconds; before, they cannot have acted.
    private static readonly TimeSpan TimeToAct = TimeSpan.FromSeconds(15);

    // A host may be suspended for so long.
    private static readonly TimeSpan StillMax = TimeSpan.FromMinutes(2);

    private int _checked = -1;

    /// <summary>The first that was broken; null while all hold.</summary>
    public Violation? Violation { get; private set; }

    public void Violate(string invariant, string detail) => Violation ??= new Violation(invariant, detail);

    /// <summary>True if anything has changed since this was last asked.</summary>
    public bool Changed()
    {
        var version = cloud.Records.Version;
        foreach (var host in cloud.Hosts) version += host.Version;
        if (version == _checked) return false;
        _checked = version;
        return true;
    }

    public void Check()
    {
        if (cloud.Ledger.Wrong is { } wrong) Violate("acknowledged-once", wrong);
        CheckGuests();
        foreach (var row in cloud.Records.Instances.Values) CheckRow(row);
        CheckVolumes();
        CheckBackups();
        foreach (var host in cloud.Records.Hosts.Values)
        {
            var placed = cloud.Records.Instances.Values.Where(row => row.TerminatedAt is null && row.Record.HostId == host.Id).Select(row => row.Record.Size)
                .Aggregate(new Kumoi.Api.Capacity(0, 0, 0), Documents.Plus);
            if (placed != host.Allocated) Violate("room-is-the-sum-of-placements", $"{host.Name} counts {host.Allocated}, and {placed} is placed on it.");
        }
    }

    private void CheckGuests()
    {
        _holders.Clear();
        foreach (var host in cloud.Hosts)
            foreach (var (id, guest) in host.Guests)
            {
                if (guest.Process is not { } process) continue;
                if (process.State == RunState.Running) _ran.Add((id, process.Incarnation, process.BootEpoch));
                var row = cloud.Records.Instances.GetValueOrDefault(id);
                foreach (var other in cloud.Hosts)
                    if (other != host && other.Guests.GetValueOrDefault(id)?.Process?.Incarnation == process.Incarnation)
                        Violate("one-copy-of-an-incarnation", $"{id} of incarnation {process.Incarnation} runs on {host.Name} and {other.Name}.");
                foreach (var other in cloud.Hosts)
                    if (other != host && host.Shared is not null && other.Guests.GetValueOrDefault(id)?.Process is not null)
                        Violate("one-copy-on-shared-storage", $"{id} runs on {host.Name} and {other.Name}.");
                // A stray keeps what it had: its address may be given out again, which its operator is told of with the stray.
                if (row is null || (process.Incarnation < row.Record.Incarnation && !IsAwake(host))) continue;
                var address = Documents.AddressOf(row);
                if (!_holders.TryAdd(address, id) && _holders[address] != id) Violate("one-holder-of-an-address", $"{address} is held by the guests of {_holders[address]} and {id}.");
            }
    }

    private void CheckRow(InstanceRow row)
    {
        var record = row.Record;
        var told = row.Acknowledged;
        if (record.Generation < told.Generation || record.BootEpoch < told.BootEpoch || (told.Terminated && record.Desired != "terminated"))
            Violate("acknowledged-stays", $"{record.Id} was acknowledged as {told}, and is {record}.");
        if (record.Power == "running" && !_ran.Contains((record.Id, record.Incarnation, record.ObservedEpoch)))
            Violate("observed-was-so", $"{record.Id} is recorded as running in incarnation {record.Incarnation}, epoch {record.ObservedEpoch}, which never ran.");
        var key = (record.Id, record.Incarnation);
        if (_observed.TryGetValue(key, out var seen) && record.ObservedGeneration < seen)
            Violate("observation-goes-forward", $"{record.Id} was observed at generation {seen}, and then at {record.ObservedGeneration}.");
        _observed[key] = record.ObservedGeneration;
        if (row.TerminatedAt is null) return;
        var tap = ObjectNames.Tap(row.InterfaceId);
        foreach (var host in cloud.Hosts)
        {
            // What is left of a former placement goes when its host is back; a guest of it was ended before the instance was moved.
            var former = cloud.Records.Former.ContainsKey((host.Id, record.Id));
            if (former ? host.Guests.GetValueOrDefault(record.Id)?.Process is not null && IsAwake(host) : host.Guests.ContainsKey(record.Id))
                Violate("terminated-is-gone", $"{record.Id} is recorded as terminated, and {host.Name} has it.");
            if (former) continue;
            foreach (var taps in host.Namespaces.Values)
                if (taps.Contains(tap)) Violate("terminated-is-gone", $"{record.Id} is recorded as terminated, and {host.Name} has its tap.");
        }
    }

    /// <summary>A guest may be ended if something asked after it was started wants it stopped, started again or elsewhere.</summary>
    public void BeforeKill(ModelHost host, string id, Guest guest)
    {
        var process = guest.Process!;
        if (process.State == RunState.Broken) return;
        if (cloud.Records.RowOf(id).History.Any(asked =>
                (asked.Generation > guest.Generation && (asked.Desired != "running" || asked.BootEpoch > process.BootEpoch)) || asked.Incarnation > process.Incarnation)) return;
        // Also when a document was waited for after it; a host that stood still meanwhile is late.
        if (cloud.Records.RowOf(id).MayMove && host.Record.WasOverWithin(IsAwake(host) ? TimeToAct : StillMax + TimeToAct)) return;
        Violate("nothing-is-destroyed-unasked", $"{host.Name} kills {id}, which nobody asked to end since it was started for generation {guest.Generation}.");
    }

    private bool IsAwake(ModelHost host) => host.AwakeSince is { } since && cloud.Simulator.Elapsed - since >= TimeToAct;

    /// <summary>A copy is given to another host only when the one before has certainly ended.</summary>
    public void BeforeMove(InstanceRow row, HostRow from)
    {
        var host = cloud.Hosts.First(host => host.Id == from.Id);
        if (host.Guests.GetValueOrDefault(row.Record.Id)?.Process is not { } process) return;
        // An agent that does not run ends nothing: then the lock of the disk is what is left.
        if (!IsAwake(host)) return;
        Violate("ended-before-it-moves", $"{row.Record.Id} is given to another host while {host.Name} still runs it ({process}).");
    }

    /// <summary>A disk may be removed if its record says terminated.</summary>
    public void BeforeRemove(ModelHost host, string id)
    {
        CheckNoGuest(host, id);
        if (cloud.Records.RowOf(id).Record.Desired == "terminated") return;
        Violate("nothing-is-destroyed-unasked", $"{host.Name} removes the disk of {id}, whose record does not say terminated.");
    }

    /// <summary>What is on a host's own storage may be discarded if the instance was given to another host.</summary>
    public void BeforeDiscard(ModelHost host, string id)
    {
        if (host.Guests.GetValueOrDefault(id)?.Process is not null) Violate("nothing-is-destroyed-unasked", $"{host.Name} discards {id} under its guest.");
        if (cloud.Records.RowOf(id).History.Any(placed => placed.HostId == host.Id && placed.Incarnation < cloud.Records.RowOf(id).Record.Incarnation)) return;
        Violate("nothing-is-destroyed-unasked", $"{host.Name} discards {id}, which was never given to another host.");
    }

    private void CheckNoGuest(ModelHost host, string id)
    {
        foreach (var other in cloud.Hosts)
            if ((other == host || (host.Shared is not null && other.Shared is not null)) && other.Guests.GetValueOrDefault(id)?.Process is not null && IsAwake(other))
                Violate("nothing-is-destroyed-unasked", $"{host.Name} removes the disk of {id} under its guest on {other.Name}.");
    }
}
