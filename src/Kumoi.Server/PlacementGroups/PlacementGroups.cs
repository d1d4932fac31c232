using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.PlacementGroups;

/// <summary>Placement groups: made and removed by accounts; what they ask for is held by launches and by recovery.</summary>
public sealed class PlacementGroupUseCases(Database database, PlacementGroupStore store, EventLog events, Ids ids, TimeProvider clock)
{
    public async Task<Result<Page<PlacementGroup>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, page, cancel), group => group.Id);

    public async Task<Result<PlacementGroup>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } group ? group : Failure.NotFound("placement-group", key);

    public async Task<Result<PlacementGroup>> CreateAsync(Caller caller, CreatePlacementGroup create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        Violation?[] violations =
            [Names.Check("name", name), PlacementPolicies.All.Contains(create.Policy) ? null : new Violation("policy", "one-of", string.Join(", ", PlacementPolicies.All))];
        if (violations.OfType<Violation>().Concat(Tags.CheckNew(create.Tags)).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<PlacementGroup>(transaction => Idempotency.OnceAsync<PlacementGroup>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var group = new PlacementGroup(ids.New(Ids.PlacementGroup), name, create.Policy, 0, clock.GetUtcNow());
            if (!await PlacementGroupStore.InsertAsync(transaction, caller.AccountId, group, cancel)) return Failure.NameTaken("placement-group", name);
            await Tags.SetAsync(transaction, "placement_groups", group.Id, create.Tags, cancel);
            await events.WriteAsync(transaction, caller, "placement-group.create", new Subject("placement-group", group.Id, name), cancel);
            return group;
        }), cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var group = await PlacementGroupStore.LockForDeletionAsync(transaction, caller.AccountId, key, cancel);
        if (group is null) return Failure.NotFound("placement-group", key);
        var users = await PlacementGroupStore.UsersAsync(transaction, group.Id, cancel);
        if (users.Count > 0) return Failure.InUse("placement-group", group.Name, users);
        await PlacementGroupStore.DeleteAsync(transaction, group.Id, cancel);
        await events.WriteAsync(transaction, caller, "placement-group.delete", new Subject("placement-group", group.Id, group.Name), cancel);
        return new Done();
    }, cancel);
}

public static class PlacementGroupEndpoints
{
    public static IServiceCollection AddPlacementGroups(this IServiceCollection services) => services.AddSingleton<PlacementGroupStore>().AddSingleton<PlacementGroupUseCases>();

    public static void MapPlacementGroups(this IEndpointRouteBuilder routes, PlacementGroupUseCases groups)
    {
        routes.Get("/placement-groups", Permission.Read("placement-groups"), "ListPlacementGroups", "List placement groups",
            async call => await PageRequest.Read(call).Then(page => groups.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreatePlacementGroup, PlacementGroup>("/placement-groups", Permission.Write("placement-groups"), "CreatePlacementGroup", "Make a placement group: instances launched into it share a host, or do not", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => groups.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/placement-groups/{placementGroup}", Permission.Read("placement-groups"), "ShowPlacementGroup", "Show a placement group",
            call => groups.GetAsync(call.Caller, call.Route("placementGroup"), call.Cancelled));
        routes.Delete("/placement-groups/{placementGroup}", Permission.Write("placement-groups"), "DeletePlacementGroup", "Remove a placement group that no instance is in",
            call => groups.DeleteAsync(call.Caller, call.Route("placementGroup"), call.Cancelled));
    }
}
