using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.HostPools;

/// <summary>Host pools: made by operators, given to all accounts or to some.</summary>
public sealed class HostPoolUseCases(Database database, EventLog events, Ids ids, ServerOptions options, TimeProvider clock)
{
    private static readonly Permission SeeAll = Permission.Cloud("host-pools", "read");

    /// <summary>Operators see all pools, whole; others those that they may use, and what of them is theirs.</summary>
    public async Task<Result<Page<HostPool>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        (await HostPoolStore.ListAsync(database, caller.May(SeeAll) ? null : caller.AccountId, page.After, page.Limit + 1, cancel)).ConvertAll(pool => Tell(pool, caller)), pool => pool.Id);

    public async Task<Result<HostPool>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await HostPoolStore.FindAsync(database, key, cancel) is { } pool && (caller.May(SeeAll) || pool.IsFor(caller.AccountId)) ? Tell(pool, caller) : Failure.NotFound("host-pool", key);

    private HostPool Tell(HostPoolRow pool, Caller caller)
    {
        var all = caller.May(SeeAll);
        // Of hosts that others use, too, neither how many there are nor how full they are is its business.
        var whole = all || pool is { AllAccounts: false, Accounts: [var only] } && only.Id == caller.AccountId;
        return new HostPool(
            pool.Id, pool.Name, pool.Description, (double)(pool.CpuOvercommit ?? options.VcpuRatio), (double)pool.MemoryOvercommit, pool.AllAccounts, pool.AllAccounts ? null : [.. pool.Accounts.Where(account => all || account.Id == caller.AccountId)],
            whole ? pool.Hosts : null, whole ? pool.Capacity : null, whole ? pool.Allocated : null, pool.CreatedAt);
    }

    public async Task<Result<HostPool>> CreateAsync(Caller caller, CreateHostPool create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        Violation[] broken = [.. new[] { Names.Check("name", name) }.OfType<Violation>(), .. HostPoolRules.Check(create.Description, create.CpuOvercommit, create.MemoryOvercommit, create.Accounts)];
        if (broken.Length > 0) return Failure.Invalid(broken);
        return await database.TransactionAsync<HostPool>(transaction => Idempotency.OnceAsync<HostPool>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var accounts = await AccountsAsync(transaction, create.Accounts, cancel);
            if (accounts.Failure is { } failure) return failure;
            var pool = new HostPoolRow(
                ids.New(Ids.HostPool), name, create.Description ?? "", accounts.Value is null, (decimal?)create.CpuOvercommit, (decimal)(create.MemoryOvercommit ?? 1), clock.GetUtcNow(), [], 0, new PoolCapacity(0, 0, 0), new PoolCapacity(0, 0, 0));
            if (!await HostPoolStore.InsertAsync(transaction, pool, cancel)) return Failure.NameTaken("host-pool", name);
            await HostPoolStore.SetAccountsAsync(transaction, pool.Id, accounts.Value, cancel);
            await events.WriteAsync(transaction, caller, "host-pool.create", new Subject("host-pool", pool.Id, name), cancel);
            return Tell((await HostPoolStore.FindAsync(transaction, pool.Id, cancel))!, caller);
        }), cancel);
    }

    public async Task<Result<HostPool>> UpdateAsync(Caller caller, string key, UpdateHostPool update, CancellationToken cancel)
    {
        if (HostPoolRules.Check(update.Description, update.CpuOvercommit, update.MemoryOvercommit, update.Accounts).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<HostPool>(async transaction =>
        {
            var pool = await HostPoolStore.LockAsync(transaction, key, cancel);
            if (pool is null) return Failure.NotFound("host-pool", key);
            var accounts = await AccountsAsync(transaction, update.AllAccounts == true ? null : update.Accounts, cancel);
            if (accounts.Failure is { } failure) return failure;
            await transaction.ExecuteAsync(
                "UPDATE host_pools SET description = coalesce($2, description), cpu_overcommit = coalesce($3, cpu_overcommit), memory_overcommit = coalesce($4, memory_overcommit) WHERE id = $1", cancel,
                pool.Id, Columns.Text(update.Description), Columns.Number((decimal?)update.CpuOvercommit), Columns.Number((decimal?)update.MemoryOvercommit));
            var hosts = await HostPoolStore.LockHostsAsync(transaction, pool.Id, cancel);
            if (update.AllAccounts == true || update.Accounts is not null) await HostPoolStore.SetAccountsAsync(transaction, pool.Id, accounts.Value, cancel);
            var after = (await HostPoolStore.FindAsync(transaction, pool.Id, cancel))!;
            await HostPoolStore.OfferAsync(transaction, hosts, new Overcommit(after.CpuOvercommit ?? options.VcpuRatio, after.MemoryOvercommit), cancel);
            await events.WriteAsync(transaction, caller, "host-pool.update", new Subject("host-pool", pool.Id, pool.Name), cancel);
            return Tell((await HostPoolStore.FindAsync(transaction, pool.Id, cancel))!, caller);
        }, cancel);
    }

    /// <summary>Gives the pool to one account more, or takes it away from one. What of that account runs there goes on.</summary>
    public Task<Result<HostPool>> GiveAsync(Caller caller, string key, string accountKey, bool give, CancellationToken cancel) => database.TransactionAsync<HostPool>(async transaction =>
    {
        var pool = await HostPoolStore.LockAsync(transaction, key, cancel);
        if (pool is null) return Failure.NotFound("host-pool", key);
        var (accountId, accountName) = await transaction.FindAsync("SELECT id, name FROM accounts WHERE id = $1 OR name = $1 FOR KEY SHARE", row => (row.GetString(0), row.GetString(1)), cancel, accountKey);
        if (accountId is null) return Failure.Invalid("account", "no-such", new Noun("account"), accountKey);
        if (pool.AllAccounts) return new Failure("host-pool-for-all", 409, pool.Name);
        if (pool.IsFor(accountId) == give) return Tell(pool, caller);
        // Only what is taken away has to wait for launches that are under way.
        if (!give) await HostPoolStore.LockHostsAsync(transaction, pool.Id, cancel);
        var others = pool.Accounts.Select(account => account.Id).Where(id => id != accountId);
        await HostPoolStore.SetAccountsAsync(transaction, pool.Id, [.. give ? others.Append(accountId) : others], cancel);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), give ? "host-pool.give" : "host-pool.take", new Subject("host-pool", pool.Id, pool.Name), cancel, give ? $"To {accountName}." : $"From {accountName}.");
        return Tell((await HostPoolStore.FindAsync(transaction, pool.Id, cancel))!, caller);
    }, cancel);

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var pool = await HostPoolStore.LockForDeletionAsync(transaction, key, cancel);
        if (pool is null) return Failure.NotFound("host-pool", key);
        if (pool.Id == HostPoolStore.DefaultId) return new Failure("host-pool-default", 409, pool.Name);
        if (await HostPoolStore.UsersAsync(transaction, pool.Id, cancel) is { Count: > 0 } users) return Failure.InUse("host-pool", pool.Name, users);
        await HostPoolStore.DeleteAsync(transaction, pool.Id, cancel);
        await events.WriteAsync(transaction, caller, "host-pool.delete", new Subject("host-pool", pool.Id, pool.Name), cancel);
        return new Done();
    }, cancel);

    /// <summary>Ids of the accounts that are named, which stay until the transaction ends; null for null. Before hosts: who removes an account holds it before them.</summary>
    private static async Task<Result<string[]?>> AccountsAsync(Transaction transaction, IReadOnlyList<string>? keys, CancellationToken cancel)
    {
        if (keys is null) return (string[]?)null;
        var found = await transaction.QueryAsync("SELECT id, name FROM accounts WHERE id = ANY($1) OR name = ANY($1) ORDER BY id FOR KEY SHARE", row => new Ref(row.GetString(0), row.GetString(1)), cancel, Columns.Texts(keys));
        Violation[] missing = [.. keys.Index().Where(asked => !found.Exists(account => account.Id == asked.Item || account.Name == asked.Item)).Select(asked => new Violation($"accounts[{asked.Index}]", "no-such", new Noun("account"), asked.Item))];
        return missing.Length > 0 ? Failure.Invalid(missing) : found.ConvertAll(account => account.Id).ToArray();
    }
}

