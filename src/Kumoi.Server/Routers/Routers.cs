using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Routers;

/// <summary>Routers between networks of one account.</summary>
public sealed class RouterUseCases(Database database, RouterStore store, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    // Every host with guests in one of them carries them all.
    private const int NetworksMax = 32;

    public async Task<Result<Page<Router>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, page, cancel), router => router.Id);

    public async Task<Result<Router>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } router ? router : Failure.NotFound("router", key);

    public async Task<Result<Router>> CreateAsync(Caller caller, CreateRouter create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        Violation?[] violations = [Names.Check("name", name), create.Networks is { Count: > NetworksMax } ? new Violation("networks", "at-most", NetworksMax) : null];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Router>(transaction => Idempotency.OnceAsync<Router>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var id = ids.New(Ids.Router);
            if (!await RouterStore.InsertAsync(transaction, caller.AccountId, id, name, clock.GetUtcNow(), cancel)) return Failure.NameTaken("router", name);
            var joined = await JoinAsync(transaction, caller, new Router(id, name, [], default), "networks", create.Networks ?? [], [], cancel);
            if (joined.Failure is { } failure) return failure;
            await events.WriteAsync(transaction, caller, "router.create", new Subject("router", id, name), cancel);
            return (await RouterStore.FindAsync(transaction, caller.AccountId, id, cancel))!;
        }), cancel);
    }

    public Task<Result<Router>> ChangeAsync(Caller caller, string key, ChangeRouter change, CancellationToken cancel) => database.TransactionAsync<Router>(async transaction =>
    {
        var router = await RouterStore.LockAsync(transaction, caller.AccountId, key, cancel);
        if (router is null) return Failure.NotFound("router", key);
        var gone = await RouterStore.NetworksAsync(transaction, caller.AccountId, change.Detach ?? [], cancel);
        for (var i = 0; i < gone.Count; i++)
            if (gone[i] is null || router.Networks.All(n => n.Id != gone[i]!.Id)) return Failure.Invalid($"detach[{i}]", "no-such", new Noun("network"), change.Detach![i]);
        var joined = await JoinAsync(transaction, caller, router, "attach", change.Attach ?? [], [.. gone.OfType<Ref>().Select(n => n.Id)], cancel);
        if (joined.Failure is { } failure) return failure;
        await events.WriteAsync(transaction, caller, "router.update", new Subject("router", router.Id, router.Name), cancel);
        return (await RouterStore.FindAsync(transaction, caller.AccountId, router.Id, cancel))!;
    }, cancel);

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var router = await RouterStore.LockAsync(transaction, caller.AccountId, key, cancel);
        if (router is null) return Failure.NotFound("router", key);
        await hosts.TouchByNetworksAsync(transaction, [.. router.Networks.Select(n => n.Id)], cancel);
        await transaction.ExecuteAsync("DELETE FROM routers WHERE id = $1", cancel, router.Id);
        await events.WriteAsync(transaction, caller, "router.delete", new Subject("router", router.Id, router.Name), cancel);
        return new Done();
    }, cancel);

    private async Task<Result<Done>> JoinAsync(
        Transaction transaction, Caller caller, Router router, string field, IReadOnlyList<string> attach, IReadOnlyList<string> detach, CancellationToken cancel)
    {
        var networks = await RouterStore.NetworksAsync(transaction, caller.AccountId, attach, cancel);
        var missing = networks.Select((network, i) => (network, i)).Where(n => n.network is null).Select(n => new Violation($"{field}[{n.i}]", "no-such", new Noun("network"), attach[n.i])).ToArray();
        if (missing.Length > 0) return Failure.Invalid(missing);
        for (var i = 0; i < networks.Count; i++)
            if (await NetworkStore.BridgedAsync(transaction, [networks[i]!.Id], cancel) is { } bridged) return Failure.Invalid($"{field}[{i}]", "network-bridged", bridged);
        string[] all = [.. router.Networks.Select(n => n.Id).Concat(networks.Select(n => n!.Id)).Distinct()];
        if (all.Length - detach.Count > NetworksMax) return Failure.Invalid(field, "at-most", NetworksMax);
        await hosts.TouchByNetworksAsync(transaction, all, cancel);
        await LinkStore.LockAsync(transaction, all, cancel);
        await RouterStore.JoinAsync(transaction, caller.AccountId, router.Id, networks.Select(n => n!.Id), detach, cancel);
        if (await LinkStore.ConflictAsync(transaction, all, cancel) is not { } conflict) return new Done();
        // The first of those attached that is one of the two.
        var at = Math.Max(0, networks.FindIndex(n => n!.Name == conflict.Network || n.Name == conflict.Other));
        return Failure.Invalid($"{field}[{at}]", "overlaps-linked", conflict.Network, conflict.Range, conflict.Other, conflict.OtherRange);
    }
}

public static class RouterEndpoints
{
    public static IServiceCollection AddRouters(this IServiceCollection services) => services
        .AddSingleton<InternetGatewayUseCases>().AddSingleton<RouterStore>().AddSingleton<RouterUseCases>().AddSingleton<PeeringUseCases>().AddSingleton<RouteUseCases>().AddSingleton<PortForwardUseCases>().AddLoop<GatewayController>();

    public static void MapRouters(this IEndpointRouteBuilder routes, RouterUseCases routers)
    {
        routes.Get("/routers", Permission.Read("routers"), "ListRouters", "List routers",
            async call => await PageRequest.Read(call).Then(page => routers.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateRouter, Router>("/routers", Permission.Write("routers"), "CreateRouter", "Join networks of the account", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => routers.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/routers/{router}", Permission.Read("routers"), "ShowRouter", "Show a router", call => routers.GetAsync(call.Caller, call.Route("router"), call.Cancelled));
        routes.Put<ChangeRouter, Router>("/routers/{router}", Permission.Write("routers"), "ChangeRouter", "Join networks to a router, or take them from it", 200,
            (call, change) => routers.ChangeAsync(call.Caller, call.Route("router"), change, call.Cancelled));
        routes.Delete("/routers/{router}", Permission.Write("routers"), "DeleteRouter", "Remove a router; its networks reach each other no more", call => routers.DeleteAsync(call.Caller, call.Route("router"), call.Cancelled));
    }
}
