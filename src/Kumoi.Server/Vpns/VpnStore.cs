using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Vpns;

/// <summary>A client or a site as its row is.</summary>
/// <param name="Number">Of a client: its addresses are at this offset of the gateway's ranges; null: it is a site.</param>
/// <param name="Clients">The gateway's ranges of clients.</param>
/// <param name="Ranges">Of a site.</param>
public sealed record VpnPeerRow(
    string Id, string Name, Ref Vpn, string PublicKey, int? Number, string? ConfiguredEndpoint, bool HasPresharedKey, DateTimeOffset? HandshakeAt, string? Endpoint, long BytesIn, long BytesOut,
    DateTimeOffset CreatedAt, IReadOnlyList<string> Clients, IReadOnlyList<string> Ranges)
{
    public IReadOnlyList<string> Addresses => [.. Clients.Select(range => AddressRange.At(IPNetwork.Parse(range), Number!.Value).ToString())];

    public VpnClient ToClient(string? profile) => new(Id, Name, Vpn, PublicKey, Addresses, HandshakeAt, Endpoint, BytesIn, BytesOut, profile, CreatedAt);

    public VpnSite ToSite(string? profile) => new(Id, Name, Vpn, PublicKey, Ranges, ConfiguredEndpoint, HasPresharedKey, HandshakeAt, Endpoint, BytesIn, BytesOut, profile, CreatedAt);
}

/// <summary>Statements on VPN gateways, their clients and sites, except those of documents and reports.</summary>
public sealed class VpnStore(Database database)
{
    private const string VpnColumns =
        """
        SELECT v.id, v.name, n.id, n.name, host(v.address), v.port, v.public_key,
               (SELECT array_agg(r.range::text ORDER BY family(r.range)) FROM vpn_ranges r WHERE r.vpn_id = v.id AND r.peer_id IS NULL),
               CASE WHEN g.host_id IS NULL THEN 'no-host' WHEN v.reported_by IS DISTINCT FROM g.host_id THEN 'pending' WHEN v.problem IS NOT NULL THEN 'failed' ELSE 'up' END, v.problem,
               (SELECT count(*)::int FROM vpn_peers p WHERE p.vpn_id = v.id AND p.number IS NOT NULL), (SELECT count(*)::int FROM vpn_peers p WHERE p.vpn_id = v.id AND p.number IS NULL), v.created_at
        FROM vpns v JOIN networks n ON n.id = v.network_id JOIN network_gateways g ON g.address = v.address
        """;

    private static Vpn Read(NpgsqlDataReader row)
    {
        var state = row.GetString(8);
        return new Vpn(
            row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetInt32(5), row.GetString(6), row.Texts(7), state,
            state == "failed" ? row.TextOrNull(9) : null, row.GetInt32(10), row.GetInt32(11), row.Time(12));
    }

    private const string One = VpnColumns + " WHERE v.account_id = $1 AND (v.id = $2 OR v.name = $2)";

    public Task<List<Vpn>> ListAsync(string accountId, PageRequest page, CancellationToken cancel) =>
        database.QueryAsync(VpnColumns + " WHERE v.account_id = $1 AND v.id > $2 ORDER BY v.id LIMIT $3", Read, cancel, accountId, page.After, page.Limit + 1);

    public Task<Vpn?> FindAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(One, Read, cancel, accountId, key);

    public static Task<Vpn?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(One, Read, cancel, accountId, key);

    public static Task<string?> NetworkAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        transaction.FindAsync("SELECT network_id FROM vpns WHERE account_id = $1 AND (id = $2 OR name = $2)", row => row.GetString(0), cancel, accountId, key);

    /// <summary>The name of the network's gateway, or null.</summary>
    public static Task<string?> OfNetworkAsync(Transaction transaction, string networkId, CancellationToken cancel) =>
        transaction.FindAsync("SELECT name FROM vpns WHERE network_id = $1", row => row.GetString(0), cancel, networkId);

    /// <summary>The name of the gateway that has a UDP port of an address, or null.</summary>
    public static Task<string?> AtAsync(Transaction transaction, string address, int port, CancellationToken cancel) =>
        transaction.FindAsync("SELECT name FROM vpns WHERE address = $1 AND port = $2", row => row.GetString(0), cancel, Columns.Inet(IPAddress.Parse(address)), port);

