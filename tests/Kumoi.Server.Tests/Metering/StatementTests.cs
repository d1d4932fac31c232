using Kumoi.Api;
using Kumoi.Server.Metering;
using Kumoi.Server.Metering.Statements;
using Kumoi.Server.Metering.Tariffs;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Metering;

/// <summary>Goal: what is owed is what was used at the prices that held, rounded once where it says so, and stays as it was issued.</summary>
public sealed class StatementTests
{
    private static readonly DateTimeOffset November = new(2026, 10, 31, 15, 0, 0, TimeSpan.Zero);

    private static readonly TariffRecord Yen = new("trf-1", "standard", "", "JPY", "Asia/Tokyo", 10, "down", null, November);

    private static TariffPrice Price(string meter, string attribute, decimal price, decimal included = 0, int from = -100, int? until = null) =>
        new($"{meter}{attribute}{from}", meter, attribute, "", price, included, November.AddHours(from), until is { } hours ? November.AddHours(hours) : null);

    private static UsedAt Used(string meter, string attribute, string resource, decimal quantity, int since = 0) => new(meter, attribute, new UsedResource("instance", resource, resource), November.AddHours(since), quantity);

    private static BillingStatement Of(IReadOnlyList<TariffPrice> prices, params UsedAt[] used) => StatementPlan.Of(new Ref("a-1", "acme"), Yen, prices, new Month(2026, 11), used, November.AddDays(40));

    [Fact]
    public void A_month_is_that_of_its_time_zone()
    {
        var statement = Of([]);
        Assert.Equal((November, November.AddDays(30), "open"), (statement.Since, statement.Until, statement.State));
        Assert.Equal(new DateTimeOffset(2026, 12, 31, 15, 0, 0, TimeSpan.Zero), new Month(2027, 1).Begins(Yen.Zone));
        Assert.Equal(new Month(2027, 1), Month.Of(new DateTimeOffset(2026, 12, 31, 15, 0, 0, TimeSpan.Zero), Yen.Zone));
        Assert.Null(Month.Zone("Asia/Kolkata"));
        Assert.Null(Month.Zone("nowhere"));
        Assert.NotNull(Month.Zone("Europe/Berlin"));
        Assert.All((string[])["2026-13", "2026-1", "x", "", "1999-01", "2026-11-01"], text => Assert.Null(Month.Read(text)));
    }

    [Fact]
    public void Its_own_price_goes_before_that_of_all_and_what_is_included_costs_nothing()
    {
        var statement = Of(
            [Price("instance.running", "", 5), Price("instance.running", "small", 2.5m), Price("traffic.out", "", 10, included: 100)],
            Used("instance.running", "small", "i-1", 3), Used("instance.running", "big", "i-2", 2), Used("instance.running", "huge", "i-3", 1), Used("traffic.out", "", "i-1", 60), Used("traffic.out", "", "i-2", 60), Used("network.allocated", "", "n-1", 9));
        Assert.Equal([("instance.running", "", 3m, 15m), ("instance.running", "small", 3m, 7m), ("traffic.out", "", 120m, 200m)], statement.Lines.Select(l => (l.Meter, l.Attribute, l.Quantity, l.Amount)));
        Assert.Equal(100, statement.Lines[2].Included);
        Assert.Equal(["i-2", "i-3"], statement.Lines[0].Resources.Select(r => r.Id));
        Assert.Equal([("network.allocated", 9m, 0m)], statement.Unpriced.Select(l => (l.Meter, l.Quantity, l.Amount)));
        // 222 and its tenth, each rounded down.
        Assert.Equal((222m, 22m, 244m), (statement.Subtotal, statement.Tax, statement.Total));
    }

    [Fact]
    public void A_price_that_changes_in_the_month_makes_two_lines()
    {
        TariffPrice[] prices = [Price("vpn.allocated", "", 1, until: 24), Price("vpn.allocated", "", 2, from: 24, until: 48)];
        Assert.Equal([November, November.AddHours(24), November.AddHours(48)], StatementPlan.Changes(prices, November, November.AddDays(30)));
        var statement = Of(prices, Used("vpn.allocated", "", "v", 24), Used("vpn.allocated", "", "v", 24, 24), Used("vpn.allocated", "", "v", 672, 48));
        Assert.Equal([24m, 48m], statement.Lines.Select(l => l.Amount));
        Assert.Equal([(null, (DateTimeOffset?)November.AddHours(24)), (November.AddHours(24), November.AddHours(48))], statement.Lines.Select(l => (l.ValidFrom, l.ValidUntil)));
        Assert.Equal(672, Assert.Single(statement.Unpriced).Quantity);
    }

