using System.Collections.Concurrent;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Hosts;

/// <summary>Wakes those who wait for news of a host. A hint: what was missed is found by <see cref="RevisionWatch"/>.</summary>
public sealed class HostBell
{
    private readonly ConcurrentDictionary<string, Waiting> _waiting = new();

    /// <summary>Rung by this server for hosts whose records it has changed; other servers are told of them.</summary>
    public event Action<string>? Rung;

    /// <summary>Completes at the next ring for the host. Take it before looking, so that a ring in between is not lost.</summary>
    /// <param name="after">The revision the host has.</param>
    public Task Next(string hostId, long after)
    {
        var waiting = _waiting.GetOrAdd(hostId, static _ => new Waiting());
        waiting.After = after;
        return waiting.Ring.Task;
    }

    /// <summary>The host was answered with this revision; if the answer is lost, it asks again with the one it has.</summary>
    public void Told(string hostId, long revision)
    {
        if (_waiting.TryGetValue(hostId, out var waiting)) waiting.After = revision;
    }

    public void Ring(string hostId)
    {
        Wake(hostId);
        Rung?.Invoke(hostId);
    }

    /// <summary>Wakes the waiters of this server only.</summary>
    public void Wake(string hostId)
    {
        if (_waiting.TryRemove(hostId, out var waiting)) waiting.Ring.TrySetResult();
    }

    public void WakeAll()
    {
        foreach (var hostId in _waiting.Keys) Wake(hostId);
    }

    /// <summary>Who waits, and the revision each has.</summary>
    public IReadOnlyList<(string HostId, long After)> WaitingHosts() => [.. _waiting.Select(entry => (entry.Key, entry.Value.After))];

    private sealed class Waiting
    {
        public readonly TaskCompletionSource Ring = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public long After;
    }
}

/// <summary>Finds hosts whose ring was missed, because it was another server's or was lost: one question now and then for all who wait.</summary>
public sealed class RevisionWatch(Database database, HostBell bell, PeersBell peers, TimeProvider clock, ILogger<RevisionWatch> log) : BackgroundService
{
    // What a lost ring costs at most. Shorter: all waiting hosts are read more often.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                HostLog.RevisionsFailed(log, e.Message);
            }
        }
    }

    public async Task LookAsync(CancellationToken cancel)
    {
        var waiting = bell.WaitingHosts();
        if (waiting.Count == 0) return;
        // A smaller revision means a database restored from a backup: the host has to hear of that too.
        var missed = await database.QueryAsync(
            "SELECT h.id FROM unnest($1::text[], $2::bigint[]) AS w(id, after) JOIN hosts h ON h.id = w.id WHERE h.revision <> w.after", row => row.GetString(0), cancel,
            Columns.Texts(waiting.Select(w => w.HostId)), Columns.Bigints(waiting.Select(w => w.After)));
        foreach (var host in missed) bell.Wake(host);
        var networks = await database.QueryAsync("SELECT id, peers_revision FROM networks WHERE id = ANY($1)", row => (Id: row.GetString(0), Revision: row.GetInt64(1)), cancel,
            Columns.Texts(peers.Networks));
        foreach (var (id, revision) in networks)
            if (!_seen.TryGetValue(id, out var seen) || seen != revision) peers.Wake(id);
        _seen = networks.ToDictionary(network => network.Id, network => network.Revision);
    }

    private Dictionary<string, long> _seen = [];
}
