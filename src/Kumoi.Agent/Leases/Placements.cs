using Kumoi.Api.Agent;

namespace Kumoi.Agent.Leases;

/// <summary>What is known of the guests placed on this host, from the last document and, for what it does not name, from those before.</summary>
public sealed class Placements(IHostRecord record)
{
    private volatile IReadOnlyDictionary<string, Placement> _known = record.LoadPlacements().DistinctBy(placement => placement.Id).ToDictionary(placement => placement.Id);

    /// <summary>Guests that must not run here without a lease.</summary>
    public IReadOnlyList<string> Movable => [.. _known.Values.Where(placement => placement.Movable).Select(placement => placement.Id)];

    public Placement? Find(string id) => _known.GetValueOrDefault(id);

    /// <summary>
    /// Takes a document's word, before anyone acts on it or reports its revision: what was told of a guest must be known here after any crash
    /// from then on.
    /// </summary>
    /// <param name="onHost">Ids of everything on the host that looks like an instance.</param>
    /// <param name="mayBeThere">Whether anything of an interface that an instance had before may be on the host.</param>
    public void Note(DesiredDocument document, Func<IReadOnlyList<string>> onHost, Func<PlacedPort, bool> mayBeThere)
    {
        var next = document.Instances.Where(instance => ObjectNames.IsId(instance.Id)).DistinctBy(instance => instance.Id)
            .Select(instance => Placement.Of(instance, _known.GetValueOrDefault(instance.Id), mayBeThere)).ToDictionary(placement => placement.Id);
        var unnamed = _known.Values.Where(placement => !next.ContainsKey(placement.Id)).ToArray();
        if (unnamed.Length > 0)
        {
            var former = document.Former.Select(former => former.Id).ToHashSet();
            var left = onHost().ToHashSet();
            foreach (var placement in unnamed.Where(placement => left.Contains(placement.Id) || former.Contains(placement.Id))) next[placement.Id] = placement;
        }
        if (next.Count == _known.Count && next.All(one => _known.TryGetValue(one.Key, out var known) && known.Equals(one.Value))) return;
        record.SavePlacements([.. next.Values]);
        _known = next;
    }
}
