using Kumoi.Api;
using Kumoi.Server.Accounts;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Metering.Tariffs;

/// <summary>Tariffs are the cloud's; accounts see their own. A price that held is never changed: it ends, and another begins.</summary>
public sealed class TariffUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    private const int DescriptionMax = 255;

    private const decimal PriceMax = 1_000_000_000, IncludedMax = 1_000_000_000_000;

    private static readonly Permission Assign = Permission.Cloud("tariffs");

    public async Task<Result<Page<Tariff>>> ListAsync(CancellationToken cancel)
    {
        var tariffs = new List<Tariff>();
        foreach (var tariff in await TariffStore.ListAsync(database, cancel)) tariffs.Add(await OfAsync(database, tariff, true, cancel));
        return new Page<Tariff>(tariffs, null);
    }

    public async Task<Result<Tariff>> GetAsync(string key, CancellationToken cancel) =>
        await TariffStore.FindAsync(database, key, cancel) is { } tariff ? await OfAsync(database, tariff, true, cancel) : Failure.NotFound("tariff", key);

    /// <summary>The tariff of the caller's account this month.</summary>
    public async Task<Result<Tariff>> CurrentAsync(Caller caller, CancellationToken cancel)
    {
        // Which month it is depends on the tariff's time zone: first the one that holds in UTC's.
        var now = clock.GetUtcNow();
        var tariff = await TariffStore.OfAsync(database, caller.AccountId, caller.Account.Lineage, Month.Of(now, TimeZoneInfo.Utc), cancel);
        if (tariff is not null) tariff = await TariffStore.OfAsync(database, caller.AccountId, caller.Account.Lineage, Month.Of(now, tariff.Zone), cancel);
        return tariff is null ? new Failure("no-tariff", 404) : await OfAsync(database, tariff, false, cancel);
    }

    private static async Task<Tariff> OfAsync(IQueries queries, TariffRecord tariff, bool everybody, CancellationToken cancel) => new(
        tariff.Id, tariff.Name, tariff.Description, tariff.Currency, tariff.TimeZone, tariff.TaxPercent, tariff.Rounding, await TariffStore.PricesAsync(queries, tariff.Id, cancel),
        everybody ? await TariffStore.AssignmentsAsync(queries, tariff.Id, cancel) : null, tariff.CreatedAt);

    public async Task<Result<Tariff>> CreateAsync(Caller caller, CreateTariff create, CancellationToken cancel)
    {
        if (Check(create).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var tariff = new TariffRecord(ids.New(Ids.Tariff), Names.Normal(create.Name), create.Description ?? "", create.Currency, create.TimeZone ?? "UTC", create.TaxPercent ?? 0, create.Rounding ?? "half-up", null, clock.GetUtcNow());
        return await database.TransactionAsync<Tariff>(async transaction =>
        {
            if (await TariffStore.InsertAsync(transaction, tariff, cancel) == 0) return Failure.NameTaken("tariff", tariff.Name);
            await events.WriteAsync(transaction, caller, "tariff.create", new Subject("tariff", tariff.Id, tariff.Name), cancel);
            return await OfAsync(transaction, tariff, true, cancel);
        }, cancel);
    }

    private static IEnumerable<Violation> Check(CreateTariff create)
    {
        if (Names.Check("name", create.Name) is { } name) yield return name;
        if (create.Description is { Length: > DescriptionMax }) yield return new Violation("description", "too-long", DescriptionMax);
        if (create.Currency.Length != 3 || !create.Currency.All(char.IsAsciiLetterUpper)) yield return new Violation("currency", "currency");
        if (create.TimeZone is { } zone && Month.Zone(zone) is null) yield return new Violation("timeZone", "time-zone");
        if (create.TaxPercent is < 0 or > 100) yield return new Violation("taxPercent", "between", 0, 100);
        if (create.Rounding is not (null or "half-up" or "down")) yield return new Violation("rounding", "one-of", "half-up, down");
    }

    /// <summary>From an hour on something costs so much. What holds then ends there; what was to begin later takes over when it begins.</summary>
    public async Task<Result<Tariff>> SetPriceAsync(Caller caller, string key, SetTariffPrice set, CancellationToken cancel)
    {
        var next = Hour(clock.GetUtcNow()).AddHours(1);
        var price = new TariffPrice(ids.New(Ids.TariffPrice), set.Meter, set.Attribute ?? "", "", set.Price, set.Included ?? 0, set.ValidFrom?.ToUniversalTime() ?? next.AddHours(-1), null);
        if (Check(price).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await ChangeAsync(caller, key, "tariff.set-price", FormattableString.Invariant($"{price.Meter} {price.Attribute} {price.Price}"), async (transaction, tariff) =>
        {
            // A month whose statements were issued is over.
            if (tariff.IssuedMonth is { } issued && price.ValidFrom < issued.Next.Begins(tariff.Zone)) return new Failure("month-issued", 409, issued.ToString());
            var same = (await TariffStore.PricesAsync(transaction, tariff.Id, cancel)).FindAll(p => (p.Meter, p.Attribute) == (price.Meter, price.Attribute) && !(p.ValidUntil <= price.ValidFrom));
            // The same beginning: it is said anew.
            foreach (var replaced in same.FindAll(p => p.ValidFrom == price.ValidFrom)) await TariffStore.RemoveAsync(transaction, replaced.Id, cancel);
            foreach (var ended in same.FindAll(p => p.ValidFrom < price.ValidFrom)) await TariffStore.EndAsync(transaction, ended.Id, price.ValidFrom, cancel);
            var later = same.FindAll(p => p.ValidFrom > price.ValidFrom).Select(p => (DateTimeOffset?)p.ValidFrom).Min();
            await TariffStore.InsertAsync(transaction, tariff.Id, price with { ValidUntil = later }, cancel);
            return null;
        }, cancel);
    }

    private static IEnumerable<Violation> Check(TariffPrice price)
    {
        if (!Meters.All.Contains(price.Meter)) yield return new Violation("meter", "one-of", string.Join(", ", Meters.All));
        if (price.Attribute.Length > 0 && Names.Check("attribute", price.Attribute) is { } attribute) yield return attribute;
        if (price.Price is < 0 or > PriceMax) yield return new Violation("price", "between", 0, PriceMax);
        if (price.Included is < 0 or > IncludedMax) yield return new Violation("included", "between", 0, IncludedMax);
        if (price.ValidFrom != Hour(price.ValidFrom)) yield return new Violation("validFrom", "whole-hour");
    }

    /// <summary>Ends a price; one that has not begun is as if it had never been.</summary>
    public async Task<Result<Tariff>> EndPriceAsync(Caller caller, string key, string priceId, EndTariffPrice end, CancellationToken cancel)
    {
        var next = Hour(clock.GetUtcNow()).AddHours(1);
        var until = end.ValidUntil?.ToUniversalTime() ?? next;
        if (until != Hour(until)) return Failure.Invalid("validUntil", "whole-hour");
        if (until < next.AddHours(-1)) return Failure.Invalid("validUntil", "not-before", next.AddHours(-1));
        return await ChangeAsync(caller, key, "tariff.end-price", priceId, async (transaction, tariff) =>
        {
            if ((await TariffStore.PricesAsync(transaction, tariff.Id, cancel)).Find(p => p.Id == priceId) is not { } price) return Failure.NotFound("tariff-price", priceId);
            if (price.ValidUntil <= until) return Failure.Invalid("validUntil", "price-ends-before", price.ValidUntil.Value);
            await (price.ValidFrom >= until ? TariffStore.RemoveAsync(transaction, priceId, cancel) : TariffStore.EndAsync(transaction, priceId, until, cancel));
            return null;
        }, cancel);
    }

    /// <summary>Gives the tariff to an account, a domain or all, from a month on that has not been issued.</summary>
    public async Task<Result<Tariff>> AssignAsync(Caller caller, string key, AssignTariff assign, CancellationToken cancel)
    {
        if (assign is { Account: not null, Domain: not null }) return Failure.Invalid("domain", "not-with", "account");
        if (assign.Month is { } text && Month.Read(text) is null) return Failure.Invalid("month", "month");
        var scope = new Subject("cloud", "", "");
        if (assign.Account is { } account)
        {
            if (await Authentication.FindAccountAsync(database, account, cancel) is not { } found) return Failure.NotFound("account", account);
            scope = new Subject("account", found.Id, found.Name);
        }
        if (assign.Domain is { } domain)
        {
            var found = await DomainUseCases.FindAsync(database, caller, domain, Assign, cancel);
            if (found.Failure is { } failure) return failure;
            scope = new Subject("domain", found.Value.Id, found.Value.Path);
        }
        return await ChangeAsync(caller, key, "tariff.assign", $"{scope.Type} {scope.Name} {assign.Month}".Trim(), async (transaction, tariff) =>
        {
            var month = assign.Month is { } asked ? Month.Read(asked)!.Value : Month.Of(clock.GetUtcNow(), tariff.Zone);
            if (tariff.IssuedMonth is { } issued && month.First <= issued.First) return new Failure("month-issued", 409, issued.ToString());
            await TariffStore.AssignAsync(transaction, scope.Id, month, tariff.Id, cancel);
            return null;
        }, cancel);
    }

    /// <summary>Only of a tariff that nobody has or had.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await TariffStore.FindAsync(transaction, key, cancel, "FOR UPDATE") is not { } tariff) return Failure.NotFound("tariff", key);
        if ((await TariffStore.AssignmentsAsync(transaction, tariff.Id, cancel)) is { Count: > 0 } given) return Failure.InUse("tariff", tariff.Name, [.. given.Select(a => a.Scope ?? new Ref("cloud", "cloud"))]);
        await transaction.ExecuteAsync("DELETE FROM tariffs WHERE id = $1", cancel, tariff.Id);
        await events.WriteAsync(transaction, caller, "tariff.delete", new Subject("tariff", tariff.Id, tariff.Name), cancel);
        return new Done();
    }, cancel);

    private Task<Result<Tariff>> ChangeAsync(Caller caller, string key, string action, string message, Func<Transaction, TariffRecord, Task<Failure?>> change, CancellationToken cancel) => database.TransactionAsync<Tariff>(async transaction =>
    {
        if (await TariffStore.FindAsync(transaction, key, cancel, "FOR UPDATE") is not { } tariff) return Failure.NotFound("tariff", key);
        if (await change(transaction, tariff) is { } failure) return failure;
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), action, new Subject("tariff", tariff.Id, tariff.Name), cancel, message);
        return await OfAsync(transaction, tariff, true, cancel);
    }, cancel);

    private static DateTimeOffset Hour(DateTimeOffset time) => new(time.UtcDateTime.Date.AddHours(time.UtcDateTime.Hour), TimeSpan.Zero);
}
