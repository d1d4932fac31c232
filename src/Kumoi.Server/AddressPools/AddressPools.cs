using System.Net;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.AddressPools;

/// <summary>Pools of public addresses: made by operators, given to all accounts or to some.</summary>
public sealed class AddressPoolUseCases(Database database, EventLog events, Ids ids, ServerOptions options, TimeProvider clock)
{
    // Each is looked at for each address given out. In one pool.
    private const int RangesMax = 64, ReservedMax = 256, AccountsMax = 1000, DescriptionMax = 255;

    /// <summary>Operators see all pools, whole; others those that they may use, and what of them is theirs.</summary>
    public async Task<Result<Page<AddressPool>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        (await AddressPoolStore.ListAsync(database, page.After, page.Limit + 1, caller.May(Permission.Cloud("address-pools", "read")) ? null : caller.AccountId, cancel)).ConvertAll(pool => Tell(pool, caller)), pool => pool.Id);

    public async Task<Result<AddressPool>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await AddressPoolStore.FindAsync(database, key, cancel) is { } pool && (caller.May(Permission.Cloud("address-pools", "read")) || pool.IsFor(caller.AccountId)) ? Tell(pool, caller) : Failure.NotFound("address-pool", key);

    private static AddressPool Tell(PoolRow pool, Caller caller) => new(
        pool.Id, pool.Name, pool.Description, [.. pool.Ranges.Select(r => r.ToString())], [.. pool.Excluded.Select(r => r.ToString())],
        [.. pool.Reserved.Where(r => caller.May(Permission.Cloud("address-pools", "read")) || r.AccountId is null || r.AccountId == caller.AccountId).Select(r => new ReservedAddress(r.Address.ToString(), r.AccountId))],
        pool.AllAccounts ? null : [.. pool.Accounts.Where(account => caller.May(Permission.Cloud("address-pools", "read")) || account.Id == caller.AccountId)], pool.Used, PoolRules.Size(pool) - pool.Used, pool.CreatedAt);

    public async Task<Result<AddressPool>> CreateAsync(Caller caller, CreateAddressPool create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        var violations = new List<Violation?> { Names.Check("name", name), create.Ranges.Count == 0 ? new Violation("ranges", "required") : null };
        violations.AddRange(CheckLimits(create.Description, create.Ranges, create.Excluded, create.Reserved, create.Accounts));
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<AddressPool>(transaction => Idempotency.OnceAsync<AddressPool>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var id = ids.New(Ids.AddressPool);
            if (!await AddressPoolStore.InsertAsync(transaction, caller.AccountId, id, name, create.Description ?? "", [], clock.GetUtcNow(), cancel)) return Failure.NameTaken("address-pool", name);
            var set = await SetAsync(transaction, id, create.Ranges, create.Excluded, create.Reserved, create.Accounts, cancel);
            if (set.Failure is { } failure) return failure;
            await events.WriteAsync(transaction, caller, "address-pool.create", new Subject("address-pool", id, name), cancel);
            return Tell((await AddressPoolStore.ReadAsync(transaction, "p.id = $1", id, cancel))[0], caller);
        }), cancel);
    }

    public async Task<Result<AddressPool>> UpdateAsync(Caller caller, string key, UpdateAddressPool update, CancellationToken cancel)
    {
        Violation[] broken = [.. CheckLimits(update.Description, update.Ranges, update.Excluded, update.Reserved, update.Accounts)];
        if (broken.Length > 0) return Failure.Invalid(broken);
        var changed = await database.TransactionAsync<string>(async transaction =>
        {
            var pool = await AddressPoolStore.LockAsync(transaction, key, cancel);
            if (pool is null) return Failure.NotFound("address-pool", key);
            var held = await AddressPoolStore.HeldAsync(transaction, pool.Id, cancel);
            if (update.Description is { } description) await transaction.ExecuteAsync("UPDATE address_pools SET description = $2 WHERE id = $1", cancel, pool.Id, description);
            var set = await SetAsync(
                transaction, pool.Id, update.Ranges ?? [.. pool.Ranges.Select(r => r.ToString())], update.Excluded ?? [.. pool.Excluded.Select(r => r.ToString())],
                update.Reserved ?? [.. pool.Reserved.Select(r => new ReservedAddress(r.Address.ToString(), r.AccountId))],
                update.AllAccounts == true ? null : update.Accounts ?? (pool.AllAccounts ? null : [.. pool.Accounts.Select(a => a.Id)]), cancel);
            if (set.Failure is { } failure) return failure;
            var after = (await AddressPoolStore.ReadAsync(transaction, "p.id = $1", pool.Id, cancel))[0];
            if (held.FindAll(address => !after.Ranges.Any(range => range.Contains(IPAddress.Parse(address.Name)))) is { Count: > 0 } lost) return Failure.InUse("address-pool", pool.Name, lost);
            await events.WriteAsync(transaction, caller, "address-pool.update", new Subject("address-pool", pool.Id, pool.Name), cancel);
            return pool.Id;
        }, cancel);
        return await changed.Then(id => GetAsync(caller, id, cancel));
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var pool = await AddressPoolStore.LockAsync(transaction, key, cancel);
        if (pool is null) return Failure.NotFound("address-pool", key);
        if (await AddressPoolStore.HeldAsync(transaction, pool.Id, cancel) is { Count: > 0 } held) return Failure.InUse("address-pool", pool.Name, [.. held.Take(20)]);
        await transaction.ExecuteAsync("DELETE FROM address_pools WHERE id = $1", cancel, pool.Id);
        await events.WriteAsync(transaction, caller, "address-pool.delete", new Subject("address-pool", pool.Id, pool.Name), cancel);
        return new Done();
    }, cancel);

    private static IEnumerable<Violation> CheckLimits(
        string? description, IReadOnlyList<string>? ranges, IReadOnlyList<string>? excluded, IReadOnlyList<ReservedAddress>? reserved, IReadOnlyList<string>? accounts)
    {
        if (description is { Length: > DescriptionMax }) yield return new Violation("description", "too-long", DescriptionMax);
        if (ranges is { Count: > RangesMax }) yield return new Violation("ranges", "at-most", RangesMax);
        if (excluded is { Count: > RangesMax }) yield return new Violation("excluded", "at-most", RangesMax);
        if (reserved is { Count: > ReservedMax }) yield return new Violation("reserved", "at-most", ReservedMax);
        if (accounts is { Count: > AccountsMax }) yield return new Violation("accounts", "at-most", AccountsMax);
    }

    private async Task<Result<Done>> SetAsync(
        Transaction transaction, string id, IReadOnlyList<string> ranges, IReadOnlyList<string>? excluded, IReadOnlyList<ReservedAddress>? reserved, IReadOnlyList<string>? accounts, CancellationToken cancel)
    {
        var violations = new List<Violation>();
        // Two pools changed at once must not take the same range; whoever only reads is not held up.
        await transaction.ExecuteAsync("LOCK TABLE address_pool_ranges IN SHARE ROW EXCLUSIVE MODE", cancel);
        var others = await transaction.QueryAsync("SELECT cidr FROM address_pool_ranges WHERE pool_id <> $1 AND NOT excluded", row => row.GetFieldValue<IPNetwork>(0), cancel, id);
        var own = PoolRules.Ranges(ranges, others, IPNetwork.Parse(options.UplinkRange), violations);
        var cut = PoolRules.Excluded(excluded ?? [], own, violations);
        var known = await AccountsAsync(transaction, [.. (accounts ?? []).Concat((reserved ?? []).Select(r => r.Account).OfType<string>()).Distinct()], cancel);
        var kept = PoolRules.Reserved(reserved ?? [], own, known, violations);
        for (var i = 0; i < (accounts?.Count ?? 0); i++)
            if (!known.ContainsKey(accounts![i])) violations.Add(new Violation($"accounts[{i}]", "no-such", new Noun("account"), accounts[i]));
        if (violations.Count > 0) return Failure.Invalid([.. violations]);
        await AddressPoolStore.SetReservedAsync(transaction, id, [], cancel);
        await AddressPoolStore.SetRangesAsync(transaction, id, own, excluded: false, cancel);
        await AddressPoolStore.SetRangesAsync(transaction, id, cut, excluded: true, cancel);
        await AddressPoolStore.SetReservedAsync(transaction, id, kept, cancel);
        await AddressPoolStore.SetAccountsAsync(transaction, id, accounts is null ? null : [.. accounts.Select(key => known[key]).Distinct()], cancel);
        return new Done();
    }

    /// <summary>Ids of accounts by the ids and names they are called.</summary>
    private static async Task<Dictionary<string, string>> AccountsAsync(Transaction transaction, IReadOnlyList<string> keys, CancellationToken cancel)
    {
        var found = await transaction.QueryAsync("SELECT id, name FROM accounts WHERE id = ANY($1) OR name = ANY($1)", row => new Ref(row.GetString(0), row.GetString(1)), cancel, Columns.Texts(keys));
        return keys.Where(key => found.Exists(a => a.Id == key || a.Name == key)).ToDictionary(key => key, key => found.Find(a => a.Id == key || a.Name == key)!.Id);
    }
}

