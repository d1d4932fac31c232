namespace Kumoi.Api;

/// <summary>What use costs.</summary>
/// <param name="Currency">ISO 4217, such as <c>JPY</c>.</param>
/// <param name="TimeZone">Whose months are charged (IANA), such as <c>Asia/Tokyo</c>.</param>
/// <param name="TaxPercent">Added to the sum of a statement.</param>
/// <param name="Rounding"><c>half-up</c> or <c>down</c>: to the currency's smallest unit, each line, and the tax once.</param>
/// <param name="Prices">All that hold, held or will hold.</param>
/// <param name="Assignments">Who has it, from which month on; only for who may see all accounts.</param>
public sealed record Tariff(
    string Id, string Name, string Description, string Currency, string TimeZone, decimal TaxPercent, string Rounding, IReadOnlyList<TariffPrice> Prices, IReadOnlyList<TariffAssignment>? Assignments, DateTimeOffset CreatedAt);

/// <summary>The price of one unit of a meter.</summary>
/// <param name="Attribute">A flavor, a volume type; empty for all that have no price of their own.</param>
/// <param name="Included">So much of each month costs nothing.</param>
/// <param name="ValidUntil">Null: until it is ended.</param>
public sealed record TariffPrice(string Id, string Meter, string Attribute, string Unit, decimal Price, decimal Included, DateTimeOffset ValidFrom, DateTimeOffset? ValidUntil);

/// <param name="Scope">An account or a domain; null: all accounts that have none nearer to them.</param>
/// <param name="ScopeType"><c>account</c>, <c>domain</c> or <c>cloud</c>.</param>
/// <param name="Month">From this month on, <c>2026-12</c>.</param>
public sealed record TariffAssignment(string ScopeType, Ref? Scope, string Month);

/// <param name="Rounding">half-up if it is not given.</param>
/// <param name="TimeZone">UTC if it is not given.</param>
public sealed record CreateTariff(string Name, string? Description, string Currency, string? TimeZone, decimal? TaxPercent, string? Rounding);

/// <param name="Included">0 if it is not given.</param>
/// <param name="ValidFrom">The begin of an hour; the present one if it is not given. The price that holds then of the same thing ends there.</param>
public sealed record SetTariffPrice(string Meter, string? Attribute, decimal Price, decimal? Included, DateTimeOffset? ValidFrom);

/// <param name="ValidUntil">The begin of an hour; the next one if it is not given.</param>
public sealed record EndTariffPrice(DateTimeOffset? ValidUntil);

/// <summary>Gives a tariff to an account, to all accounts of a domain, or to all; from a month on.</summary>
/// <param name="Month"><c>2026-12</c>; the present one if it is not given.</param>
public sealed record AssignTariff(string? Account, string? Domain, string? Month);

/// <summary>What an account used in a month and owes for it.</summary>
/// <param name="Month"><c>2026-11</c>.</param>
/// <param name="State"><c>open</c>: the month goes on, or is not issued yet, and amounts change; <c>issued</c>: it stays as it is.</param>
/// <param name="ComputedUntil">What was used from here on is not in it yet.</param>
/// <param name="Unpriced">Use that the tariff has no price for.</param>
public sealed record BillingStatement(
    string? Id, Ref Account, string Month, string State, Ref Tariff, string Currency, string TimeZone, DateTimeOffset Since, DateTimeOffset Until, DateTimeOffset ComputedUntil, IReadOnlyList<StatementLine> Lines,
    IReadOnlyList<StatementLine> Unpriced, decimal Subtotal, decimal TaxPercent, decimal Tax, decimal Total, DateTimeOffset? IssuedAt);

/// <summary>Use at one price.</summary>
/// <param name="Included">So much of the quantity costs nothing.</param>
/// <param name="Price">Of a unit; null: there is none.</param>
/// <param name="ValidFrom">Since when the price holds, if not before the month.</param>
/// <param name="ValidUntil">Until when the price holds, if it ends in the month.</param>
public sealed record StatementLine(
    string Meter, string Attribute, string Unit, decimal Quantity, decimal Included, decimal? Price, decimal Amount, DateTimeOffset? ValidFrom, DateTimeOffset? ValidUntil, IReadOnlyList<StatementResource> Resources);

/// <param name="Quantity">Its part of the line's.</param>
public sealed record StatementResource(string Type, string Id, string Name, decimal Quantity);

/// <summary>A statement in a list.</summary>
public sealed record StatementSummary(string Month, string State, string Currency, decimal Total, DateTimeOffset? IssuedAt);

/// <summary>An issued statement in the list of those of all accounts that the caller administers.</summary>
/// <param name="AccountDeletedAt">When the account was deleted; null if it is there.</param>
public sealed record IssuedStatement(string Id, Ref Account, DateTimeOffset? AccountDeletedAt, string Month, string Currency, decimal Total, DateTimeOffset IssuedAt);

/// <param name="Month">A month that is over, <c>2026-10</c>.</param>
public sealed record IssueStatements(string Month);

/// <param name="Issued">How many statements there are new.</param>
public sealed record IssuedStatements(string Month, int Issued);
