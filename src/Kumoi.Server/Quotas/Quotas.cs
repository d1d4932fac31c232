using Kumoi.Api;
using Kumoi.Server.Accounts;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Quotas;

/// <summary>Limits of accounts and domains: set by those who administer the domain above, seen by those whom they hold.</summary>
public sealed class QuotaUseCases(Database database, EventLog events)
{
    public const long LimitMax = 1_000_000_000_000;

    private static readonly Permission See = Permission.Domain("quotas", "read"), Change = Permission.Domain("quotas");

    public async Task<Result<Page<Quota>>> ListAsync(Caller caller, CancellationToken cancel) => await ListAsync(database, caller.AccountId, caller.Account.Lineage, cancel);

    public async Task<Result<Page<Quota>>> ListAsync(Caller caller, string account, CancellationToken cancel)
    {
        var found = await AccountAsync(database, caller, account, See, cancel);
        return found.Failure is { } failure ? failure : await ListAsync(database, found.Value.Id, found.Value.Lineage, cancel);
    }

    public async Task<Result<Page<Quota>>> ListOfDomainAsync(Caller caller, string domain, CancellationToken cancel)
    {
        var found = await DomainUseCases.FindAsync(database, caller, domain, See, cancel);
        return found.Failure is { } failure ? failure : await ListAsync(database, found.Value.Id, null, cancel);
    }

    /// <param name="lineage">Of an account's domain; null if the scope is a domain.</param>
    private static async Task<Page<Quota>> ListAsync(IQueries queries, string scope, string? lineage, CancellationToken cancel)
    {
        var used = await QuotaStore.UsedAsync(queries, scope, cancel);
        var own = (await queries.QueryAsync("SELECT resource, quota_limit, is_default FROM quotas WHERE scope_id = $1", row => (Resource: row.GetString(0), Limit: row.LongOrNull(1), Default: row.GetBoolean(2)), cancel, scope)).ToDictionary(q => q.Resource);
        var above = lineage is null ? null : (await queries.QueryAsync(
            "SELECT q.resource, d.id, d.path, q.quota_limit, q.used FROM quotas q JOIN domains d ON d.id = q.scope_id WHERE starts_with($1, d.lineage) AND q.quota_limit IS NOT NULL ORDER BY d.lineage",
            row => (Resource: row.GetString(0), Quota: new DomainQuota(new Ref(row.GetString(1), row.GetString(2)), row.GetInt64(3), row.GetInt64(4))), cancel, lineage)).ToLookup(q => q.Resource, q => q.Quota);
        return new Page<Quota>([.. QuotaStore.Resources.Select(resource => own.TryGetValue(resource, out var quota)
            ? new Quota(resource, quota.Limit, used.GetValueOrDefault(resource), quota.Default ? "default" : lineage is null ? "domain" : "account", above is null ? null : [.. above[resource]])
            : new Quota(resource, null, used.GetValueOrDefault(resource), "none", above is null ? null : [.. above[resource]]))], null);
    }

    public Task<Result<Page<Quota>>> SetAsync(Caller caller, string account, SetQuotas set, CancellationToken cancel) => SetAsync(caller, set, async transaction =>
    {
        var found = await AccountAsync(transaction, caller, account, Change, cancel);
        return found.Failure is { } failure ? failure : (new Subject("account", found.Value.Id, found.Value.Name), found.Value.Lineage);
    }, cancel);

    /// <summary>Only by those who administer the domain above: nobody gives more to itself.</summary>
    public Task<Result<Page<Quota>>> SetOfDomainAsync(Caller caller, string domain, SetQuotas set, CancellationToken cancel) => SetAsync(caller, set, async transaction =>
    {
        var found = await DomainUseCases.FindAsync(transaction, caller, domain, Change, cancel);
        if (found.Failure is { } failure) return failure;
        var lineage = found.Value.Lineage;
        if (!found.Value.IsRoot && !caller.MayIn(lineage[..(lineage.TrimEnd('.').LastIndexOf('.') + 1)], Change)) return new Failure("quota-of-own-domain", 403);
        return (new Subject("domain", found.Value.Id, found.Value.Path), (string?)null);
    }, cancel);

