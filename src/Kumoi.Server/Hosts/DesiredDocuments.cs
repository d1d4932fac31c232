using System.Buffers;
using System.Net;
using System.Net.NetworkInformation;
using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Images;
using Kumoi.Server.Backups;
using Kumoi.Server.Instances;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Metrics;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;
using Kumoi.Server.Vpns;
using Npgsql;

namespace Kumoi.Server.Hosts;

/// <summary>Writes the documents of everything that hosts should have, each from one consistent look at the records; those asked for together, together.</summary>
public sealed class DesiredDocuments
{
    // Documents written together: the more, the cheaper each, and the longer the first waits for the last.
    private const int Parallelism = 2, DocumentsAtOnce = 64, LooksAtOnce = 256;

    private readonly Database _database;
    private readonly HostBell _bell;
    private readonly ServerOptions _options;
    private readonly ServerRegistry _servers;
    private readonly ListenerKeys _keys;
    private readonly TimeProvider _clock;
    private readonly Batcher<string, DesiredDocument?> _documents;
    private readonly Batcher<(string HostId, DesiredQuestion Question), Look?> _looks;
    private readonly PeersBell _peers;
    private readonly VpnKeys _vpnKeys;
    private readonly VolumeKeys _volumeKeys;
    private readonly ExportKeys _exportKeys;

    public DesiredDocuments(Database database, HostBell bell, PeersBell peers, VpnKeys vpnKeys, VolumeKeys volumeKeys, ServerOptions options, ServerRegistry servers, ListenerKeys keys, ExportKeys exportKeys, TimeProvider clock)
    {
        (_database, _bell, _peers, _vpnKeys, _volumeKeys, _options, _servers, _keys, _exportKeys, _clock) = (database, bell, peers, vpnKeys, volumeKeys, options, servers, keys, exportKeys, clock);
        _documents = new Batcher<string, DesiredDocument?>("documents", Parallelism, DocumentsAtOnce, BuildAsync);
        _looks = new Batcher<(string, DesiredQuestion), Look?>("looks", Parallelism, LooksAtOnce, LookAsync);
    }

    /// <summary>How far a host is behind: its revision now, and those of its networks whose peers are of another revision than it has.</summary>
    private sealed record Look(long Revision, IReadOnlyList<(string Network, long Revision)> Stale);

    /// <summary>What is newer than what the host has, waiting for it; null if there is nothing.</summary>
    public async Task<Result<DesiredNews?>> WaitAsync(string hostId, DesiredQuestion question, CancellationToken cancel)
    {
        var until = _clock.GetUtcNow() + TimeSpan.FromSeconds(question.WaitSeconds);
        if (question.Peers.Count > 0 || question.After >= 0) _peers.Listen(hostId, [.. question.Peers.Keys]);
        for (; ; )
        {
            var ring = _bell.Next(hostId, question.After);
            if (await _looks.AskAsync((hostId, question), cancel) is not { } look) return new Failure("unknown-host", 401);
            if (look.Revision != question.After && await _documents.AskAsync(hostId, cancel) is { } document)
                return Told(hostId, document, question, document.Networks.Where(n => question.Peers.GetValueOrDefault(n.Id, -1) != n.PeersRevision).Select(n => (n.Id, n.PeersRevision)));
            // Told when its turn comes; what concerns the host itself is not held back.
            if (look.Stale.Count > 0 && !_peers.IsInLine(hostId)) return Told(hostId, null, question, look.Stale);
            var left = until - _clock.GetUtcNow();
            if (left <= TimeSpan.Zero) return (DesiredNews?)null;
            ServerMeter.LongPolls.Add(1);
            try
            {
                await ring.WaitAsync(left, _clock, cancel);
            }
            catch (TimeoutException)
            {
                return (DesiredNews?)null;
            }
            finally
            {
                ServerMeter.LongPolls.Add(-1);
            }
        }
    }

