using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Routers;

/// <summary>Internet gateways: made by themselves and attached to networks, which have an outside as long as one is.</summary>
public sealed class InternetGatewayUseCases(Database database, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    private const string Columns_ = "SELECT g.id, n.id, n.name, g.tags::text, g.created_at FROM internet_gateways g LEFT JOIN networks n ON n.id = g.network_id AND n.outside = 'nat' ";

    private static InternetGateway Read(NpgsqlDataReader row) => new(row.GetString(0), row.IsDBNull(1) ? null : new Ref(row.GetString(1), row.GetString(2)), Tags.Read(row, 3), row.Time(4));

    public async Task<Result<Page<InternetGateway>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Columns_ + "WHERE g.account_id = $1 AND g.id > $2 ORDER BY g.id LIMIT $3", Read, cancel, caller.AccountId, page.After, page.Limit + 1), gateway => gateway.Id);

    public async Task<Result<InternetGateway>> GetAsync(Caller caller, string id, CancellationToken cancel) =>
        await database.FindAsync(Columns_ + "WHERE g.account_id = $1 AND g.id = $2", Read, cancel, caller.AccountId, id) is { } gateway ? gateway : Failure.NotFound("internet-gateway", id);

    public async Task<Result<InternetGateway>> CreateAsync(Caller caller, CreateInternetGateway create, IdempotencyKey? once, CancellationToken cancel)
    {
        if (Tags.CheckNew(create.Tags).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<InternetGateway>(transaction => Idempotency.OnceAsync<InternetGateway>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var id = ids.New(Ids.InternetGateway);
            await transaction.ExecuteAsync("INSERT INTO internet_gateways (id, account_id, tags, created_at) VALUES ($1, $2, $3, $4)", cancel, id, caller.AccountId, Tags.Column(create.Tags), clock.GetUtcNow());
            await events.WriteAsync(transaction, caller, "internet-gateway.create", new Subject("internet-gateway", id, id), cancel);
            return (await transaction.FindAsync(Columns_ + "WHERE g.id = $1", Read, cancel, id))!;
        }), cancel);
    }

    /// <summary>Attaches it to a network that has no outside yet.</summary>
    public Task<Result<InternetGateway>> AttachAsync(Caller caller, string id, AttachInternetGateway attach, CancellationToken cancel) => database.TransactionAsync<InternetGateway>(async transaction =>
    {
        await hosts.TouchByNetworkAsync(transaction, caller.AccountId, attach.Network, cancel);
        var network = await NetworkStore.LockAsync(transaction, caller.AccountId, attach.Network, cancel);
        if (await LockAsync(transaction, caller, id, cancel) is not { } gateway) return Failure.NotFound("internet-gateway", id);
        if (network is null) return Failure.Invalid("network", "no-such", new Noun("network"), attach.Network);
        if (gateway.Network?.Id == network.Id) return gateway;
        if (gateway.Network is { } other) return new Failure("gateway-attached", 409, id, other.Name);
        if (await NetworkStore.BridgedAsync(transaction, [network.Id], cancel) is { } bridged) return Failure.Invalid("network", "network-bridged", bridged);
        if (await transaction.ExecuteAsync("UPDATE networks SET outside = 'nat' WHERE id = $1 AND outside = 'none'", cancel, network.Id) == 0) return new Failure("network-has-outside", 409, network.Name);
        // One that was attached there before its outside was taken away otherwise.
        await transaction.ExecuteAsync("UPDATE internet_gateways SET network_id = NULL WHERE network_id = $1", cancel, network.Id);
        await transaction.ExecuteAsync("UPDATE internet_gateways SET network_id = $2 WHERE id = $1", cancel, id, network.Id);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "internet-gateway.attach", new Subject("internet-gateway", id, id), cancel, $"To {network.Name}.");
        return (await transaction.FindAsync(Columns_ + "WHERE g.id = $1", Read, cancel, id))!;
    }, cancel);

    /// <summary>Takes it away from its network, which has no outside from then on.</summary>
    public Task<Result<InternetGateway>> DetachAsync(Caller caller, string id, CancellationToken cancel) => database.TransactionAsync<InternetGateway>(async transaction =>
    {
        var seen = await transaction.FindAsync(Columns_ + "WHERE g.account_id = $1 AND g.id = $2", Read, cancel, caller.AccountId, id);
        if (seen is null) return Failure.NotFound("internet-gateway", id);
        // Hosts and networks are locked before it, as everywhere.
        if (seen.Network is { } network)
        {
            await hosts.TouchByNetworkAsync(transaction, caller.AccountId, network.Id, cancel);
            await NetworkStore.LockAsync(transaction, caller.AccountId, network.Id, cancel);
        }
        if (await LockAsync(transaction, caller, id, cancel) is not { } gateway) return Failure.NotFound("internet-gateway", id);
        if (gateway.Network?.Id != seen.Network?.Id) return new Failure("changed-meanwhile", 409);
        if (gateway.Network is null) return gateway;
        await transaction.ExecuteAsync("UPDATE networks SET outside = 'none' WHERE id = $1", cancel, gateway.Network.Id);
        await transaction.ExecuteAsync("UPDATE internet_gateways SET network_id = NULL WHERE id = $1", cancel, id);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "internet-gateway.detach", new Subject("internet-gateway", id, id), cancel, $"From {gateway.Network.Name}.");
        return gateway with { Network = null };
    }, cancel);

    public Task<Result<Done>> DeleteAsync(Caller caller, string id, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await LockAsync(transaction, caller, id, cancel) is not { } gateway) return Failure.NotFound("internet-gateway", id);
        if (gateway.Network is { } network) return Failure.InUse("internet-gateway", id, [network]);
        await transaction.ExecuteAsync("DELETE FROM internet_gateways WHERE id = $1", cancel, id);
        await events.WriteAsync(transaction, caller, "internet-gateway.delete", new Subject("internet-gateway", id, id), cancel);
        return new Done();
    }, cancel);

    private static Task<InternetGateway?> LockAsync(Transaction transaction, Caller caller, string id, CancellationToken cancel) =>
        transaction.FindAsync(Columns_ + "WHERE g.account_id = $1 AND g.id = $2 FOR UPDATE OF g", Read, cancel, caller.AccountId, id);
}

