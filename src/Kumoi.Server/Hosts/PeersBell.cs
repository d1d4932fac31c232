using System.Collections.Concurrent;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Hosts;

/// <summary>
/// Wakes hosts for which names or members in one of their networks have changed. Those to be woken stand in line, each once, and so many are woken
/// in a second: in a cloud of thousands of hosts a burst of launches does not become a storm, and what changes meanwhile is told together. While changes are
/// asked for, the line is slower: who waits for an answer goes before who waits for news of others.
/// </summary>
public sealed class PeersBell(HostBell hosts, ChangesAsked changes, TimeProvider clock)
{
    // More: hosts of large clouds hear of their networks sooner, and telling takes more of the processors from everything else.
    private const int HostsPerSecond = 1000;

    // Less: networks of a cloud in which changes never cease would hear of them too late.
    private const int HostsPerSecondLeast = 200;

    // Changes that come together are told together.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);

    /// <summary>So many hosts are woken in a second while so many changes are being answered. Pure.</summary>
    public static int RateAt(int changes) => Math.Max(HostsPerSecondLeast, HostsPerSecond / (1 + changes));

    private readonly ConcurrentDictionary<string, Listener> _listeners = new();
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, byte>> _networks = new();
    private readonly Lock _gate = new();
    private readonly Queue<Listener> _line = new();
    private bool _waking;

    /// <summary>Rung by this server; other servers are told.</summary>
    public event Action<string>? Rung;

    /// <summary>The networks about which hosts of this server listen.</summary>
    public IReadOnlyList<string> Networks => [.. _networks.Keys];

    /// <summary>The host listens for these networks from now on, and for no others.</summary>
    public void Listen(string hostId, IReadOnlyCollection<string> networkIds)
    {
        var listener = _listeners.GetOrAdd(hostId, static id => new Listener(id));
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

    /// <summary>True while the host stands in line: it is woken when its turn comes, and told of everything then.</summary>
    public bool IsInLine(string hostId) => _listeners.TryGetValue(hostId, out var listener) && Volatile.Read(ref listener.InLine);

    public void Ring(string networkId)
    {
        Wake(networkId);
        Rung?.Invoke(networkId);
    }

    /// <summary>Wakes the hosts of this server only.</summary>
    public void Wake(string networkId)
    {
        if (!_networks.TryGetValue(networkId, out var listening)) return;
        lock (_gate)
        {
            foreach (var host in listening.Keys)
            {
                if (!_listeners.TryGetValue(host, out var listener) || listener.InLine) continue;
                Volatile.Write(ref listener.InLine, true);
                _line.Enqueue(listener);
            }
            if (_waking || _line.Count == 0) return;
            _waking = true;
        }
        _ = WakeInTurnAsync();
    }

    private async Task WakeInTurnAsync()
    {
        for (var turn = new List<string>(); ; turn.Clear())
        {
            await Task.Delay(Tick, clock);
            bool more;
            var places = (int)(RateAt(changes.Now) * Tick.TotalSeconds);
            lock (_gate)
            {
                while (turn.Count < places && _line.TryDequeue(out var next))
                {
                    Volatile.Write(ref next.InLine, false);
                    turn.Add(next.HostId);
                }
                // Whoever rings after the last has gone begins anew.
                more = _waking = _line.Count > 0;
            }
            turn.ForEach(hosts.Wake);
            if (!more) return;
        }
    }

    private sealed class Listener(string hostId)
    {
        public readonly string HostId = hostId;
        public HashSet<string> Networks = [], Granted = [];
        public bool InLine;
    }
}
