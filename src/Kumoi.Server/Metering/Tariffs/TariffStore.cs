using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Metering.Tariffs;

/// <summary>A tariff without its prices.</summary>
public sealed record TariffRecord(string Id, string Name, string Description, string Currency, string TimeZone, decimal TaxPercent, string Rounding, Month? IssuedMonth, DateTimeOffset CreatedAt)
{
    public TimeZoneInfo Zone => TimeZoneInfo.FindSystemTimeZoneById(TimeZone);
}

/// <summary>Every statement on tariffs, their prices and who has them.</summary>
public static class TariffStore
{
    private const string Selected = "SELECT id, name, description, currency, time_zone, tax_percent, rounding, issued_month, created_at FROM tariffs";

    private static TariffRecord Read(Npgsql.NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetDecimal(5) / 1.000m, row.GetString(6), row.IsDBNull(7) ? null : Month.Of(row.GetFieldValue<DateOnly>(7)), row.Time(8));

    public static Task<List<TariffRecord>> ListAsync(IQueries queries, CancellationToken cancel) => queries.QueryAsync(Selected + " ORDER BY name", Read, cancel);

    /// <param name="lockAs">A locking clause: whoever changes prices or gives the tariff away holds it.</param>
    public static Task<TariffRecord?> FindAsync(IQueries queries, string key, CancellationToken cancel, string lockAs = "") => queries.FindAsync($"{Selected} WHERE id = $1 OR name = $1 {lockAs}", Read, cancel, key)!;

    /// <summary>The tariff of an account in a month; null if it has none.</summary>
    public static Task<TariffRecord?> OfAsync(IQueries queries, string accountId, string lineage, Month month, CancellationToken cancel) =>
        queries.FindAsync(Selected + " WHERE id = tariff_of($1, $2, $3)", Read, cancel, accountId, lineage, month.First)!;

    public static Task<List<TariffPrice>> PricesAsync(IQueries queries, string tariffId, CancellationToken cancel) => queries.QueryAsync(
        "SELECT id, meter, attribute, price, included, valid_from, valid_until FROM tariff_prices WHERE tariff_id = $1 ORDER BY meter, attribute, valid_from",
        row => new TariffPrice(row.GetString(0), row.GetString(1), row.GetString(2), Meters.Unit(row.GetString(1)), row.GetDecimal(3) / 1.00000000m, row.GetDecimal(4) / 1.000m, row.Time(5), row.TimeOrNull(6)), cancel, tariffId);

    public static Task<List<TariffAssignment>> AssignmentsAsync(IQueries queries, string tariffId, CancellationToken cancel) => queries.QueryAsync(
        """
        SELECT a.scope_id, coalesce(c.name, d.path), c.id IS NOT NULL, a.month FROM tariff_assignments a LEFT JOIN accounts c ON c.id = a.scope_id LEFT JOIN domains d ON d.id = a.scope_id WHERE a.tariff_id = $1 ORDER BY a.month, 2
        """, row => new TariffAssignment(row.GetString(0).Length == 0 ? "cloud" : row.GetBoolean(2) ? "account" : "domain", row.IsDBNull(1) ? null : new Ref(row.GetString(0), row.GetString(1)), Month.Of(row.GetFieldValue<DateOnly>(3)).ToString()),
        cancel, tariffId);

    public static Task<int> InsertAsync(Transaction transaction, TariffRecord tariff, CancellationToken cancel) => transaction.ExecuteAsync(
        "INSERT INTO tariffs (id, name, description, currency, time_zone, tax_percent, rounding, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING",
        cancel, tariff.Id, tariff.Name, tariff.Description, tariff.Currency, tariff.TimeZone, tariff.TaxPercent, tariff.Rounding, tariff.CreatedAt);

    public static Task<int> InsertAsync(Transaction transaction, string tariffId, TariffPrice price, CancellationToken cancel) => transaction.ExecuteAsync(
        "INSERT INTO tariff_prices (id, tariff_id, meter, attribute, price, included, valid_from, valid_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        cancel, price.Id, tariffId, price.Meter, price.Attribute, price.Price, price.Included, price.ValidFrom, Columns.TimeValue(price.ValidUntil));

    public static Task<int> EndAsync(Transaction transaction, string priceId, DateTimeOffset until, CancellationToken cancel) => transaction.ExecuteAsync("UPDATE tariff_prices SET valid_until = $2 WHERE id = $1", cancel, priceId, until);

    public static Task<int> RemoveAsync(Transaction transaction, string priceId, CancellationToken cancel) => transaction.ExecuteAsync("DELETE FROM tariff_prices WHERE id = $1", cancel, priceId);

    public static Task<int> AssignAsync(Transaction transaction, string scope, Month month, string? tariffId, CancellationToken cancel) => transaction.ExecuteAsync(
        "INSERT INTO tariff_assignments (scope_id, month, tariff_id) VALUES ($1, $2, $3) ON CONFLICT (scope_id, month) DO UPDATE SET tariff_id = excluded.tariff_id", cancel, scope, month.First, Columns.Text(tariffId));
}
