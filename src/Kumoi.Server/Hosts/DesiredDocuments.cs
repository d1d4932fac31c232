using System.Net;
using System.Net.NetworkInformation;
using System.Text;
using Kumoi.Api.Agent;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Hosts;

/// <summary>Writes the document of everything one host should have, from one consistent look at the records.</summary>
public sealed class DesiredDocuments(Database database, HostBell bell, ServerOptions options, TimeProvider clock)
{
    // A change made by another server rings no bell here; it is seen at the latest after this.
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    /// <summary>The document if it is newer than <paramref name="after"/>, waiting for that; null if it stays as it is.</summary>
    public async Task<DesiredDocument?> WaitAsync(string hostId, long after, TimeSpan wait, CancellationToken cancel)
    {
        var until = clock.GetUtcNow() + wait;
        for (; ; )
        {
            var ring = bell.Next(hostId);
            var revision = await database.FindAsync("SELECT revision FROM hosts WHERE id = $1", row => row.GetInt64(0), cancel, hostId);
            // A smaller revision means a database restored from a backup: the host has to hear of that too.
            if (revision != after) return await BuildAsync(hostId, cancel);
            var left = until - clock.GetUtcNow();
            if (left <= TimeSpan.Zero) return null;
            await Task.WhenAny(ring, Task.Delay(left < LookInterval ? left : LookInterval, clock, cancel));
            cancel.ThrowIfCancellationRequested();
        }
    }

