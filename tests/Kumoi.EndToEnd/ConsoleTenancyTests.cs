using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>Goal: the console offers everybody what they may, and those who look after others find what they need for it. Method: a browser, in which each of them signs in in turn.</summary>
public sealed class ConsoleTenancyTests
{
    private static readonly ObservedStore[] Stores = [new("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 12, Root: true)];

    [Fact]
    public async Task A_domain_is_given_an_administrator_and_an_account_an_owner_and_a_role()
    {
        var tree = QuickstartCloud.FindTree();
        await using var cloud = await TestCloud.StartAsync(options => options with { ConsoleDirectory = Path.Combine(tree, "console/dist") });
        var files = Directory.CreateTempSubdirectory("kumoi-console-").FullName;
        using var stop = new CancellationTokenSource();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        await host.ReportStoresAsync(Stores);
        var obeying = host.KeepAsync(FakeHost.Obeyed, (_, _) => Task.CompletedTask, stop.Token);
        try
        {
            var pictures = Directory.CreateDirectory(Environment.GetEnvironmentVariable("KUMOI_PICTURES") is { Length: > 0 } kept ? kept : Path.Combine(files, "pictures")).FullName;
            var ran = await Machine.RunAsync("node", [Path.Combine(tree, "tests/console/tenancy.mjs"), cloud.Url, pictures],
                new Dictionary<string, string> { ["KUMOI_ADMIN_PASSWORD"] = TestCloud.AdminPassword, ["KUMOI_DEMO_PASSWORD"] = "tenant-password" }, seconds: 300);
            Assert.True(ran.Code == 0, ran.Output + ran.Error);
            Assert.Contains("ok: the same in Japanese", ran.Output, StringComparison.Ordinal);
            await CheckAsync(cloud);
            if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1")
                foreach (var picture in (string[])["console-role.png", "console-quotas.png"]) File.Copy(Path.Combine(pictures, picture), Path.Combine(tree, "docs/images", picture), overwrite: true);
        }
        finally
        {
            await stop.CancelAsync();
            await obeying;
            Directory.Delete(files, recursive: true);
        }
    }

    /// <summary>What was done in the browser is what the cloud has.</summary>
    private static async Task CheckAsync(TestCloud cloud)
    {
        var yuki = await cloud.LoginAsync("yuki", "tenant-password");
        var customer = await yuki.GetAsync<Account>("/accounts/customer");
        Assert.Equal(("reseller", "suspended", "unpaid"), (customer.Domain.Name, customer.State, customer.StateReason));
        yuki.Http.DefaultRequestHeaders.Add("Kumoi-Account", "customer");
        var role = await yuki.GetAsync<Role>("/roles/storage-keeper");
        Assert.Equal(["pools:read", "quota-requests:*", "quotas:read", "snapshots:read", "volumes:*"], role.Permissions.Order(StringComparer.Ordinal));
        Assert.Equal(["owner", "storage-keeper"], (await yuki.GetAsync<Page<Membership>>("/members")).Items.Select(m => m.Role).Order(StringComparer.Ordinal));
        Assert.Equal(("granted", 5, "until March"), (await yuki.GetAsync<Page<QuotaRequest>>("/quota-requests")).Items.Select(r => (r.State, r.Limit, r.Answer)).Single());
        Assert.Equal((5, 2), (await yuki.GetAsync<Page<Quota>>("/quotas")).Items.Where(q => q.Resource == "volumes").Select(q => (q.Limit, q.Used)).Single());
        var token = Assert.Single((await (await cloud.LoginAsync("tanaka", "tenant-password")).GetAsync<Page<Token>>("/tokens")).Items, t => t.Kind == "api");
        Assert.Equal(("nightly", "volumes:read", "203.0.113.0/24"), (token.Name, Assert.Single(token.Permissions!), Assert.Single(token.AllowedRanges!)));
    }
}