public static class AddressPoolEndpoints
{
    public static IServiceCollection AddAddressPools(this IServiceCollection services) => services.AddSingleton<PoolAddresses>().AddSingleton<AddressPoolUseCases>();

    public static void MapAddressPools(this IEndpointRouteBuilder routes, AddressPoolUseCases pools)
    {
        routes.Get("/address-pools", Permission.Read("address-pools"), "ListAddressPools", "List pools of public addresses that the account may use",
            async call => await PageRequest.Read(call).Then(page => pools.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateAddressPool, AddressPool>("/address-pools", Permission.Cloud("address-pools"), "CreateAddressPool", "Make a pool of public addresses", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => pools.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/address-pools/{pool}", Permission.Read("address-pools"), "ShowAddressPool", "Show a pool of public addresses", call => pools.GetAsync(call.Caller, call.Route("pool"), call.Cancelled));
        routes.Put<UpdateAddressPool, AddressPool>("/address-pools/{pool}", Permission.Cloud("address-pools"), "UpdateAddressPool", "Change a pool's ranges, and who may use it", 200,
            (call, update) => pools.UpdateAsync(call.Caller, call.Route("pool"), update, call.Cancelled)).Fails(409);
        routes.Delete("/address-pools/{pool}", Permission.Cloud("address-pools"), "DeleteAddressPool", "Remove a pool of which nobody has an address", call => pools.DeleteAsync(call.Caller, call.Route("pool"), call.Cancelled)).Fails(409);
    }
}
