using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>What was used, what it costs, and what is owed.</summary>
public static class MeteringCommands
{
    private static readonly IReadOnlyList<Column<UsageAmount>> Columns =
    [
        new("since", u => u.Since is { } since ? SmallNouns.Time(since) : "-"), new("meter", u => u.Meter), new("attribute", u => u.Attribute), new("resource", u => u.Resource is { } of ? of.Name : "-"), new("quantity", u => Number(u.Quantity)), new("unit", u => u.Unit),
    ];

    private static readonly IReadOnlyList<Column<UsageSpan>> SpanColumns =
    [
        new("meter", s => s.Meter), new("attribute", s => s.Attribute), new("quantity", s => Number(s.Quantity)), new("since", s => SmallNouns.Time(s.BegunAt)), new("until", s => s.EndedAt is { } ended ? SmallNouns.Time(ended) : "-"),
        new("begun-by", s => Told(s.Begun)), new("ended-by", s => Told(s.Ended)),
    ];

    private static readonly IReadOnlyList<Column<TariffPrice>> PriceColumns =
    [
        new("id", p => p.Id), new("meter", p => p.Meter), new("attribute", p => p.Attribute), new("price", p => Number(p.Price)), new("unit", p => p.Unit), new("included", p => Number(p.Included)), new("since", p => SmallNouns.Time(p.ValidFrom)), new("until", p => p.ValidUntil is { } until ? SmallNouns.Time(until) : "-"),
    ];

    private static readonly IReadOnlyList<Column<StatementLine>> LineColumns =
    [
        new("meter", l => l.Meter), new("attribute", l => l.Attribute), new("quantity", l => Number(l.Quantity)), new("unit", l => l.Unit), new("included", l => Number(l.Included)), new("price", l => l.Price is { } price ? Number(price) : "-"), new("amount", l => Number(l.Amount)),
    ];

    private static string Number(decimal number) => number.ToString("0.######", CultureInfo.InvariantCulture);

    private static string Told(Event? happened) => happened is null ? "-" : $"{happened.Action} {happened.Actor.Name ?? happened.Actor.Kind}";

    // Other commands have options of these names that mean something else.
    private static Option<T> Of<T>(string name, bool required = false) => new(name) { Description = Messages.Text("option-metering" + name[1..]), Required = required };

    public static IEnumerable<Command> All() => [Usage(), Tariffs(), Statements()];

