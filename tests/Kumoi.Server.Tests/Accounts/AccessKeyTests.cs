using System.Text;
using System.Text.RegularExpressions;
using Kumoi.Api;
using Kumoi.Server.Tests.Dialects;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

public sealed partial class AccessKeyTests
{
    [Fact]
    public async Task Keys_are_made_listed_used_and_revoked_and_no_secret_is_kept_in_clear()
    {
        await using var scene = await Ec2Scene.StartAsync();
        var tenant = scene.Scene.Tenant;
        Assert.Matches(IdForm(), scene.Key.Id);
        Assert.Equal(40, scene.Key.Secret.Length);
        Assert.Equal("name-taken", (await tenant.FailAsync(409, HttpMethod.Post, "/access-keys", new { name = "ec2" })).Code);
        var before = Assert.Single((await tenant.GetAsync<Page<AccessKey>>("/access-keys")).Items);
        Assert.Equal((scene.Key.Id, "acme", null), (before.Id, before.Account.Name, before.LastUsedAt));
        await scene.DoAsync("DescribeRegions");
        Assert.NotNull((await tenant.GetAsync<Page<AccessKey>>("/access-keys")).Items[0].LastUsedAt);
        await using (var source = Npgsql.NpgsqlDataSource.Create(scene.Scene.Cloud.Options.ConnectionString))
        {
            await using var dump = source.CreateCommand("SELECT encode(sealed_secret, 'hex') || k::text FROM access_keys k");
            var kept = (string)(await dump.ExecuteScalarAsync())!;
            Assert.DoesNotContain(scene.Key.Secret, kept, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToHexStringLower(Encoding.ASCII.GetBytes(scene.Key.Secret)), kept, StringComparison.Ordinal);
        }
        var stranger = await scene.Scene.Cloud.TenantAsync("stranger");
        await stranger.FailAsync(404, HttpMethod.Delete, "/access-keys/" + scene.Key.Id);
        Assert.Empty((await stranger.GetAsync<Page<AccessKey>>("/access-keys")).Items);
        Assert.Equal(204, (int)(await tenant.SendAsync(HttpMethod.Delete, "/access-keys/ec2")).StatusCode);
        Assert.Equal((401, "AuthFailure"), await scene.FailAsync("DescribeRegions"));
        Assert.Equal(["access-key.create", "access-key.revoke"], (await tenant.GetAsync<Page<Event>>($"/events?resource={scene.Key.Id}")).Items.Select(e => e.Action).Order());
    }

    [Fact]
    public async Task A_key_is_good_until_it_expires_and_from_where_it_is_for()
    {
        await using var scene = await Ec2Scene.StartAsync();
        var tenant = scene.Scene.Tenant;
        async Task<(int, string)> TryAsync(object create)
        {
            var key = await tenant.PostAsync<AccessKeyCreated>("/access-keys", create);
            using var answer = await scene.SendAsync(scene.Post(new Ec2Scene.Signing(key.Id, key.Secret), "DescribeRegions"));
            return ((int)answer.StatusCode, key.Id);
        }
        Assert.Equal(200, (await TryAsync(new { sourceRanges = new[] { "127.0.0.0/8" } })).Item1);
        Assert.Equal(401, (await TryAsync(new { sourceRanges = new[] { "198.51.100.0/24", "2001:db8::/32" } })).Item1);
        var (status, id) = await TryAsync(new { expiresInDays = 1 });
        Assert.Equal(200, status);
        await using var source = Npgsql.NpgsqlDataSource.Create(scene.Scene.Cloud.Options.ConnectionString);
        await using var expire = source.CreateCommand("UPDATE access_keys SET expires_at = now() - interval '1 second'");
        await expire.ExecuteNonQueryAsync();
        Assert.Equal((401, "AuthFailure"), await scene.FailAsync("DescribeRegions"));
        Assert.NotEmpty(id);
        foreach (var (wrong, rule) in (IReadOnlyList<(object, string)>)[(new { expiresInDays = 0 }, "between"), (new { sourceRanges = new[] { "10.0.0.1/8" } }, "cidr"), (new { name = "a/b" }, "name-characters")])
            Assert.Equal(rule, (await tenant.FailAsync(400, HttpMethod.Post, "/access-keys", wrong)).Errors![0].Rule);
    }

    [Fact]
    public async Task A_user_has_ten_at_the_most_and_none_outlives_it()
    {
        await using var scene = await Ec2Scene.StartAsync();
        var tenant = scene.Scene.Tenant;
        for (var i = 1; i < 10; i++) await tenant.PostAsync<AccessKeyCreated>("/access-keys", new { });
        Assert.Equal("too-many-access-keys", (await tenant.FailAsync(409, HttpMethod.Post, "/access-keys", new { })).Code);
        var admin = scene.Scene.Admin;
        await admin.PostAsync<User>("/users", new { name = "bob", password = "tenant-password", role = "reader", account = "acme" });
        var bob = await scene.Scene.Cloud.LoginAsync("bob", "tenant-password");
        var key = await bob.PostAsync<AccessKeyCreated>("/access-keys", new { });
        Assert.Equal((403, "UnauthorizedOperation"), await scene.FailAsync(scene.Post(new Ec2Scene.Signing(key.Id, key.Secret), "CreateKeyPair", ("KeyName", "x"))));
        Assert.Equal(204, (int)(await tenant.SendAsync(HttpMethod.Delete, "/users/bob")).StatusCode);
        Assert.Equal((401, "AuthFailure"), await scene.FailAsync(scene.Post(new Ec2Scene.Signing(key.Id, key.Secret), "DescribeRegions")));
    }

    [Fact]
    public async Task An_operator_makes_a_key_that_acts_for_another_account()
    {
        await using var scene = await Ec2Scene.StartAsync();
        using var made = await scene.Scene.Admin.SendAsync(HttpMethod.Post, "/access-keys", new { }, ("Kumoi-Account", "acme"));
        var key = System.Text.Json.JsonSerializer.Deserialize(await made.Content.ReadAsStringAsync(), ApiJson.Default.AccessKeyCreated)!;
        Assert.Equal("acme", key.Account.Name);
        using var answer = await scene.SendAsync(scene.Post(new Ec2Scene.Signing(key.Id, key.Secret), "CreateKeyPair", ("KeyName", "theirs")));
        Assert.True(answer.IsSuccessStatusCode);
        Assert.Equal("theirs", (await scene.Scene.Tenant.GetAsync<KeyPair>("/key-pairs/theirs")).Name);
    }

    [GeneratedRegex("^AKIA[A-Z2-7]{16}$")]
    private static partial Regex IdForm();
}