    [Theory]
    [InlineData("JPY", "half-up", "0.5", "1")]
    [InlineData("JPY", "down", "0.99", "0")]
    [InlineData("USD", "half-up", "0.005", "0.01")]
    [InlineData("KWD", "down", "0.0019", "0.001")]
    public void Amounts_are_rounded_to_the_smallest_unit_of_the_currency(string currency, string rounding, string price, string amount)
    {
        var tariff = Yen with { Currency = currency, Rounding = rounding, TaxPercent = 0 };
        var statement = StatementPlan.Of(new Ref("a-1", "acme"), tariff, [Price("vpn.allocated", "", decimal.Parse(price, System.Globalization.CultureInfo.InvariantCulture))], new Month(2026, 11), [Used("vpn.allocated", "", "v", 1)], November);
        Assert.Equal(decimal.Parse(amount, System.Globalization.CultureInfo.InvariantCulture), statement.Total);
    }

    [Fact]
    public async Task A_month_is_issued_once_and_stays_as_it_was()
    {
        await using var scene = await Scene.StartAsync();
        var (admin, tenant) = (scene.Admin, scene.Tenant);
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await tenant.PostAsync<Router>("/routers", new { name = "<b>&\"r" });
        await UsageTests.AgeAsync(scene, TimeSpan.FromDays(62));
        await database.ExecuteAsync("UPDATE accounts SET created_at = created_at - interval '62 days'", default);
        await UsageTests.ComputeAsync(scene);
        var month = Month.Of(DateTimeOffset.UtcNow, TimeZoneInfo.Utc).Before;
        await tenant.FailAsync(404, HttpMethod.Get, $"/statements/{month}");
        Assert.Empty((await tenant.GetAsync<Page<StatementSummary>>("/statements")).Items);
        await admin.PostAsync<Tariff>("/tariffs", new { name = "standard", currency = "JPY", taxPercent = 10 });
        await admin.PostAsync<Tariff>("/tariffs/standard/prices", new { meter = "router.allocated", price = 2, validFrom = month.Begins(TimeZoneInfo.Utc) });
        await admin.PostAsync<Tariff>("/tariffs/standard/assign", new { month = month.Next.ToString() });
        Assert.Equal(month.Next.ToString(), Assert.Single((await tenant.GetAsync<Page<StatementSummary>>("/statements")).Items).Month);
        await admin.PostAsync<Tariff>("/tariffs/standard/assign", new { month = month.ToString() });
        var hours = (decimal)(month.Next.Begins(TimeZoneInfo.Utc) - month.Begins(TimeZoneInfo.Utc)).TotalHours;
        var open = await tenant.GetAsync<BillingStatement>($"/statements/{month}");
        Assert.Equal(("open", hours * 2, Math.Round(hours * 2.2m, MidpointRounding.AwayFromZero)), (open.State, open.Subtotal, open.Total));
        Assert.Equal(open.Total, (await tenant.GetAsync<Page<StatementSummary>>("/statements")).Items.Single(s => s.Month == month.ToString()).Total);
        Assert.Equal("month-not-over", (await admin.FailAsync(409, HttpMethod.Post, "/statements/issue", new { month = month.Next.ToString() })).Code);
        // Killed after some, asked for twice, by two at once: each account has one.
        var issued = await Task.WhenAll(admin.PostAsync<IssuedStatements>("/statements/issue", new { month = month.ToString() }), admin.PostAsync<IssuedStatements>("/statements/issue", new { month = month.ToString() }));
        Assert.Equal(2, issued.Sum(i => i.Issued));
        Assert.Equal(0, (await admin.PostAsync<IssuedStatements>("/statements/issue", new { month = month.ToString() })).Issued);
        var final = await tenant.GetAsync<BillingStatement>($"/statements/{month}");
        Assert.Equal(("issued", open.Total), (final.State, final.Total));
        Assert.Single((await tenant.GetAsync<Page<Event>>("/events?action=statement.issue")).Items);
        // Nothing that it was made from changes it any more.
        Assert.Equal("month-issued", (await admin.FailAsync(409, HttpMethod.Post, "/tariffs/standard/prices", new { meter = "router.allocated", price = 3, validFrom = month.Begins(TimeZoneInfo.Utc) })).Code);
        Assert.Equal("month-issued", (await admin.FailAsync(409, HttpMethod.Post, "/tariffs/standard/assign", new { month = month.ToString() })).Code);
        await database.ExecuteAsync("DELETE FROM usage_records", default);
        Assert.Equal(final.Total, (await tenant.GetAsync<BillingStatement>($"/statements/{month}")).Total);
        // As a page, in which names are nothing but text, and as a table.
        using var page = await tenant.SendAsync(HttpMethod.Get, $"/statements/{month}/page", null, ("Accept-Language", "ja"));
        var html = await page.Content.ReadAsStringAsync();
        Assert.Contains("ご利用明細書", html, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;&amp;&quot;r", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", html, StringComparison.Ordinal);
        Assert.Equal("default-src 'none'; style-src 'unsafe-inline'", page.Headers.GetValues("Content-Security-Policy").Single());
        var csv = await (await tenant.SendAsync(HttpMethod.Get, $"/statements/{month}/csv")).Content.ReadAsStringAsync();
        Assert.Contains(FormattableString.Invariant($",total,,,,,,,,,{final.Total},JPY"), csv, StringComparison.Ordinal);
        // Others have their own, and a member none.
        Assert.NotEqual(final.Id, (await (await scene.Cloud.LoginAsync()).GetAsync<BillingStatement>($"/statements/{month}")).Id);
        await scene.Cloud.TenantAsync("acme2", "member");
        using var asMember = await (await scene.Cloud.LoginAsync("acme2-member", "tenant-password")).SendAsync(HttpMethod.Get, "/statements");
        Assert.Equal(403, (int)asMember.StatusCode);
    }

