using System.Net;
using Kumoi.Api;
using Kumoi.Server.AddressPools;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Routers;

namespace Kumoi.Server.FloatingAddresses;

/// <summary>Public addresses of accounts: taken from pools, led to interfaces, moved and given back.</summary>
public sealed class FloatingAddressUseCases(
    Database database, FloatingAddressStore store, PoolAddresses pools, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    private const int DescriptionMax = 255;

    public async Task<Result<Page<FloatingAddress>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, page, cancel), address => address.Id);

    public async Task<Result<FloatingAddress>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } address ? address : Failure.NotFound("floating-address", key);

    public async Task<Result<FloatingAddress>> CreateAsync(Caller caller, CreateFloatingAddress create, IdempotencyKey? once, CancellationToken cancel)
    {
        if (create.Description is { Length: > DescriptionMax }) return Failure.Invalid("description", "too-long", DescriptionMax);
        if (Tags.CheckNew(create.Tags).ToArray() is { Length: > 0 } tagged) return Failure.Invalid(tagged);
        var wanted = create.Address is { } text ? AddressRange.Read(text) : null;
        if (create.Address is not null && wanted is null) return Failure.Invalid("address", "ip-address");
        return await database.TransactionAsync<FloatingAddress>(transaction => Idempotency.OnceAsync<FloatingAddress>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var chosen = wanted is null ? await NextAsync(transaction, caller, create.Pool ?? AddressPoolStore.Default, cancel) : await NamedAsync(transaction, caller, create.Pool, wanted, cancel);
            if (chosen.Failure is { } failure) return failure;
            var id = ids.New(Ids.FloatingAddress);
            if (!await FloatingAddressStore.InsertAsync(transaction, id, caller.AccountId, chosen.Value, create.Description ?? "", clock.GetUtcNow(), cancel))
                return wanted is null ? new Failure("changed-meanwhile", 409) : Failure.Invalid("address", "address-taken", wanted.ToString());
            await Tags.SetAsync(transaction, "floating_addresses", id, create.Tags, cancel);
            await events.WriteAsync(transaction, caller, "floating-address.create", new Subject("floating-address", id, chosen.Value.ToString()), cancel);
            return (await FloatingAddressStore.FindAsync(transaction, caller.AccountId, id, cancel))!;
        }), cancel, choosesAnew: true);
    }

    /// <summary>Takes the next free address of the pool <c>default</c> for the account, in a transaction that chooses anew.</summary>
    public async Task<Result<string>> TakeAsync(Transaction transaction, Caller caller, string description, CancellationToken cancel)
    {
        var chosen = await NextAsync(transaction, caller, AddressPoolStore.Default, cancel);
        if (chosen.Failure is { } failure) return failure;
        var id = ids.New(Ids.FloatingAddress);
        if (!await FloatingAddressStore.InsertAsync(transaction, id, caller.AccountId, chosen.Value, description, clock.GetUtcNow(), cancel)) return new Failure("changed-meanwhile", 409);
        await events.WriteAsync(transaction, caller, "floating-address.create", new Subject("floating-address", id, chosen.Value.ToString()), cancel);
        return chosen.Value.ToString();
    }

    private async Task<Result<IPAddress>> NextAsync(Transaction transaction, Caller caller, string key, CancellationToken cancel)
    {
        var pool = (await AddressPoolStore.ReadAsync(transaction, "p.id = $1 OR p.name = $1", key, cancel)).Find(pool => pool.IsFor(caller.AccountId));
        if (pool is null) return Failure.Invalid("pool", "no-such", new Noun("address-pool"), key);
        return await pools.FreeAsync(transaction, pool, 1) is [var free] ? free : new Failure("pool-exhausted", 409, pool.Name);
    }

    /// <summary>An address asked for by name: of a pool that the account may use, not excluded, and not reserved for somebody else.</summary>
    private static async Task<Result<IPAddress>> NamedAsync(Transaction transaction, Caller caller, string? key, IPAddress wanted, CancellationToken cancel)
    {
        var all = (await AddressPoolStore.ReadAsync(transaction, key is null ? "$1 <> ''" : "p.id = $1 OR p.name = $1", key ?? "x", cancel)).FindAll(pool => pool.IsFor(caller.AccountId));
        if (key is not null && all.Count == 0) return Failure.Invalid("pool", "no-such", new Noun("address-pool"), key);
        var pool = all.Find(pool => pool.Holds(wanted) && !pool.Ranges.Any(range => AddressRange.IsReserved(range, wanted)));
        if (pool is null || pool.Reserved.Any(r => r.Address.Equals(wanted) && r.AccountId is { } owner && owner != caller.AccountId)) return Failure.Invalid("address", "not-in-pools");
        return wanted;
    }

    /// <summary>Leads an address to an interface or a load balancer. The hosts of both, the one that had it and the one that gets it, hear of it in one change.</summary>
    public async Task<Result<FloatingAddress>> AssociateAsync(Caller caller, string key, AssociateFloatingAddress associate, CancellationToken cancel)
    {
        if (associate.LoadBalancer is { } balancer)
            return (associate.Instance ?? associate.Interface) is null ? await BalanceAsync(caller, key, balancer, associate.Move == true, cancel) : Failure.Invalid("loadBalancer", "one-target-only");
        if (associate.Instance is null && associate.Interface is null) return Failure.Invalid("instance", "required");
        return await database.TransactionAsync<FloatingAddress>(async transaction =>
        {
            var address = await FloatingAddressStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (address is null) return Failure.NotFound("floating-address", key);
            var targets = await FloatingAddressStore.TargetsAsync(transaction, caller.AccountId, associate.Interface, associate.Instance, cancel);
            if (targets is not [var target, ..])
                return associate.Interface is { } face ? Failure.Invalid("interface", "no-such", new Noun("interface"), face) : Failure.Invalid("instance", "no-such", new Noun("instance"), associate.Instance!);
            if (await FloatingAddressStore.BridgedAsync(transaction, target.InterfaceId, cancel) is { } bridged) return Failure.Invalid(associate.Interface is null ? "instance" : "interface", "network-bridged", bridged);
            if (!target.HasIpv4) return Failure.Invalid(associate.Interface is null ? "instance" : "interface", "no-ipv4", target.InstanceName);
            if (address.Interface == target.InterfaceId) return address;
            if (address.LoadBalancer is { } had)
            {
                if (associate.Move != true) return new Failure("address-associated", 409, address.Address) { UsedBy = [had] };
                address = await ReleaseAsync(transaction, caller, address, cancel);
            }
            if (address.Network is { } network) return new Failure("address-serves-network", 409, address.Address, network.Name);
            if (address.Interface is not null && associate.Move != true)
                return new Failure("address-associated", 409, address.Address) { UsedBy = address.Instance is { } user ? [user] : [] };
            // One that came with the guest makes way; one that the account keeps must be told to.
            await transaction.ExecuteAsync("DELETE FROM floating_addresses WHERE interface_id = $1 AND NOT kept", cancel, target.InterfaceId);
            if (await FloatingAddressStore.OfInterfaceAsync(transaction, target.InterfaceId, cancel) is { } other) return new Failure("interface-has-address", 409, target.InstanceName, other);
            var before = await FloatingAddressStore.HostAsync(transaction, address.Interface, cancel);
            await FloatingAddressStore.LeadAsync(transaction, address.Id, target.InterfaceId, cancel);
            await events.WriteAsync(transaction, caller, "floating-address.associate", new Subject("floating-address", address.Id, address.Address), cancel);
            await hosts.TouchAsync(transaction, [.. new[] { before, target.HostId }.OfType<string>().Distinct()], cancel);
            return (await FloatingAddressStore.FindAsync(transaction, caller.AccountId, address.Id, cancel))!;
        }, cancel);
    }

    /// <summary>Leads an address to every port that a load balancer listens at. It serves the network from then on, on one of its hosts.</summary>
    private Task<Result<FloatingAddress>> BalanceAsync(Caller caller, string key, string balancerKey, bool move, CancellationToken cancel) => database.TransactionAsync<FloatingAddress>(async transaction =>
    {
        if (await FloatingAddressStore.FindAsync(transaction, caller.AccountId, key, cancel) is null) return Failure.NotFound("floating-address", key);
        if (await LoadBalancerStore.LookAsync(transaction, caller.AccountId, balancerKey, cancel) is not { } seen) return Failure.Invalid("loadBalancer", "no-such", new Noun("load-balancer"), balancerKey);
        // Hosts before everything else, as everywhere.
        await hosts.TouchByNetworksAsync(transaction, [seen.Network.Id], cancel);
        if (await LoadBalancerStore.LockAsync(transaction, caller.AccountId, seen.Id, cancel) is not { } balancer) return Failure.Invalid("loadBalancer", "no-such", new Noun("load-balancer"), balancerKey);
        if (!balancer.HasIpv4) return Failure.Invalid("loadBalancer", "balancer-no-ipv4", balancer.Name);
        if (await FloatingAddressStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } address) return Failure.NotFound("floating-address", key);
        if (address.LoadBalancer?.Id == balancer.Id) return address;
        if ((address.LoadBalancer ?? address.Instance) is { } user && !move) return new Failure("address-associated", 409, address.Address) { UsedBy = [user] };
        if (address.LoadBalancer is not null) address = await ReleaseAsync(transaction, caller, address, cancel);
        if (await GatewayStore.ForwardsOfAsync(transaction, address.Address, cancel) is { Count: > 0 } forwards) return Failure.InUse("floating-address", address.Address, forwards);
        if (address.Interface is not null && await FloatingAddressStore.HostAsync(transaction, address.Interface, cancel) is { } before) await hosts.TouchAsync(transaction, before, cancel);
        await FloatingAddressStore.LeadAsync(transaction, address.Id, null, cancel);
        var served = await GatewayStore.ServeAsync(transaction, caller.AccountId, "address", address.Id, balancer.Network, cancel);
        if (served.Failure is { } failure) return failure;
        await LoadBalancerStore.LeadAsync(transaction, caller.AccountId, address.Address, balancer.Id, cancel);
        if (await ListenerStore.PortOfVpnAsync(transaction, balancer.Id, IPAddress.Parse(address.Address), null, cancel) is { } taken) return taken;
        await events.WriteAsync(transaction, caller, "floating-address.associate", new Subject("floating-address", address.Id, address.Address), cancel);
        return (await FloatingAddressStore.FindAsync(transaction, caller.AccountId, address.Id, cancel))!;
    }, cancel);

    /// <summary>Takes an address away from its load balancer; the address as it is then.</summary>
    private async Task<FloatingAddress> ReleaseAsync(Transaction transaction, Caller caller, FloatingAddress address, CancellationToken cancel)
    {
        await hosts.TouchByNetworksAsync(transaction, [address.Network!.Id], cancel);
        await LoadBalancerStore.ReleaseAsync(transaction, address.Address, cancel);
        await GatewayStore.ForgetIdleAsync(transaction, address.Network.Id, cancel);
        return (await FloatingAddressStore.FindAsync(transaction, caller.AccountId, address.Id, cancel))!;
    }

    public Task<Result<FloatingAddress>> DisassociateAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<FloatingAddress>(async transaction =>
    {
        var address = await FloatingAddressStore.LockAsync(transaction, caller.AccountId, key, cancel);
        if (address is null) return Failure.NotFound("floating-address", key);
        if (address.LoadBalancer is not null)
        {
            await events.WriteAsync(transaction, caller, "floating-address.disassociate", new Subject("floating-address", address.Id, address.Address), cancel);
            return await ReleaseAsync(transaction, caller, address, cancel);
        }
        if (address.Interface is null) return address;
        var host = await FloatingAddressStore.HostAsync(transaction, address.Interface, cancel);
        await FloatingAddressStore.LeadAsync(transaction, address.Id, null, cancel);
        await events.WriteAsync(transaction, caller, "floating-address.disassociate", new Subject("floating-address", address.Id, address.Address), cancel);
        if (host is not null) await hosts.TouchAsync(transaction, host, cancel);
        return (await FloatingAddressStore.FindAsync(transaction, caller.AccountId, address.Id, cancel))!;
    }, cancel);

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var address = await FloatingAddressStore.LockAsync(transaction, caller.AccountId, key, cancel);
        if (address is null) return Failure.NotFound("floating-address", key);
        if (address.LoadBalancer is { } balancer) return Failure.InUse("floating-address", address.Address, [balancer]);
        if (address.Network is { } network) return new Failure("address-serves-network", 409, address.Address, network.Name);
        var host = await FloatingAddressStore.HostAsync(transaction, address.Interface, cancel);
        await FloatingAddressStore.DeleteAsync(transaction, address.Id, cancel);
        await events.WriteAsync(transaction, caller, "floating-address.delete", new Subject("floating-address", address.Id, address.Address), cancel);
        if (host is not null) await hosts.TouchAsync(transaction, host, cancel);
        return new Done();
    }, cancel);
}

