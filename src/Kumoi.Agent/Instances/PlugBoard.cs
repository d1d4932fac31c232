using System.Collections.Concurrent;

namespace Kumoi.Agent.Instances;

/// <summary>What was last seen of guests' processes and their network cards, for those who look after the taps: a tap is not taken from under a card.</summary>
internal sealed class PlugBoard
{
    private readonly ConcurrentDictionary<string, Plugs> _guests = new();

    /// <summary>Whether the guest's process lives; null while nobody has looked yet.</summary>
    public bool? Lives(string id) => _guests.TryGetValue(id, out var plugs) ? plugs.Lives : null;

    /// <summary>Whether the guest has anything of the interface's card; null while that is not known.</summary>
    public bool? HasCard(string id, string interfaceId)
    {
        if (!_guests.TryGetValue(id, out var plugs)) return null;
        if (!plugs.Lives) return false;
        // A process that does not answer may have any card, and that of an earlier version does not tell which it has.
        return plugs.Cards is not { } cards ? null : cards.Contains(interfaceId) ? true : plugs.HasFormer ? null : false;
    }

    public void Note(string id, GuestProcess? process) => _guests[id] = new Plugs(
        process is not null, process?.Cards?.Select(card => card.Id).ToHashSet(), process?.Cards?.Any(card => card.IsFormer) ?? false);

    /// <summary>The guest is about to get these cards.</summary>
    public void Plugging(string id, IEnumerable<string> interfaces)
    {
        if (_guests.TryGetValue(id, out var plugs)) _guests[id] = plugs with { Cards = plugs.Cards?.Concat(interfaces).ToHashSet() };
    }

    /// <param name="Cards">Ids of the cards; null if the process does not say.</param>
    /// <param name="HasFormer">Some of them have a name by an earlier version.</param>
    private sealed record Plugs(bool Lives, IReadOnlySet<string>? Cards, bool HasFormer);
}
