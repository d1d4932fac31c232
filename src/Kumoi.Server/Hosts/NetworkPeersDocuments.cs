using System.Collections.Concurrent;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Hosts;

/// <summary>Writes who is in a network, for hosts that have instances there. Every host of the network asks for the same at the same time, so it is written once for all of them.</summary>
public sealed class NetworkPeersDocuments(Database database)
{
    // Networks kept. More: memory; fewer: written again for the next host.
    private const int KeptMax = 512;

    // Every address that an interface in the network has; one that is being taken away has none any more.
    private const string Held =
        """
        FROM interfaces i JOIN subnet_addresses a ON a.interface_id = i.id JOIN instances v ON v.id = i.instance_id
        WHERE i.network_id = $1 AND i.released_at IS NULL AND i.detached_at IS NULL
        """;

    private readonly ConcurrentDictionary<string, Lazy<Task<(long Revision, byte[] Json)>>> _kept = new();

    /// <summary>The peers as JSON, of this revision or a later one.</summary>
    public async Task<byte[]> GetAsync(string networkId, long revision, CancellationToken cancel)
    {
        for (; ; )
        {
            var kept = _kept.GetOrAdd(networkId, id => new Lazy<Task<(long, byte[])>>(() => WriteAsync(id)));
            try
            {
                var (known, json) = await kept.Value.WaitAsync(cancel);
                if (known >= revision) return json;
            }
            catch (Exception) when (!cancel.IsCancellationRequested)
            {
                _kept.TryRemove(new(networkId, kept));
                throw;
            }
            // Of an earlier revision than the host has heard of.
            _kept.TryRemove(new(networkId, kept));
            if (_kept.Count > KeptMax) _kept.Clear();
        }
    }

    private async Task<(long, byte[])> WriteAsync(string networkId)
    {
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var look = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        // A network that is gone has nobody, for ever.
        var revision = (await connection.RowsAsync("SELECT peers_revision FROM networks WHERE id = $1", row => row.GetInt64(0), default, networkId)).FirstOrDefault(long.MaxValue);
        var names = await connection.RowsAsync(
            $"SELECT v.hostname, host(a.address) {Held} AND a.kind = 'interface' ORDER BY i.id, a.address",
            row => new DesiredName(row.GetString(0), row.GetString(1)), default, networkId);
        var groups = await connection.RowsAsync(
            $"SELECT m.security_group_id, array_agg(host(a.address) ORDER BY a.address) {Held.Replace("WHERE", "JOIN interface_security_groups m ON m.interface_id = i.id WHERE", StringComparison.Ordinal)} GROUP BY 1 ORDER BY 1",
            row => new GroupMembers(row.GetString(0), row.Texts(1)), default, networkId);
        var hosts = await connection.RowsAsync(
            $"SELECT h.address, array_agg(host(a.address) ORDER BY a.address) {Held.Replace("WHERE", "JOIN hosts h ON h.id = v.host_id WHERE", StringComparison.Ordinal)} GROUP BY 1 ORDER BY 1",
            row => new NetworkHost(row.GetString(0), row.Texts(1)), default, networkId);
        return (revision, JsonSerializer.SerializeToUtf8Bytes(new NetworkPeers(networkId, revision, names, groups, hosts), ApiJson.Default.NetworkPeers));
    }
}
