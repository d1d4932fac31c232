using System.Globalization;
using System.Net;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Routers;

namespace Kumoi.Server.Vpns;

/// <summary>Networks elsewhere that are joined to a network by its VPN gateway. Private keys that are made here are answered once and stored nowhere.</summary>
public sealed class VpnSiteUseCases(Database database, VpnStore store, VpnKeys keys, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    // Each range is an entry on every host of the network.
    private const int SitesMax = 100;

    /// <summary>Asks for a secret to be made.</summary>
    private const string Generate = "generate";

    public async Task<Result<Page<VpnSite>>> ListAsync(Caller caller, string vpn, PageRequest page, CancellationToken cancel) => await store.FindAsync(caller.AccountId, vpn, cancel) is { } found
        ? page.Of((await store.PeersAsync(caller.AccountId, found.Id, sites: true, page, cancel)).ConvertAll(row => row.ToSite(null)), site => site.Id) : Failure.NotFound("vpn", vpn);

    public async Task<Result<VpnSite>> GetAsync(Caller caller, string vpn, string key, CancellationToken cancel)
    {
        if (await store.FindAsync(caller.AccountId, vpn, cancel) is not { } found) return Failure.NotFound("vpn", vpn);
        if (await store.PeerAsync(caller.AccountId, found.Id, site: true, key, cancel) is not { } row) return Failure.NotFound("vpn-site", key);
        return row.ToSite(Profile((await store.FactsAsync(found.Id, cancel)).For(row.Ranges), row, null, null));
    }

    public async Task<Result<VpnSite>> CreateAsync(Caller caller, string vpn, CreateVpnSite create, IdempotencyKey? once, CancellationToken cancel)
    {
        if (VpnRules.Check(create).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var pair = create.PublicKey is null ? VpnKeys.New() : null;
        var (name, publicKey) = (Names.Normal(create.Name), pair?.PublicKey ?? VpnKeys.Read(create.PublicKey!)!);
        var secret = create.PresharedKey is not { } asked ? null : asked == Generate ? VpnKeys.NewPreshared() : VpnKeys.Read(asked);
        VpnFacts? facts = null;
        VpnPeerRow? made = null;
        var stored = await database.TransactionAsync<VpnSite>(transaction => Idempotency.OnceAsync<VpnSite>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            if (await VpnUseCases.HoldAsync(transaction, hosts, caller, vpn, cancel) is not { } found) return Failure.NotFound("vpn", vpn);
            if (found.SiteCount >= SitesMax) return new Failure("vpn-full", 409, found.Name, SitesMax);
            if (await VpnStore.ClashAsync(transaction, found.Id, site: true, name, publicKey, cancel) is { } field)
                return field == "name" ? Failure.NameTaken("vpn-site", name) : Failure.Invalid(field, "key-taken", found.Name);
            if (publicKey == found.PublicKey) return Failure.Invalid("publicKey", "key-taken", found.Name);
            var id = ids.New(Ids.VpnSite);
            await VpnStore.InsertPeerAsync(
                transaction, caller.AccountId, found.Id, id, name, publicKey, null, create.Endpoint is { } endpoint ? VpnRules.Endpoint(endpoint)!.ToString() : null, secret is null ? null : keys.Seal(secret, id),
                clock.GetUtcNow(), cancel);
            if (await LeadAsync(transaction, caller, found, id, create, cancel) is { } failure) return failure;
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "vpn.add-site", new Subject("vpn", found.Id, found.Name), cancel, $"Site {name}: {string.Join(", ", create.Ranges)}.");
            made = (await VpnStore.PeerAsync(transaction, caller.AccountId, found.Id, site: true, id, cancel))!;
            facts = (await VpnStore.FactsAsync(transaction, found.Id, cancel)).For(made.Ranges);
            return made.ToSite(Profile(facts, made, null, null));
        }), cancel);
        // A repeat of an earlier create answers the site made then; the keys just made do not belong to it.
        return stored.Failure is null && facts is not null && made is not null && stored.Value.Id == made.Id
            ? stored.Value with { Profile = Profile(facts, made, pair?.PrivateKey, create.PresharedKey == Generate ? secret : null) } : stored;
    }

    /// <summary>Leads the site's ranges to it, if nothing overlaps them.</summary>
    private static async Task<Failure?> LeadAsync(Transaction transaction, Caller caller, Vpn vpn, string id, CreateVpnSite create, CancellationToken cancel)
    {
        var ranges = create.Ranges.Select(IPNetwork.Parse).ToList();
        var taken = await VpnStore.TakenAsync(transaction, vpn.Network.Id, cancel);
        var violations = ranges.Select((range, i) => VpnRules.Overlap(string.Create(CultureInfo.InvariantCulture, $"ranges[{i}]"), range, taken, IPAddress.Parse(vpn.Address))).OfType<Violation>().ToList();
        // What is sent to it would be led into itself.
        if (create.Endpoint is { } text && VpnRules.Endpoint(text)!.Address is var endpoint && ranges.Concat(taken.Select(one => one.Range)).FirstOrDefault(range => range.Contains(endpoint)) is { PrefixLength: > 0 } around)
            violations.Add(new Violation("endpoint", "endpoint-inside", around.ToString()));
        if (violations.Count > 0) return Failure.Invalid([.. violations]);
        await VpnStore.InsertRangesAsync(transaction, caller.AccountId, vpn.Network.Id, vpn.Id, id, ranges, cancel);
        return await LinkStore.ConflictAsync(transaction, [vpn.Network.Id], cancel) is { } conflict
            ? Failure.Invalid("ranges", "overlaps-linked", conflict.Network, conflict.Range, conflict.Other, conflict.OtherRange) : null;
    }

    private static string Profile(VpnFacts facts, VpnPeerRow site, string? privateKey, string? presharedKey) =>
        VpnProfile.Site(facts, site.ConfiguredEndpoint is { } endpoint ? IPEndPoint.Parse(endpoint).Port : null, privateKey, presharedKey, site.HasPresharedKey);

    public Task<Result<Done>> DeleteAsync(Caller caller, string vpn, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await VpnUseCases.HoldAsync(transaction, hosts, caller, vpn, cancel) is not { } found) return Failure.NotFound("vpn", vpn);
        if (await VpnStore.PeerAsync(transaction, caller.AccountId, found.Id, site: true, key, cancel) is not { } row) return Failure.NotFound("vpn-site", key);
        await VpnStore.DeletePeerAsync(transaction, row.Id, cancel);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "vpn.remove-site", new Subject("vpn", found.Id, found.Name), cancel, $"Site {row.Name}.");
        return new Done();
    }, cancel);
}
