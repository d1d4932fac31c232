using System.Net;
using System.Net.Sockets;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Networks;

/// <summary>Private networks and their subnets.</summary>
public sealed class NetworkUseCases(Database database, NetworkStore store, EventLog events, TimeProvider clock)
{
    public async Task<Result<Page<Network>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, page, cancel), network => network.Id);

    public async Task<Result<Network>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } network ? network : Failure.NotFound("network", key);

    public async Task<Result<Network>> CreateAsync(Caller caller, CreateNetwork create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        var violations = new List<Violation?> { Names.Check("name", name) };
        var subnets = (create.Subnets ?? []).ToList();
        var ranges = new List<IPNetwork>();
        for (var i = 0; i < subnets.Count; i++)
        {
            var (range, violation) = SubnetRules.CheckCidr($"subnets[{i}].cidr", subnets[i].Cidr);
            violations.Add(violation);
            if (subnets[i].Name is { } subnetName) violations.Add(Names.Check($"subnets[{i}].name", Names.Normal(subnetName)));
            violations.AddRange(SubnetRules.CheckDns($"subnets[{i}].dnsServers", subnets[i].DnsServers));
            if (violation is not null) continue;
            if (ranges.Any(other => SubnetRules.Overlap(other, range))) violations.Add(new Violation($"subnets[{i}].cidr", "overlaps"));
            ranges.Add(range);
        }
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Network>(transaction => Idempotency.OnceAsync<Network>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var id = await store.InsertAsync(transaction, caller.AccountId, name, cancel);
            if (id is null) return Failure.NameTaken("network", name);
            for (var i = 0; i < subnets.Count; i++)
                if (await store.InsertSubnetAsync(transaction, caller.AccountId, id, subnets[i].Name, ranges[i], subnets[i].DnsServers ?? [], cancel) is null)
                    return Failure.NameTaken("subnet", subnets[i].Name!);
            await events.WriteAsync(transaction, caller, "network.create", new Subject("network", id, name), cancel);
            return (await store.FindAsync(transaction, caller.AccountId, id, cancel))!;
        }), cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var network = await transaction.FindAsync("SELECT id, name FROM networks WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE",
            row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key);
        if (network is null) return Failure.NotFound("network", key);
        var users = await store.UsersAsync(transaction, "i.network_id", network.Id, cancel);
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
        var (range, violation) = SubnetRules.CheckCidr("cidr", create.Cidr);
        var violations = new List<Violation?> { violation, create.Name is { } given ? Names.Check("name", Names.Normal(given)) : null };
        violations.AddRange(SubnetRules.CheckDns("dnsServers", create.DnsServers));
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Subnet>(transaction => Idempotency.OnceAsync<Subnet>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            // The lock keeps two subnets of one network from passing the overlap check at once.
            var network = await transaction.FindAsync("SELECT id, name FROM networks WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE",
                row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, create.Network);
            if (network is null) return Failure.NotFound("network", create.Network);
            var present = await transaction.QueryAsync("SELECT cidr FROM subnets WHERE network_id = $1", row => row.GetFieldValue<IPNetwork>(0), cancel, network.Id);
            if (present.Any(other => SubnetRules.Overlap(other, range))) return Failure.Invalid("cidr", "overlaps");
            var id = await store.InsertSubnetAsync(transaction, caller.AccountId, network.Id, create.Name, range, create.DnsServers ?? [], cancel);
            if (id is null) return Failure.NameTaken("subnet", create.Name ?? range.ToString());
            var subnet = (await store.FindSubnetAsync(transaction, caller.AccountId, id, cancel))!;
            await events.WriteAsync(transaction, caller, "subnet.create", new Subject("subnet", id, subnet.Name), cancel);
            return subnet;
        }), cancel);
    }

    public Task<Result<Done>> DeleteSubnetAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var subnet = await transaction.FindAsync("SELECT id, name FROM subnets WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE",
            row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key);
        if (subnet is null) return Failure.NotFound("subnet", key);
        var users = await store.UsersAsync(transaction, "i.subnet_id", subnet.Id, cancel);
        if (users.Count > 0) return Failure.InUse("subnet", subnet.Name, users);
        await store.DeleteSubnetAsync(transaction, subnet.Id, cancel);
        await events.WriteAsync(transaction, caller, "subnet.delete", new Subject("subnet", subnet.Id, subnet.Name), cancel);
        return new Done();
    }, cancel);
}

/// <summary>What a subnet may be.</summary>
public static class SubnetRules
{
    private const int DnsServersMax = 4;

    /// <summary>An IPv4 range of /16 to /28 of addresses a guest may have, its host bits zero.</summary>
    public static (IPNetwork Range, Violation? Violation) CheckCidr(string field, string text)
    {
        if (!IPNetwork.TryParse(text, out var range) || range.BaseAddress.AddressFamily != AddressFamily.InterNetwork || text.Split('.').Length != 4)
            return (default, new Violation(field, "ipv4-cidr"));
        if (range.PrefixLength is < 16 or > 28) return (default, new Violation(field, "prefix-between", 16, 28));
        string[] reserved = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"];
        return reserved.Any(r => Overlap(IPNetwork.Parse(r), range)) ? (default, new Violation(field, "reserved-range")) : (range, null);
    }

    public static IEnumerable<Violation> CheckDns(string field, IReadOnlyList<string>? servers)
    {
        if (servers is null) yield break;
        if (servers.Count > DnsServersMax) yield return new Violation(field, "at-most", DnsServersMax);
        for (var i = 0; i < servers.Count; i++)
            if (!IPAddress.TryParse(servers[i], out var address) || address.AddressFamily != AddressFamily.InterNetwork || servers[i].Split('.').Length != 4)
                yield return new Violation($"{field}[{i}]", "ipv4-address");
    }

    public static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);
}