/// <summary>What a host pool must satisfy before anything is looked up.</summary>
public static class HostPoolRules
{
    // Each account more is looked at by every server's look at the pools, about once a second.
    private const int AccountsMax = 1000, DescriptionMax = 255;

    public static IEnumerable<Violation> Check(string? description, double? cpu, double? memory, IReadOnlyList<string>? accounts)
    {
        if (description is { Length: > DescriptionMax }) yield return new Violation("description", "too-long", DescriptionMax);
        if (cpu is not (null or (>= 1 and <= Overcommit.CpuMax))) yield return new Violation("cpuOvercommit", "between", 1, Overcommit.CpuMax);
        if (memory is not (null or (>= 1 and <= Overcommit.MemoryMax))) yield return new Violation("memoryOvercommit", "between", 1, Overcommit.MemoryMax);
        if (accounts is { Count: > AccountsMax }) yield return new Violation("accounts", "at-most", AccountsMax);
    }
}

public static class HostPoolEndpoints
{
    public static IServiceCollection AddHostPools(this IServiceCollection services) => services.AddSingleton<HostPoolUseCases>();

    public static void MapHostPools(this IEndpointRouteBuilder routes, HostPoolUseCases pools)
    {
        routes.Get("/host-pools", Permission.Read("host-pools"), "ListHostPools", "List host pools that the account may use", async call => await PageRequest.Read(call).Then(page => pools.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateHostPool, HostPool>("/host-pools", Permission.Cloud("host-pools"), "CreateHostPool", "Make a pool of hosts", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => pools.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/host-pools/{hostPool}", Permission.Read("host-pools"), "ShowHostPool", "Show a host pool", call => pools.GetAsync(call.Caller, call.Route("hostPool"), call.Cancelled));
        routes.Put<UpdateHostPool, HostPool>("/host-pools/{hostPool}", Permission.Cloud("host-pools"), "UpdateHostPool", "Change what the hosts of a pool offer, and who may use them", 200,
            (call, update) => pools.UpdateAsync(call.Caller, call.Route("hostPool"), update, call.Cancelled));
        routes.Delete("/host-pools/{hostPool}", Permission.Cloud("host-pools"), "DeleteHostPool", "Remove a pool that no host is in", call => pools.DeleteAsync(call.Caller, call.Route("hostPool"), call.Cancelled)).Fails(409);
        routes.Post<GiveHostPool, HostPool>("/host-pools/{hostPool}/give", Permission.Cloud("host-pools"), "GiveHostPool", "Give a host pool to one account more", 200,
            (call, give) => pools.GiveAsync(call.Caller, call.Route("hostPool"), give.Account, give: true, call.Cancelled)).Fails(409);
        routes.Post<TakeHostPool, HostPool>("/host-pools/{hostPool}/take", Permission.Cloud("host-pools"), "TakeHostPool", "Take a host pool away from an account; what it has there goes on", 200,
            (call, take) => pools.GiveAsync(call.Caller, call.Route("hostPool"), take.Account, give: false, call.Cancelled)).Fails(409);
    }
}
