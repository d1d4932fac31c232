using Kumoi.Api;
using Kumoi.Server.Metering.Tariffs;

namespace Kumoi.Server.Metering.Statements;

/// <summary>What one resource used of one meter while one set of prices held.</summary>
/// <param name="Since">The first hour of that time.</param>
public sealed record UsedAt(string Meter, string Attribute, UsedResource Resource, DateTimeOffset Since, decimal Quantity);

/// <summary>Makes the lines of a statement from what was used and what it costs. Pure: the same use and prices always make the same statement.</summary>
public static class StatementPlan
{
    public static BillingStatement Of(Ref account, TariffRecord tariff, IReadOnlyList<TariffPrice> prices, Month month, IEnumerable<UsedAt> used, DateTimeOffset computedUntil)
    {
        var (since, until) = (month.Begins(tariff.Zone), month.Next.Begins(tariff.Zone));
        var places = Meters.Places(tariff.Currency);
        var lines = used.Select(u => (Used: u, Price: PriceOf(prices, u.Meter, u.Attribute, u.Since))).GroupBy(u => (u.Used.Meter, Attribute: u.Price?.Attribute is "" ? "" : u.Used.Attribute, u.Price))
            .Select(line => Line(line.Key.Meter, line.Key.Attribute, line.Key.Price, [.. line.Select(u => u.Used)], since, until, tariff.Rounding, places))
            .OrderBy(line => line.Meter, StringComparer.Ordinal).ThenBy(line => line.Attribute, StringComparer.Ordinal).ThenBy(line => line.ValidFrom ?? since).ToList();
        var subtotal = lines.Sum(line => line.Amount);
        var tax = Round(subtotal * tariff.TaxPercent / 100, places, tariff.Rounding);
        return new BillingStatement(
            null, account, month.ToString(), "open", new Ref(tariff.Id, tariff.Name), tariff.Currency, tariff.TimeZone, since, until, computedUntil < until ? computedUntil : until, lines.FindAll(line => line.Price is not null),
            lines.FindAll(line => line.Price is null), subtotal, tariff.TaxPercent, tax, subtotal + tax, null);
    }

    /// <summary>The times at which prices change: between two of them each thing has one price.</summary>
    public static IReadOnlyList<DateTimeOffset> Changes(IEnumerable<TariffPrice> prices, DateTimeOffset since, DateTimeOffset until) =>
        [since, .. prices.SelectMany(p => new[] { p.ValidFrom, p.ValidUntil ?? since }).Where(at => at > since && at < until).Distinct().Order()];

    /// <summary>Of its own kind first, else that of all kinds.</summary>
    private static TariffPrice? PriceOf(IReadOnlyList<TariffPrice> prices, string meter, string attribute, DateTimeOffset at) => prices
        .Where(p => p.Meter == meter && (p.Attribute == attribute || p.Attribute.Length == 0) && p.ValidFrom <= at && !(p.ValidUntil <= at)).OrderByDescending(p => p.Attribute.Length > 0).FirstOrDefault();

    private static StatementLine Line(string meter, string attribute, TariffPrice? price, IReadOnlyList<UsedAt> used, DateTimeOffset since, DateTimeOffset until, string rounding, int places)
    {
        var quantity = used.Sum(u => u.Quantity);
        var charged = Math.Max(0, quantity - (price?.Included ?? 0));
        return new StatementLine(
            meter, attribute, Meters.Unit(meter), quantity, Math.Min(quantity, price?.Included ?? 0), price?.Price, Round(charged * (price?.Price ?? 0), places, rounding), price?.ValidFrom > since ? price.ValidFrom : null,
            price?.ValidUntil < until ? price.ValidUntil : null,
            [.. used.GroupBy(u => u.Resource.Id).Select(r => new StatementResource(r.First().Resource.Type, r.Key, r.MaxBy(u => u.Since)!.Resource.Name, r.Sum(u => u.Quantity))).OrderByDescending(r => r.Quantity).ThenBy(r => r.Id, StringComparer.Ordinal)]);
    }

    private static decimal Round(decimal amount, int places, string rounding) => decimal.Round(amount, places, rounding == "down" ? MidpointRounding.ToZero : MidpointRounding.AwayFromZero);
}
