using System.Globalization;
using System.Net;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.FloatingAddresses;
using Kumoi.Server.Hosts;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Routers;

namespace Kumoi.Server.Vpns;

/// <summary>VPN gateways of networks. Each is on the host that has its public address.</summary>
public sealed class VpnUseCases(Database database, VpnStore store, VpnKeys keys, FloatingAddressUseCases addresses, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    public async Task<Result<Page<Vpn>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(await store.ListAsync(caller.AccountId, page, cancel), vpn => vpn.Id);

    public async Task<Result<Vpn>> GetAsync(Caller caller, string key, CancellationToken cancel) => await store.FindAsync(caller.AccountId, key, cancel) is { } vpn ? vpn : Failure.NotFound("vpn", key);

    public async Task<Result<Vpn>> CreateAsync(Caller caller, CreateVpn create, IdempotencyKey? once, CancellationToken cancel)
    {
        if (VpnRules.Check(create).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        // Making keys takes a moment, in which nobody should be held up.
        var (name, pair) = (Names.Normal(create.Name), VpnKeys.New());
        return await database.TransactionAsync<Vpn>(transaction => Idempotency.OnceAsync<Vpn>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            await hosts.TouchByNetworkAsync(transaction, caller.AccountId, create.Network, cancel);
            var network = await NetworkStore.LockAsync(transaction, caller.AccountId, create.Network, cancel);
            if (network is null) return Failure.Invalid("network", "no-such", new Noun("network"), create.Network);
            if (await NetworkStore.BridgedAsync(transaction, [network.Id], cancel) is { } bridged) return Failure.Invalid("network", "network-bridged", bridged);
            await LinkStore.LockAsync(transaction, [network.Id], cancel);
            if (await VpnStore.OfNetworkAsync(transaction, network.Id, cancel) is { } other) return new Failure("network-has-vpn", 409, network.Name, other);
            var served = await ServeAsync(transaction, caller, create, network, name, cancel);
            if (served.Failure is { } failure) return failure;
            var ranges = await RangesAsync(transaction, create, network, IPAddress.Parse(served.Value), cancel);
            if (ranges.Failure is { } wrong) return wrong;
            var id = ids.New(Ids.Vpn);
            if (!await VpnStore.InsertAsync(transaction, caller.AccountId, id, name, network.Id, served.Value, create.Address is null, create.Port ?? VpnRules.PortDefault, pair.PublicKey, keys.Seal(pair.PrivateKey, id), clock.GetUtcNow(), cancel))
                return Failure.NameTaken("vpn", name);
            await VpnStore.InsertRangesAsync(transaction, caller.AccountId, network.Id, id, null, ranges.Value, cancel);
            if (await LinkStore.ConflictAsync(transaction, [network.Id], cancel) is { } conflict)
                return Failure.Invalid("clients", "overlaps-linked", conflict.Network, conflict.Range, conflict.Other, conflict.OtherRange);
            await events.WriteAsync(transaction, caller, "vpn.create", new Subject("vpn", id, name), cancel);
            return (await VpnStore.FindAsync(transaction, caller.AccountId, id, cancel))!;
        }), cancel, choosesAnew: true);
    }

    /// <summary>Lets an address serve the network: the one that was asked for, or a new one.</summary>
    private async Task<Result<string>> ServeAsync(Transaction transaction, Caller caller, CreateVpn create, Ref network, string name, CancellationToken cancel)
    {
        var address = create.Address;
        if (address is null)
        {
            var taken = await addresses.TakeAsync(transaction, caller, $"VPN {name}", cancel);
            if (taken.Failure is not null) return taken;
            address = taken.Value;
        }
        var served = await GatewayStore.ServeAsync(transaction, caller.AccountId, "address", address, network, cancel);
        if (served.Failure is { } failure) return failure;
        var port = create.Port ?? VpnRules.PortDefault;
        var forwarded = await transaction.FindAsync("SELECT id FROM port_forwards WHERE address = $1 AND protocol = 'udp' AND port = $2", row => row.GetString(0), cancel,
            Columns.Inet(IPAddress.Parse(served.Value.Address)), port);
        if (forwarded is not null) return new Failure("port-forwarded", 409, served.Value.Address, "udp", port);
        return await ListenerStore.AtAsync(transaction, IPAddress.Parse(served.Value.Address), port, cancel) is { } balancer ? new Failure("port-of-balancer", 409, served.Value.Address, port, balancer) : served.Value.Address;
    }

    private static async Task<Result<List<IPNetwork>>> RangesAsync(Transaction transaction, CreateVpn create, Ref network, IPAddress address, CancellationToken cancel)
    {
        var taken = await VpnStore.TakenAsync(transaction, network.Id, cancel);
        var subnets = taken.Where(one => one.Rule == VpnRules.OverlapsSubnet).Select(one => AddressRange.IsV4(one.Range)).ToHashSet();
        if (create.Clients is null && !subnets.Contains(true)) return Failure.Invalid("clients", "clients-required", network.Name);
        if (create.Clients is null) return VpnRules.Free([.. taken.Select(one => one.Range)]) is { } free ? (List<IPNetwork>)[free] : Failure.Invalid("clients", "required");
        var ranges = create.Clients.Select(IPNetwork.Parse).ToList();
        var violations = ranges.Select((range, i) => string.Create(CultureInfo.InvariantCulture, $"clients[{i}]") is var field && subnets.Contains(AddressRange.IsV4(range)) ? VpnRules.Overlap(field, range, taken, address)
            : new Violation(field, AddressRange.IsV4(range) ? "clients-without-ipv4" : "clients-without-ipv6", network.Name)).OfType<Violation>().ToArray();
        return violations.Length > 0 ? Failure.Invalid(violations) : ranges;
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await HoldAsync(transaction, hosts, caller, key, cancel) is not { } vpn) return Failure.NotFound("vpn", key);
        var takesAddress = await VpnStore.DeleteAsync(transaction, vpn.Id, cancel);
        await GatewayStore.ForgetIdleAsync(transaction, vpn.Network.Id, cancel);
        // It stays if ports of it have been forwarded since.
        if (takesAddress && await FloatingAddressStore.LockAsync(transaction, caller.AccountId, vpn.Address, cancel) is { Network: null } address)
        {
            await FloatingAddressStore.DeleteAsync(transaction, address.Id, cancel);
            await events.WriteAsync(transaction, caller, "floating-address.delete", new Subject("floating-address", address.Id, address.Address), cancel);
        }
        await events.WriteAsync(transaction, caller, "vpn.delete", new Subject("vpn", vpn.Id, vpn.Name), cancel);
        return new Done();
    }, cancel);

    /// <summary>The gateway, held with its network until the transaction ends, whose hosts hear of it; null if the account has none of that id or name.</summary>
    public static async Task<Vpn?> HoldAsync(Transaction transaction, HostRevisions hosts, Caller caller, string key, CancellationToken cancel)
    {
        if (await VpnStore.NetworkAsync(transaction, caller.AccountId, key, cancel) is not { } network) return null;
        // Hosts before networks, as everywhere.
        await hosts.TouchByNetworksAsync(transaction, [network], cancel);
        await LinkStore.LockAsync(transaction, [network], cancel);
        return await VpnStore.FindAsync(transaction, caller.AccountId, key, cancel);
    }
}
