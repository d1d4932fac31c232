using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>What was found in a network's namespace after it was put in order.</summary>
/// <param name="Taps">Every tap that is there.</param>
/// <param name="Vpn">The VPN gateway that the host is for the network; null: it is none.</param>
/// <param name="Lacking">What of the network does not work here, though the rest does: a sentence; null if nothing.</param>
/// <param name="Again">When to look again though nobody asks, as a change waits; null if none does.</param>
public sealed record NetworkSight(IReadOnlyList<string> Taps, ObservedVpn? Vpn = null, string? Lacking = null, TimeSpan? Again = null);

/// <summary>The edge between the agent and what carries guests' packets.</summary>
public interface INetworkDriver
{
    /// <summary>Namespaces of this cloud on the host.</summary>
    IReadOnlyList<string> List();

    /// <summary>Puts the host's own part in order: before any network, so that nothing is open while they come up.</summary>
    Task ApplyHostAsync(IReadOnlyList<NetworkIntent> networks, CancellationToken cancel);

    /// <summary>Makes one network what it should be; when this returns, taps, routes, filters, DHCP and DNS are in force.</summary>
    /// <param name="removable">Taps of instances that are known to be terminated and have no process any more.</param>
    Task<NetworkSight> ApplyAsync(NetworkIntent intent, IReadOnlySet<string> removable, CancellationToken cancel);

    /// <summary>Takes over news of who else is in a network without looking at anything; false if that does not do, and everything is to be looked at.</summary>
    Task<bool> TryApplyPeersAsync(NetworkIntent intent, CancellationToken cancel) => Task.FromResult(false);

    /// <summary>Removes a network in which no tap is left but removable ones; null if it is gone, otherwise the taps that keep it, and the removable ones are gone.</summary>
    Task<IReadOnlyList<string>?> TryRemoveAsync(string networkNamespace, IReadOnlySet<string> removable, CancellationToken cancel);

    /// <summary>What was counted at each tap of the host's networks, by the tap's name.</summary>
    Task<IReadOnlyDictionary<string, TapCounters>> CountersAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyDictionary<string, TapCounters>>(new Dictionary<string, TapCounters>());

    /// <summary>How often to look whether name servers live; null if they cannot die.</summary>
    TimeSpan? WatchPeriod { get; }

    /// <summary>False if the network's DHCP and DNS server has ended, or that of its VPN gateway.</summary>
    bool IsServed(string networkNamespace);
}

/// <summary>Networks that exist only in memory, for the simulated hypervisor.</summary>
public sealed class SimulatedNetworks : INetworkDriver
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, IReadOnlyList<string>> _networks = new();

    public IReadOnlyList<string> List() => [.. _networks.Keys];

    public Task ApplyHostAsync(IReadOnlyList<NetworkIntent> networks, CancellationToken cancel) => Task.CompletedTask;

    public Task<NetworkSight> ApplyAsync(NetworkIntent intent, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        var taps = intent.Ports.Select(port => port.Tap).ToArray();
        _networks[intent.Namespace] = taps;
        return Task.FromResult(new NetworkSight(taps, intent.OwnVpn is { } vpn ? new ObservedVpn(vpn.Id, null, []) : null));
    }

    public Task<IReadOnlyList<string>?> TryRemoveAsync(string networkNamespace, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        _networks.TryRemove(networkNamespace, out _);
        return Task.FromResult<IReadOnlyList<string>?>(null);
    }

    public TimeSpan? WatchPeriod => null;

    public bool IsServed(string networkNamespace) => true;
}