    private DesiredNews Told(string hostId, DesiredDocument? document, DesiredQuestion question, IEnumerable<(string Network, long Revision)> peers)
    {
        if (document is not null)
        {
            _bell.Told(hostId, document.Revision);
            _peers.Grant(hostId, [.. document.Networks.Select(n => n.Id)]);
        }
        return new DesiredNews(document, [.. peers.Select(p => (p.Network, p.Revision, question.Differences && question.Peers.TryGetValue(p.Network, out var since) ? since : (long?)null))]);
    }

    private async Task<IReadOnlyList<Look?>> LookAsync(IReadOnlyList<(string HostId, DesiredQuestion Question)> asked)
    {
        var hosts = (await _database.QueryAsync("SELECT id, revision FROM hosts WHERE id = ANY($1)", row => (Id: row.GetString(0), Revision: row.GetInt64(1)), default,
            Columns.Texts(asked.Select(a => a.HostId).Distinct()))).ToDictionary(host => host.Id, host => host.Revision);
        var wanted = asked.SelectMany(a => a.Question.Peers.Select(p => (a.HostId, Network: p.Key, Has: p.Value))).ToList();
        // Only networks in which the host has an instance, and those linked with them: a host that was taken over must not ask for every account's.
        var stale = wanted.Count == 0 ? Enumerable.Empty<(string Host, string Network, long Revision)>().ToLookup(s => s.Host) : (await _database.QueryAsync(
            """
            SELECT w.host, n.id, n.peers_revision FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[]) AS w(host, network, has, granted)
            JOIN networks n ON n.id = w.network AND n.peers_revision <> w.has
            WHERE w.granted OR EXISTS (SELECT 1 FROM instances v JOIN interfaces i ON i.instance_id = v.id WHERE v.host_id = w.host AND v.terminated_at IS NULL AND i.released_at IS NULL
              AND (i.network_id = n.id OR EXISTS (SELECT 1 FROM network_links l WHERE l.network_id = n.id AND l.other_id = i.network_id)))
            """, row => (Host: row.GetString(0), Network: row.GetString(1), Revision: row.GetInt64(2)), default,
            Columns.Texts(wanted.Select(w => w.HostId)), Columns.Texts(wanted.Select(w => w.Network)), Columns.Bigints(wanted.Select(w => w.Has)), Columns.Booleans(wanted.Select(w => _peers.IsGranted(w.HostId, w.Network))))).ToLookup(s => s.Host);
        return [.. asked.Select(a => hosts.TryGetValue(a.HostId, out var revision)
            ? new Look(revision, [.. stale[a.HostId].Where(s => a.Question.Peers.GetValueOrDefault(s.Network) != s.Revision).Select(s => (s.Network, s.Revision)).Distinct()]) : null)];
    }

