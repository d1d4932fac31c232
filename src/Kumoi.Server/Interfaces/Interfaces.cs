using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Interfaces;

/// <summary>Interfaces of instances that exist: attached, changed and taken away while the guest runs.</summary>
public sealed class InterfaceUseCases(
    Database database, InterfaceStore store, InterfaceAddresses addresses, TrafficRecords traffic, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    public async Task<Result<Page<Interface>>> ListAsync(Caller caller, string? instance, string? network, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, instance, network, page, cancel), face => face.Id);

    public async Task<Result<Interface>> GetAsync(Caller caller, string id, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, id, cancel) is { } face ? face : Failure.NotFound("interface", id);

    // As much as an answer tells without paging.
    private const int TrafficDays = 31;

    /// <summary>What passed an interface, also one that is gone.</summary>
    /// <param name="since">Null: a day before the end.</param>
    /// <param name="until">Null: now.</param>
    public async Task<Result<InterfaceTraffic>> TrafficAsync(Caller caller, string id, DateTimeOffset? since, DateTimeOffset? until, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        // The first time that there is must have a day before it.
        if (until is { Year: < 2000 }) return Failure.Invalid("until", "too-long-ago", TrafficRecords.Kept.Days);
        var (from, to) = (since ?? (until ?? now).AddDays(-1), until ?? now);
        if (from < now - TrafficRecords.Kept) return Failure.Invalid(since is null ? "until" : "since", "too-long-ago", TrafficRecords.Kept.Days);
        if (until < from) return Failure.Invalid("until", "not-before", "since");
        if (to - from > TimeSpan.FromDays(TrafficDays)) return Failure.Invalid("until", "days-at-most-after", TrafficDays, "since");
        return await traffic.FindAsync(caller.AccountId, id, from, until, cancel) is { } found ? found : Failure.NotFound("interface", id);
    }

    public async Task<Result<Interface>> AttachAsync(Caller caller, AttachInterface attach, IdempotencyKey? once, CancellationToken cancel)
    {
        if (attach.SecurityGroups is { Count: > InterfaceCatalogue.SecurityGroupsMax }) return Failure.Invalid("securityGroups", "at-most", InterfaceCatalogue.SecurityGroupsMax);
        return await database.TransactionAsync<Interface>(transaction => Idempotency.OnceAsync<Interface>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var (id, name, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, attach.Instance, cancel);
            if (id is null) return Failure.NotFound("instance", attach.Instance);
            if (desired == "terminated") return new Failure("being-terminated", 409, name);
            var present = await InterfaceStore.OfAsync(transaction, id, cancel);
            if (present.Count >= InterfaceRules.InterfacesMax) return new Failure("too-many-interfaces", 409, name, InterfaceRules.InterfacesMax);
            var catalogue = await InterfaceCatalogue.ReadAsync(transaction, [caller.AccountId], [attach.Network], attach.SecurityGroups ?? ["default"]);
            var violations = new List<Violation>();
            var parts = catalogue.Find(
                caller.AccountId, "", new LaunchInterface(attach.Network, attach.Subnet, attach.Address, attach.Address6, attach.SecurityGroups ?? ["default"]), [], violations);
            if (parts is null) return Failure.Invalid([.. violations]);
            if (parts.SegmentDevice is { } device && !await transaction.FindAsync("SELECT $2 = ANY (segment_devices) FROM hosts WHERE id = $1", row => row.GetBoolean(0), cancel, hostId, device))
                return Failure.Invalid("network", "host-without-segment", parts.Network.Name, name, device);
            var rate = await transaction.FindAsync("SELECT f.rate_mbps FROM instances v JOIN flavors f ON f.id = v.flavor_id WHERE v.id = $1", row => row.IntOrNull(0), cancel, id);
            var face = new NewInterface(ids.New(Ids.Interface), present.Select(one => one.Index).DefaultIfEmpty(-1).Max() + 1, parts, rate);
            if ((await addresses.TakeAsync(transaction, [face])).TryGetValue(face, out var failure)) return failure;
            await transaction.ExecuteAsync(InterfaceStore.Inserts([(face, caller.AccountId, id)]));
            await ChangedAsync(transaction, caller, "interface.attach", face.Describe(new Ref(id, name)), hostId, cancel);
            return face.Describe(new Ref(id, name));
        }), cancel, choosesAnew: true);
    }

    /// <summary>Takes an interface away. Its addresses are given back when the host has said that nothing of it is left.</summary>
    public Task<Result<Interface>> DetachAsync(Caller caller, string key, CancellationToken cancel) => ChangeAsync(caller, key, async (transaction, face, hostId) =>
    {
        if (face.State == InterfaceStates.Detaching) return new Done();
        if ((await InterfaceStore.OfAsync(transaction, face.Instance.Id, cancel)).Count(one => one.State == InterfaceStates.Attached) == 1)
            return new Failure("last-interface", 409, face.Instance.Name);
        if (await Routers.GatewayStore.ForwardsToAsync(transaction, face.Id, cancel) is { Count: > 0 } forwards) return Failure.InUse("interface", face.Id, forwards);
        if (await LoadBalancers.LoadBalancerStore.OfInterfaceAsync(transaction, face.Id, cancel) is { Count: > 0 } balancers) return Failure.InUse("interface", face.Id, balancers);
        var generation = await ChangedAsync(transaction, caller, "interface.detach", face, hostId, cancel);
        await InterfaceStore.DetachAsync(transaction, face.Id, generation, clock.GetUtcNow(), cancel);
        return new Done();
    }, cancel);

    public async Task<Result<Interface>> UpdateAsync(Caller caller, string key, UpdateInterface update, CancellationToken cancel)
    {
        if (InterfaceRules.Check(update).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await ChangeAsync(caller, key, async (transaction, face, hostId) =>
        {
            if (face.State == InterfaceStates.Detaching) return new Failure("interface-detaching", 409, face.Id);
            if (update.SecurityGroups is { } keys)
            {
                var groups = await LaunchCatalogue.SecurityGroupsAsync(transaction, caller.AccountId, keys, cancel);
                if (groups.Failure is { } failure) return failure;
                await InterfaceStore.SetSecurityGroupsAsync(transaction, caller.AccountId, face.Id, groups.Value.Select(g => g.Id), cancel);
            }
            if (update.AllowedRanges is { } ranges) await InterfaceStore.SetAllowedRangesAsync(transaction, face.Id, ranges, cancel);
            var others = Array.Empty<string>() as IReadOnlyList<string>;
            if (update.SecondaryAddresses is { } wanted)
            {
                if (update.Move == true) others = await HoldersAsync(transaction, face, wanted, cancel);
                var set = await SecondaryAddresses.SetAsync(transaction, caller.AccountId, face, wanted, update.Move ?? false, clock.GetUtcNow(), cancel);
                if (set.Failure is { } failure) return failure;
            }
            await ChangedAsync(transaction, caller, "interface.update", face, hostId, cancel, others);
            return new Done();
        }, cancel);
    }

    private Task<Result<Interface>> ChangeAsync(Caller caller, string key, Func<Transaction, Interface, string, Task<Result<Done>>> change, CancellationToken cancel) =>
        database.TransactionAsync<Interface>(async transaction =>
        {
            var found = await InterfaceStore.FindAsync(transaction, caller.AccountId, key, cancel);
            if (found is null) return Failure.NotFound("interface", key);
            var (id, name, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, found.Instance.Id, cancel);
            if (id is null) return Failure.NotFound("interface", key);
            if (desired == "terminated") return new Failure("being-terminated", 409, name);
            // Read again under the instance's lock.
            var face = await InterfaceStore.FindAsync(transaction, caller.AccountId, key, cancel);
            if (face is null) return Failure.NotFound("interface", key);
            var changed = await change(transaction, face, hostId);
            return changed.Failure is { } failure ? failure : (await InterfaceStore.FindAsync(transaction, caller.AccountId, key, cancel))!;
        }, cancel);

    /// <summary>Hosts of the interfaces that hold any of the addresses.</summary>
    private static Task<List<string>> HoldersAsync(Transaction transaction, Interface face, IReadOnlyList<string> wanted, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT DISTINCT v.host_id FROM subnet_addresses a JOIN interfaces i ON i.id = a.interface_id JOIN instances v ON v.id = i.instance_id
        WHERE i.network_id = $1 AND a.kind = 'secondary' AND host(a.address) = ANY($2)
        """, row => row.GetString(0), cancel, face.Network.Id, Columns.Texts(wanted));

    /// <summary>Tells the instance's host and the others of the network; the instance's new generation.</summary>
    private async Task<long> ChangedAsync(
        Transaction transaction, Caller caller, string action, Interface face, string hostId, CancellationToken cancel, IReadOnlyList<string>? others = null)
    {
        var generation = await transaction.FindAsync("UPDATE instances SET generation = generation + 1 WHERE id = $1 RETURNING generation", row => row.GetInt64(0), cancel, face.Instance.Id);
        await events.WriteAsync(transaction, caller, action, new Subject("interface", face.Id, face.Instance.Name), cancel);
        await hosts.TouchAsync(transaction, [.. (others ?? []).Append(hostId).Distinct()], cancel);
        await hosts.TouchNetworksAsync(transaction, [face.Network.Id], cancel);
        return generation;
    }
}

public static class InterfaceEndpoints
{
    public static IServiceCollection AddInterfaces(this IServiceCollection services) =>
        services.AddSingleton<InterfaceStore>().AddSingleton<InterfaceAddresses>().AddSingleton<InterfaceUseCases>().AddSingleton<TrafficRecords>().AddSingleton<IReportObserver>(services => services.GetRequiredService<TrafficRecords>()).AddSingleton<InterfaceObservation>();

    public static void MapInterfaces(this IEndpointRouteBuilder routes, InterfaceUseCases interfaces)
    {
        routes.Get("/interfaces", Permission.Read("interfaces"), "ListInterfaces", "List network interfaces of instances",
            async call => await PageRequest.Read(call).Then(page => interfaces.ListAsync(call.Caller, call.Query("instance"), call.Query("network"), page, call.Cancelled)))
            .WithPaging().WithQuery("instance", "Only those of this instance").WithQuery("network", "Only those in this network");
        routes.Post<AttachInterface, Interface>("/interfaces", Permission.Write("interfaces"), "AttachInterface", "Attach an instance to a network; a running guest gets the device at once", 201,
            async (call, attach) => await Endpoints.Idempotency(call).Then(once => interfaces.AttachAsync(call.Caller, attach, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/interfaces/{interface}", Permission.Read("interfaces"), "ShowInterface", "Show a network interface", call => interfaces.GetAsync(call.Caller, call.Route("interface"), call.Cancelled));
        routes.Get("/interfaces/{interface}/traffic", Permission.Read("interfaces"), "ShowInterfaceTraffic", "What passed a network interface: in all, and in each hour",
            async call => await call.Time("since").Then(since => call.Time("until").Then(until => interfaces.TrafficAsync(call.Caller, call.Route("interface"), since, until, call.Cancelled))))
            .WithQuery("since", "Time (RFC 3339) of the earliest hour; default: a day before `until`; at most 400 days ago")
            .WithQuery("until", "Hours that begin before this time (RFC 3339); default: now; at most 31 days after `since`");
        routes.Put<UpdateInterface, Interface>("/interfaces/{interface}", Permission.Write("interfaces"), "UpdateInterface", "Change secondary addresses, allowed ranges or security groups, without touching the guest", 200,
            (call, update) => interfaces.UpdateAsync(call.Caller, call.Route("interface"), update, call.Cancelled)).Fails(409);
        routes.Delete<Interface>("/interfaces/{interface}", Permission.Write("interfaces"), "DetachInterface", "Take an interface away from its instance; its addresses are given back once the host has done so",
            call => interfaces.DetachAsync(call.Caller, call.Route("interface"), call.Cancelled)).Fails(409);
    }
}
