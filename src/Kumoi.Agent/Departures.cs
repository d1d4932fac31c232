using Kumoi.Agent.Leases;
using Kumoi.Api.Agent;

namespace Kumoi.Agent;

/// <summary>
/// Former placements as records: an instance that was given to another host is put into the document with the word <c>departed</c>, so that
/// guests, networks and names treat it like everything else they look after, and end it.
/// </summary>
public static class Departures
{
    public const string Departed = "departed";

    /// <summary>True if nothing of what the record stands for is to stay on this host.</summary>
    public static bool Leaves(this DesiredInstance instance) => instance.Desired is "terminated" or Departed or Detachments.Detached;

    /// <summary>True if the record is the agent's own: servers have none of it here.</summary>
    public static bool IsOwn(this DesiredInstance instance) => instance.Desired is Departed or Detachments.Detached;

    /// <summary>The document with a record for each former placement that is not placed here again.</summary>
    public static DesiredDocument In(DesiredDocument document, Placements placements)
    {
        if (document.Former.Count == 0) return document;
        var present = document.Instances.Select(instance => instance.Id).ToHashSet();
        var gone = document.Former.Where(former => ObjectNames.IsId(former.Id) && !present.Contains(former.Id))
            .GroupBy(former => former.Id).Select(group => Record(group.MaxBy(former => former.Incarnation)!, placements.Find(group.Key)));
        return document with { Instances = [.. document.Instances, .. gone] };
    }

    /// <summary>The highest incarnation of the instance that this host no longer has; 0 if none.</summary>
    public static int FormerOf(DesiredDocument document, string id)
    {
        var highest = 0;
        foreach (var former in document.Former)
            if (former.Id == id && former.Incarnation > highest) highest = former.Incarnation;
        return highest;
    }

    /// <summary>Only what is needed to take it away is known of it.</summary>
    private static DesiredInstance Record(FormerInstance former, Placement? placement) => new(
        former.Id, "", former.Id, former.Id, 0, former.Incarnation, Departed, 0, 0, 0, 0, "",
        [.. (placement is null ? [] : placement.Ports.Concat(placement.Leaving)).Select((port, index) => new DesiredInterface(port.Id, index, port.NetworkId, "", "", "", null, []))],
        null, null, new DesiredLabels("", "", "", null, []), default);
}