    [Fact]
    public async Task Who_administers_a_domain_sees_what_its_accounts_owed_though_they_were_deleted_and_nobody_else_does()
    {
        await using var scene = await Scene.StartAsync();
        var admin = scene.Admin;
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await admin.PostAsync<Domain>("/domains", new { name = "reseller" });
        await admin.PostAsync<Domain>("/domains", new { name = "elsewhere" });
        await admin.PostAsync<Account>("/accounts", new { name = "shop", domain = "reseller" });
        using (var made = await admin.SendAsync(HttpMethod.Post, "/routers", new { name = "r" }, ("Kumoi-Account", "shop"))) Assert.True(made.IsSuccessStatusCode);
        await UsageTests.AgeAsync(scene, TimeSpan.FromDays(62));
        await database.ExecuteAsync("UPDATE accounts SET created_at = created_at - interval '62 days'", default);
        var month = Month.Of(DateTimeOffset.UtcNow, TimeZoneInfo.Utc).Before;
        await admin.PostAsync<Tariff>("/tariffs", new { name = "standard", currency = "JPY" });
        await admin.PostAsync<Tariff>("/tariffs/standard/prices", new { meter = "router.allocated", price = 2, validFrom = month.Begins(TimeZoneInfo.Utc) });
        await admin.PostAsync<Tariff>("/tariffs/standard/assign", new { month = month.ToString() });
        // Deleted in the middle of the month that is billed; another had gone before it began.
        await DeleteAsync("shop");
        Assert.True(await database.FindAsync("SELECT bool_and(ended_at IS NOT NULL) FROM usage_spans WHERE meter = 'router.allocated'", row => row.GetBoolean(0), default));
        await database.ExecuteAsync("UPDATE usage_spans SET ended_at = $1 WHERE meter = 'router.allocated'", default, month.Begins(TimeZoneInfo.Utc).AddHours(10));
        await database.ExecuteAsync("UPDATE deleted_accounts SET deleted_at = $1", default, month.Begins(TimeZoneInfo.Utc).AddHours(10));
        await admin.PostAsync<Account>("/accounts", new { name = "earlier", domain = "reseller" });
        await DeleteAsync("earlier");
        await database.ExecuteAsync("UPDATE deleted_accounts SET created_at = $1, deleted_at = $1 WHERE name = 'earlier'", default, month.Begins(TimeZoneInfo.Utc).AddHours(-1));
        await UsageTests.ComputeAsync(scene);
        await admin.PostAsync<IssuedStatements>("/statements/issue", new { month = month.ToString() });

        var all = (await admin.GetAsync<Page<IssuedStatement>>($"/issued-statements?month={month}")).Items;
        Assert.Equal(["acme", "operator", "shop"], all.Select(s => s.Account.Name).Order());
        Assert.Empty((await admin.GetAsync<Page<IssuedStatement>>($"/issued-statements?month={month.Before}")).Items);
        var shop = all.Single(s => s.Account.Name == "shop");
        Assert.Equal((20m, "JPY", true), (shop.Total, shop.Currency, shop.AccountDeletedAt is not null));
        Assert.Equal(20m, (await admin.GetAsync<BillingStatement>("/issued-statements/" + shop.Id)).Total);
        Assert.Equal([shop.Id], (await admin.GetAsync<Page<IssuedStatement>>("/issued-statements?account=shop&limit=1")).Items.Select(s => s.Id));
        Assert.NotNull((await admin.GetAsync<Page<IssuedStatement>>("/issued-statements?limit=1")).Next);
        Assert.Equal("invalid-request", (await admin.FailAsync(400, HttpMethod.Get, "/issued-statements?month=2026-13")).Code);
        Assert.Equal("invalid-request", (await admin.FailAsync(400, HttpMethod.Get, "/issued-statements/export")).Code);
        // One table of all: one heading, one total of each.
        var table = (await (await admin.SendAsync(HttpMethod.Get, $"/issued-statements/export?month={month}")).Content.ReadAsStringAsync()).TrimEnd().Split("\r\n");
        Assert.StartsWith("month,account,meter,", Assert.Single(table, line => line.Contains("account_id", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(3, table.Count(line => line.Contains(",total,", StringComparison.Ordinal)));
        Assert.Contains($"{month},shop,total,,,,,,,,,20,JPY,{shop.Account.Id}", table);

        // A reseller's are those beneath its domain. Another's, and an account's owner, see nothing of them by any form.
        var reseller = await AdministratorAsync("reseller");
        Assert.Equal([shop.Id], (await reseller.GetAsync<Page<IssuedStatement>>("/issued-statements")).Items.Select(s => s.Id));
        Assert.Contains("shop", await (await reseller.SendAsync(HttpMethod.Get, $"/issued-statements/{shop.Id}/page")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains(",total,", await (await reseller.SendAsync(HttpMethod.Get, $"/issued-statements/{shop.Id}/csv")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var elsewhere = await AdministratorAsync("elsewhere");
        Assert.Empty((await elsewhere.GetAsync<Page<IssuedStatement>>("/issued-statements")).Items);
        Assert.DoesNotContain("shop", await (await elsewhere.SendAsync(HttpMethod.Get, $"/issued-statements/export?month={month}")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        foreach (var form in (string[])["", "/csv", "/page"])
        {
            Assert.Equal("not-found", (await elsewhere.FailAsync(404, HttpMethod.Get, $"/issued-statements/{shop.Id}{form}")).Code);
            Assert.Equal("forbidden", (await scene.Tenant.FailAsync(403, HttpMethod.Get, $"/issued-statements/{all[0].Id}{form}")).Code);
        }
        Assert.Equal("forbidden", (await scene.Tenant.FailAsync(403, HttpMethod.Get, $"/issued-statements/export?month={month}")).Code);

        async Task DeleteAsync(string account)
        {
            using var answer = await admin.SendAsync(HttpMethod.Delete, "/accounts/" + account);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }
        async Task<TestClient> AdministratorAsync(string domain)
        {
            await scene.Cloud.TenantAsync("of-" + domain, "reader");
            await admin.PutAsync<Membership>($"/domains/{domain}/members/of-{domain}-reader", new { role = "domain-administrator" });
            return await scene.Cloud.LoginAsync($"of-{domain}-reader", "tenant-password");
        }
    }

    [Fact]
    public async Task Statements_are_issued_by_themselves_when_the_month_has_been_over_for_a_while()
    {
        await using var scene = await Scene.StartAsync();
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await UsageTests.AgeAsync(scene, TimeSpan.FromDays(62));
        await database.ExecuteAsync("UPDATE accounts SET created_at = created_at - interval '62 days'", default);
        var statements = scene.Cloud.Services.GetRequiredService<StatementUseCases>();
        var month = Month.Of(DateTimeOffset.UtcNow - StatementUseCases.Grace, TimeZoneInfo.Utc).Before;
        await scene.Admin.PostAsync<Tariff>("/tariffs", new { name = "standard", currency = "USD" });
        await scene.Admin.PostAsync<Tariff>("/tariffs/standard/assign", new { account = "acme", month = month.ToString() });
        await statements.IssueDueAsync(default);
        Assert.Empty((await scene.Tenant.GetAsync<Page<StatementSummary>>("/statements")).Items.Where(s => s.State == "issued"));
        await UsageTests.ComputeAsync(scene);
        await statements.IssueDueAsync(default);
        await statements.IssueDueAsync(default);
        Assert.Equal(month.ToString(), Assert.Single((await scene.Tenant.GetAsync<Page<StatementSummary>>("/statements")).Items, s => s.State == "issued").Month);
    }

    [Fact]
    public async Task The_nearest_tariff_holds_and_prices_follow_each_other()
    {
        await using var scene = await Scene.StartAsync();
        var (admin, tenant) = (scene.Admin, scene.Tenant);
        foreach (var name in (string[])["all", "reseller", "own"]) await admin.PostAsync<Tariff>("/tariffs", new { name, currency = "JPY", timeZone = "Asia/Tokyo" });
        Assert.Equal("no-tariff", (await tenant.FailAsync(404, HttpMethod.Get, "/tariffs/current")).Code);
        await admin.PostAsync<Tariff>("/tariffs/all/assign", new { });
        Assert.Equal("all", (await tenant.GetAsync<Tariff>("/tariffs/current")).Name);
        // The months before have none.
        Assert.Equal("open", Assert.Single((await tenant.GetAsync<Page<StatementSummary>>("/statements")).Items).State);
        await admin.PostAsync<Domain>("/domains", new { name = "reseller" });
        await admin.PostAsync<Account>("/accounts", new { name = "customer", domain = "reseller" });
        var customer = await scene.Cloud.TenantAsync("customer");
        await admin.PostAsync<Tariff>("/tariffs/reseller/assign", new { domain = "reseller" });
        Assert.Equal(("all", "reseller"), ((await tenant.GetAsync<Tariff>("/tariffs/current")).Name, (await customer.GetAsync<Tariff>("/tariffs/current")).Name));
        await admin.PostAsync<Tariff>("/tariffs/own/assign", new { account = "customer" });
        var own = await customer.GetAsync<Tariff>("/tariffs/current");
        Assert.Equal(("own", null), (own.Name, own.Assignments));
        Assert.Equal("account", Assert.Single((await admin.GetAsync<Tariff>("/tariffs/own")).Assignments!).ScopeType);
        Assert.Equal("in-use", (await admin.FailAsync(409, HttpMethod.Delete, "/tariffs/own")).Code);
        var next = new DateTimeOffset(DateTime.UtcNow.Date.AddDays(2), TimeSpan.Zero);
        await PriceAsync(1, null);
        await PriceAsync(3, next.AddDays(2));
        await PriceAsync(2, next);
        await PriceAsync(2.5m, next);
        var prices = (await admin.GetAsync<Tariff>("/tariffs/own")).Prices;
        Assert.Equal([(1m, (DateTimeOffset?)next), (2.5m, next.AddDays(2)), (3m, null)], prices.Select(p => (p.Price, p.ValidUntil)));
        await admin.PostAsync<Tariff>($"/tariffs/own/prices/{prices[2].Id}/end", new { });
        Assert.Equal(2, (await admin.GetAsync<Tariff>("/tariffs/own")).Prices.Count);
        foreach (var (field, body) in new (string, object)[]
        {
            ("meter", new { meter = "x", price = 1 }), ("price", new { meter = "vpn.allocated", price = -1 }), ("included", new { meter = "vpn.allocated", price = 1, included = -1 }), ("validFrom", new { meter = "vpn.allocated", price = 1, validFrom = next.AddMinutes(1) }),
        })
            Assert.Equal(field, Assert.Single((await admin.FailAsync(400, HttpMethod.Post, "/tariffs/own/prices", body)).Errors!).Field);
        foreach (var (field, body) in new (string, object)[]
        {
            ("currency", new { name = "x", currency = "yen" }), ("timeZone", new { name = "x", currency = "JPY", timeZone = "Asia/Kolkata" }), ("taxPercent", new { name = "x", currency = "JPY", taxPercent = 101 }), ("rounding", new { name = "x", currency = "JPY", rounding = "up" }),
        })
            Assert.Equal(field, Assert.Single((await admin.FailAsync(400, HttpMethod.Post, "/tariffs", body)).Errors!).Field);
        Assert.Equal("name-taken", (await admin.FailAsync(409, HttpMethod.Post, "/tariffs", new { name = "own", currency = "JPY" })).Code);

        Task<Tariff> PriceAsync(decimal price, DateTimeOffset? validFrom) => admin.PostAsync<Tariff>("/tariffs/own/prices", new { meter = "vpn.allocated", price, validFrom });
    }
}
