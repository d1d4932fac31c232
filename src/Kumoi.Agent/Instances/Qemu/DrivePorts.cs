using System.Globalization;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>Where volumes are plugged: each into the root port of its slot, so that a guest names its disk alike whether it was plugged in or there from the start. Pure.</summary>
public static class DrivePorts
{
    /// <summary>The most volumes an instance has.</summary>
    public const int Count = 8;

    public static string Name(int slot) => CardPorts.SparePrefix + slot.ToString(CultureInfo.InvariantCulture);

    /// <summary>The port for the volume of a slot among those that are free; null if there is none.</summary>
    public static string? Choose(int slot, IReadOnlyCollection<string> free) =>
        // A guest that an earlier version started may have a network card there, and one that has not given a disk back still has that. The last ports are the least asked for.
        free.Contains(Name(slot)) ? Name(slot) : Enumerable.Range(1, Count).Select(Name).LastOrDefault(free.Contains);
}
