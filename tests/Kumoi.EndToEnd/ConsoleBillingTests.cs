using System.Globalization;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Metering;
using Kumoi.Server.Metering.Statements;
using Kumoi.Server.Metering.Tariffs;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>Goal: the console shows what was used and what it costs, to those who pay and to those who set prices; and a user makes the login safer and has alerts told. Method: a browser, over use that was moved into the past.</summary>
public sealed class ConsoleBillingTests
{
    private static readonly ObservedStore[] Stores = [new("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 12, Root: true)];

    [Fact]
    public async Task Use_is_priced_seen_and_owed_and_a_login_is_made_safer()
    {
        var tree = QuickstartCloud.FindTree();
        await using var smtp = await SmtpServer.StartAsync();
        await using var cloud = await TestCloud.StartAsync(options => options with { ConsoleDirectory = Path.Combine(tree, "console/dist"), Smtp = smtp.Options });
        var files = Directory.CreateTempSubdirectory("kumoi-console-").FullName;
        using var stop = new CancellationTokenSource();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        await host.ReportStoresAsync(Stores);
        var obeying = host.KeepAsync(FakeHost.Obeyed, (_, _) => Task.CompletedTask, stop.Token);
        try
        {
            var month = await UseAsync(cloud);
            var pictures = Directory.CreateDirectory(Environment.GetEnvironmentVariable("KUMOI_PICTURES") is { Length: > 0 } kept ? kept : Path.Combine(files, "pictures")).FullName;
            var ran = await Machine.RunAsync("node", [Path.Combine(tree, "tests/console/billing.mjs"), cloud.Url, pictures],
                new Dictionary<string, string> { ["KUMOI_ADMIN_PASSWORD"] = TestCloud.AdminPassword, ["KUMOI_DEMO_PASSWORD"] = "tenant-password", ["KUMOI_USED_MONTH"] = month, ["KUMOI_MAILBOX"] = smtp.Mailbox, ["TZ"] = "UTC" }, seconds: 300);
            Assert.True(ran.Code == 0, ran.Output + ran.Error);
            Assert.Contains("ok: the same in Japanese", ran.Output, StringComparison.Ordinal);
            await CheckAsync(cloud, month);
            if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1")
                foreach (var picture in (string[])["console-usage.png", "console-statement.png", "console-second-factor.png"]) File.Copy(Path.Combine(pictures, picture), Path.Combine(tree, "docs/images", picture), overwrite: true);
        }
        finally
        {
            await stop.CancelAsync();
            await obeying;
            Directory.Delete(files, recursive: true);
        }
    }

    /// <summary>A volume that has been there for twelve hours; tells the month that most of them are of.</summary>
    private static async Task<string> UseAsync(TestCloud cloud)
    {
        var tenant = await cloud.TenantAsync("acme");
        // Its limit is reached by the one that there is: that is an alert.
        await (await cloud.LoginAsync()).PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new { volumes = 1 } });
        await tenant.PostAsync<Volume>("/volumes", new { name = "ledger", sizeGib = 4 });
        var database = cloud.Services.GetRequiredService<Database>();
        var age = TimeSpan.FromHours(12);
        await database.ExecuteAsync("UPDATE usage_spans SET begun_at = begun_at - $1::interval, ended_at = ended_at - $1::interval", default, age);
        await database.ExecuteAsync("UPDATE usage_progress SET computed_until = date_trunc('hour', computed_until - $1::interval, 'UTC')", default, age);
        while (await cloud.Services.GetRequiredService<UsageLoop>().LookAsync(default))
        {
        }
        await IssueAsync(database);
        return DateTimeOffset.UtcNow.AddHours(-6).ToString("yyyy-MM", CultureInfo.InvariantCulture);
    }

    /// <summary>What an account that is gone owed.</summary>
    private static async Task IssueAsync(Database database)
    {
        var (begin, month) = (new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), new Month(2026, 1));
        var statement = StatementPlan.Of(
            new Ref("acct-00000000000000099", "gone"), new TariffRecord("trf-00000000000000099", "old", "", "JPY", "UTC", 10, "half-up", null, begin), [new TariffPrice("prc-1", "volume.allocated", "", "GiB-hour", 2, 0, begin, null)], month,
            [new UsedAt("volume.allocated", "standard", new UsedResource("volume", "vol-1", "books"), begin, 12)], begin.AddMonths(2));
        await database.ExecuteAsync("INSERT INTO deleted_accounts (id, name, domain_id, lineage, created_at, deleted_at) SELECT $1, $2, id, lineage, $3, $4 FROM domains WHERE parent_id IS NULL", default, statement.Account.Id, statement.Account.Name, begin, begin.AddDays(9));
        await database.TransactionAsync<bool>(async transaction => await StatementStore.IssueAsync(transaction, statement with { Id = "stm-00000000000000099", State = "issued", IssuedAt = begin.AddDays(33) }, default), default);
    }

    /// <summary>What was done in the browser is what the cloud has.</summary>
    private static async Task CheckAsync(TestCloud cloud, string month)
    {
        var admin = await cloud.LoginAsync();
        var tariff = Assert.Single((await admin.GetAsync<Page<Tariff>>("/tariffs")).Items);
        Assert.Equal(("standard", "JPY", 10m), (tariff.Name, tariff.Currency, tariff.TaxPercent));
        Assert.Equal(("cloud", month), (Assert.Single(tariff.Assignments!).ScopeType, tariff.Assignments![0].Month));
        Assert.Equal([(2.5m, true), (7m, false)], tariff.Prices.OrderBy(p => p.Price).Select(p => (p.Price, p.ValidUntil is null)));
        var pool = await admin.GetAsync<HostPool>("/host-pools/gold");
        Assert.Equal((2d, "acme", 1), (pool.CpuOvercommit, Assert.Single(pool.Accounts!).Name, pool.Hosts));
        var host = await admin.GetAsync<Host>("/hosts/host-1");
        Assert.Equal(("gold", "ssd"), (host.HostPool.Name, host.Labels["disk"]));
        var owner = await cloud.LoginAsync("acme-admin", "tenant-password");
        Assert.Equal([("email", "ops@example.net", "verified", "critical"), ("webhook", "https://hooks.example.net/alerts", "pending", "warning")], (await owner.GetAsync<Page<Contact>>("/contacts")).Items.Select(c => (c.Kind, c.Address, c.State, c.MinimumSeverity)));
        Assert.Empty((await owner.GetAsync<Page<AccessKey>>("/access-keys")).Items);
        var actions = (await owner.GetAsync<Page<Event>>("/events?limit=200")).Items.Select(e => e.Action).ToList();
        Assert.All((string[])["user.second-factor-on", "user.second-factor-off", "access-key.create", "access-key.revoke"], action => Assert.Contains(action, actions));
    }
}
