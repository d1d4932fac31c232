using Kumoi.Agent.Leases;
using Kumoi.Api.Agent;

namespace Kumoi.Agent;

/// <summary>
/// Interfaces that were taken from an instance as records of their own: an instance of the document that has lost an interface brings one with
/// the word <c>detached</c>, whose process is the card that the guest still has. So networks treat its tap like that of a guest that ends: it
/// passes no packets any more, and goes when the card has gone.
/// </summary>
public static class Detachments
{
    public const string Detached = "detached";

    /// <summary>The document with a record for each interface that an instance of it had, and of which something may be left.</summary>
    public static DesiredDocument In(DesiredDocument document, Placements placements)
    {
        DesiredInstance[] detached = [.. document.Instances.Where(instance => instance.Desired != Departures.Departed)
            .SelectMany(instance => (placements.Find(instance.Id)?.Leaving ?? []).Where(port => ObjectNames.IsId(port.Id)).Select(port => Record(instance.Id, port)))];
        return detached.Length == 0 ? document : document with { Instances = [.. document.Instances, .. detached] };
    }

    /// <summary>The instance that had the interface; null for any other record.</summary>
    public static string? FormerOwner(this DesiredInstance record) => record.Desired == Detached ? record.Name : null;

    /// <summary>Only what is needed to take it away is known of it.</summary>
    private static DesiredInstance Record(string instanceId, PlacedPort port) => new(
        port.Id, "", instanceId, port.Id, 0, 0, Detached, 0, 0, 0, 0, "", [new DesiredInterface(port.Id, 0, port.NetworkId, "", "", "", null, [])],
        null, null, new DesiredLabels("", "", "", null, []), default);
}