    public async Task<DesiredDocument> BuildAsync(string hostId, CancellationToken cancel)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        await using var look = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancel);
        var revision = (await connection.RowsAsync("SELECT revision FROM hosts WHERE id = $1", row => row.GetInt64(0), cancel, hostId)).FirstOrDefault();
        var faces = await connection.RowsAsync(
            """
            SELECT i.instance_id, i.id, i.device_index, i.network_id, i.subnet_id, i.mac_address, host(i.address), host(f.address),
                   array(SELECT x.security_group_id FROM interface_security_groups x WHERE x.interface_id = i.id ORDER BY 1),
                   array(SELECT g.name FROM interface_security_groups x JOIN security_groups g ON g.id = x.security_group_id WHERE x.interface_id = i.id ORDER BY 1)
            FROM interfaces i JOIN instances v ON v.id = i.instance_id LEFT JOIN floating_addresses f ON f.interface_id = i.id
            WHERE v.host_id = $1 AND v.terminated_at IS NULL AND i.released_at IS NULL ORDER BY i.device_index
            """,
            row => (Instance: row.GetString(0), Names: row.Texts(9), Interface: new DesiredInterface(
                row.GetString(1), row.GetInt32(2), row.GetString(3), row.GetString(4), InstanceStore.MacText(row.GetFieldValue<PhysicalAddress>(5)), row.GetString(6), row.TextOrNull(7), row.Texts(8))),
            cancel, hostId);
        var byInstance = faces.ToLookup(f => f.Instance);
        var instances = await connection.RowsAsync(
            """
            SELECT v.id, v.account_id, v.name, v.hostname, v.generation, v.incarnation, v.desired, v.boot_epoch, v.vcpus, v.memory_mib, v.disk_gib, v.image_id, v.public_key, v.user_data,
                   v.flavor_name, m.name, z.name, v.key_pair_name, v.created_at, m.sha256, m.format, m.size_bytes, m.virtual_size_bytes
            FROM instances v JOIN images m ON m.id = v.image_id JOIN zones z ON z.id = v.zone_id WHERE v.host_id = $1 AND v.terminated_at IS NULL ORDER BY v.id
            """, row => (Instance: ReadInstance(row, byInstance[row.GetString(0)]), Image: ReadImage(row)), cancel, hostId);
        var networkIds = Columns.Texts(faces.Select(f => f.Interface.NetworkId).Distinct());
        var networks = await ReadNetworksAsync(connection, networkIds.Value as string[] ?? [], cancel);
        var groups = await ReadGroupsAsync(connection, [.. faces.SelectMany(f => f.Interface.SecurityGroupIds).Distinct()], [.. networks.Select(n => n.Id)], cancel);
        var consoles = await connection.RowsAsync(
            "SELECT c.id, c.instance_id, c.kind FROM console_sessions c JOIN instances v ON v.id = c.instance_id WHERE v.host_id = $1 AND NOT c.connected AND c.expires_at > $2",
            row => new DesiredConsole(row.GetString(0), row.GetString(1), row.GetString(2)), cancel, hostId, clock.GetUtcNow());
        return new DesiredDocument(
            revision, hostId, [.. instances.Select(i => i.Image).DistinctBy(image => image.Id)], networks, groups, instances.ConvertAll(i => i.Instance), consoles, [], []);
    }

    private static DesiredInstance ReadInstance(NpgsqlDataReader row, IEnumerable<(string, string[] Names, DesiredInterface Interface)> faces)
    {
        var own = faces.ToList();
        return new DesiredInstance(
            row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt64(4), row.GetInt32(5), row.GetString(6), row.GetInt32(7), row.GetInt32(8), row.GetInt32(9),
            row.GetInt32(10), row.GetString(11), own.ConvertAll(f => f.Interface), row.TextOrNull(12),
            row.IsDBNull(13) ? null : Convert.ToBase64String(Encoding.UTF8.GetBytes(row.GetString(13))),
            new DesiredLabels(row.GetString(14), row.GetString(15), row.GetString(16), row.TextOrNull(17), [.. own.SelectMany(f => f.Names).Distinct()]), row.Time(18));
    }

    private static DesiredImage ReadImage(NpgsqlDataReader row) => new(row.GetString(11), row.GetString(19), row.GetString(20), row.GetInt64(21), row.GetInt64(22));

    private async Task<List<DesiredNetwork>> ReadNetworksAsync(NpgsqlConnection connection, string[] networkIds, CancellationToken cancel)
    {
        var subnets = (await connection.RowsAsync("SELECT network_id, id, cidr, host(gateway), dns_servers FROM subnets WHERE network_id = ANY($1) ORDER BY id",
            row => (Network: row.GetString(0), Subnet: new DesiredSubnet(row.GetString(1), row.GetFieldValue<IPNetwork>(2).ToString(), row.GetString(3), row.Texts(4))), cancel,
            Columns.Texts(networkIds))).ToLookup(s => s.Network, s => s.Subnet);
        var names = (await connection.RowsAsync(
            """
            SELECT i.network_id, v.hostname, host(i.address) FROM interfaces i JOIN instances v ON v.id = i.instance_id
            WHERE i.network_id = ANY($1) AND i.released_at IS NULL ORDER BY i.id
            """, row => (Network: row.GetString(0), Name: new DesiredName(row.GetString(1), row.GetString(2))), cancel, Columns.Texts(networkIds))).ToLookup(n => n.Network, n => n.Name);
        var uplinks = new Uplinks(IPNetwork.Parse(options.UplinkRange));
        return await connection.RowsAsync("SELECT id, name, vni FROM networks WHERE id = ANY($1) ORDER BY id",
            row => new DesiredNetwork(
                row.GetString(0), row.GetString(1), row.GetInt32(2), uplinks.For(row.GetInt32(2)).ToString(),
                Domain(row.GetString(1), row.GetString(0)), [.. subnets[row.GetString(0)]], [.. names[row.GetString(0)]]), cancel, Columns.Texts(networkIds));
    }

    private static string Domain(string name, string id) => Platform.Names.Hostname(name, id) + ".internal";

    private static async Task<List<DesiredSecurityGroup>> ReadGroupsAsync(NpgsqlConnection connection, string[] used, string[] networkIds, CancellationToken cancel)
    {
        var rules = await connection.RowsAsync(
            "SELECT security_group_id, direction, protocol, from_port, to_port, cidr, peer_group_id FROM security_group_rules WHERE security_group_id = ANY($1) ORDER BY id",
            row => (Group: row.GetString(0), Rule: new DesiredRule(
                row.GetString(1), row.GetString(2), row.IntOrNull(3), row.IntOrNull(4), row.IsDBNull(5) ? null : row.GetFieldValue<IPNetwork>(5).ToString(), row.TextOrNull(6))), cancel,
            Columns.Texts(used));
        // Groups that are only named by rules are needed for their members.
        var all = used.Concat(rules.Select(r => r.Rule.GroupId).OfType<string>()).Distinct().Order(StringComparer.Ordinal).ToList();
        var members = (await connection.RowsAsync(
            """
            SELECT m.security_group_id, i.network_id, host(i.address) FROM interface_security_groups m JOIN interfaces i ON i.id = m.interface_id
            WHERE m.security_group_id = ANY($1) AND i.network_id = ANY($2) AND i.released_at IS NULL ORDER BY i.address
            """, row => (Group: row.GetString(0), Member: new DesiredMember(row.GetString(1), row.GetString(2))), cancel, Columns.Texts(all), Columns.Texts(networkIds)))
            .ToLookup(m => m.Group, m => m.Member);
        var byGroup = rules.ToLookup(r => r.Group, r => r.Rule);
        return all.ConvertAll(id => new DesiredSecurityGroup(id, [.. byGroup[id]], [.. members[id]]));
    }
}

/// <summary>Gives each network of one host an address of its own on the uplink range: by its number, which stays, and the next free one
/// if two numbers meet.</summary>
public sealed class Uplinks(IPNetwork range)
{
    private readonly HashSet<long> _taken = [];
    private readonly long _size = Networks.Ipv4.Size(range) - 2;

    public IPAddress For(int vni)
    {
        var offset = vni % _size;
        while (!_taken.Add(offset)) offset = (offset + 1) % _size;
        return Networks.Ipv4.At(range, 1 + offset);
    }
}
