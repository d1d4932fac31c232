using Kumoi.Api;
using Kumoi.Server.Accounts.Directories;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

/// <summary>Goal: people of a directory sign in with the password that they have there, and with nothing else. Method: a real slapd.</summary>
public sealed class DirectoryTests
{
    // Passwords in clear, as slapd takes them: they are made up here.
    private const string Entries =
        """
        dn: dc=example,dc=org
        objectClass: dcObject
        objectClass: organization
        dc: example
        o: Example

        dn: cn=search,dc=example,dc=org
        objectClass: organizationalRole
        objectClass: simpleSecurityObject
        cn: search
        userPassword: search-password

        dn: ou=people,dc=example,dc=org
        objectClass: organizationalUnit
        ou: people

        dn: uid=aiko,ou=people,dc=example,dc=org
        objectClass: inetOrgPerson
        uid: aiko
        cn: Aiko
        sn: Mori
        userPassword: aiko-password

        dn: uid=taro,ou=people,dc=example,dc=org
        objectClass: inetOrgPerson
        uid: taro
        cn: Taro
        sn: Abe
        userPassword: taro-password

        dn: uid=guest,ou=people,dc=example,dc=org
        objectClass: inetOrgPerson
        uid: guest
        cn: Guest
        sn: Guest
        userPassword: guest-password

        dn: cn=admins,dc=example,dc=org
        objectClass: groupOfNames
        cn: admins
        member: uid=aiko,ou=people,dc=example,dc=org

        dn: cn=developers,dc=example,dc=org
        objectClass: groupOfNames
        cn: developers
        member: uid=aiko,ou=people,dc=example,dc=org
        member: uid=taro,ou=people,dc=example,dc=org
        """;

    private static Task<UserDirectory> NameAsync(TestClient admin, LdapServer ldap) => admin.PostAsync<UserDirectory>("/directories", new
    {
        name = "office", url = $"ldaps://127.0.0.1:{ldap.Port}", bindDn = LdapServer.AdminDn, bindPassword = LdapServer.AdminPassword, baseDn = LdapServer.BaseDn, account = "acme",
        groupRoles = new[] { new { group = "cn=admins,dc=example,dc=org", role = "owner" }, new { group = "cn=developers,dc=example,dc=org", role = "member" } },
    });

    private static Task<Problem> RefusedAsync(TestCloud cloud, string user, string password, int status = 401) => cloud.Anonymous().FailAsync(status, HttpMethod.Post, "/tokens", new { user, password });

    [Fact]
    public async Task People_sign_in_with_the_password_of_their_directory_and_have_the_role_of_their_group()
    {
        await using var ldap = await LdapServer.StartAsync(Entries);
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        await cloud.TenantAsync("acme");
        Assert.Equal("login-failed", (await RefusedAsync(cloud, "aiko", "aiko-password")).Code);
        var made = await NameAsync(admin, ldap);
        Assert.Equal("(uid={0})", made.UserFilter);

        var aiko = await cloud.LoginAsync("aiko", "aiko-password");
        Assert.Equal(("acme", "owner"), (await RoleAsync(aiko)));
        Assert.Equal(("acme", "member"), await RoleAsync(await cloud.LoginAsync("taro", "taro-password")));
        // Wrong, empty, of nobody, in no group, and names that would be more than a name in a filter.
        Assert.Equal("login-failed", (await RefusedAsync(cloud, "aiko", "taro-password")).Code);
        Assert.Equal("login-failed", (await RefusedAsync(cloud, "aiko", "")).Code);
        Assert.Equal("login-failed", (await RefusedAsync(cloud, "nobody", "aiko-password")).Code);
        Assert.Equal("login-failed", (await RefusedAsync(cloud, "guest", "guest-password")).Code);
        foreach (var name in (string[])["*", "ai*", "aiko)(uid=*", "aiko)(|(uid=*", "\\2a"]) Assert.Equal("login-failed", (await RefusedAsync(cloud, name, "aiko-password")).Code);
        // A user of the cloud's own is not taken over by somebody of that name in a directory, nor the other way round.
        Assert.Equal("login-failed", (await RefusedAsync(cloud, "admin", "aiko-password")).Code);
        Assert.Equal("password-of-directory", (await aiko.FailAsync(409, HttpMethod.Put, "/users/me/password", new { currentPassword = "aiko-password", newPassword = "long enough" })).Code);
        Assert.Equal("password-of-directory", (await aiko.FailAsync(409, HttpMethod.Put, "/users/taro", new { password = "long enough" })).Code);
        Assert.Equal("in-use", (await admin.FailAsync(409, HttpMethod.Delete, "/directories/office")).Code);

        static async Task<(string, string)> RoleAsync(TestClient client)
        {
            var self = await client.GetAsync<Self>("/users/me");
            return (self.Account.Name, self.Role);
        }
    }

