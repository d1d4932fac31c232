using System.Net;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.FloatingAddresses;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Vpns;
using Npgsql;

namespace Kumoi.Server.Routers;

/// <summary>Ports of public addresses that lead to guests. The address serves the guests' network from then on, on one of its hosts.</summary>
public sealed class PortForwardUseCases(Database database, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    private const int DescriptionMax = 255;

    private const string Columns_ =
        """
        SELECT f.id, host(f.address), f.protocol, f.port, n.id, n.name, i.id, v.id, v.name, f.target_port, f.description, f.created_at FROM port_forwards f
        JOIN network_gateways g ON g.address = f.address JOIN networks n ON n.id = g.network_id JOIN interfaces i ON i.id = f.interface_id JOIN instances v ON v.id = i.instance_id
        """;

    private static PortForward Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt32(3), new Ref(row.GetString(4), row.GetString(5)), row.GetString(6), new Ref(row.GetString(7), row.GetString(8)),
        row.GetInt32(9), row.GetString(10), row.Time(11));

    private const string One = Columns_ + " WHERE f.account_id = $1 AND f.id = $2";

    public async Task<Result<Page<PortForward>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Columns_ + " WHERE f.account_id = $1 AND f.id > $2 ORDER BY f.id LIMIT $3", Read, cancel, caller.AccountId, page.After, page.Limit + 1), forward => forward.Id);

    public async Task<Result<PortForward>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await database.FindAsync(One, Read, cancel, caller.AccountId, key) is { } forward ? forward : Failure.NotFound("port-forward", key);

    public async Task<Result<PortForward>> CreateAsync(Caller caller, CreatePortForward create, IdempotencyKey? once, CancellationToken cancel)
    {
        Violation?[] violations =
        [
            create.Protocol is "tcp" or "udp" ? null : new Violation("protocol", "one-of", "tcp, udp"), create.Port is < 1 or > 65535 ? new Violation("port", "between", 1, 65535) : null,
            create.TargetPort is < 1 or > 65535 ? new Violation("targetPort", "between", 1, 65535) : null, create.Description is { Length: > DescriptionMax } ? new Violation("description", "too-long", DescriptionMax) : null,
            (create.Instance ?? create.Interface) is null ? new Violation("instance", "required") : null,
        ];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<PortForward>(transaction => Idempotency.OnceAsync<PortForward>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var target = (await FloatingAddressStore.TargetsAsync(transaction, caller.AccountId, create.Interface, create.Instance, cancel)).Find(target => target.HasIpv4);
            if (target is null)
                return create.Interface is { } face ? Failure.Invalid("interface", "no-such", new Noun("interface"), face) : Failure.Invalid("instance", "no-such", new Noun("instance"), create.Instance!);
            var network = await transaction.FindAsync("SELECT n.id, n.name FROM interfaces i JOIN networks n ON n.id = i.network_id WHERE i.id = $1", row => new Ref(row.GetString(0), row.GetString(1)), cancel, target.InterfaceId);
            if (await NetworkStore.BridgedAsync(transaction, [network!.Id], cancel) is { } bridged) return Failure.Invalid(create.Interface is null ? "instance" : "interface", "network-bridged", bridged);
            await hosts.TouchByNetworksAsync(transaction, [network.Id], cancel);
            var served = await GatewayStore.ServeAsync(transaction, caller.AccountId, "address", create.Address, network, cancel);
            if (served.Failure is { } failure) return failure;
            if (served.Value.LoadBalancer is { } balancer) return new Failure("address-balanced", 409, served.Value.Address, balancer.Name);
            if (create.Protocol == "udp" && await VpnStore.AtAsync(transaction, served.Value.Address, create.Port, cancel) is { } vpn) return new Failure("port-of-vpn", 409, served.Value.Address, create.Port, vpn);
            var id = ids.New(Ids.PortForward);
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO port_forwards (id, account_id, address, protocol, port, interface_id, target_port, description, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (address, protocol, port) DO NOTHING
                """, cancel, id, caller.AccountId, Columns.Inet(IPAddress.Parse(served.Value.Address)), create.Protocol, create.Port, target.InterfaceId, create.TargetPort ?? create.Port, create.Description ?? "", clock.GetUtcNow());
            if (made == 0) return new Failure("port-forwarded", 409, served.Value.Address, create.Protocol, create.Port);
            await events.WriteAsync(transaction, caller, "port-forward.create", new Subject("port-forward", id, served.Value.Address), cancel);
            return (await transaction.FindAsync(One, Read, cancel, caller.AccountId, id))!;
        }), cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var forward = await transaction.FindAsync(One + " FOR UPDATE OF f", Read, cancel, caller.AccountId, key);
        if (forward is null) return Failure.NotFound("port-forward", key);
        await hosts.TouchByNetworksAsync(transaction, [forward.Network.Id], cancel);
        await transaction.ExecuteAsync("DELETE FROM port_forwards WHERE id = $1", cancel, forward.Id);
        await GatewayStore.ForgetIdleAsync(transaction, forward.Network.Id, cancel);
        await events.WriteAsync(transaction, caller, "port-forward.delete", new Subject("port-forward", forward.Id, forward.Address), cancel);
        return new Done();
    }, cancel);
}

public static class PortForwardEndpoints
{
    public static void MapPortForwards(this IEndpointRouteBuilder routes, PortForwardUseCases forwards)
    {
        routes.Get("/port-forwards", Permission.Read("port-forwards"), "ListPortForwards", "List port forwards",
            async call => await PageRequest.Read(call).Then(page => forwards.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreatePortForward, PortForward>("/port-forwards", Permission.Write("port-forwards"), "CreatePortForward", "Lead a port of a public address to a guest", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => forwards.CreateAsync(call.Caller, create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/port-forwards/{portForward}", Permission.Read("port-forwards"), "ShowPortForward", "Show a port forward", call => forwards.GetAsync(call.Caller, call.Route("portForward"), call.Cancelled));
        routes.Delete("/port-forwards/{portForward}", Permission.Write("port-forwards"), "DeletePortForward", "Remove a port forward", call => forwards.DeleteAsync(call.Caller, call.Route("portForward"), call.Cancelled));
    }
}
