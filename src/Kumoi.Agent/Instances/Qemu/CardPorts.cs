using System.Globalization;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// Where network cards are plugged: a root port each, since PCI Express takes a card out of nothing else while the guest runs. A card has the
/// port of its index, so that a guest names it alike whether it was plugged in or there from the start. Pure.
/// </summary>
public static class CardPorts
{
    /// <summary>The most interfaces an instance has. A port costs some 0.6 MiB of the emulator's memory and no time at the start that can be measured.</summary>
    public const int Count = 8;

    /// <summary>Ports of guests that an earlier version started, and of disks.</summary>
    public const string SparePrefix = "rp";

    private const string Prefix = "np";

    public static string Name(int number) => Prefix + number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Ports for the cards of these indices, in the same order; null for one for which there is none.</summary>
    public static IReadOnlyList<string?> Assign(IReadOnlyList<int> indices)
    {
        var free = Enumerable.Range(1, Count).Select(Name).ToList();
        var ports = new string?[indices.Count];
        // Those with a port of their own first: it is nobody else's.
        foreach (var own in new[] { true, false })
            for (var place = 0; place < indices.Count; place++)
            {
                if (ports[place] is not null || own != free.Contains(Name(indices[place] + 1))) continue;
                ports[place] = Choose(indices[place], free);
                if (ports[place] is { } taken) free.Remove(taken);
            }
        return ports;
    }

    /// <summary>The port for a card among those that are free; null if there is none.</summary>
    public static string? Choose(int index, IReadOnlyCollection<string> free) =>
        free.Contains(Name(index + 1)) ? Name(index + 1)
        : free.Where(port => port.StartsWith(Prefix, StringComparison.Ordinal)).Concat(free.Where(port => port.StartsWith(SparePrefix, StringComparison.Ordinal)))
            .OrderBy(port => port.StartsWith(Prefix, StringComparison.Ordinal) ? 0 : 1).ThenBy(port => port.Length).ThenBy(port => port, StringComparer.Ordinal).FirstOrDefault();
}
