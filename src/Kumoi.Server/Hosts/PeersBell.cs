using System.Collections.Concurrent;

namespace Kumoi.Server.Hosts;

/// <summary>
/// Wakes hosts for which names or members in one of their networks have changed. Told at most so many in a second in all: in a cloud of
/// thousands of hosts each hears of others' guests at most every few seconds, and a burst of launches does not become a storm.
/// </summary>
public sealed class PeersBell(HostBell hosts, TimeProvider clock)
{
    // More: hosts of large clouds hear of their networks sooner, and telling takes more of the processors from everything else.
    private const int HostsPerSecond = 500;

    // Changes that come together are told together.
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentDictionary<string, Listener> _listeners = new();
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, byte>> _networks = new();

    /// <summary>Rung by this server; other servers are told.</summary>
    public event Action<string>? Rung;

    /// <summary>The networks about which hosts of this server listen.</summary>
    public IReadOnlyList<string> Networks => [.. _networks.Keys];

    /// <summary>The host listens for these networks from now on, and for no others.</summary>
    public void Listen(string hostId, IReadOnlyCollection<string> networkIds)
    {
        var listener = _listeners.GetOrAdd(hostId, static _ => new Listener());
        lock (listener)
        {
            if (listener.Networks.SetEquals(networkIds)) return;
            foreach (var gone in listener.Networks.Except(networkIds))
                if (_networks.TryGetValue(gone, out var listening) && listening.TryRemove(hostId, out _) && listening.IsEmpty) _networks.TryRemove(new(gone, listening));
            foreach (var network in networkIds) _networks.GetOrAdd(network, static _ => new()).TryAdd(hostId, 0);
            listener.Networks = [.. networkIds];
        }
    }

    /// <summary>The host was told by its document that it is in these networks, and may hear of their peers.</summary>
    public void Grant(string hostId, IReadOnlyCollection<string> networkIds)
    {
        Listen(hostId, networkIds);
        var listener = _listeners[hostId];
        lock (listener) listener.Granted = [.. networkIds];
    }

    /// <summary>True if this server has told the host so.</summary>
    public bool IsGranted(string hostId, string networkId)
    {
        if (!_listeners.TryGetValue(hostId, out var listener)) return false;
        lock (listener) return listener.Granted.Contains(networkId);
    }

    /// <summary>How long the host must wait until it is told of peers again.</summary>
    public TimeSpan Rest(string hostId)
    {
        if (!_listeners.TryGetValue(hostId, out var listener)) return TimeSpan.Zero;
        var pace = TimeSpan.FromSeconds((double)_listeners.Count / HostsPerSecond);
        lock (listener) return listener.ToldAt is not { } told ? TimeSpan.Zero : (pace > Least ? pace : Least) - clock.GetElapsedTime(told);
    }

    public void Told(string hostId)
    {
        if (!_listeners.TryGetValue(hostId, out var listener)) return;
        lock (listener) listener.ToldAt = clock.GetTimestamp();
    }

    public void Ring(string networkId)
    {
        Wake(networkId);
        Rung?.Invoke(networkId);
    }

    /// <summary>Wakes the hosts of this server only.</summary>
    public void Wake(string networkId)
    {
        if (!_networks.TryGetValue(networkId, out var listening)) return;
        foreach (var host in listening.Keys) hosts.Wake(host);
    }

    private sealed class Listener
    {
        public HashSet<string> Networks = [], Granted = [];
        public long? ToldAt;
    }
}
