namespace Kumoi.Simulation.Model;

/// <summary>
/// Storage that several hosts have mounted: disks, the highest incarnation that was ever granted each, and QEMU's own lock of the image, which
/// lets one process at a time have it. The lock is the last line: nothing may depend on it while agents live.
/// </summary>
internal sealed class SharedStorage
{
    public string Id => "st-19a3f2b4c5d6e7f84";

    public HashSet<string> Disks { get; } = [];

    public Dictionary<string, int> Granted { get; } = [];

    /// <summary>Takes the disk for a placement; false if a later one had it.</summary>
    public bool Grant(string id, int incarnation)
    {
        if (Granted.GetValueOrDefault(id) > incarnation) return false;
        Granted[id] = incarnation;
        return true;
    }
}
