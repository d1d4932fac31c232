using Kumoi.Api;
using Kumoi.Server.Accounts;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

/// <summary>Goal: everybody may what their roles say where they hold, and nobody gives away more than they have.</summary>
public sealed class TenancyTests
{
    private const string Password = "tenant-password";

    private static async Task<TestClient> UserAsync(TestCloud cloud, TestClient by, string name, string role, string? account = null)
    {
        await by.PostAsync<User>("/users", new { name, password = Password, role, account });
        return await cloud.LoginAsync(name, Password);
    }

    private static void ActFor(TestClient client, string account)
    {
        client.Http.DefaultRequestHeaders.Remove("Kumoi-Account");
        client.Http.DefaultRequestHeaders.Add("Kumoi-Account", account);
    }

    [Fact]
    public async Task A_reseller_administers_what_is_beneath_its_domain_and_knows_of_nothing_else()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        await admin.PostAsync<Domain>("/domains", new { name = "reseller" });
        await admin.PostAsync<Domain>("/domains", new { name = "rival" });
        await admin.PostAsync<Account>("/accounts", new { name = "rivals-customer", domain = "rival" });
        await admin.PostAsync<Account>("/accounts", new { name = "reseller-staff", domain = "reseller" });
        var staff = await UserAsync(cloud, admin, "yuki", "reader", "reseller-staff");
        await staff.FailAsync(403, HttpMethod.Get, "/accounts");
        var given = await admin.PutAsync<Membership>("/domains/reseller/members/yuki", new { role = "domain-administrator" });
        Assert.Equal(("domain-administrator", "reseller"), (given.Role, given.Domain!.Name));

        // Without a name of a domain, its own is meant.
        Assert.Equal("reseller/sales", (await staff.PostAsync<Domain>("/domains", new { name = "sales" })).Path);
        Assert.Equal("reseller", (await staff.PostAsync<Account>("/accounts", new { name = "customer" })).Domain.Name);
        await staff.PostAsync<Account>("/accounts", new { name = "sales-customer", domain = "reseller/sales" });
        Assert.Equal(["reseller", "reseller/sales"], (await staff.GetAsync<Page<Domain>>("/domains")).Items.Select(d => d.Path).Order());
        Assert.Equal(["customer", "reseller-staff", "sales-customer"], (await staff.GetAsync<Page<Account>>("/accounts")).Items.Select(a => a.Name).Order());
        var owner = await UserAsync(cloud, staff, "customer-owner", "owner", "customer");
        await owner.PostAsync<KeyPairCreated>("/key-pairs", new { name = "key" });
        ActFor(staff, "customer");
        Assert.Equal("key", Assert.Single((await staff.GetAsync<Page<KeyPair>>("/key-pairs")).Items).Name);
        staff.Http.DefaultRequestHeaders.Remove("Kumoi-Account");

        Assert.Equal("not-found", (await staff.FailAsync(404, HttpMethod.Get, "/accounts/rivals-customer")).Code);
        Assert.Equal("not-found", (await staff.FailAsync(404, HttpMethod.Put, "/accounts/rivals-customer", new { state = "suspended" })).Code);
        Assert.Equal("not-found", (await staff.FailAsync(404, HttpMethod.Delete, "/accounts/rivals-customer")).Code);
        Assert.Equal("not-found", (await staff.FailAsync(404, HttpMethod.Get, "/domains/rival")).Code);
        Assert.Equal("not-found", (await staff.FailAsync(404, HttpMethod.Get, "/domains/root")).Code);
        Assert.Equal("not-found", (await staff.FailAsync(404, HttpMethod.Put, "/domains/root/members/yuki", new { role = "administrator" })).Code);
        Assert.Equal("no-such", (await staff.FailAsync(400, HttpMethod.Post, "/domains", new { name = "x", parent = "rival" })).Errors![0].Rule);
        Assert.Equal("no-such", (await staff.FailAsync(400, HttpMethod.Post, "/accounts", new { name = "x", domain = "root" })).Errors![0].Rule);
        Assert.Equal("not-found", (await staff.FailAsync(404, HttpMethod.Get, "/instances", null, ("Kumoi-Account", "rivals-customer"))).Code);
        Assert.Equal("not-found", (await staff.FailAsync(404, HttpMethod.Post, "/users", new { name = "spy", password = Password, role = "owner", account = "rivals-customer" })).Code);
        Assert.Equal("forbidden", (await staff.FailAsync(403, HttpMethod.Get, "/hosts")).Code);
        Assert.Equal("role-elsewhere", (await staff.FailAsync(400, HttpMethod.Put, "/domains/reseller/members/yuki", new { role = "administrator" })).Errors![0].Rule);