    private async Task<IReadOnlyList<DesiredDocument?>> BuildAsync(IReadOnlyList<string> asked)
    {
        string[] hostIds = [.. asked.Distinct()];
        ServerMeter.Documents.Add(hostIds.Length);
        await using var connection = await _database.Source.OpenConnectionAsync();
        await using var look = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        var revisions = (await connection.RowsAsync("SELECT id, revision FROM hosts WHERE id = ANY($1)", row => (Id: row.GetString(0), Revision: row.GetInt64(1)), default, Columns.Texts(hostIds)))
            .ToDictionary(host => host.Id, host => host.Revision);
        var faces = await connection.RowsAsync(
            """
            SELECT i.instance_id, i.id, i.device_index, i.network_id, i.subnet_id, i.mac_address, host(i.address), host(f.address), coalesce(g.ids, '{}'), coalesce(g.names, '{}'),
                   i.subnet6_id, host(i.address6), coalesce(a.subnets, '{}'), coalesce(a.addresses, '{}'),
                   i.allowed_ranges::text[] || coalesce((SELECT array_agg(r.destination::text ORDER BY r.destination) FROM network_routes r WHERE r.network_id = i.network_id
                       AND EXISTS (SELECT 1 FROM subnet_addresses o WHERE o.interface_id = i.id AND o.address = r.via) AND r.destination <> ALL (i.allowed_ranges)), '{}'), i.rate_mbps
            FROM instances v JOIN interfaces i ON i.instance_id = v.id LEFT JOIN floating_addresses f ON f.interface_id = i.id
            LEFT JOIN LATERAL (SELECT array_agg(g.id ORDER BY g.id) AS ids, array_agg(g.name ORDER BY g.id) AS names
                               FROM interface_security_groups x JOIN security_groups g ON g.id = x.security_group_id WHERE x.interface_id = i.id) g ON true
            LEFT JOIN LATERAL (SELECT array_agg(a.subnet_id ORDER BY a.address) AS subnets, array_agg(host(a.address) ORDER BY a.address) AS addresses
                               FROM subnet_addresses a WHERE a.interface_id = i.id AND a.kind = 'secondary') a ON true
            WHERE v.host_id = ANY($1) AND v.terminated_at IS NULL AND i.released_at IS NULL AND i.detached_at IS NULL ORDER BY i.device_index
            """,
            row => (Instance: row.GetString(0), Names: row.Texts(9), Interface: new DesiredInterface(
                row.GetString(1), row.GetInt32(2), row.GetString(3), row.GetString(4), InstanceStore.MacText(row.GetFieldValue<PhysicalAddress>(5)), row.GetString(6), row.TextOrNull(7), row.Texts(8),
                Further(row), row.Texts(14), row.IntOrNull(15))),
            default, Columns.Texts(hostIds));
        var byInstance = faces.ToLookup(f => f.Instance);
        var instances = (await connection.RowsAsync(
            $"""
            SELECT v.id, v.account_id, v.name, v.hostname, v.generation, v.incarnation, v.desired, v.boot_epoch, v.vcpus, v.memory_mib, v.disk_gib, v.image_id, v.public_key, v.user_data,
                   v.flavor_name, m.name, z.name, v.key_pair_name, v.created_at, m.sha256, m.format, m.size_bytes, m.virtual_size_bytes, v.host_id, v.storage, v.recovery, v.trace_parent, v.fixed_volumes = 0 AND (v.storage IS NOT NULL OR {VolumeHolds.Networked}), v.root_volume,
                   v.firmware, v.device_model, c.id, c.sha256, c.format, c.size_bytes, c.virtual_size_bytes, z.id, g.name,
                   v.metadata_endpoint, v.metadata_tokens, v.metadata_hop_limit, CASE v.metadata_tags WHEN 'enabled' THEN v.tags::text END
            FROM instances v JOIN images m ON m.id = v.image_id JOIN zones z ON z.id = v.zone_id LEFT JOIN images c ON c.id = v.cd_image_id
            LEFT JOIN placement_groups g ON g.id = v.placement_group_id WHERE v.host_id = ANY($1) AND v.terminated_at IS NULL ORDER BY v.id
            """, row => (Host: row.GetString(23), Instance: ReadInstance(row, byInstance[row.GetString(0)]), Images: ReadImages(row)), default, Columns.Texts(hostIds))).ToLookup(i => i.Host);
        var networks = await NetworkDocuments.ReadAsync(connection, [.. faces.Select(f => f.Interface.NetworkId).Distinct()], _keys);
        var groups = await ReadGroupsAsync(connection, [.. faces.SelectMany(f => f.Interface.SecurityGroupIds).Distinct()]);
        var consoles = (await connection.RowsAsync(
            """
            SELECT v.host_id, c.id, c.instance_id, c.kind, c.server_url FROM console_sessions c JOIN instances v ON v.id = c.instance_id
            WHERE v.host_id = ANY($1) AND NOT c.connected AND c.expires_at > $2
            """,
            row => (Host: row.GetString(0), Console: new DesiredConsole(row.GetString(1), row.GetString(2), row.GetString(3), row.TextOrNull(4))), default, Columns.Texts(hostIds), _clock.GetUtcNow()))
            .ToLookup(c => c.Host, c => c.Console);
        var former = (await connection.RowsAsync("SELECT host_id, instance_id, incarnation FROM former_placements WHERE host_id = ANY($1) UNION ALL SELECT host_id, id, incarnation FROM lost_instances WHERE host_id = ANY($1) ORDER BY 2",
            row => (Host: row.GetString(0), Former: new FormerInstance(row.GetString(1), row.GetInt32(2))), default, Columns.Texts(hostIds))).ToLookup(f => f.Host, f => f.Former);
        var backups = await BackupDocuments.ReadAsync(connection, hostIds, _volumeKeys);
        var volumes = await VolumeDocuments.ReadAsync(connection, hostIds, backups, _volumeKeys, _exportKeys);
        var prefetches = await Prefetches.ReadAsync(connection, hostIds);
        var servers = _servers.AgentUrls;
        return [.. asked.Select(id => !revisions.TryGetValue(id, out var revision) ? null
            : Compose(id, revision, [.. instances[id].Select(i => i.Instance)], [.. prefetches[id].Concat(instances[id].SelectMany(i => i.Images)).Concat(volumes.ImagesOf(id)).DistinctBy(i => i.Id)], networks, groups, [.. consoles[id]], [.. former[id]], servers,
                volumes.Of(id), backups.Of(id)))];
    }