public static class FloatingAddressEndpoints
{
    public static IServiceCollection AddFloatingAddresses(this IServiceCollection services) => services.AddSingleton<FloatingAddressStore>().AddSingleton<FloatingAddressUseCases>();

    public static void MapFloatingAddresses(this IEndpointRouteBuilder routes, FloatingAddressUseCases addresses)
    {
        routes.Get("/floating-addresses", Permission.Read("floating-addresses"), "ListFloatingAddresses", "List floating addresses",
            async call => await PageRequest.Read(call).Then(page => addresses.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateFloatingAddress, FloatingAddress>("/floating-addresses", Permission.Write("floating-addresses"), "CreateFloatingAddress", "Take a public address from a pool", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => addresses.CreateAsync(call.Caller, create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/floating-addresses/{floatingAddress}", Permission.Read("floating-addresses"), "ShowFloatingAddress", "Show a floating address",
            call => addresses.GetAsync(call.Caller, call.Route("floatingAddress"), call.Cancelled));
        routes.Post<AssociateFloatingAddress, FloatingAddress>("/floating-addresses/{floatingAddress}/associate", Permission.Write("floating-addresses"), "AssociateFloatingAddress", "Lead a floating address to an interface or a load balancer", 200,
            (call, associate) => addresses.AssociateAsync(call.Caller, call.Route("floatingAddress"), associate, call.Cancelled)).Fails(409);
        routes.Post<FloatingAddress>("/floating-addresses/{floatingAddress}/disassociate", Permission.Write("floating-addresses"), "DisassociateFloatingAddress", "Lead a floating address nowhere; the account keeps it", 200,
            call => addresses.DisassociateAsync(call.Caller, call.Route("floatingAddress"), call.Cancelled));
        routes.Delete("/floating-addresses/{floatingAddress}", Permission.Write("floating-addresses"), "DeleteFloatingAddress", "Give a floating address back",
            call => addresses.DeleteAsync(call.Caller, call.Route("floatingAddress"), call.Cancelled)).Fails(409);
    }
}
