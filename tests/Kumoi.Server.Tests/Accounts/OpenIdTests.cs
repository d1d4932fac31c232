using System.Text.Json.Nodes;
using Kumoi.Api;
using Kumoi.Server.Accounts.Directories.OpenId;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

/// <summary>Goal: people whom an identity provider knows sign in as themselves, have the roles of their groups, and never become somebody else. Method: a provider with real keys, and a browser that follows every redirect.</summary>
public sealed class OpenIdTests
{
    private static Task<TestCloud> CloudAsync() => TestCloud.StartAsync(options => options with { LoopbackIssuers = true });

    private static JsonObject Person(string subject, string name, params string[] groups) => new() { ["sub"] = subject, ["preferred_username"] = name, ["groups"] = new JsonArray([.. groups.Select(g => (JsonNode)g)]) };

    internal static Task<UserDirectory> NameAsync(TestClient admin, OpenIdProvider provider, string name = "office", string? account = "acme") => admin.PostAsync<UserDirectory>("/directories", new
    {
        name, url = provider.Issuer, account, openId = new { title = "The office", clientId = OpenIdProvider.ClientId, clientSecret = OpenIdProvider.ClientSecret },
        groupRoles = account is null ? null : new[] { new { group = "admins", role = "owner" }, new { group = "/developers", role = "member" } },
    });

    private static async Task<(string Name, string Account, string Role)> WhoAsync(TestClient client)
    {
        var self = await client.GetAsync<Self>("/users/me");
        return (self.Name, self.Account.Name, self.Role);
    }

    [Fact]
    public async Task People_sign_in_by_their_provider_and_have_the_role_of_their_group_each_time()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var cloud = await CloudAsync();
        var (admin, owner) = (await cloud.LoginAsync(), await cloud.TenantAsync("acme"));
        var made = await NameAsync(admin, provider);
        Assert.Equal(("oidc", "openid profile email", "groups", cloud.Url + "/sign-in/callback"), (made.Kind, made.OpenId!.Scopes, made.OpenId.GroupsClaim, made.OpenId.RedirectUri));
        var listed = Assert.Single((await cloud.Anonymous().GetAsync<Page<SignInProvider>>("/sign-in-providers")).Items);
        Assert.Equal(new SignInProvider("office", "The office", $"{cloud.Url}/sign-in/{made.Id}"), listed);

        provider.Person = Person("s-1", "aiko", "admins", "/developers");
        using var browser = new SignInBrowser(cloud);
        var aiko = await browser.LoginAsync("office");
        Assert.Equal(("aiko", "acme", "owner"), await WhoAsync(aiko));
        // The name at the provider is another one now, and she has left a group: still she, and less.
        provider.Person = Person("s-1", "aiko.mori", "/developers");
        Assert.Equal(("aiko", "acme", "member"), await WhoAsync(await browser.LoginAsync("office")));
        Assert.Equal("forbidden", (await aiko.FailAsync(403, HttpMethod.Delete, "/members/acme-admin")).Code);
        provider.Person = Person("s-1", "aiko", "visitors");
        Assert.Equal("", (await WhoAsync(await browser.LoginAsync("office"))).Role);
        // Somebody in none of the groups is not meant to come in.
        provider.Person = Person("s-2", "guest", "visitors");
        Assert.Equal((null, "sign-in-not-meant"), await browser.SignInAsync("office"));