public static class InternetGatewayEndpoints
{
    public static void MapInternetGateways(this IEndpointRouteBuilder routes, InternetGatewayUseCases gateways)
    {
        routes.Get("/internet-gateways", Permission.Read("internet-gateways"), "ListInternetGateways", "List internet gateways", async call => await PageRequest.Read(call).Then(page => gateways.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateInternetGateway, InternetGateway>("/internet-gateways", Permission.Write("internet-gateways"), "CreateInternetGateway", "Make an internet gateway, attached to no network yet", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => gateways.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/internet-gateways/{internetGateway}", Permission.Read("internet-gateways"), "ShowInternetGateway", "Show an internet gateway", call => gateways.GetAsync(call.Caller, call.Route("internetGateway"), call.Cancelled));
        routes.Post<AttachInternetGateway, InternetGateway>("/internet-gateways/{internetGateway}/attach", Permission.Write("internet-gateways"), "AttachInternetGateway", "Give a network without an outside one", 200,
            (call, attach) => gateways.AttachAsync(call.Caller, call.Route("internetGateway"), attach, call.Cancelled)).Fails(409);
        routes.Post("/internet-gateways/{internetGateway}/detach", Permission.Write("internet-gateways"), "DetachInternetGateway", "Take the outside away from the gateway's network", 200, call => gateways.DetachAsync(call.Caller, call.Route("internetGateway"), call.Cancelled)).Fails(409);
        routes.Delete("/internet-gateways/{internetGateway}", Permission.Write("internet-gateways"), "DeleteInternetGateway", "Remove an internet gateway that is attached to nothing", call => gateways.DeleteAsync(call.Caller, call.Route("internetGateway"), call.Cancelled)).Fails(409);
    }
}
