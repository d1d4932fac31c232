using System.Globalization;
using System.Net;
using System.Text;
using Kumoi.Api;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Metering.Statements;

/// <summary>A statement as a table for programs, and as a page to print.</summary>
public static class StatementPages
{
    /// <summary>A row for each resource of each line; the amounts of lines are in the rows that name no resource, so that sums are not doubled.</summary>
    public static string Csv(BillingStatement statement) => Heading + Rows(statement);

    /// <summary>The first line. Names of accounts may be given anew; the id is always that of one.</summary>
    public static string Heading { get; } = Platform.Http.Csv.Line("month", "account", "meter", "attribute", "unit", "resource_type", "resource_id", "resource_name", "quantity", "included", "price", "amount", "currency", "account_id");

    public static string Rows(BillingStatement statement)
    {
        var csv = new StringBuilder();
        foreach (var line in statement.Lines.Concat(statement.Unpriced))
        {
            csv.Append(Platform.Http.Csv.Line(statement.Month, statement.Account.Name, line.Meter, line.Attribute, line.Unit, "", "", "", line.Quantity, line.Included, line.Price, line.Amount, statement.Currency, statement.Account.Id));
            foreach (var resource in line.Resources)
                csv.Append(Platform.Http.Csv.Line(statement.Month, statement.Account.Name, line.Meter, line.Attribute, line.Unit, resource.Type, resource.Id, resource.Name, resource.Quantity, null, line.Price, null, statement.Currency, statement.Account.Id));
        }
        csv.Append(Platform.Http.Csv.Line(statement.Month, statement.Account.Name, "tax", "", "%", "", "", "", statement.TaxPercent, null, null, statement.Tax, statement.Currency, statement.Account.Id));
        return csv.Append(Platform.Http.Csv.Line(statement.Month, statement.Account.Name, "total", "", "", "", "", "", null, null, null, statement.Total, statement.Currency, statement.Account.Id)).ToString();
    }

    public static string Html(BillingStatement statement, string language)
    {
        var culture = CultureInfo.GetCultureInfo(language == "ja" ? "ja-JP" : "en-US");
        string Text(string key, params object[] arguments) => E(Messages.Text(language, "statement." + key, arguments));
        string Money(decimal amount) => E(amount.ToString("N" + Meters.Places(statement.Currency).ToString(CultureInfo.InvariantCulture), culture));
        string Number(decimal number) => E(number.ToString("#,##0.######", culture));
        string Day(DateTimeOffset time) => E(TimeZoneInfo.ConvertTime(time, TimeZoneInfo.FindSystemTimeZoneById(statement.TimeZone)).ToString("d", culture));
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $$"""
            <!doctype html>
            <html lang="{{language}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{Text("title", statement.Account.Name, statement.Month)}}</title>
            <style>
            body { font: 10.5pt/1.5 system-ui, "Noto Sans CJK JP", sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #111; background: #fff }
            table { border-collapse: collapse; width: 100% } th, td { padding: .25rem .5rem; border-bottom: 1px solid #ccc; text-align: left; vertical-align: top } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
            .resource td { color: #555; border: 0; font-size: 9pt; padding-top: 0 } tfoot td { font-weight: 600 } .open { border: 1px solid #b60; padding: .5rem; color: #940 } @page { margin: 15mm } thead { display: table-header-group } tr { break-inside: avoid }
            </style></head><body>
            <h1>{{Text("title", statement.Account.Name, statement.Month)}}</h1>
            <p>{{Text("period", Day(statement.Since), Day(statement.Until.AddSeconds(-1)), statement.TimeZone)}}<br>{{Text("tariff", statement.Tariff.Name)}}{{(statement.IssuedAt is { } at ? "<br>" + Text("issued", Day(at), statement.Id!) : "")}}</p>
            {{(statement.State == "open" ? $"<p class=\"open\">{Text("open")}</p>" : "")}}
            <table><thead><tr><th>{{Text("item")}}</th><th class="n">{{Text("quantity")}}</th><th class="n">{{Text("included")}}</th><th class="n">{{Text("price")}}</th><th class="n">{{Text("amount")}} ({{E(statement.Currency)}})</th></tr></thead><tbody>

            """);
        foreach (var line in statement.Lines)
        {
            var period = line.ValidFrom is null && line.ValidUntil is null ? "" : $" ({(line.ValidFrom is { } from ? Day(from) : "")}–{(line.ValidUntil is { } until ? Day(until.AddSeconds(-1)) : "")})";
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{E(Messages.Text(language, "meter." + line.Meter))} {E(line.Attribute)}{period}</td><td class=\"n\">{Number(line.Quantity)} {E(Messages.Text(language, "unit." + line.Unit))}</td><td class=\"n\">{(line.Included > 0 ? Number(line.Included) : "")}</td><td class=\"n\">{Number(line.Price ?? 0)}</td><td class=\"n\">{Money(line.Amount)}</td></tr>\n");
            foreach (var resource in line.Resources) page.Append(CultureInfo.InvariantCulture, $"<tr class=\"resource\"><td>{E(resource.Name)} {E(resource.Id)}</td><td class=\"n\">{Number(resource.Quantity)}</td><td colspan=\"3\"></td></tr>\n");
        }
        page.Append(CultureInfo.InvariantCulture, $"</tbody><tfoot><tr><td colspan=\"4\">{Text("subtotal")}</td><td class=\"n\">{Money(statement.Subtotal)}</td></tr><tr><td colspan=\"4\">{Text("tax", statement.TaxPercent.ToString("0.###", culture))}</td><td class=\"n\">{Money(statement.Tax)}</td></tr><tr><td colspan=\"4\">{Text("total")}</td><td class=\"n\">{Money(statement.Total)}</td></tr></tfoot></table>\n</body></html>\n");
        return page.ToString();
    }

    private static string E(string text) => WebUtility.HtmlEncode(text);
}