        var logins = (await owner.GetAsync<Page<Event>>("/events?action=user.login")).Items;
        Assert.Equal(3, logins.Count(e => e.Resource.Name == "aiko" && e.Message == "office"));
        Assert.All(logins.Where(e => e.Resource.Name == "acme-admin"), e => Assert.Null(e.Message));
        // There is no password here, and no second factor: both are the provider's.
        Assert.Equal("login-failed", (await cloud.Anonymous().FailAsync(401, HttpMethod.Post, "/tokens", new { user = "aiko", password = "anything at all" })).Code);
        Assert.Equal("password-of-directory", (await aiko.FailAsync(409, HttpMethod.Put, "/users/me/password", new { currentPassword = "", newPassword = "long enough" })).Code);
        Assert.Equal("second-factor-of-provider", (await aiko.FailAsync(409, HttpMethod.Post, "/users/me/second-factor", new { password = "" })).Code);
        await admin.SendAsync(HttpMethod.Put, "/users/aiko", new { disabled = true }, ("Kumoi-Account", "acme"));
        provider.Person = Person("s-1", "aiko", "admins");
        var (code, _) = await browser.SignInAsync("office");
        Assert.Equal("user-disabled", (await cloud.Anonymous().FailAsync(403, HttpMethod.Post, "/tokens", new { signIn = new { code, verifier = browser.Verifier } })).Code);
    }

    [Fact]
    public async Task Nobody_becomes_a_user_of_the_same_name_unless_an_administrator_says_so()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var cloud = await CloudAsync();
        var (admin, owner) = (await cloud.LoginAsync(), await cloud.TenantAsync("acme"));
        await NameAsync(admin, provider);
        using var browser = new SignInBrowser(cloud);
        provider.Person = Person("s-1", "admin", "/developers");
        Assert.Equal(("admin-2", "acme", "member"), await WhoAsync(await browser.LoginAsync("office")));
        Assert.Equal(("admin-2", "acme", "member"), await WhoAsync(await browser.LoginAsync("office")));
        provider.Person = Person("s-3", "../admin\u0001", "/developers");
        Assert.Equal("..-admin-", (await WhoAsync(await browser.LoginAsync("office"))).Name);

        var bound = await admin.PutAsync<DirectoryUser>("/directories/office/users/acme-admin", new { subject = "s-2" });
        Assert.Equal("s-2", bound.Subject);
        // Her sessions of before are over, and her password is of no use.
        Assert.Equal("unauthenticated", (await owner.FailAsync(401, HttpMethod.Get, "/users/me")).Code);
        Assert.Equal("login-failed", (await cloud.Anonymous().FailAsync(401, HttpMethod.Post, "/tokens", new { user = "acme-admin", password = "tenant-password" })).Code);
        Assert.Single((await (await cloud.LoginAsync()).GetAsync<Page<Event>>("/events?action=directory.create")).Items);
        provider.Person = Person("s-2", "whatever", "admins");
        Assert.Equal(("acme-admin", "acme", "owner"), await WhoAsync(await browser.LoginAsync("office")));
        Assert.Equal("office s-2", Assert.Single((await (await browser.LoginAsync("office")).GetAsync<Page<Event>>("/events?action=directory.set-user")).Items).Message);
        Assert.Equal("subject-taken", (await admin.FailAsync(409, HttpMethod.Put, "/directories/office/users/admin", new { subject = "s-1" })).Code);
        Assert.Equal("in-use", (await admin.FailAsync(409, HttpMethod.Delete, "/directories/office")).Code);
        Assert.Equal(["admin-2", "..-admin-", "acme-admin"], (await admin.GetAsync<Page<DirectoryUser>>("/directories/office/users")).Items.OrderBy(u => u.Subject == "s-2").ThenBy(u => u.Subject).Select(u => u.User.Name));

        Assert.Equal(204, (int)(await admin.SendAsync(HttpMethod.Delete, "/directories/office/users/acme-admin")).StatusCode);
        Assert.Equal("login-failed", (await cloud.Anonymous().FailAsync(401, HttpMethod.Post, "/tokens", new { user = "acme-admin", password = "tenant-password" })).Code);
        Assert.Equal(200, (int)(await admin.SendAsync(HttpMethod.Put, "/users/acme-admin", new { password = "tenant-password" }, ("Kumoi-Account", "acme"))).StatusCode);
        await cloud.LoginAsync("acme-admin", "tenant-password");
    }

    [Fact]
    public async Task An_administrator_of_a_domain_hands_nobody_to_a_provider_who_may_more_or_is_elsewhere()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var cloud = await CloudAsync();
        var admin = await cloud.LoginAsync();
        await admin.PostAsync<Domain>("/domains", new { name = "reseller" });
        await admin.PostAsync<Account>("/accounts", new { name = "staff", domain = "reseller" });
        foreach (var name in (string[])["yuki", "root-too", "plain"]) await admin.PostAsync<User>("/users", new { name, password = "tenant-password", role = "reader", account = "staff" });
        await admin.PutAsync<Membership>("/domains/reseller/members/yuki", new { role = "domain-administrator" });
        await admin.PutAsync<Membership>("/domains/root/members/root-too", new { role = "administrator" });
        var yuki = await cloud.LoginAsync("yuki", "tenant-password");
        var made = await NameAsync(yuki, provider, "theirs", "staff");
        // Whose customer somebody is, is not everybody's to know.
        Assert.False(made.OpenId!.Listed);
        Assert.Empty((await cloud.Anonymous().GetAsync<Page<SignInProvider>>("/sign-in-providers")).Items);
        Assert.Equal("The office", (await cloud.Anonymous().GetAsync<SignInProvider>("/sign-in-providers/theirs")).Title);
        Assert.Equal("more-than-own", (await yuki.FailAsync(403, HttpMethod.Put, "/directories/theirs/users/root-too", new { subject = "s-1" })).Code);
        Assert.Equal("not-found", (await yuki.FailAsync(404, HttpMethod.Put, "/directories/theirs/users/admin", new { subject = "s-1" })).Code);
        await yuki.PutAsync<DirectoryUser>("/directories/theirs/users/plain", new { subject = "s-1" });
        Assert.Equal("forbidden", (await (await cloud.TenantAsync("acme", "owner")).FailAsync(403, HttpMethod.Get, "/directories/theirs/users")).Code);
    }

    [Fact]
    public async Task What_may_change_of_one_is_changed_and_people_go_on_to_sign_in()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var cloud = await CloudAsync();
        var admin = await cloud.LoginAsync();
        await cloud.TenantAsync("acme");
        await admin.PostAsync<UserDirectory>("/directories", new { name = "office", url = provider.Issuer, account = "acme", defaultRole = "reader", openId = new { clientId = OpenIdProvider.ClientId, clientSecret = "expired" } });
        provider.Person = Person("s-1", "aiko", "admins");
        using var browser = new SignInBrowser(cloud);
        Assert.Equal((null, "sign-in-failed"), await browser.SignInAsync("office"));
        var changed = await admin.PutAsync<UserDirectory>("/directories/office", new { secret = OpenIdProvider.ClientSecret, title = "本社", listed = false, groupRoles = new[] { new { group = "admins", role = "owner" } } });
        Assert.Equal(("本社", false, "reader"), (changed.OpenId!.Title, changed.OpenId.Listed, changed.DefaultRole));
        Assert.Equal("owner", (await WhoAsync(await browser.LoginAsync("office"))).Role);
        Assert.Null((await admin.PutAsync<UserDirectory>("/directories/office", new { defaultRole = "" })).DefaultRole);
    }

    [Fact]
    public async Task What_a_short_token_leaves_out_is_asked_for_and_a_name_that_nobody_proved_is_not_taken()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var cloud = await CloudAsync();
        await cloud.TenantAsync("acme");
        await NameAsync(await cloud.LoginAsync(), provider);
        using var browser = new SignInBrowser(cloud);
        provider.Person = new JsonObject { ["sub"] = "s-1" };
        provider.More = new JsonObject { ["sub"] = "s-1", ["email"] = "taro@example.net", ["email_verified"] = true, ["groups"] = "admins" };
        Assert.Equal(("taro@example.net", "acme", "owner"), await WhoAsync(await browser.LoginAsync("office")));
        provider.More["sub"] = "s-2";
        Assert.Equal((null, "sign-in-failed"), await browser.SignInAsync("office"));
        provider.Person = new JsonObject { ["sub"] = "s-3", ["email"] = "ceo@example.net", ["email_verified"] = false, ["groups"] = "admins" };
        provider.More = null;
        Assert.Equal("s-3", (await WhoAsync(await browser.LoginAsync("office"))).Name);
    }

    [Fact]
    public async Task Only_administrators_of_the_domain_name_one_and_only_by_https()
    {
        await using var cloud = await TestCloud.StartAsync();
        var (admin, owner) = (await cloud.LoginAsync(), await cloud.TenantAsync("acme"));
        object Body(string url, string scopes = "openid", string? baseDn = null, string clientId = "kumoi") => new { name = "d", url, baseDn, openId = new { clientId, scopes } };
        async Task<string> RuleAsync(object body) => (await admin.FailAsync(400, HttpMethod.Post, "/directories", body)).Errors![0].Rule;
        Assert.Equal("forbidden", (await owner.FailAsync(403, HttpMethod.Post, "/directories", Body("https://id.example.net"))).Code);
        foreach (var url in (string[])["http://id.example.net", "http://127.0.0.1:1/", "ldaps://id.example.net", "https://user@id.example.net", "https://id.example.net/?a=b", "https://id.example.net/#a", "id.example.net"]) Assert.Equal("issuer-url", await RuleAsync(Body(url)));
        Assert.Equal("openid-scopes", await RuleAsync(Body("https://id.example.net", scopes: "profile")));
        Assert.Equal("only-ldap", await RuleAsync(Body("https://id.example.net", baseDn: "dc=x")));
        Assert.Equal("required", await RuleAsync(Body("https://id.example.net", clientId: "")));
        Assert.Equal("required", await RuleAsync(new { name = "d", url = "ldaps://localhost" }));
        await admin.PostAsync<UserDirectory>("/directories", Body("https://id.example.net"));
        // It is nobody's yet, since it has no account; LDAP knows people by their names.
        await admin.PostAsync<UserDirectory>("/directories", new { name = "ldap", url = "ldaps://localhost", baseDn = "dc=x" });
        Assert.Equal("directory-of-names", (await admin.FailAsync(409, HttpMethod.Put, "/directories/ldap/users/admin", new { subject = "s" })).Code);
        Assert.Equal("only-openid", (await admin.FailAsync(400, HttpMethod.Put, "/directories/ldap", new { title = "x" })).Errors![0].Rule);
        Assert.Equal("not-found", (await cloud.Anonymous().FailAsync(404, HttpMethod.Get, "/sign-in-providers/ldap")).Code);
    }

    [Theory]
    [InlineData("aiko", "aiko")]
    [InlineData("EXAMPLE\\aiko", "EXAMPLE-aiko")]
    [InlineData("森 愛子", "森 愛子")]
    [InlineData("a/b\r\nc\u2028d", "a-b--c-d")]
    [InlineData(" aiko ", "aiko")]
    [InlineData("u-19a3f2b4c5d6e7f80", null)]
    [InlineData("me", null)]
    [InlineData("  ", null)]
    [InlineData(null, null)]
    public void What_a_provider_calls_somebody_becomes_a_name(string? said, string? name) => Assert.Equal(name, PersonNames.Of(said));

    [Fact]
    public void A_name_that_is_too_long_is_cut_off_and_half_a_character_is_none()
    {
        Assert.Equal(new string('x', 48), PersonNames.Of(new string('x', 500)));
        Assert.Null(PersonNames.Of("a\ud800"));
    }

    [Theory]
    [InlineData("127.0.0.53", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("169.254.169.254", true)]
    [InlineData("::ffff:169.254.169.254", true)]
    [InlineData("fe80::1", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("::", true)]
    [InlineData("224.0.0.1", true)]
    [InlineData("10.1.2.3", false)]
    [InlineData("198.51.100.7", false)]
    [InlineData("2001:db8::1", false)]
    public void This_machine_and_its_link_are_never_asked(string address, bool own) => Assert.Equal(own, IssuerHttp.IsOwn(System.Net.IPAddress.Parse(address)));
}