    private static Command Usage()
    {
        var usage = new Command("usage", Messages.Text("noun-usage"));
        var by = Of<string?>("--by");
        usage.Subcommands.Add(Asked("list", out var asked, [by]));
        Session.Bind(usage.Subcommands[0], async (session, parsed, cancel) =>
        {
            var found = await session.Client.GetAsync<Usage>("usage?" + Query(parsed, [.. asked, by]), cancel);
            if (session.Json)
            {
                session.Write(found);
                return 0;
            }
            session.Write(found.Items, Columns);
            Console.Error.WriteLine(Messages.Text("usage-computed-until", SmallNouns.Time(found.ComputedUntil)));
            return 0;
        });
        var format = Of<string?>("--format");
        format.AcceptOnlyFromAmong("jsonl", "csv");
        usage.Subcommands.Add(Asked("export", out var exported, [format]));
        Session.Bind(usage.Subcommands[1], (session, parsed, cancel) => CopyAsync(session, "usage/export?" + Query(parsed, [.. exported, format]), cancel));
        var key = new Argument<string>("resource") { Description = Messages.Text("argument-metered-resource") };
        var trace = new Command("trace", Messages.Text("usage-trace")) { key };
        Session.Bind(trace, async (session, parsed, cancel) =>
        {
            session.Write((await session.Client.GetAsync<Page<UsageSpan>>($"usage/{Uri.EscapeDataString(parsed.GetValue(key)!)}/spans", cancel)).Items, SpanColumns);
            return 0;
        });
        usage.Subcommands.Add(trace);
        var (since, until) = (Of<DateTimeOffset>("--since", required: true), Of<DateTimeOffset?>("--until"));
        var recompute = new Command("recompute", Messages.Text("usage-recompute")) { since, until };
        Session.Bind(recompute, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<RecomputeUsage, RecomputedUsage>("usage/recompute", new RecomputeUsage(parsed.GetValue(since), parsed.GetValue(until)), null, cancel));
            return 0;
        });
        usage.Subcommands.Add(recompute);
        return usage;
    }

    private static Command Asked(string verb, out Option<string?>[] asked, Option<string?>[] more)
    {
        asked = [Of<string?>("--since"), Of<string?>("--until"), Of<string?>("--meter"), Of<string?>("--resource")];
        var command = new Command(verb, Messages.Text("usage-" + verb));
        foreach (var option in asked.Concat(more)) command.Options.Add(option);
        return command;
    }

    private static string Query(ParseResult parsed, IEnumerable<Option<string?>> options) => string.Join('&', options.Where(option => parsed.GetValue(option) is not null).Select(option => $"{option.Name[2..]}={Uri.EscapeDataString(parsed.GetValue(option)!)}"));

    private static async Task<int> CopyAsync(Session session, string path, CancellationToken cancel)
    {
        using var answer = await session.Client.RequestAsync(HttpMethod.Get, path, null, null, cancel);
        await using var to = Console.OpenStandardOutput();
        await answer.Content.CopyToAsync(to, cancel);
        return 0;
    }

    private static Command Tariffs()
    {
        var (name, currency, zone, tax, rounding, description) = (Options.Name(), Of<string>("--currency", required: true), Of<string?>("--time-zone"), Of<decimal?>("--tax-percent"), Of<string?>("--rounding"), Options.New<string?>("--description"));
        var noun = new Noun<Tariff>("tariff", "tariffs", t => t.Name, [new("name", t => t.Name), new("id", t => t.Id), new("currency", t => t.Currency), new("time-zone", t => t.TimeZone), new("tax-percent", t => Number(t.TaxPercent)), new("prices", t => $"{t.Prices.Count}")])
            .List().Create<CreateTariff, Tariff>(c => { c.Add(name); c.Add(currency); c.Add(zone); c.Add(tax); c.Add(rounding); c.Add(description); },
                p => new CreateTariff(p.GetValue(name)!, p.GetValue(description), p.GetValue(currency)!, p.GetValue(zone), p.GetValue(tax), p.GetValue(rounding))).Delete();
        var shown = new Argument<string?>("tariff") { Description = Messages.Text("argument-tariff"), Arity = ArgumentArity.ZeroOrOne };
        noun.Act(new Command("show", Messages.Text("tariff-show")) { shown }, async (session, parsed, cancel) =>
        {
            Write(session, await session.Client.GetAsync<Tariff>("tariffs/" + Uri.EscapeDataString(parsed.GetValue(shown) ?? "current"), cancel));
            return 0;
        });
        var (key, meter, price) = (noun.Key(), new Argument<string>("meter") { Description = Messages.Text("argument-meter") }, new Argument<decimal>("price") { Description = Messages.Text("argument-price") });
        var (attribute, included, from) = (Of<string?>("--attribute"), Of<decimal?>("--included"), Of<DateTimeOffset?>("--valid-from"));
        noun.Act(new Command("set-price", Messages.Text("tariff-set-price")) { key, meter, price, attribute, included, from }, async (session, parsed, cancel) =>
        {
            Write(session, await session.Client.PostAsync<SetTariffPrice, Tariff>($"tariffs/{Uri.EscapeDataString(parsed.GetValue(key)!)}/prices",
                new SetTariffPrice(parsed.GetValue(meter)!, parsed.GetValue(attribute), parsed.GetValue(price), parsed.GetValue(included), parsed.GetValue(from)), null, cancel));
            return 0;
        });
        var (of, ended, at) = (noun.Key(), new Argument<string>("price") { Description = Messages.Text("argument-price-id") }, Of<DateTimeOffset?>("--valid-until"));
        noun.Act(new Command("end-price", Messages.Text("tariff-end-price")) { of, ended, at }, async (session, parsed, cancel) =>
        {
            Write(session, await session.Client.PostAsync<EndTariffPrice, Tariff>($"tariffs/{Uri.EscapeDataString(parsed.GetValue(of)!)}/prices/{Uri.EscapeDataString(parsed.GetValue(ended)!)}/end", new EndTariffPrice(parsed.GetValue(at)), null, cancel));
            return 0;
        });
        var (given, account, domain, month) = (noun.Key(), Of<string?>("--of-account"), Of<string?>("--of-domain"), Of<string?>("--month"));
        noun.Act(new Command("assign", Messages.Text("tariff-assign")) { given, account, domain, month }, async (session, parsed, cancel) =>
        {
            Write(session, await session.Client.PostAsync<AssignTariff, Tariff>($"tariffs/{Uri.EscapeDataString(parsed.GetValue(given)!)}/assign", new AssignTariff(parsed.GetValue(account), parsed.GetValue(domain), parsed.GetValue(month)), null, cancel));
            return 0;
        });
        return noun.Command;
    }

    private static void Write(Session session, Tariff tariff)
    {
        if (session.Json) session.Write(tariff);
        else
        {
            Console.WriteLine($"{tariff.Name} ({tariff.Id})  {tariff.Currency}  {tariff.TimeZone}  {Number(tariff.TaxPercent)} %");
            foreach (var given in tariff.Assignments ?? []) Console.WriteLine(Messages.Text("tariff-of-" + given.ScopeType, given.Scope?.Name ?? "", given.Month));
            session.Write(tariff.Prices, PriceColumns);
        }
    }

    private static Command Statements()
    {
        IReadOnlyList<Column<StatementSummary>> columns = [new("month", s => s.Month), new("state", s => s.State), new("amount", s => Number(s.Total)), new("currency", s => s.Currency), new("issued", s => s.IssuedAt is { } at ? SmallNouns.Time(at) : "-")];
        var noun = new Noun<StatementSummary>("statement", "statements", s => s.Month, columns).List();
        var (month, format) = (new Argument<string>("month") { Description = Messages.Text("argument-month"), DefaultValueFactory = _ => "current" }, new Option<string?>("--format") { Description = Messages.Text("option-metering-page") });
        format.AcceptOnlyFromAmong("csv", "html");
        noun.Act(new Command("show", Messages.Text("statement-show")) { month, format }, async (session, parsed, cancel) =>
        {
            // Months begin with a figure, numbers of statements with a letter.
            var which = parsed.GetValue(month)!;
            var path = (which.StartsWith("stm-", StringComparison.Ordinal) ? "issued-statements/" : "statements/") + Uri.EscapeDataString(which);
            if (parsed.GetValue(format) is { } form) return await CopyAsync(session, path + (form == "csv" ? "/csv" : "/page"), cancel);
            var statement = await session.Client.GetAsync<BillingStatement>(path, cancel);
            if (session.Json)
            {
                session.Write(statement);
                return 0;
            }
            Console.WriteLine($"{statement.Account.Name}  {statement.Month}  {Messages.Text("statement-" + statement.State)}  {statement.Tariff.Name}");
            session.Write([.. statement.Lines, .. statement.Unpriced], LineColumns);
            Console.WriteLine(Messages.Text("statement-sums", Number(statement.Subtotal), Number(statement.TaxPercent), Number(statement.Tax), Number(statement.Total), statement.Currency));
            return 0;
        });
        var over = new Argument<string>("month") { Description = Messages.Text("argument-month-over") };
        noun.Act(new Command("issue", Messages.Text("statement-issue")) { over }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<IssueStatements, IssuedStatements>("statements/issue", new IssueStatements(parsed.GetValue(over)!), null, cancel));
            return 0;
        });
        AddIssued(noun);
        return noun.Command;
    }

    /// <summary>Those of all accounts, for who writes the invoices.</summary>
    private static void AddIssued(Noun<StatementSummary> noun)
    {
        IReadOnlyList<Column<IssuedStatement>> columns =
            [new("id", s => s.Id), new("month", s => s.Month), new("account", s => s.Account.Name), new("amount", s => Number(s.Total)), new("currency", s => s.Currency), new("issued", s => SmallNouns.Time(s.IssuedAt)), new("deleted", s => s.AccountDeletedAt is { } at ? SmallNouns.Time(at) : "-")];
        var (month, account) = (new Option<string?>("--month") { Description = Messages.Text("option-statement-month") }, Of<string?>("--of-account"));
        noun.Act(new Command("issued", Messages.Text("statement-list-issued")) { month, account }, async (session, parsed, cancel) =>
        {
            var asked = new[] { (Name: "month", Value: parsed.GetValue(month)), (Name: "account", Value: parsed.GetValue(account)) }.Where(one => one.Value is not null).Select(one => $"{one.Name}={Uri.EscapeDataString(one.Value!)}");
            var issued = new List<IssuedStatement>();
            await foreach (var statement in session.Client.ListAsync<IssuedStatement>("issued-statements", string.Join('&', asked), cancel)) issued.Add(statement);
            session.Write(issued, columns);
            return 0;
        });
        var exported = new Argument<string>("month") { Description = Messages.Text("argument-month-over") };
        noun.Act(new Command("export", Messages.Text("statement-export")) { exported }, (session, parsed, cancel) => CopyAsync(session, "issued-statements/export?month=" + Uri.EscapeDataString(parsed.GetValue(exported)!), cancel));
    }
}
