using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Routers;

namespace Kumoi.Server.LoadBalancers;

/// <summary>A load balancer about to be written, and its addresses.</summary>
public sealed class NewLoadBalancer(string id, InterfaceParts parts)
{
    public string Id => id;

    public Ref Network => parts.Network;

    public AddressNeed First { get; } = new("address", parts.First, parts.Address);

    public AddressNeed? Second { get; } = parts.Second.Count == 0 ? null : new AddressNeed("address6", parts.Second, parts.Address6);

    public IEnumerable<AddressNeed> Needs => Second is null ? [First] : [First, Second];
}

/// <summary>Load balancers of accounts. Every host that carries the network hears of a change in the transaction that makes it.</summary>
public sealed class LoadBalancerUseCases(
    Database database, LoadBalancerStore store, ListenerWriter writer, InterfaceAddresses addresses, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    public async Task<Result<Page<LoadBalancer>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, page, cancel), balancer => balancer.Id);

    public async Task<Result<LoadBalancer>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } balancer ? balancer : Failure.NotFound("load-balancer", key);

    public async Task<Result<LoadBalancer>> CreateAsync(Caller caller, CreateLoadBalancer create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        var (asked, members) = (create.Listeners ?? [], create.Members ?? []);
        List<Violation> violations = [.. LoadBalancerRules.Check(name, create.Description), .. LoadBalancerRules.Check("members", members)];
        if (asked.Count > LoadBalancerRules.ListenersMax) violations.Add(new Violation("listeners", "at-most", LoadBalancerRules.ListenersMax));
        if (members.Count > 0 && asked.Count == 0) violations.Add(new Violation("listeners", "required"));
        var listeners = asked.Take(LoadBalancerRules.ListenersMax).Select((listener, i) => writer.Read($"listeners[{i}].", listener, violations)).ToList();
        ListenerWriter.CheckPorts(listeners, [], violations);
        if (violations.Count > 0) return Failure.Invalid([.. violations]);
        return await database.TransactionAsync<LoadBalancer>(transaction => Idempotency.OnceAsync<LoadBalancer>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            CreateMember[] all = [.. members, .. asked.SelectMany(listener => listener.Members ?? [])];
            var placed = await PlaceAsync(transaction, caller, create, await MemberTargets.ReadAsync(transaction, caller.AccountId, all, hold: false, cancel), cancel);
            if (placed.Failure is { } nowhere) return nowhere;
            var made = placed.Value;
            if (!await LoadBalancerStore.InsertAsync(transaction, made, caller.AccountId, name, create.Description ?? "", clock.GetUtcNow(), cancel)) return Failure.NameTaken("load-balancer", name);
            var row = new BalancerRow(made.Id, name, made.Network, made.First.Address!.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork);
            var wrong = new List<Violation>();
            // Hosts before everything else, as everywhere.
            var targets = await MemberTargets.ReadAsync(transaction, caller.AccountId, all, hold: true, cancel);
            var common = targets.Find("members", members, row.Network, row.HasIpv4, wrong);
            foreach (var listener in listeners) listener.Take(targets, common, row, wrong);
            if (wrong.Count > 0) return Failure.Invalid([.. wrong]);
            var load = await ListenerStore.LoadAsync(transaction, row.Network.Id, cancel);
            foreach (var listener in listeners) await writer.WriteAsync(transaction, caller, row, listener, cancel);
            if (LoadBalancerRules.Check("listeners", row.Network.Name, load, await ListenerStore.LoadAsync(transaction, row.Network.Id, cancel)).ToArray() is { Length: > 0 } beyond) return Failure.Invalid(beyond);
            await events.WriteAsync(transaction, caller, "load-balancer.create", new Subject("load-balancer", made.Id, name), cancel);
            return (await LoadBalancerStore.FindAsync(transaction, caller.AccountId, made.Id, cancel))!;
        }), cancel, choosesAnew: true);
    }

    /// <summary>Finds the network, and addresses there.</summary>
    private async Task<Result<NewLoadBalancer>> PlaceAsync(Transaction transaction, Caller caller, CreateLoadBalancer create, MemberTargets targets, CancellationToken cancel)
    {
        if (create.Network is null && targets.IsEmpty) return Failure.Invalid("network", "required");
        if (create.Network is null && Missing(create, targets).ToArray() is { Length: > 0 } missing) return Failure.Invalid(missing);
        if ((create.Network ?? targets.CommonNetwork?.Id) is not { } key) return Failure.Invalid("network", "no-common-network");
        await hosts.TouchByNetworkAsync(transaction, caller.AccountId, key, cancel);
        if (await NetworkStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } network) return Failure.Invalid("network", "no-such", new Noun("network"), key);
        if (await NetworkStore.BridgedAsync(transaction, [network.Id], cancel) is { } bridged) return Failure.Invalid("network", "network-bridged", bridged);
        if (await LoadBalancerStore.CountAsync(transaction, network.Id, cancel) >= LoadBalancerRules.PerNetworkMax) return Failure.Invalid("network", "load-balancers-at-most", network.Name, LoadBalancerRules.PerNetworkMax);
        var catalogue = await InterfaceCatalogue.ReadAsync(transaction, [caller.AccountId], [network.Id], []);
        var violations = new List<Violation>();
        var parts = catalogue.Find(caller.AccountId, "", new LaunchInterface(network.Id, create.Subnet, create.Address, create.Address6, null), [], violations);
        if (parts is null) return Failure.Invalid([.. violations]);
        var made = new NewLoadBalancer(ids.New(Ids.LoadBalancer), parts);
        return (await addresses.TakeAsync(transaction, [made], one => one.Needs)).TryGetValue(made, out var failure) ? failure : made;
    }

    private static IEnumerable<Violation> Missing(CreateLoadBalancer create, MemberTargets targets) => targets.Missing("members", create.Members)
        .Concat((create.Listeners ?? []).SelectMany((listener, i) => targets.Missing($"listeners[{i}].members", listener.Members)));

    public async Task<Result<LoadBalancer>> UpdateAsync(Caller caller, string key, UpdateLoadBalancer update, CancellationToken cancel)
    {
        var name = update.Name is null ? null : Names.Normal(update.Name);
        if (LoadBalancerRules.Check(name, update.Description).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<LoadBalancer>(async transaction =>
        {
            var balancer = await LoadBalancerStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (balancer is null) return Failure.NotFound("load-balancer", key);
            if (!await LoadBalancerStore.UpdateAsync(transaction, caller.AccountId, balancer.Id, name, update.Description, cancel)) return Failure.NameTaken("load-balancer", name!);
            await events.WriteAsync(transaction, caller, "load-balancer.update", new Subject("load-balancer", balancer.Id, name ?? balancer.Name), cancel);
            return (await LoadBalancerStore.FindAsync(transaction, caller.AccountId, balancer.Id, cancel))!;
        }, cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await LoadBalancerStore.LookAsync(transaction, caller.AccountId, key, cancel) is not { } seen) return Failure.NotFound("load-balancer", key);
        // Hosts before everything else, as everywhere.
        await hosts.TouchByNetworksAsync(transaction, [seen.Network.Id], cancel);
        if (await LoadBalancerStore.LockAsync(transaction, caller.AccountId, seen.Id, cancel) is not { } balancer) return Failure.NotFound("load-balancer", key);
        await LoadBalancerStore.DeleteAsync(transaction, balancer.Id, cancel);
        await GatewayStore.ForgetIdleAsync(transaction, balancer.Network.Id, cancel);
        await events.WriteAsync(transaction, caller, "load-balancer.delete", new Subject("load-balancer", balancer.Id, balancer.Name), cancel);
        return new Done();
    }, cancel);
}
