using System.Collections.Concurrent;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Hosts;

/// <summary>
/// Writes who is in a network, for hosts that have instances there. Every host of the network asks for the same at the same time, so it is written
/// once for all of them, and as differences for those that have what was written before.
/// </summary>
public sealed class NetworkPeersDocuments
{
    // Bytes kept of all networks: what is not kept is read again for the next host, which is then told everything.
    private const long KeptMax = 64 << 20;

    // Networks read together.
    private const int Parallelism = 2, LooksAtOnce = 64;

    // Every address that an interface in the networks has; one that is being taken away has none any more.
    private const string Held =
        """
        FROM interfaces i JOIN subnet_addresses a ON a.interface_id = i.id JOIN instances v ON v.id = i.instance_id JOIN hosts h ON h.id = v.host_id
        WHERE i.network_id = ANY($1) AND i.released_at IS NULL AND i.detached_at IS NULL
        """;

    private readonly Database _database;
    private readonly TimeProvider _clock;
    private readonly Batcher<string, NetworkPeers> _looks;
    private readonly ConcurrentDictionary<string, Kept> _kept = new();
    private long _bytes;

    public NetworkPeersDocuments(Database database, TimeProvider clock)
    {
        (_database, _clock) = (database, clock);
        _looks = new Batcher<string, NetworkPeers>("peers", Parallelism, LooksAtOnce, ReadAsync);
    }

    /// <summary>The peers as JSON, of this revision or a later one: everything, or what is new since a revision where that is known and shorter.</summary>
    public async Task<IReadOnlyList<byte[]>> GetAsync(string networkId, long revision, long? since, CancellationToken cancel)
    {
        for (; ; )
        {
            var kept = _kept.GetOrAdd(networkId, static _ => new Kept());
            Task loading;
            lock (kept)
            {
                kept.UsedAt = _clock.GetTimestamp();
                if (kept.Written is { } written && written.Revision >= revision) return written.Since(since);
                loading = kept.Loading ??= Task.Run(() => LoadAsync(networkId, kept), CancellationToken.None);
            }
            // It may have begun before the change that this host was woken for.
            await loading.WaitAsync(cancel);
        }
    }

    private async Task LoadAsync(string networkId, Kept kept)
    {
        try
        {
            var now = await _looks.AskAsync(networkId, default);
            var before = kept.Written;
            var written = before is null ? PeersWritten.Of(now) : before.Next(now);
            lock (kept) kept.Written = written;
            if (Interlocked.Add(ref _bytes, written.Bytes - (before?.Bytes ?? 0)) > KeptMax) Forget();
        }
        finally
        {
            lock (kept) kept.Loading = null;
        }
    }

    /// <summary>Half of what is kept goes, the longest unused first.</summary>
    private void Forget()
    {
        foreach (var (id, kept) in _kept.OrderBy(entry => entry.Value.UsedAt))
        {
            if (Volatile.Read(ref _bytes) <= KeptMax / 2) return;
            if (_kept.TryRemove(new(id, kept)) && kept.Written is { } written) Interlocked.Add(ref _bytes, -written.Bytes);
        }
    }

    private async Task<IReadOnlyList<NetworkPeers>> ReadAsync(IReadOnlyList<string> networkIds)
    {
        await using var connection = await _database.Source.OpenConnectionAsync();
        await using var look = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        var revisions = (await connection.RowsAsync("SELECT id, peers_revision FROM networks WHERE id = ANY($1)", row => (Id: row.GetString(0), Revision: row.GetInt64(1)), default, Columns.Texts(networkIds)))
            .ToDictionary(network => network.Id, network => network.Revision);
        var guests = (await connection.RowsAsync($"SELECT i.network_id, v.hostname, host(a.address), h.address, a.kind {Held} ORDER BY i.id, a.address",
            row => (Network: row.GetString(0), Name: row.GetString(1), Address: row.GetString(2), Host: row.GetString(3), Kind: row.GetString(4)), default, Columns.Texts(networkIds))).ToLookup(guest => guest.Network);
        var groups = (await connection.RowsAsync(
            $"SELECT i.network_id, m.security_group_id, array_agg(host(a.address) ORDER BY a.address) {Held} GROUP BY 1, 2 ORDER BY 2".Replace("WHERE", "JOIN interface_security_groups m ON m.interface_id = i.id WHERE", StringComparison.Ordinal),
            row => (Network: row.GetString(0), Members: new GroupMembers(row.GetString(1), row.Texts(2))), default, Columns.Texts(networkIds))).ToLookup(group => group.Network, group => group.Members);
        // A network that is gone has nobody, for ever.
        return [.. networkIds.Select(id => new NetworkPeers(
            id, revisions.GetValueOrDefault(id, long.MaxValue), [.. guests[id].Where(guest => guest.Kind == "interface").Select(guest => new DesiredName(guest.Name, guest.Address))], [.. groups[id]],
            [.. guests[id].GroupBy(guest => guest.Host, guest => guest.Address).Select(host => new NetworkHost(host.Key, [.. host]))]))];
    }

    private sealed class Kept
    {
        public PeersWritten? Written;
        public Task? Loading;
        public long UsedAt;
    }
}

/// <summary>A network's peers in writing, and how they came to be: differences that lead to it, the latest last, which together are no longer than the whole.</summary>
public sealed record PeersWritten(long Revision, byte[] All, IReadOnlyList<(long Since, byte[] Json)> Steps)
{
    public long Bytes => All.Length + Steps.Sum(step => (long)step.Json.Length);

    public static PeersWritten Of(NetworkPeers peers) => new(peers.Revision, JsonSerializer.SerializeToUtf8Bytes(peers, ApiJson.Default.NetworkPeers), []);

    /// <summary>The same network, read again.</summary>
    public PeersWritten Next(NetworkPeers now)
    {
        // A smaller revision is that of a database restored from a backup, and builds on nothing.
        if (now.Revision < Revision) return Of(now);
        if (now.Revision == Revision) return this;
        // Only the writing is kept, since objects take several times as much; it is read again when something has changed.
        var before = JsonSerializer.Deserialize(All, ApiJson.Default.NetworkPeers)!;
        var whole = Of(now);
        var steps = Steps.Append((Since: Revision, Json: JsonSerializer.SerializeToUtf8Bytes(PeersDifference.Between(before, now), ApiJson.Default.NetworkPeers))).ToList();
        var bytes = 0L;
        var first = steps.FindLastIndex(step => (bytes += step.Json.Length) > whole.All.Length);
        return whole with { Steps = steps[(first + 1)..] };
    }

    /// <summary>What to send to who has that revision; everything if what is new since then is not known.</summary>
    public IReadOnlyList<byte[]> Since(long? revision)
    {
        for (var i = 0; i < Steps.Count; i++)
            if (Steps[i].Since == revision) return [.. Steps.Skip(i).Select(step => step.Json)];
        return [All];
    }
}
