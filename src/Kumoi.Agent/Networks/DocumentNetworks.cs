using System.Collections.Concurrent;
using Kumoi.Agent.Instances;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>
/// What a document says of each network, in the words of the kernel; read once for each document, since every network and every instance of the host asks.
/// </summary>
public sealed class DocumentNetworks(AgentOptions options, Func<string, bool?> hasProcess)
{
    private volatile Intents? _intents;
    private volatile Wanted? _wanted;

    /// <summary>One network; null if its record cannot be understood. A terminated instance needs its tap only for the process that has it; one not looked at yet must not get a new one.</summary>
    public NetworkIntent? Read(DesiredDocument document, string networkId)
    {
        var needed = document.Instances.Where(instance => instance.Leaves() && hasProcess(instance.Id) == true).Select(instance => instance.Id).ToHashSet();
        if (_intents is not { } known || !ReferenceEquals(known.Document, document) || !known.Needed.SetEquals(needed)) _intents = known = new Intents(document, needed, Unchanged(_intents, document, needed));
        return known.Read.GetOrAdd(networkId, id => NetworkIntents.Read(document, id, options.Tag, options.Address, known.Needed.Contains));
    }

    /// <summary>News of one network's peers has that network and those linked to it read anew, and not every network of the host.</summary>
    private static ConcurrentDictionary<string, NetworkIntent?> Unchanged(Intents? known, DesiredDocument document, HashSet<string> needed)
    {
        if (known is null || !known.Needed.SetEquals(needed) || PeersChange.Between(known.Document, document) is not { } changed) return new ConcurrentDictionary<string, NetworkIntent?>();
        return new ConcurrentDictionary<string, NetworkIntent?>(known.Read.Where(read => !changed.Contains(read.Key)));
    }

    /// <summary>True if guests of the network reach the other: it knows the other's hosts and load balancers.</summary>
    public static bool IsLinked(DesiredNetwork network, string otherId) => (network.Links ?? []).Any(link => link.NetworkId == otherId);

    /// <summary>The fingerprint of every interface of a document; computed once for each, as every instance asks.</summary>
    public IReadOnlyDictionary<string, string> FingerprintsOf(DesiredDocument document)
    {
        var known = _wanted;
        if (known?.Document == document) return known.Ports;
        var ports = document.Networks.Select(network => Read(document, network.Id)).OfType<NetworkIntent>()
            .SelectMany(intent => intent.Ports).DistinctBy(port => port.Id).ToDictionary(port => port.Id, Fingerprint);
        _wanted = new Wanted(document, ports);
        return ports;
    }

    /// <summary>All of an interface that must be in force before its guest may use it.</summary>
    public static string Fingerprint(Port port) =>
        string.Join('|', [
            port.Tap, port.Mac, port.Hostname, port.FloatingAddress ?? "", FormattableString.Invariant($"{port.RateMbps}"), .. port.Addresses.Select(address => $"{address.Text} {address.Announced}"),
            .. port.Allowed, .. port.SecurityGroups,
        ]);

    private sealed record Intents(DesiredDocument Document, HashSet<string> Needed, ConcurrentDictionary<string, NetworkIntent?> Read);

    private sealed record Wanted(DesiredDocument Document, Dictionary<string, string> Ports);
}
