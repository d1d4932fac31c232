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

    public void Remove(string id)
    {
        lock (_gate)
        {
            if (_disks?.Remove(id) == true) journal?.Removed(store, id);
        }
    }

    /// <summary>Puts back what the journal remembers.</summary>
    internal void Restore(IEnumerable<string> ids)
    {
        lock (_gate) (_disks ??= []).UnionWith(ids);
    }
}