    private DesiredDocument Compose(
        string hostId, long revision, List<DesiredInstance> instances, List<DesiredImage> images, NetworkDocuments networks,
        Dictionary<string, DesiredSecurityGroup> groups, List<DesiredConsole> consoles, List<FormerInstance> former, IReadOnlyList<string> servers,
        IReadOnlyList<DesiredVolume>? volumes, IReadOnlyList<DesiredBackup>? backups)
    {
        var faces = instances.SelectMany(i => i.Interfaces).ToList();
        var used = faces.SelectMany(f => f.SecurityGroupIds).Distinct().Where(groups.ContainsKey).Select(id => groups[id]).ToList();
        // Groups that are only named by rules stand there for their members.
        var named = used.SelectMany(g => g.Rules).Select(r => r.GroupId).OfType<string>().Except(used.Select(g => g.Id)).Select(id => new DesiredSecurityGroup(id, [], []));
        return new DesiredDocument(
            revision, hostId, images, networks.For(hostId, [.. faces.Select(f => f.NetworkId).Distinct()], new Uplinks(IPNetwork.Parse(_options.UplinkRange)), _vpnKeys),
            [.. used.Concat(named).OrderBy(g => g.Id, StringComparer.Ordinal)], instances, consoles, former, servers, volumes, backups);
    }

    /// <summary>The IPv6 address of an interface in a network with both families, and the addresses that it holds beside.</summary>
    private static List<DesiredAddress> Further(NpgsqlDataReader row)
    {
        var further = row.Texts(12).Zip(row.Texts(13), (subnet, address) => new DesiredAddress(subnet, address, false)).ToList();
        if (!row.IsDBNull(10)) further.Insert(0, new DesiredAddress(row.GetString(10), row.GetString(11), true));
        return further;
    }

    private DesiredInstance ReadInstance(NpgsqlDataReader row, IEnumerable<(string, string[] Names, DesiredInterface Interface)> faces)
    {
        var own = faces.ToList();
        return new DesiredInstance(
            row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt64(4), row.GetInt32(5), row.GetString(6), row.GetInt32(7), row.GetInt32(8), row.GetInt32(9),
            row.GetInt32(10), row.GetString(11), own.ConvertAll(f => f.Interface), row.TextOrNull(12),
            row.IsDBNull(13) ? null : Convert.ToBase64String(Encoding.UTF8.GetBytes(row.GetString(13))),
            new DesiredLabels(row.GetString(14), row.GetString(15), row.GetString(16), row.TextOrNull(17), [.. own.SelectMany(f => f.Names).Distinct()], _options.Region, row.GetString(36), row.TextOrNull(37)), row.Time(18),
            row.TextOrNull(24), row.GetString(25) == "restart" && row.GetBoolean(27), row.TextOrNull(26), row.GetBoolean(28),
            row.GetString(29) == ImageFirmware.Bios && row.GetString(30) == ImageDevices.Virtio ? null : new DesiredMachine(row.GetString(29), row.GetString(30)), row.TextOrNull(31),
            new DesiredMetadata(row.GetString(38) == MetadataOptions.Enabled, row.GetString(39) == MetadataOptions.Required, row.GetInt32(40), row.TextOrNull(41) is { } tags ? Tags.Parse(tags) : null));
    }