    [Fact]
    public async Task Roles_follow_the_directory_and_one_that_is_away_keeps_nobody_else_out()
    {
        await using var ldap = await LdapServer.StartAsync(Entries);
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        await cloud.TenantAsync("acme");
        await NameAsync(admin, ldap);
        var before = await cloud.LoginAsync("aiko", "aiko-password");
        await ldap.ModifyAsync(
            """
            dn: cn=admins,dc=example,dc=org
            changetype: modify
            add: member
            member: uid=taro,ou=people,dc=example,dc=org
            -
            delete: member
            member: uid=aiko,ou=people,dc=example,dc=org
            """);
        Assert.Equal("member", (await (await cloud.LoginAsync("aiko", "aiko-password")).GetAsync<Self>("/users/me")).Role);
        // What she was given before is less at once, in sessions of before, too.
        Assert.Equal("forbidden", (await before.FailAsync(403, HttpMethod.Delete, "/members/acme-admin")).Code);
        await ldap.StopAsync();
        Assert.Equal("directory-away", (await RefusedAsync(cloud, "aiko", "aiko-password", 503)).Code);
        Assert.Equal("login-failed", (await RefusedAsync(cloud, "nobody", "password")).Code);
        await cloud.LoginAsync("acme-admin", "tenant-password");
        await ldap.StartAgainAsync();
        await cloud.LoginAsync("aiko", "aiko-password");
    }

    [Fact]
    public async Task Only_administrators_of_the_domain_name_one_and_never_in_clear()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var owner = await cloud.TenantAsync("acme");
        object Body(string url, string filter = "(uid={0})") => new { name = "d", url, baseDn = "dc=x", userFilter = filter };
        Assert.Equal("forbidden", (await owner.FailAsync(403, HttpMethod.Post, "/directories", Body("ldaps://localhost"))).Code);
        Assert.Equal("ldap-url", (await admin.FailAsync(400, HttpMethod.Post, "/directories", Body("ldap://localhost"))).Errors![0].Rule);
        Assert.Equal("ldap-url", (await admin.FailAsync(400, HttpMethod.Post, "/directories", Body("http://localhost"))).Errors![0].Rule);
        Assert.Equal("ldap-filter", (await admin.FailAsync(400, HttpMethod.Post, "/directories", Body("ldaps://localhost", filter: "(uid={0})(cn={0})"))).Errors![0].Rule);
        await admin.PostAsync<UserDirectory>("/directories", Body("ldaps://localhost"));
        Assert.Equal(204, (int)(await admin.SendAsync(HttpMethod.Delete, "/directories/d")).StatusCode);
    }

    [Theory]
    [InlineData("aiko", "aiko")]
    [InlineData("a*(b)\\", "a\\2a\\28b\\29\\5c")]
    [InlineData("森", "\\e6\\a3\\ae")]
    [InlineData("\0", "\\00")]
    public void What_would_end_a_value_in_a_filter_is_written_as_its_bytes(string name, string written) => Assert.Equal(written, LdapDoor.Escaped(name));
}
