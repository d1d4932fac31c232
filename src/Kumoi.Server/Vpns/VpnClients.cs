using System.Net;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Vpns;

/// <summary>Devices of people, which reach a network by its VPN gateway. Private keys that are made here are answered once and stored nowhere.</summary>
public sealed class VpnClientUseCases(Database database, VpnStore store, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    // Each is a peer that the gateway's host compares with every look.
    private const int ClientsMax = 1000;

    public async Task<Result<Page<VpnClient>>> ListAsync(Caller caller, string vpn, PageRequest page, CancellationToken cancel) => await store.FindAsync(caller.AccountId, vpn, cancel) is { } found
        ? page.Of((await store.PeersAsync(caller.AccountId, found.Id, sites: false, page, cancel)).ConvertAll(row => row.ToClient(null)), client => client.Id) : Failure.NotFound("vpn", vpn);

    public async Task<Result<VpnClient>> GetAsync(Caller caller, string vpn, string key, CancellationToken cancel)
    {
        if (await store.FindAsync(caller.AccountId, vpn, cancel) is not { } found) return Failure.NotFound("vpn", vpn);
        if (await store.PeerAsync(caller.AccountId, found.Id, site: false, key, cancel) is not { } row) return Failure.NotFound("vpn-client", key);
        return row.ToClient(VpnProfile.Client((await store.FactsAsync(found.Id, cancel)).For(row.Addresses), row.Addresses, null));
    }

    public async Task<Result<VpnClient>> CreateAsync(Caller caller, string vpn, CreateVpnClient create, IdempotencyKey? once, CancellationToken cancel)
    {
        if (VpnRules.Check(create).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var pair = create.PublicKey is null ? VpnKeys.New() : null;
        var (name, publicKey) = (Names.Normal(create.Name), pair?.PublicKey ?? VpnKeys.Read(create.PublicKey!)!);
        VpnFacts? facts = null;
        var stored = await database.TransactionAsync<VpnClient>(transaction => Idempotency.OnceAsync<VpnClient>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            if (await VpnUseCases.HoldAsync(transaction, hosts, caller, vpn, cancel) is not { } found) return Failure.NotFound("vpn", vpn);
            if (found.ClientCount >= ClientsMax) return new Failure("vpn-full", 409, found.Name, ClientsMax);
            if (await VpnStore.ClashAsync(transaction, found.Id, site: false, name, publicKey, cancel) is { } field)
                return field == "name" ? Failure.NameTaken("vpn-client", name) : Failure.Invalid(field, "key-taken", found.Name);
            if (publicKey == found.PublicKey) return Failure.Invalid("publicKey", "key-taken", found.Name);
            var last = found.Clients.Select(IPNetwork.Parse).Min(range => (int)Math.Min(AddressRange.Last(range), int.MaxValue - 1));
            if (await VpnStore.NextNumberAsync(transaction, found.Id, Math.Min(last, 1 << 16), cancel) is not { } number) return new Failure("vpn-full", 409, found.Name, found.ClientCount);
            var id = ids.New(Ids.VpnClient);
            await VpnStore.InsertPeerAsync(transaction, caller.AccountId, found.Id, id, name, publicKey, number, null, null, clock.GetUtcNow(), cancel);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "vpn.add-client", new Subject("vpn", found.Id, found.Name), cancel, $"Client {name}.");
            var row = (await VpnStore.PeerAsync(transaction, caller.AccountId, found.Id, site: false, id, cancel))!;
            facts = (await VpnStore.FactsAsync(transaction, found.Id, cancel)).For(row.Addresses);
            return row.ToClient(VpnProfile.Client(facts, row.Addresses, null));
        }), cancel);
        // A repeat of an earlier create answers the client made then; the private key just made does not belong to it.
        return stored.Failure is null && pair is not null && facts is not null && stored.Value.PublicKey == publicKey
            ? stored.Value with { Profile = VpnProfile.Client(facts, stored.Value.Addresses, pair.PrivateKey) } : stored;
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string vpn, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await VpnUseCases.HoldAsync(transaction, hosts, caller, vpn, cancel) is not { } found) return Failure.NotFound("vpn", vpn);
        if (await VpnStore.PeerAsync(transaction, caller.AccountId, found.Id, site: false, key, cancel) is not { } row) return Failure.NotFound("vpn-client", key);
        await VpnStore.DeletePeerAsync(transaction, row.Id, cancel);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "vpn.remove-client", new Subject("vpn", found.Id, found.Name), cancel, $"Client {row.Name}.");
        return new Done();
    }, cancel);
}
