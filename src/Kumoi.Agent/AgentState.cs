using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent;

/// <summary>
/// The last desired document, for everyone who compares with it. Null until one has come: then nothing is changed on the host.
/// </summary>
public sealed class AgentState
{
    private volatile Held? _held;

    public DesiredDocument? Document => _held?.Document;

    /// <summary>Called with the new document after it was put in place.</summary>
    public event Action<DesiredDocument>? Changed;

    /// <summary>The document and one record of it, both of the same revision.</summary>
    public (DesiredDocument Document, DesiredInstance Record)? Find(string instanceId) =>
        _held is { } held && held.Instances.TryGetValue(instanceId, out var record) ? (held.Document, record) : null;

    /// <summary>The document and one volume of it, both of the same revision.</summary>
    public (DesiredDocument Document, DesiredVolume Volume)? FindVolume(string volumeId) =>
        _held is { } held && held.Volumes.TryGetValue(volumeId, out var volume) ? (held.Document, volume) : null;

    /// <summary>Records of interfaces that the instance had.</summary>
    public IEnumerable<DesiredInstance> Detached(string instanceId) => _held?.Detached[instanceId] ?? [];

    public void Replace(DesiredDocument document)
    {
        if (PlantedBugs.Has(PlantedBug.AbsenceDestroys))
            document = document with { Instances = [.. document.Instances, .. (Document?.Instances ?? []).ExceptBy(document.Instances.Select(i => i.Id), i => i.Id).Select(i => i with { Desired = "terminated" })] };
        _held = new Held(
            document, document.Instances.DistinctBy(instance => instance.Id).ToDictionary(instance => instance.Id),
            document.Instances.Where(instance => instance.FormerOwner() is not null).ToLookup(instance => instance.FormerOwner()!),
            (document.Volumes ?? []).DistinctBy(volume => volume.Id).ToDictionary(volume => volume.Id));
        Changed?.Invoke(document);
    }

    private sealed record Held(DesiredDocument Document, IReadOnlyDictionary<string, DesiredInstance> Instances, ILookup<string, DesiredInstance> Detached, IReadOnlyDictionary<string, DesiredVolume> Volumes);
}