    /// <summary>False if the account has one of that name.</summary>
    public static async Task<bool> InsertAsync(
        Transaction transaction, string accountId, string id, string name, string networkId, string address, bool takesAddress, int port, string publicKey, byte[] privateKey, DateTimeOffset now, CancellationToken cancel) =>
        await transaction.ExecuteAsync(
            """
            INSERT INTO vpns (id, account_id, network_id, name, address, takes_address, port, public_key, encrypted_private_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (account_id, name) DO NOTHING
            """, cancel, id, accountId, networkId, name, Columns.Inet(IPAddress.Parse(address)), takesAddress, port, publicKey, privateKey, now) == 1;

    /// <summary>Removes a gateway with its clients and sites; true if its address was taken for it.</summary>
    public static Task<bool> DeleteAsync(Transaction transaction, string id, CancellationToken cancel) =>
        transaction.FindAsync("DELETE FROM vpns WHERE id = $1 RETURNING takes_address", row => row.GetBoolean(0), cancel, id);

    /// <param name="peerId">The site; null: the ranges of clients.</param>
    public static Task InsertRangesAsync(Transaction transaction, string accountId, string networkId, string vpnId, string? peerId, IEnumerable<IPNetwork> ranges, CancellationToken cancel) =>
        transaction.ExecuteAsync([.. ranges.Select(range => (
            "INSERT INTO vpn_ranges (network_id, account_id, vpn_id, peer_id, range) VALUES ($1, $2, $3, $4, $5)",
            (object?[])[networkId, accountId, vpnId, Columns.Text(peerId), Columns.Cidr(range)]))]);

    /// <summary>A range that clients or sites of a network have and that overlaps; null: none.</summary>
    public static Task<string?> OverlappingAsync(Transaction transaction, string networkId, IPNetwork range, CancellationToken cancel) =>
        transaction.FindAsync("SELECT range::text FROM vpn_ranges WHERE network_id = $1 AND range && $2 ORDER BY range LIMIT 1", row => row.GetString(0), cancel, networkId, Columns.Cidr(range));

    /// <summary>What the network and those that it is linked with have, and what its routes lead to: nothing of it can be elsewhere, too. The rule is the one that is broken by what overlaps it.</summary>
    public static Task<List<(IPNetwork Range, string Rule)>> TakenAsync(Transaction transaction, string networkId, CancellationToken cancel) => transaction.QueryAsync(
        $"""
        SELECT cidr, '{VpnRules.OverlapsSubnet}' FROM subnets WHERE network_id = $1 UNION ALL SELECT cidr, 'overlaps-linked-range' FROM subnets WHERE network_id IN (SELECT other_id FROM network_links WHERE network_id = $1)
        UNION ALL SELECT destination, 'overlaps-route' FROM network_routes WHERE network_id = $1 UNION ALL SELECT range, 'overlaps-vpn' FROM vpn_ranges WHERE network_id = $1 ORDER BY 2 DESC, 1
        """, row => (row.GetFieldValue<IPNetwork>(0), row.GetString(1)), cancel, networkId);

    private const string PeerColumns =
        """
        SELECT p.id, p.name, v.id, v.name, p.public_key, p.number, p.configured_endpoint, p.encrypted_preshared_key IS NOT NULL, p.handshake_at, p.endpoint, p.bytes_in, p.bytes_out, p.created_at,
               (SELECT array_agg(r.range::text ORDER BY family(r.range)) FROM vpn_ranges r WHERE r.vpn_id = v.id AND r.peer_id IS NULL),
               (SELECT coalesce(array_agg(r.range::text ORDER BY r.range), '{}') FROM vpn_ranges r WHERE r.peer_id = p.id)
        FROM vpn_peers p JOIN vpns v ON v.id = p.vpn_id WHERE v.account_id = $1 AND v.id = $2 AND (p.number IS NULL) = $3
        """;

    private static VpnPeerRow ReadPeer(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.IntOrNull(5), row.TextOrNull(6), row.GetBoolean(7), row.TimeOrNull(8), row.TextOrNull(9),
        row.GetInt64(10), row.GetInt64(11), row.Time(12), row.Texts(13), row.Texts(14));

    public Task<List<VpnPeerRow>> PeersAsync(string accountId, string vpnId, bool sites, PageRequest page, CancellationToken cancel) =>
        database.QueryAsync(PeerColumns + " AND p.id > $4 ORDER BY p.id LIMIT $5", ReadPeer, cancel, accountId, vpnId, sites, page.After, page.Limit + 1);