    /// <summary>What it starts from, and what is in its CD drive.</summary>
    private static DesiredImage[] ReadImages(NpgsqlDataReader row)
    {
        var image = new DesiredImage(row.GetString(11), row.GetString(19), row.GetString(20), row.GetInt64(21), row.GetInt64(22));
        return row.IsDBNull(31) ? [image] : [image, new DesiredImage(row.GetString(31), row.GetString(32), row.GetString(33), row.GetInt64(34), row.GetInt64(35))];
    }

    private static async Task<Dictionary<string, DesiredSecurityGroup>> ReadGroupsAsync(NpgsqlConnection connection, string[] used)
    {
        var rules = (await connection.RowsAsync(
            "SELECT security_group_id, direction, protocol, from_port, to_port, cidr, peer_group_id, id FROM security_group_rules WHERE security_group_id = ANY($1) ORDER BY id",
            row => (Group: row.GetString(0), Rule: new DesiredRule(
                row.GetString(1), row.GetString(2), row.IntOrNull(3), row.IntOrNull(4), row.IsDBNull(5) ? null : row.GetFieldValue<IPNetwork>(5).ToString(), row.TextOrNull(6), row.GetString(7))), default,
            Columns.Texts(used))).ToLookup(r => r.Group, r => r.Rule);
        return used.ToDictionary(id => id, id => new DesiredSecurityGroup(id, [.. rules[id]], []));
    }
}

/// <summary>What a host is told: a document, if it is newer than the host's, and peers, which are written once for all hosts of a network.</summary>
/// <param name="Peers">The networks, the least revision to tell, and the one that the host has if differences may be told.</param>
public sealed record DesiredNews(DesiredDocument? Document, IReadOnlyList<(string Network, long Revision, long? Since)> Peers)
{
    /// <summary>Writes it as <see cref="DesiredAnswer"/>.</summary>
    public async Task WriteAsync(System.IO.Pipelines.PipeWriter to, NetworkPeersDocuments documents, CancellationToken cancel)
    {
        var written = new List<byte[]>();
        foreach (var (network, revision, since) in Peers) written.AddRange(await documents.GetAsync(network, revision, since, cancel));
        to.Write("{\"document\":"u8);
        await using (var json = new Utf8JsonWriter(to))
        {
            if (Document is null) json.WriteNullValue();
            else JsonSerializer.Serialize(json, Document, ApiJson.Default.DesiredDocument);
        }
        to.Write(",\"peers\":["u8);
        for (var i = 0; i < written.Count; i++)
        {
            if (i > 0) to.Write(","u8);
            // In the small pieces of the connection's pool, and only as fast as the host reads: thousands that ask anew at once must not all have theirs in memory.
            to.Write(written[i]);
            await to.FlushAsync(cancel);
        }
        to.Write("]}"u8);
        await to.FlushAsync(cancel);
    }
}

/// <summary>Gives each network of one host an address of its own on the uplink range: by its number, which stays, and the next free one
/// if two numbers meet.</summary>
public sealed class Uplinks(IPNetwork range)
{
    private readonly HashSet<long> _taken = [];
    private readonly long _size = AddressRange.Size(range) - 2;

    public IPAddress For(int vni)
    {
        var offset = vni % _size;
        while (!_taken.Add(offset)) offset = (offset + 1) % _size;
        return AddressRange.At(range, 1 + offset);
    }
}
