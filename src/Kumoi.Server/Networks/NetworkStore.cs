using System.Net;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Networks;

/// <summary>Every statement on networks and subnets.</summary>
public sealed class NetworkStore(Database database, Ids ids, TimeProvider clock)
{
    /// <summary>The range of an account's first network. Networks of different accounts may have the same.</summary>
    public const string DefaultRange = "10.0.0.0/20";

    // Network, broadcast and gateway addresses are not given out.
    private const string SubnetColumns =
        """
        SELECT s.id, s.name, n.id, n.name, s.cidr, host(s.gateway), s.dns_servers, s.created_at,
               (1::bigint << (32 - masklen(s.cidr))) - 3 - (SELECT count(*) FROM interfaces i WHERE i.subnet_id = s.id AND i.released_at IS NULL)
        FROM subnets s JOIN networks n ON n.id = s.network_id
        """;

    private static Subnet ReadSubnet(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetFieldValue<IPNetwork>(4).ToString(), row.GetString(5), row.Texts(6),
        row.GetInt64(8), row.Time(7));

    public async Task<List<Network>> ListAsync(string accountId, PageRequest page, CancellationToken cancel)
    {
        var networks = await database.QueryAsync("SELECT id, name, created_at FROM networks WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3", Read, cancel,
            accountId, page.After, page.Limit + 1);
        var subnets = await database.QueryAsync(SubnetColumns + " WHERE s.network_id = ANY($1) ORDER BY s.id", ReadSubnet, cancel,
            Columns.Texts(networks.Select(n => n.Id)));
        return networks.ConvertAll(network => network with { Subnets = subnets.FindAll(s => s.Network.Id == network.Id) });
    }

    private static Network Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), [], row.Time(2));

    private const string Find = "SELECT id, name, created_at FROM networks WHERE account_id = $1 AND (id = $2 OR name = $2)";

    public async Task<Network?> FindAsync(string accountId, string key, CancellationToken cancel)
    {
        var network = await database.FindAsync(Find, Read, cancel, accountId, key);
        return network is null ? null : network with
        {
            Subnets = await database.QueryAsync(SubnetColumns + " WHERE s.network_id = $1 ORDER BY s.id", ReadSubnet, cancel, network.Id),
        };
    }

    public async Task<Network?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel)
    {
        var network = await transaction.FindAsync(Find, Read, cancel, accountId, key);
        return network is null ? null : network with
        {
            Subnets = await transaction.QueryAsync(SubnetColumns + " WHERE s.network_id = $1 ORDER BY s.id", ReadSubnet, cancel, network.Id),
        };
    }

    public Task<List<Subnet>> ListSubnetsAsync(string accountId, string? network, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        SubnetColumns + " WHERE s.account_id = $1 AND s.id > $2 AND ($4::text IS NULL OR n.id = $4 OR n.name = $4) ORDER BY s.id LIMIT $3", ReadSubnet, cancel,
        accountId, page.After, page.Limit + 1, Columns.Text(network));

    private const string OneSubnet = SubnetColumns + " WHERE s.account_id = $1 AND (s.id = $2 OR s.name = $2) ORDER BY s.id LIMIT 1";

    public Task<Subnet?> FindSubnetAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(OneSubnet, ReadSubnet, cancel, accountId, key);

    public Task<Subnet?> FindSubnetAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        transaction.FindAsync(OneSubnet, ReadSubnet, cancel, accountId, key);

    /// <summary>The new network's id, or null if the account has one of that name.</summary>
    public async Task<string?> InsertAsync(Transaction transaction, string accountId, string name, CancellationToken cancel)
    {
        var id = ids.New(Ids.Network);
        // The sequence wraps; a number still in use is passed over by asking again.
        for (; ; )
        {
            var vni = await transaction.FindAsync("SELECT nextval('network_vni')::int", row => row.GetInt32(0), cancel);
            if (await transaction.FindAsync("SELECT 1 FROM networks WHERE vni = $1", row => row.GetInt32(0), cancel, vni) != 0) continue;
            var made = await transaction.ExecuteAsync(
                "INSERT INTO networks (id, account_id, name, vni, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, name) DO NOTHING", cancel,
                id, accountId, name, vni, clock.GetUtcNow());
            return made == 0 ? null : id;
        }
    }

    public async Task InsertDefaultAsync(Transaction transaction, string accountId, CancellationToken cancel)
    {
        var id = await InsertAsync(transaction, accountId, "default", cancel);
        await InsertSubnetAsync(transaction, accountId, id!, "default", IPNetwork.Parse(DefaultRange), [], cancel);
    }

    /// <summary>The new subnet's id, or null if the network has one of that name.</summary>
    public async Task<string?> InsertSubnetAsync(
        Transaction transaction, string accountId, string networkId, string? name, IPNetwork range, IReadOnlyList<string> dnsServers, CancellationToken cancel)
    {
        var id = ids.New(Ids.Subnet);
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO subnets (id, account_id, network_id, name, cidr, gateway, dns_servers, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (network_id, name) DO NOTHING
            """, cancel,
            id, accountId, networkId, name is null ? range.ToString().Replace('/', '-') : Names.Normal(name), Columns.Cidr(range), Columns.Inet(Ipv4.At(range, 1)),
            Columns.Texts(dnsServers), clock.GetUtcNow());
        return made == 0 ? null : id;
    }

    /// <summary>The instances that have an interface there.</summary>
    public Task<List<Ref>> UsersAsync(Transaction transaction, string column, string id, CancellationToken cancel) => transaction.QueryAsync(
        $"SELECT DISTINCT v.id, v.name FROM interfaces i JOIN instances v ON v.id = i.instance_id WHERE {column} = $1 AND i.released_at IS NULL ORDER BY v.id LIMIT 20",
        row => new Ref(row.GetString(0), row.GetString(1)), cancel, id);

    public async Task DeleteAsync(Transaction transaction, string networkId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM interfaces WHERE network_id = $1 AND released_at IS NOT NULL", cancel, networkId);
        await transaction.ExecuteAsync("DELETE FROM subnets WHERE network_id = $1", cancel, networkId);
        await transaction.ExecuteAsync("DELETE FROM networks WHERE id = $1", cancel, networkId);
    }

    public async Task DeleteSubnetAsync(Transaction transaction, string subnetId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM interfaces WHERE subnet_id = $1 AND released_at IS NOT NULL", cancel, subnetId);
        await transaction.ExecuteAsync("DELETE FROM subnets WHERE id = $1", cancel, subnetId);
    }
}

/// <summary>Arithmetic on IPv4 ranges.</summary>
public static class Ipv4
{
    /// <summary>The address at an offset from the range's first.</summary>
    public static IPAddress At(IPNetwork range, long offset)
    {
        Span<byte> bytes = stackalloc byte[4];
        range.BaseAddress.TryWriteBytes(bytes, out _);
        var first = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)(first + offset));
        return new IPAddress(bytes);
    }

    public static long Size(IPNetwork range) => 1L << (32 - range.PrefixLength);
}