        // A renamed domain takes the paths beneath along; one in use stays.
        Assert.Equal("卸/sales", (await RenamedAsync()).Path);
        async Task<Domain> RenamedAsync()
        {
            await admin.PutAsync<Domain>("/domains/reseller", new { name = "卸" });
            return await staff.GetAsync<Domain>("/domains/" + Uri.EscapeDataString("卸/sales"));
        }
        Assert.Equal("in-use", (await admin.FailAsync(409, HttpMethod.Delete, "/domains/" + Uri.EscapeDataString("卸/sales"))).Code);
        Assert.Equal("root-domain", (await admin.FailAsync(409, HttpMethod.Delete, "/domains/root")).Code);
        await admin.SendAsync(HttpMethod.Delete, "/accounts/sales-customer");
        Assert.Equal(204, (int)(await admin.SendAsync(HttpMethod.Delete, "/domains/" + Uri.EscapeDataString("卸/sales"))).StatusCode);
    }

    [Fact]
    public async Task One_user_works_for_several_accounts_with_a_role_in_each()
    {
        await using var cloud = await TestCloud.StartAsync();
        var (acme, beta) = (await cloud.TenantAsync("acme"), await cloud.TenantAsync("beta"));
        var hana = await UserAsync(cloud, acme, "hana", "member");
        Assert.Equal("not-found", (await hana.FailAsync(404, HttpMethod.Get, "/volumes", null, ("Kumoi-Account", "beta"))).Code);
        await beta.PutAsync<Membership>("/members/hana", new { role = "reader" });
        var self = await hana.GetAsync<Self>("/users/me");
        Assert.Equal(["acme", "beta"], self.Accounts.Select(a => a.Name).Order());
        Assert.Equal(("acme", "member"), (self.ActingFor.Name, self.Role));
        ActFor(hana, "beta");
        Assert.Equal("beta", (await hana.GetAsync<Self>("/users/me")).ActingFor.Name);
        await hana.GetAsync<Page<Volume>>("/volumes");
        Assert.Equal("key-pairs:write", (await hana.FailAsync(403, HttpMethod.Post, "/key-pairs", new { name = "k" })).Title.Split(' ')[^1].TrimEnd('.'));
        await beta.PutAsync<Membership>("/members/hana", new { role = "member" });
        await hana.PostAsync<KeyPairCreated>("/key-pairs", new { name = "k" });
        Assert.Equal(["beta-admin owner", "hana member"], (await beta.GetAsync<Page<Membership>>("/members")).Items.Select(m => $"{m.User.Name} {m.Role}").Order());
        Assert.Equal(204, (int)(await beta.SendAsync(HttpMethod.Delete, "/members/hana")).StatusCode);
        Assert.Equal("not-found", (await hana.FailAsync(404, HttpMethod.Get, "/volumes")).Code);
        // It is of its own account still, and not beta's to look after.
        Assert.Equal("not-found", (await beta.FailAsync(404, HttpMethod.Put, "/users/hana", new { disabled = true })).Code);
        hana.Http.DefaultRequestHeaders.Remove("Kumoi-Account");
        await hana.GetAsync<Page<Volume>>("/volumes");
    }

    [Fact]
    public async Task Nobody_gives_away_more_than_they_have()
    {
        await using var cloud = await TestCloud.StartAsync();
        var owner = await cloud.TenantAsync("acme");
        Assert.Equal("no-such-permission", (await owner.FailAsync(400, HttpMethod.Post, "/roles", new { name = "x", permissions = new[] { "volumes:burn" } })).Errors![0].Rule);
        Assert.Equal("permission-form", (await owner.FailAsync(400, HttpMethod.Post, "/roles", new { name = "x", permissions = new[] { "volumes" } })).Errors![0].Rule);
        await owner.PostAsync<Role>("/roles", new { name = "recruiter", permissions = new[] { "*:read", "members:write", "users:write", "roles:write" } });
        var recruiter = await UserAsync(cloud, owner, "rin", "recruiter");
        await UserAsync(cloud, recruiter, "ken", "reader");
        var refused = await recruiter.FailAsync(403, HttpMethod.Put, "/members/ken", new { role = "member" });
        Assert.Equal("more-than-own", refused.Code);
        Assert.Equal("more-than-own", (await recruiter.FailAsync(403, HttpMethod.Put, "/members/rin", new { role = "owner" })).Code);
        Assert.Equal("more-than-own", (await recruiter.FailAsync(403, HttpMethod.Post, "/users", new { name = "mole", password = Password, role = "owner" })).Code);
        Assert.Equal("more-than-own", (await recruiter.FailAsync(403, HttpMethod.Post, "/roles", new { name = "all", permissions = new[] { "*:*" } })).Code);
        Assert.Equal("more-than-own", (await recruiter.FailAsync(403, HttpMethod.Put, "/roles/recruiter", new { permissions = new[] { "*:read", "members:write", "volumes:*" } })).Code);
        // Nor takes it from those who have more, or signs in as them.
        Assert.Equal("more-than-own", (await recruiter.FailAsync(403, HttpMethod.Put, "/members/acme-admin", new { role = "reader" })).Code);
        Assert.Equal("more-than-own", (await recruiter.FailAsync(403, HttpMethod.Delete, "/members/acme-admin")).Code);
        Assert.Equal("more-than-own", (await recruiter.FailAsync(403, HttpMethod.Put, "/users/acme-admin", new { password = "mine-from-now-on" })).Code);
        Assert.Equal("more-than-own", (await recruiter.FailAsync(403, HttpMethod.Delete, "/users/acme-admin")).Code);
        await recruiter.PutAsync<User>("/users/ken", new { password = "a-new-password" });
        await cloud.LoginAsync("ken", "a-new-password");
        // What is built in is nobody's to change; what is in use is not removed; and somebody is left who can manage.
        Assert.Equal("role-built-in", (await owner.FailAsync(409, HttpMethod.Delete, "/roles/member")).Code);
        Assert.Equal("in-use", (await owner.FailAsync(409, HttpMethod.Delete, "/roles/recruiter")).Code);
        await owner.SendAsync(HttpMethod.Delete, "/users/rin");
        Assert.Equal("last-manager", (await owner.FailAsync(409, HttpMethod.Delete, "/members/acme-admin")).Code);
        Assert.Equal("last-manager", (await owner.FailAsync(409, HttpMethod.Put, "/members/acme-admin", new { role = "reader" })).Code);
        Assert.Equal(204, (int)(await owner.SendAsync(HttpMethod.Delete, "/roles/recruiter")).StatusCode);
    }

    [Fact]
    public async Task Those_who_run_the_machines_see_all_and_change_nothing_of_accounts()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var tenant = await cloud.TenantAsync("acme");
        await tenant.PostAsync<KeyPairCreated>("/key-pairs", new { name = "k" });
        var night = await UserAsync(cloud, admin, "night-shift", "reader");
        await admin.PutAsync<Membership>("/domains/root/members/night-shift", new { role = "operator" });
        await night.PostAsync<Zone>("/zones", new { name = "osaka" });
        ActFor(night, "acme");
        Assert.Equal("k", Assert.Single((await night.GetAsync<Page<KeyPair>>("/key-pairs")).Items).Name);
        Assert.Equal("forbidden", (await night.FailAsync(403, HttpMethod.Delete, "/key-pairs/k")).Code);
        Assert.Equal("forbidden", (await night.FailAsync(403, HttpMethod.Put, "/accounts/acme", new { state = "suspended" })).Code);
        Assert.Equal("forbidden", (await night.FailAsync(403, HttpMethod.Post, "/accounts", new { name = "mine" })).Code);
        Assert.Equal("more-than-own", (await FailedAsync()).Code);
        Assert.Equal("role-elsewhere", (await tenant.FailAsync(400, HttpMethod.Put, "/members/acme-admin", new { role = "administrator" })).Errors![0].Rule);

        async Task<Problem> FailedAsync()
        {
            await admin.PostAsync<Role>("/roles", new { name = "staff", domain = "root", permissions = new[] { "members:write", "domains:read", "hosts:read" } });
            await admin.PutAsync<Membership>("/domains/root/members/night-shift", new { role = "staff" });
            return await night.FailAsync(403, HttpMethod.Put, "/domains/root/members/night-shift", new { role = "operator" });
        }
    }

    [Fact]
    public async Task A_token_may_be_good_for_less_than_its_user()
    {
        await using var cloud = await TestCloud.StartAsync();
        var owner = await cloud.TenantAsync("acme");
        await (await cloud.TenantAsync("beta")).PutAsync<Membership>("/members/acme-admin", new { role = "owner" });
        async Task<TestClient> WithAsync(object asked)
        {
            var made = await owner.PostAsync<TokenCreated>("/users/me/tokens", asked);
            var client = cloud.Anonymous();
            client.Http.DefaultRequestHeaders.Authorization = new("Bearer", made.Token);
            return client;
        }
        var reading = await WithAsync(new { name = "reading", permissions = new[] { "key-pairs:read" } });
        await reading.GetAsync<Page<KeyPair>>("/key-pairs");
        Assert.Equal("forbidden-by-token", (await reading.FailAsync(403, HttpMethod.Get, "/volumes")).Code);
        Assert.Equal("forbidden-by-token", (await reading.FailAsync(403, HttpMethod.Post, "/key-pairs", new { name = "k" })).Code);
        // Or it would make another one that is good for all.
        Assert.Equal("forbidden-by-token", (await reading.FailAsync(403, HttpMethod.Post, "/users/me/tokens", new { name = "more" })).Code);
        Assert.Equal("forbidden-by-token", (await reading.FailAsync(403, HttpMethod.Put, "/users/me/password", new { currentPassword = Password, newPassword = "long-enough" })).Code);
        Assert.Equal("forbidden-by-token", (await reading.FailAsync(403, HttpMethod.Post, "/roles", new { name = "more", permissions = new[] { "*:*" } })).Code);

        var beta = await WithAsync(new { name = "beta", account = "beta" });
        Assert.Equal("beta", (await beta.GetAsync<Self>("/users/me")).ActingFor.Name);
        Assert.Equal("not-found", (await beta.FailAsync(404, HttpMethod.Get, "/volumes", null, ("Kumoi-Account", "acme"))).Code);
        Assert.Equal("forbidden-by-token", (await beta.FailAsync(403, HttpMethod.Post, "/users/me/tokens", new { name = "more" })).Code);
        Assert.Equal("no-such", (await owner.FailAsync(400, HttpMethod.Post, "/users/me/tokens", new { name = "x", account = "operator" })).Errors![0].Rule);

        await (await WithAsync(new { name = "here", allowedRanges = new[] { "127.0.0.0/8" } })).GetAsync<Page<Volume>>("/volumes");
        await (await WithAsync(new { name = "there", allowedRanges = new[] { "198.51.100.0/24" } })).FailAsync(401, HttpMethod.Get, "/volumes");
        Assert.Equal(["allowedRanges[1]"], (await owner.FailAsync(400, HttpMethod.Post, "/users/me/tokens", new { name = "x", allowedRanges = new[] { "10.0.0.0/8", "10.0.0.1/8" } })).Errors!.Select(e => e.Field));
        var listed = (await owner.GetAsync<Page<Token>>("/tokens")).Items.Single(t => t.Name == "there");
        Assert.Equal(["198.51.100.0/24"], listed.AllowedRanges!);
    }

    [Fact]
    public async Task A_disabled_user_is_nobody_until_it_is_enabled()
    {
        await using var cloud = await TestCloud.StartAsync();
        var owner = await cloud.TenantAsync("acme");
        var ken = await UserAsync(cloud, owner, "ken", "member");
        Assert.Equal("disable-self", (await owner.FailAsync(409, HttpMethod.Put, "/users/acme-admin", new { disabled = true })).Code);
        Assert.True((await owner.PutAsync<User>("/users/ken", new { disabled = true })).Disabled);
        await ken.FailAsync(401, HttpMethod.Get, "/volumes");
        Assert.Equal("user-disabled", (await cloud.Anonymous().FailAsync(403, HttpMethod.Post, "/tokens", new { user = "ken", password = Password })).Code);
        Assert.Equal("login-failed", (await cloud.Anonymous().FailAsync(401, HttpMethod.Post, "/tokens", new { user = "ken", password = "wrong-password" })).Code);
        await owner.PutAsync<User>("/users/ken", new { disabled = false });
        await ken.GetAsync<Page<Volume>>("/volumes");
    }

    [Fact]
    public async Task A_suspended_account_stands_still_and_goes_on_as_it_was()
    {
        await using var scene = await Scene.StartAsync();
        var running = await scene.LaunchAsync("web-1");
        var stopped = await scene.LaunchAsync("web-2");
        await scene.Host.ObeyAsync();
        await scene.Tenant.PostAsync<Instance>("/instances/web-2/stop");
        await scene.Host.ObeyAsync();
        Assert.Equal("suspended", (await scene.Admin.PutAsync<Account>("/accounts/acme", new { state = "suspended", reason = "unpaid" })).State);
        await scene.Host.ObeyAsync();
        // Its members look at it, and change nothing.
        Assert.Equal("stopped", (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State);
        Assert.Equal("unpaid", (await scene.Tenant.GetAsync<Self>("/users/me")).ActingFor.StateReason);
        Assert.Equal("account-suspended", (await scene.Tenant.FailAsync(403, HttpMethod.Post, "/instances/web-1/start")).Code);
        Assert.Equal("account-suspended", (await scene.Tenant.FailAsync(403, HttpMethod.Delete, "/instances/web-1")).Code);
        // What slipped in at the same moment is found at the next look.
        await using (var source = Npgsql.NpgsqlDataSource.Create(scene.Cloud.Options.ConnectionString))
        {
            await using var slip = source.CreateCommand("UPDATE instances SET desired = 'running', generation = generation + 1 WHERE name = 'web-2'");
            await slip.ExecuteNonQueryAsync();
        }
        await scene.Cloud.Services.GetRequiredService<AccountHolding>().LookAsync(default);
        await scene.Host.ObeyAsync();
        Assert.Equal("stopped", (await scene.Tenant.GetAsync<Instance>("/instances/web-2")).State);

        await scene.Admin.PutAsync<Account>("/accounts/acme", new { state = "closed" });
        Assert.Equal("account-closed", (await scene.Tenant.FailAsync(403, HttpMethod.Get, "/instances")).Code);
        await scene.Admin.PutAsync<Account>("/accounts/acme", new { state = "active" });
        await scene.Host.ObeyAsync();
        Assert.Equal(("running", "running"), ((await scene.Tenant.GetAsync<Instance>("/instances/web-1")).State, (await scene.Tenant.GetAsync<Instance>("/instances/web-2")).State));
        Assert.Equal("operator-account", (await scene.Admin.FailAsync(409, HttpMethod.Put, "/accounts/operator", new { state = "suspended" })).Code);
        Assert.Equal(2, (await scene.Tenant.GetAsync<Page<Event>>("/events?action=instance.stop&resource=" + running.Id)).Items.Count + (await scene.Tenant.GetAsync<Page<Event>>("/events?action=account.suspend")).Items.Count);
        Assert.NotEqual(running.Id, stopped.Id);
    }

    [Fact]
    public async Task A_user_that_a_server_of_the_version_before_makes_is_a_member_with_its_role()
    {
        await using var cloud = await TestCloud.StartAsync();
        var owner = await cloud.TenantAsync("acme");
        await using (var source = Npgsql.NpgsqlDataSource.Create(cloud.Options.ConnectionString))
        {
            await using var insert = source.CreateCommand("INSERT INTO users (id, account_id, name, password_hash, role, created_at) SELECT 'u-19a3f2b4c5d6e7f80', id, 'old', 'x', 'admin', now() FROM accounts WHERE name = 'acme'");
            await insert.ExecuteNonQueryAsync();
        }
        Assert.Equal("owner", (await owner.GetAsync<User>("/users/old")).Role);
        Assert.False((await owner.GetAsync<User>("/users/old")).Operator);
    }
}
