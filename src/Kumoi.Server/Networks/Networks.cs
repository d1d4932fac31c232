using System.Net;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Routers;
using Kumoi.Server.Vpns;

namespace Kumoi.Server.Networks;

/// <summary>Private networks and their subnets.</summary>
public sealed class NetworkUseCases(Database database, NetworkStore store, HostRevisions hosts, EventLog events, TimeProvider clock)
{
    public async Task<Result<Page<Network>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, page, cancel), network => network.Id);

    public async Task<Result<Network>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } network ? network : Failure.NotFound("network", key);

    public async Task<Result<Network>> CreateAsync(Caller caller, CreateNetwork create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = create.Name is null ? null : Names.Normal(create.Name);
        var violations = new List<Violation?> { name is null ? null : Names.Check("name", name) };
        violations.AddRange(Tags.CheckNew(create.Tags));
        violations.AddRange(NetworkRules.Check(create.Mtu, create.Outside, create.Domain, create.SearchDomains));
        violations.AddRange(SegmentRules.Check(create));
        var spaces = new List<SubnetSpace>();
        var subnets = (create.Subnets ?? []).ToList();
        var ranges = new List<IPNetwork>();
        if (NetworkRules.CheckRange(create.Range) is { } wide) violations.Add(wide);
        for (var i = 0; i < subnets.Count; i++)
        {
            var (range, wrong) = SubnetRules.Check($"subnets[{i}].", subnets[i].Name, subnets[i].Cidr, subnets[i].DnsServers, subnets[i].DhcpOptions);
            violations.AddRange(wrong);
            if (range is { } sound && ranges.Any(other => AddressRange.Overlap(other, sound))) violations.Add(new Violation($"subnets[{i}].cidr", "overlaps"));
            if (range is null) continue;
            ranges.Add(range.Value);
            if (create.Range is { } within && !NetworkRules.IsWithin(AddressRange.ReadRange(within), range.Value)) violations.Add(new Violation($"subnets[{i}].cidr", "outside-network-range", within));
            var noted = new List<Violation>();
            spaces.Add(SubnetSpace.Read($"subnets[{i}].", range.Value, subnets[i].Gateway, subnets[i].Range, subnets[i].Reserved, subnets[i].Excluded, create.Segment is not null, noted));
            violations.AddRange(noted);
        }
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Network>(transaction => Idempotency.OnceAsync<Network>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            string? device = null;
            if (create.Segment is { } segment)
            {
                var claimed = await VlanRangeStore.ClaimAsync(transaction, caller, segment, cancel);
                if (claimed.Failure is { } refused) return refused;
                device = claimed.Value;
            }
            var id = await store.InsertAsync(transaction, caller.AccountId, name, create, device, cancel);
            if (id is null) return Failure.NameTaken("network", name ?? "");
            for (var i = 0; i < subnets.Count; i++)
                if (await store.InsertSubnetAsync(transaction, caller.AccountId, id, subnets[i], ranges[i], spaces[i], cancel) is null)
                    return Failure.NameTaken("subnet", subnets[i].Name ?? ranges[i].ToString());
            await Tags.SetAsync(transaction, "networks", id, create.Tags, cancel);
            await events.WriteAsync(transaction, caller, "network.create", new Subject("network", id, name ?? id), cancel);
            return (await store.FindAsync(transaction, caller.AccountId, id, cancel))!;
        }), cancel);
    }

    /// <summary>Changes a network while its guests run: their hosts hear of it at once, guests when they ask for their address again.</summary>
    public async Task<Result<Network>> UpdateAsync(Caller caller, string key, UpdateNetwork update, CancellationToken cancel)
    {
        Violation[] broken = [.. NetworkRules.Check(update.Mtu, update.Outside, update.Domain, update.SearchDomains), .. SubnetRules.CheckDns("dnsServers", update.DnsServers, null)];
        if (broken.Length > 0) return Failure.Invalid(broken);
        return await database.TransactionAsync<Network>(async transaction =>
        {
            await hosts.TouchByNetworkAsync(transaction, caller.AccountId, key, cancel);
            var network = await NetworkStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (network is null) return Failure.NotFound("network", key);
            if ((update.Outside ?? update.SourceAddress) is not null && await NetworkStore.BridgedAsync(transaction, [network.Id], cancel) is { } bridged)
                return Failure.Invalid(update.Outside is not null ? "outside" : "sourceAddress", "network-bridged", bridged);
            await NetworkStore.UpdateAsync(transaction, network.Id, update, cancel);
            if (update.SourceAddress is { } source && (await GatewayStore.SetSourceAsync(transaction, caller.AccountId, network, source, cancel)).Failure is { } failure) return failure;
            await events.WriteAsync(transaction, caller, "network.update", new Subject("network", network.Id, network.Name), cancel);
            return (await store.FindAsync(transaction, caller.AccountId, network.Id, cancel))!;
        }, cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var network = await NetworkStore.LockAsync(transaction, caller.AccountId, key, cancel);
        if (network is null) return Failure.NotFound("network", key);
        var users = await store.UsersAsync(transaction, network.Id, cancel);
        if (users.Count > 0) return Failure.InUse("network", network.Name, users);
        await store.DeleteAsync(transaction, network.Id, cancel);
        await events.WriteAsync(transaction, caller, "network.delete", new Subject("network", network.Id, network.Name), cancel);
        return new Done();
    }, cancel);

    public async Task<Result<Page<Subnet>>> ListSubnetsAsync(Caller caller, string? network, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListSubnetsAsync(caller.AccountId, network, page, cancel), subnet => subnet.Id);

    public async Task<Result<Subnet>> GetSubnetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindSubnetAsync(caller.AccountId, key, cancel) is { } subnet ? subnet : Failure.NotFound("subnet", key);

    public async Task<Result<Subnet>> CreateSubnetAsync(Caller caller, CreateSubnet create, IdempotencyKey? once, CancellationToken cancel)
    {
        var (sound, wrong) = SubnetRules.Check("", create.Name, create.Cidr, create.DnsServers, create.DhcpOptions);
        if (sound is not { } range || wrong.Count > 0) return Failure.Invalid([.. wrong]);
        if (Tags.CheckNew(create.Tags).ToArray() is { Length: > 0 } tagged) return Failure.Invalid(tagged);
        return await database.TransactionAsync<Subnet>(transaction => Idempotency.OnceAsync<Subnet>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            // Hosts before networks, as everywhere; those that come meanwhile read the subnet with their first guest.
            await hosts.TouchByNetworkAsync(transaction, caller.AccountId, create.Network, cancel);
            // The lock keeps two subnets of one network from passing the overlap check at once.
            var network = await NetworkStore.LockAsync(transaction, caller.AccountId, create.Network, cancel);
            if (network is null) return Failure.NotFound("network", create.Network);
            var present = await transaction.QueryAsync("SELECT cidr FROM subnets WHERE network_id = $1", row => row.GetFieldValue<IPNetwork>(0), cancel, network.Id);
            if (present.Any(other => AddressRange.Overlap(other, range))) return Failure.Invalid("cidr", "overlaps");
            if ((await store.FindAsync(transaction, caller.AccountId, network.Id, cancel))!.Range is { } within && !NetworkRules.IsWithin(AddressRange.ReadRange(within), range)) return Failure.Invalid("cidr", "outside-network-range", within);
            if (await VpnStore.OverlappingAsync(transaction, network.Id, range, cancel) is { } vpn) return Failure.Invalid("cidr", "overlaps-vpn", vpn);
            var broken = new List<Violation>();
            var space = SubnetSpace.Read("", range, create.Gateway, create.Range, create.Reserved, create.Excluded, await NetworkStore.BridgedAsync(transaction, [network.Id], cancel) is not null, broken);
            if (broken.Count > 0) return Failure.Invalid([.. broken]);
            var id = await store.InsertSubnetAsync(transaction, caller.AccountId, network.Id, new CreateNetworkSubnet(create.Name, create.Cidr, create.DnsServers, create.DhcpOptions), range, space, cancel);
            if (id is null) return Failure.NameTaken("subnet", create.Name ?? range.ToString());
            await Tags.SetAsync(transaction, "subnets", id, create.Tags, cancel);
            await LinkStore.LockAsync(transaction, [network.Id], cancel);
            if (await LinkStore.ConflictAsync(transaction, [network.Id], cancel) is { } conflict)
                return Failure.Invalid("cidr", "overlaps-linked", conflict.Network, conflict.Range, conflict.Other, conflict.OtherRange);
            var subnet = (await store.FindSubnetAsync(transaction, caller.AccountId, id, cancel))!;
            await events.WriteAsync(transaction, caller, "subnet.create", new Subject("subnet", id, subnet.Name), cancel);
            return subnet;
        }), cancel);
    }

    /// <summary>Changes what of a subnet is given out from now on. No host has to hear of it.</summary>
    public Task<Result<Subnet>> UpdateSubnetAsync(Caller caller, string key, UpdateSubnet update, CancellationToken cancel) => database.TransactionAsync<Subnet>(async transaction =>
    {
        var locked = await transaction.FindAsync("SELECT id FROM subnets WHERE account_id = $1 AND (id = $2 OR name = $2) ORDER BY id LIMIT 1 FOR UPDATE", row => row.GetString(0), cancel, caller.AccountId, key);
        if (locked is null || await store.FindSubnetAsync(transaction, caller.AccountId, locked, cancel) is not { } subnet) return Failure.NotFound("subnet", key);
        var violations = new List<Violation>();
        var space = SubnetSpace.Read(
            "", IPNetwork.Parse(subnet.Cidr), subnet.Gateway, update.Range ?? subnet.Range, update.Reserved ?? subnet.Reserved, update.Excluded ?? subnet.Excluded, bridged: true, violations);
        if (violations.Count > 0) return Failure.Invalid([.. violations]);
        await NetworkStore.SetSpaceAsync(transaction, caller.AccountId, subnet.Id, space, cancel);
        await events.WriteAsync(transaction, caller, "subnet.update", new Subject("subnet", subnet.Id, subnet.Name), cancel);
        return (await store.FindSubnetAsync(transaction, caller.AccountId, subnet.Id, cancel))!;
    }, cancel);

    public Task<Result<Done>> DeleteSubnetAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var network = await transaction.FindAsync("SELECT network_id FROM subnets WHERE account_id = $1 AND (id = $2 OR name = $2) ORDER BY id LIMIT 1", row => row.GetString(0), cancel, caller.AccountId, key);
        if (network is null) return Failure.NotFound("subnet", key);
        await hosts.TouchByNetworksAsync(transaction, [network], cancel);
        var subnet = await transaction.FindAsync("SELECT id, name FROM subnets WHERE account_id = $1 AND (id = $2 OR name = $2) ORDER BY id LIMIT 1 FOR UPDATE",
            row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key);
        if (subnet is null) return Failure.NotFound("subnet", key);
        var users = await store.UsersOfSubnetAsync(transaction, subnet.Id, cancel);
        if (users.Count > 0) return Failure.InUse("subnet", subnet.Name, users);
        await store.DeleteSubnetAsync(transaction, subnet.Id, cancel);
        await events.WriteAsync(transaction, caller, "subnet.delete", new Subject("subnet", subnet.Id, subnet.Name), cancel);
        return new Done();
    }, cancel);
}