    private async Task<Result<Page<Quota>>> SetAsync(Caller caller, SetQuotas set, Func<Transaction, Task<Result<(Subject Scope, string? Lineage)>>> find, CancellationToken cancel)
    {
        if (Check(set).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Page<Quota>>(async transaction =>
        {
            var found = await find(transaction);
            if (found.Failure is { } failure) return failure;
            var (scope, lineage) = found.Value;
            await QuotaStore.LockAsync(transaction, cancel);
            foreach (var (resource, limit) in set.Limits ?? new Dictionary<string, long?>()) await QuotaStore.SetAsync(transaction, scope.Id, resource, limit, cancel);
            foreach (var resource in set.Default ?? []) await QuotaStore.ResetAsync(transaction, scope.Id, resource, cancel);
            await events.WriteAsync(transaction, scope.Type == "account" ? scope.Id : caller.AccountId, EventActor.Of(caller), scope.Type + ".set-quotas", scope, cancel,
                string.Join(' ', (set.Limits ?? new Dictionary<string, long?>()).Select(l => FormattableString.Invariant($"{l.Key}={l.Value?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"}")).Concat((set.Default ?? []).Select(r => r + "=default"))));
            return await ListAsync(transaction, scope.Id, lineage, cancel);
        }, cancel);
    }

    public async Task<Result<Page<QuotaDefault>>> DefaultsAsync(CancellationToken cancel)
    {
        var set = (await database.QueryAsync("SELECT resource, quota_limit FROM quota_defaults", row => (Resource: row.GetString(0), Limit: row.GetInt64(1)), cancel)).ToDictionary(d => d.Resource, d => d.Limit);
        return new Page<QuotaDefault>([.. QuotaStore.Resources.Select(resource => new QuotaDefault(resource, set.TryGetValue(resource, out var limit) ? limit : null))], null);
    }

    public async Task<Result<Page<QuotaDefault>>> SetDefaultsAsync(Caller caller, SetQuotas set, CancellationToken cancel)
    {
        if (Check(set with { Default = null }).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var done = await database.TransactionAsync<Done>(async transaction =>
        {
            await QuotaStore.LockAsync(transaction, cancel);
            foreach (var (resource, limit) in set.Limits ?? new Dictionary<string, long?>())
            {
                if (limit is { } most) await transaction.ExecuteAsync("INSERT INTO quota_defaults (resource, quota_limit) VALUES ($1, $2) ON CONFLICT (resource) DO UPDATE SET quota_limit = $2", cancel, resource, most);
                else await transaction.ExecuteAsync("DELETE FROM quota_defaults WHERE resource = $1", cancel, resource);
                await QuotaStore.DefaultAsync(transaction, resource, null, cancel);
                await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "quota-default.set", new Subject("quota-default", resource, resource), cancel, limit?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none");
            }
            return new Done();
        }, cancel);
        return done.Failure is { } failure ? failure : await DefaultsAsync(cancel);
    }

    public static IEnumerable<Violation> Check(SetQuotas set)
    {
        foreach (var (resource, limit) in set.Limits ?? new Dictionary<string, long?>())
        {
            if (!QuotaStore.Resources.Contains(resource)) yield return new Violation($"limits.{resource}", "one-of", string.Join(", ", QuotaStore.Resources));
            else if (limit is < 0 or > LimitMax) yield return new Violation($"limits.{resource}", "between", 0, LimitMax);
        }
        foreach (var resource in set.Default ?? [])
            if (!QuotaStore.Resources.Contains(resource)) yield return new Violation("default", "one-of", string.Join(", ", QuotaStore.Resources));
    }

    /// <summary>An account in a domain in which the caller may do this.</summary>
    public static async Task<Result<ActingFor>> AccountAsync(IQueries queries, Caller caller, string key, Permission permission, CancellationToken cancel)
    {
        var account = await Authentication.FindAccountAsync(queries, key, cancel);
        if (account is null || !caller.Grants.Any(g => g.HoldsBeneath(account.Lineage))) return Failure.NotFound("account", key);
        return caller.MayIn(account.Lineage, permission) ? account : new Failure("forbidden", 403, permission.ToString());
    }
}