    private const string OnePeer = PeerColumns + " AND (p.id = $4 OR p.name = $4)";

    public Task<VpnPeerRow?> PeerAsync(string accountId, string vpnId, bool site, string key, CancellationToken cancel) => database.FindAsync(OnePeer, ReadPeer, cancel, accountId, vpnId, site, key);

    public static Task<VpnPeerRow?> PeerAsync(Transaction transaction, string accountId, string vpnId, bool site, string key, CancellationToken cancel) =>
        transaction.FindAsync(OnePeer, ReadPeer, cancel, accountId, vpnId, site, key);

    /// <summary>What keeps a gateway from getting a peer: its own kind's name, or anybody's key; null: nothing.</summary>
    public static Task<string?> ClashAsync(Transaction transaction, string vpnId, bool site, string name, string publicKey, CancellationToken cancel) => transaction.FindAsync(
        """
        SELECT CASE WHEN p.public_key = $4 THEN 'publicKey' ELSE 'name' END FROM vpn_peers p WHERE p.vpn_id = $1 AND (p.public_key = $4 OR p.name = $3 AND (p.number IS NULL) = $2) LIMIT 1
        """, row => row.GetString(0), cancel, vpnId, site, name, publicKey);

    public static Task InsertPeerAsync(
        Transaction transaction, string accountId, string vpnId, string id, string name, string publicKey, int? number, string? endpoint, byte[]? presharedKey, DateTimeOffset now, CancellationToken cancel) =>
        transaction.ExecuteAsync(
            """
            INSERT INTO vpn_peers (id, account_id, vpn_id, name, public_key, number, configured_endpoint, encrypted_preshared_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """, cancel, id, accountId, vpnId, name, publicKey, Columns.Integer(number), Columns.Text(endpoint), new NpgsqlParameter { Value = (object?)presharedKey ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea }, now);

    /// <summary>The next free number, those after the last one first; null if there is none.</summary>
    /// <param name="last">The last that the smallest of the ranges has room for.</param>
    public static Task<int?> NextNumberAsync(Transaction transaction, string vpnId, int last, CancellationToken cancel) => transaction.FindAsync(
        """
        UPDATE vpns v SET last_number = n.number FROM (
            SELECT s.number FROM vpns o, generate_series(2, $2) AS s(number) WHERE o.id = $1 AND NOT EXISTS (SELECT 1 FROM vpn_peers p WHERE p.vpn_id = $1 AND p.number = s.number)
            ORDER BY s.number <= o.last_number, s.number LIMIT 1) n
        WHERE v.id = $1 RETURNING v.last_number
        """, row => (int?)row.GetInt32(0), cancel, vpnId, last);

    public static Task<int> DeletePeerAsync(Transaction transaction, string id, CancellationToken cancel) => transaction.ExecuteAsync("DELETE FROM vpn_peers WHERE id = $1", cancel, id);

    /// <summary>What profiles of the gateway's other ends are made of.</summary>
    public async Task<VpnFacts> FactsAsync(string vpnId, CancellationToken cancel) => await database.FindAsync(Facts, ReadFacts, cancel, vpnId) ?? throw new InvalidOperationException($"The gateway {vpnId} is gone.");

    public static async Task<VpnFacts> FactsAsync(Transaction transaction, string vpnId, CancellationToken cancel) => (await transaction.FindAsync(Facts, ReadFacts, cancel, vpnId))!;

    private const string Facts =
        $$"""
        SELECT host(v.address), v.port, v.public_key, n.id, n.name, n.domain, {{NetworkStore.Mtu}},
               (SELECT coalesce(array_agg(s.cidr::text ORDER BY family(s.cidr), s.id), '{}') FROM subnets s WHERE s.network_id = n.id),
               (SELECT coalesce(array_agg(DISTINCT host(s.gateway)), '{}') FROM subnets s WHERE s.network_id = n.id AND NOT EXISTS
                   (SELECT 1 FROM subnets o WHERE o.network_id = s.network_id AND family(o.cidr) = family(s.cidr) AND o.id < s.id))
        FROM vpns v JOIN networks n ON n.id = v.network_id WHERE v.id = $1
        """;

    private static VpnFacts ReadFacts(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetInt32(1), row.GetString(2), row.Texts(7), row.Texts(8), NetworkStore.Domain(row.GetString(3), row.GetString(4), row.TextOrNull(5)), row.GetInt32(6));
}
