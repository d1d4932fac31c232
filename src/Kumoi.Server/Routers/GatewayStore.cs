using System.Net;
using Kumoi.Api;
using Kumoi.Server.FloatingAddresses;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Routers;

/// <summary>A public address that got another host.</summary>
public sealed record MovedGateway(string Address, string NetworkId, string? HostId);

/// <summary>Statements on public addresses that serve a network, and on which of its hosts has each.</summary>
public static class GatewayStore
{
    // A gateway keeps its host as long as that is not down and has a guest in the network: moving it breaks the connections through it.
    private const string Fits =
        """
        EXISTS (SELECT 1 FROM interfaces i JOIN instances v ON v.id = i.instance_id JOIN hosts h ON h.id = v.host_id
                WHERE i.network_id = g.network_id AND i.released_at IS NULL AND i.detached_at IS NULL AND v.host_id = g.host_id AND h.state <> 'down')
        """;

    // Of the hosts with guests in the network that are up, the one that has the fewest gateways.
    private const string Best =
        """
        (SELECT v.host_id FROM interfaces i JOIN instances v ON v.id = i.instance_id JOIN hosts h ON h.id = v.host_id
         WHERE i.network_id = g.network_id AND i.released_at IS NULL AND i.detached_at IS NULL AND h.state = 'up'
         GROUP BY v.host_id ORDER BY (SELECT count(*) FROM network_gateways o WHERE o.host_id = v.host_id), v.host_id LIMIT 1)
        """;

    /// <summary>Networks with a gateway that should get another host.</summary>
    public static Task<List<string>> LackingAsync(Database database, CancellationToken cancel) => database.QueryAsync(
        $"SELECT DISTINCT g.network_id FROM network_gateways g WHERE NOT {Fits} AND g.host_id IS DISTINCT FROM {Best}", row => row.GetString(0), cancel);

    /// <summary>Gives those of a network's gateways that need it another host; which did.</summary>
    public static Task<List<MovedGateway>> ChooseAsync(Transaction transaction, string networkId, CancellationToken cancel) => transaction.QueryAsync(
        $"UPDATE network_gateways g SET host_id = {Best} WHERE g.network_id = $1 AND NOT {Fits} AND g.host_id IS DISTINCT FROM {Best} RETURNING host(g.address), g.network_id, g.host_id",
        row => new MovedGateway(row.GetString(0), row.GetString(1), row.TextOrNull(2)), cancel, networkId);

    /// <summary>Lets an address of the account serve a network; its row is held until the transaction ends.</summary>
    public static async Task<Result<FloatingAddress>> ServeAsync(Transaction transaction, string accountId, string field, string key, Ref network, CancellationToken cancel)
    {
        var address = await FloatingAddressStore.LockAsync(transaction, accountId, key, cancel);
        if (address is null) return Failure.Invalid(field, "no-such", new Noun("floating-address"), key);
        if (address.Interface is not null) return new Failure("address-associated", 409, address.Address) { UsedBy = address.Instance is { } user ? [user] : [] };
        if (address.Network is { } other && other.Id != network.Id) return new Failure("address-serves-network", 409, address.Address, other.Name);
        // From now on it does not go with an instance.
        await FloatingAddressStore.LeadAsync(transaction, address.Id, null, cancel);
        await transaction.ExecuteAsync("INSERT INTO network_gateways (address, account_id, network_id) VALUES ($1, $2, $3) ON CONFLICT (address) DO NOTHING", cancel,
            Columns.Inet(IPAddress.Parse(address.Address)), accountId, network.Id);
        await ChooseAsync(transaction, network.Id, cancel);
        return address;
    }

    /// <summary>Frees addresses of a network that serve it with nothing any more.</summary>
    public static Task<int> ForgetIdleAsync(Transaction transaction, string networkId, CancellationToken cancel) => transaction.ExecuteAsync(
        "DELETE FROM network_gateways g WHERE g.network_id = $1 AND NOT g.is_source AND NOT EXISTS (SELECT 1 FROM port_forwards f WHERE f.address = g.address) AND NOT EXISTS (SELECT 1 FROM load_balancer_addresses a WHERE a.address = g.address) AND NOT EXISTS (SELECT 1 FROM vpns v WHERE v.address = g.address)",
        cancel, networkId);

    /// <summary>The address under which a network's guests leave.</summary>
    /// <param name="key">An address of the account; <c>none</c>: the host's.</param>
    public static async Task<Result<Done>> SetSourceAsync(Transaction transaction, string accountId, Ref network, string key, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE network_gateways SET is_source = false WHERE network_id = $1 AND is_source", cancel, network.Id);
        if (key != "none")
        {
            var served = await ServeAsync(transaction, accountId, "sourceAddress", key, network, cancel);
            if (served.Failure is { } failure) return failure;
            await transaction.ExecuteAsync("UPDATE network_gateways SET is_source = true WHERE address = $1", cancel, Columns.Inet(IPAddress.Parse(served.Value.Address)));
        }
        await ForgetIdleAsync(transaction, network.Id, cancel);
        return new Done();
    }

    /// <summary>Port forwards that lead to an interface.</summary>
    public static Task<List<Ref>> ForwardsToAsync(Transaction transaction, string interfaceId, CancellationToken cancel) => transaction.QueryAsync(
        "SELECT id, host(address) || ' ' || protocol || ' ' || port FROM port_forwards WHERE interface_id = $1 ORDER BY id", row => new Ref(row.GetString(0), row.GetString(1)), cancel, interfaceId);

    /// <summary>Port forwards of an address.</summary>
    public static Task<List<Ref>> ForwardsOfAsync(Transaction transaction, string address, CancellationToken cancel) => transaction.QueryAsync(
        "SELECT id, protocol || ' ' || port FROM port_forwards WHERE address = $1 ORDER BY id", row => new Ref(row.GetString(0), row.GetString(1)), cancel, Columns.Inet(IPAddress.Parse(address)));

    /// <summary>Removes the forwards to interfaces that are gone; the networks that they were of.</summary>
    public static Task<List<string>> ForgetForwardsAsync(Transaction transaction, IReadOnlyCollection<string> interfaceIds, CancellationToken cancel) => transaction.QueryAsync(
        "DELETE FROM port_forwards f USING network_gateways g WHERE g.address = f.address AND f.interface_id = ANY($1) RETURNING g.network_id", row => row.GetString(0), cancel, Columns.Texts(interfaceIds));
}
