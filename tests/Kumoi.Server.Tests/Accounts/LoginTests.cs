using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

public sealed class LoginTests
{
    [Fact]
    public async Task A_wrong_password_and_an_unknown_user_get_the_same_answer_and_guessing_is_slowed()
    {
        await using var cloud = await TestCloud.StartAsync();
        var anonymous = cloud.Anonymous();
        var wrong = await anonymous.FailAsync(401, HttpMethod.Post, "/tokens", new { user = "admin", password = "wrong" });
        var unknown = await anonymous.FailAsync(401, HttpMethod.Post, "/tokens", new { user = "nobody", password = "wrong" });
        Assert.Equal((wrong.Code, wrong.Title, wrong.Detail), (unknown.Code, unknown.Title, unknown.Detail));
        for (var i = 0; i < 7; i++) await anonymous.SendAsync(HttpMethod.Post, "/tokens", new { user = "admin", password = "wrong" });
        using var refused = await anonymous.SendAsync(HttpMethod.Post, "/tokens", new { user = "admin", password = TestCloud.AdminPassword });
        Assert.Equal(429, (int)refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 300);
    }

    [Fact]
    public async Task Tokens_are_named_listed_revoked_and_expire_and_no_secret_is_kept()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var made = await tenant.PostAsync<TokenCreated>("/users/me/tokens", new { name = "ci", expiresInDays = 1 });
        Assert.Equal("name-taken", (await tenant.FailAsync(409, HttpMethod.Post, "/users/me/tokens", new { name = "ci" })).Code);
        var robot = cloud.Anonymous();
        robot.Http.DefaultRequestHeaders.Authorization = new("Bearer", made.Token);
        Assert.Equal("acme-admin", (await robot.GetAsync<User>("/users/me")).Name);
        Assert.Equal(["api", "session"], (await tenant.GetAsync<Page<Token>>("/tokens")).Items.Select(t => t.Kind).Order());
        await using (var source = Npgsql.NpgsqlDataSource.Create(cloud.Options.ConnectionString))
        {
            await using var dump = source.CreateCommand("SELECT string_agg(t::text, '') FROM tokens t");
            Assert.DoesNotContain(made.Token["kumoi_".Length..], (string)(await dump.ExecuteScalarAsync())!, StringComparison.Ordinal);
            await using var expire = source.CreateCommand("UPDATE tokens SET expires_at = now() - interval '1 second' WHERE name = 'ci'");
            await expire.ExecuteNonQueryAsync();
        }
        Assert.Equal("unauthenticated", (await robot.FailAsync(401, HttpMethod.Get, "/users/me")).Code);
        Assert.Equal(204, (int)(await tenant.SendAsync(HttpMethod.Delete, "/tokens/current")).StatusCode);
        await tenant.FailAsync(401, HttpMethod.Get, "/users/me");
    }

    [Fact]
    public async Task A_new_password_ends_other_sessions()
    {
        await using var cloud = await TestCloud.StartAsync();
        var first = await cloud.TenantAsync("acme");
        var second = await cloud.LoginAsync("acme-admin", "tenant-password");
        Assert.Equal("wrong-password", (await first.FailAsync(400, HttpMethod.Put, "/users/me/password", new { currentPassword = "no", newPassword = "long enough" })).Errors![0].Rule);
        Assert.Equal("length-between", (await first.FailAsync(400, HttpMethod.Put, "/users/me/password", new { currentPassword = "tenant-password", newPassword = "short" })).Errors![0].Rule);
        Assert.Equal(204, (int)(await first.SendAsync(HttpMethod.Put, "/users/me/password", new { currentPassword = "tenant-password", newPassword = "パスワード🔑2026" })).StatusCode);
        await second.FailAsync(401, HttpMethod.Get, "/users/me");
        await cloud.LoginAsync("acme-admin", "パスワード🔑2026");
        await first.GetAsync<User>("/users/me");
    }

    [Fact]
    public async Task A_generated_private_key_is_shown_once_and_stored_nowhere()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        using var response = await tenant.SendAsync(HttpMethod.Post, "/key-pairs", new { name = "key" }, ("Idempotency-Key", "k"));
        var made = System.Text.Json.JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), ApiJson.Default.KeyPairCreated)!;
        var directory = Directory.CreateTempSubdirectory("kumoi-key-").FullName;
        var file = Path.Combine(directory, "key");
        await File.WriteAllTextAsync(file, made.PrivateKey);
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        // ssh itself must take it, and find the same public key and fingerprint.
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("ssh-keygen", ["-y", "-f", file]) { RedirectStandardOutput = true })!;
        Assert.Equal(made.PublicKey.Split(' ')[..2], (await process.StandardOutput.ReadToEndAsync()).Trim().Split(' ')[..2]);
        Directory.Delete(directory, recursive: true);
        await using var source = Npgsql.NpgsqlDataSource.Create(cloud.Options.ConnectionString);
        var secret = made.PrivateKey!.Split('\n')[1];
        foreach (var table in (string[])["key_pairs", "idempotency_keys", "events"])
        {
            await using var dump = source.CreateCommand($"SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t");
            Assert.DoesNotContain(secret, (string)(await dump.ExecuteScalarAsync())!, StringComparison.Ordinal);
        }
        using var again = await tenant.SendAsync(HttpMethod.Post, "/key-pairs", new { name = "key" }, ("Idempotency-Key", "k"));
        Assert.Null(System.Text.Json.JsonSerializer.Deserialize(await again.Content.ReadAsStringAsync(), ApiJson.Default.KeyPairCreated)!.PrivateKey);
        Assert.Equal("public-key", (await tenant.FailAsync(400, HttpMethod.Post, "/key-pairs", new { name = "bad", publicKey = "command=\"rm -rf /\" ssh-ed25519 AAAA" })).Errors![0].Rule);
    }

    [Fact]
    public async Task A_join_token_works_once_and_a_host_needs_its_own_certificate()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        Assert.Equal(System.Net.HttpStatusCode.OK, await host.ReportAsync());
        var admin = await cloud.LoginAsync();
        var token = await admin.PostAsync<JoinToken>("/hosts/join-tokens", new { });
        using var anonymous = FakeHost.Client(cloud, null);
        Assert.Equal(401, await JoinAsync(anonymous, "kumoi1.nonsense", "host-2"));
        Assert.Equal(200, await JoinAsync(anonymous, token.Token, "host-2"));
        Assert.Equal(401, await JoinAsync(anonymous, token.Token, "host-2"));
        // A certificate of another authority, with the same name in it, is nobody's.
        using var forged = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        using var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest($"CN={host.Id}", forged, System.Security.Cryptography.HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var thief = FakeHost.Client(cloud, System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadPkcs12(certificate.Export(System.Security.Cryptography.X509Certificates.X509ContentType.Pkcs12), null));
        Assert.Equal(401, (int)(await thief.PostAsync("/agent/v1/desired", null)).StatusCode);
    }

    [Fact]
    public async Task A_join_token_of_several_uses_takes_exactly_so_many_hosts_however_many_come_at_once()
    {
        const int uses = 5, hosts = 12;
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var token = await admin.PostAsync<JoinToken>("/hosts/join-tokens", new { uses });
        using var anonymous = FakeHost.Client(cloud, null);
        var answers = await Task.WhenAll(Enumerable.Range(1, hosts).Select(number => JoinAsync(anonymous, token.Token, $"host-{number}")));
        Assert.Equal(uses, answers.Count(status => status == 200));
        Assert.Equal(hosts - uses, answers.Count(status => status == 401));
        Assert.Equal(uses, (await admin.GetAsync<Page<Host>>("/hosts")).Items.Count);
        foreach (var wrong in (int[])[0, 100_001])
            Assert.Equal(("uses", "between"), (await admin.FailAsync(400, HttpMethod.Post, "/hosts/join-tokens", new { uses = wrong })).Errors is [var error] ? (error.Field, error.Rule) : default);
    }

    [Fact]
    public async Task A_join_that_is_refused_for_its_name_leaves_the_token_its_use()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var first = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        var token = await (await cloud.LoginAsync()).PostAsync<JoinToken>("/hosts/join-tokens", new { });
        using var anonymous = FakeHost.Client(cloud, null);
        Assert.Equal(409, await JoinAsync(anonymous, token.Token, "host-1"));
        Assert.Equal(200, await JoinAsync(anonymous, token.Token, "host-2"));
    }

    private static async Task<int> JoinAsync(HttpClient anonymous, string token, string name)
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=x", key, System.Security.Cryptography.HashAlgorithmName.SHA256).CreateSigningRequestPem();
        using var content = new StringContent(System.Text.Json.JsonSerializer.Serialize(new Api.Agent.JoinRequest(token, request, FakeHost.Facts(name)), ApiJson.Default.JoinRequest), System.Text.Encoding.UTF8, "application/json");
        using var answer = await anonymous.PostAsync("/agent/v1/join", content);
        return (int)answer.StatusCode;
    }
}
