using Kumoi.Agent.Volumes.Simulated;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>
/// The disks on one simulated storage: of a single host, or shared by several. They outlive agents and power cuts, and with a journal
/// the process too.
/// </summary>
/// <param name="store">Names the storage in the journal.</param>
/// <param name="journal">Null: the disks are gone with the process.</param>
public sealed class SimulatedDisks(string store, SimulatedJournal? journal)
{
    private readonly Lock _gate = new();
    // Made with the first disk: most of ten thousand idle hosts have none.
    private HashSet<string>? _disks;
    private Dictionary<string, int>? _grants;
    private Dictionary<string, SimulatedMachine>? _open;

    /// <summary>The volumes beside them.</summary>
    public SimulatedVolumes Volumes { get; } = new(store, journal);

    public IReadOnlyList<string> List()
    {
        lock (_gate) return _disks is null ? [] : [.. _disks];
    }

    public bool Has(string id)
    {
        lock (_gate) return _disks?.Contains(id) == true;
    }

    /// <summary>Makes the disk; nothing happens if it is there.</summary>
    public void Make(string id)
    {
        lock (_gate)
        {
            if ((_disks ??= []).Add(id)) journal?.Made(store, id);
        }
    }

    /// <summary>Notes the incarnation that has the disk from now on; false if a higher one does. Lasts as long as the process.</summary>
    public bool Grant(string id, int incarnation)
    {
        lock (_gate)
        {
            if ((_grants ??= []).TryGetValue(id, out var granted) && granted > incarnation) return false;
            _grants[id] = incarnation;
            return true;
        }
    }

    /// <summary>Opens the disk for writing; false if another machine has it open. As QEMU's own lock does.</summary>
    internal bool Open(string id, SimulatedMachine machine)
    {
        lock (_gate)
        {
            if ((_open ??= []).TryGetValue(id, out var holder) && holder != machine) return false;
            _open[id] = machine;
            return true;
        }
    }

    internal void Close(string id, SimulatedMachine machine)
    {
        lock (_gate)
        {
            if (_open?.GetValueOrDefault(id) == machine) _open.Remove(id);
        }
    }

    public void Remove(string id)
    {
        lock (_gate)
        {
            _grants?.Remove(id);
            if (_disks?.Remove(id) == true) journal?.Removed(store, id);
        }
    }

    /// <summary>Puts back what the journal remembers.</summary>
    internal void Restore(IEnumerable<string> ids)
    {
        var lines = ids.ToLookup(SimulatedVolumes.IsLine);
        lock (_gate) (_disks ??= []).UnionWith(lines[false]);
        Volumes.Restore(lines[true]);
    }
}
