using Kumoi.Api;
using Kumoi.Testing;
using OtpNet;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

/// <summary>Goal: whoever has a second factor signs in with it and not without, and no code is good twice.</summary>
public sealed class SecondFactorTests
{
    private const string Password = "tenant-password";

    private static string Code(string secret, int steps = 0) => new Totp(Base32Encoding.ToBytes(secret)).ComputeTotp(DateTime.UtcNow.AddSeconds(30 * steps));

    private static Task<Problem> RefusedAsync(TestCloud cloud, string user, string? code) => cloud.Anonymous().FailAsync(401, HttpMethod.Post, "/tokens", new { user, password = Password, code });

    private static async Task<(string Secret, IReadOnlyList<string> Codes)> TurnOnAsync(TestClient client)
    {
        var secret = await client.PostAsync<SecondFactorSecret>("/users/me/second-factor", new { password = Password });
        Assert.StartsWith("otpauth://totp/Kumoi:acme-admin?secret=" + secret.Secret, secret.Uri, StringComparison.Ordinal);
        return (secret.Secret, (await client.PostAsync<RecoveryCodes>("/users/me/second-factor/confirm", new { code = Code(secret.Secret) })).Codes);
    }

    [Fact]
    public async Task It_is_asked_for_once_it_is_confirmed_and_each_code_is_good_once()
    {
        await using var cloud = await TestCloud.StartAsync();
        var user = await cloud.TenantAsync("acme");
        Assert.Equal("wrong-password", (await user.FailAsync(400, HttpMethod.Post, "/users/me/second-factor", new { password = "wrong-password" })).Errors![0].Rule);
        await user.PostAsync<SecondFactorSecret>("/users/me/second-factor", new { password = Password });
        // Not confirmed: nobody is locked out.
        var other = await cloud.LoginAsync("acme-admin", Password);
        Assert.Equal("second-factor-code", (await user.FailAsync(400, HttpMethod.Post, "/users/me/second-factor/confirm", new { code = "000000" })).Errors![0].Rule);
        var (secret, codes) = await TurnOnAsync(user);
        Assert.Equal(("on", 10), await StateAsync());
        // Sessions that were begun without it have ended, but for the one that turned it on.
        await other.FailAsync(401, HttpMethod.Get, "/users/me");

        Assert.Equal("second-factor-required", (await RefusedAsync(cloud, "acme-admin", null)).Code);
        Assert.Equal("second-factor-wrong", (await RefusedAsync(cloud, "acme-admin", "12345")).Code);
        Assert.Equal("login-failed", (await cloud.Anonymous().FailAsync(401, HttpMethod.Post, "/tokens", new { user = "acme-admin", password = "wrong-password", code = Code(secret) })).Code);
        // Of many who come with the same code at once, one gets in.
        // That of the next half minute, which is good already, and still when it begins meanwhile: the one before is used up.
        var code = Code(secret, 1);
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            using var answer = await cloud.Anonymous().SendAsync(HttpMethod.Post, "/tokens", new { user = "acme-admin", password = Password, code });
            return (int)answer.StatusCode;
        }));
        Assert.Single(answers, status => status == 201);
        Assert.Equal(("on", 10), await StateAsync());

        async Task<(string, int)> StateAsync()
        {
            var factor = await user.GetAsync<SecondFactor>("/users/me/second-factor");
            return (factor.State, factor.RecoveryCodes);
        }
    }

    [Fact]
    public async Task A_recovery_code_takes_its_place_once_and_an_administrator_takes_a_lost_one_away()
    {
        await using var cloud = await TestCloud.StartAsync();
        var user = await cloud.TenantAsync("acme");
        var (secret, codes) = await TurnOnAsync(user);
        await cloud.Anonymous().PostAsync<TokenCreated>("/tokens", new { user = "acme-admin", password = Password, code = codes[3].ToUpperInvariant() });
        Assert.Equal("second-factor-wrong", (await RefusedAsync(cloud, "acme-admin", codes[3])).Code);
        Assert.Equal(9, (await user.GetAsync<SecondFactor>("/users/me/second-factor")).RecoveryCodes);
        // Neither the secret nor the codes are in the database as they are.
        await using (var source = Npgsql.NpgsqlDataSource.Create(cloud.Options.ConnectionString))
            foreach (var table in (string[])["second_factors", "recovery_codes", "events"])
            {
                await using var dump = source.CreateCommand($"SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t");
                var text = (string)(await dump.ExecuteScalarAsync())!;
                Assert.DoesNotContain(Convert.ToHexString(Base32Encoding.ToBytes(secret)), text, StringComparison.OrdinalIgnoreCase);
                Assert.All(codes, code => Assert.DoesNotContain(code, text, StringComparison.Ordinal));
            }
        var admin = await cloud.LoginAsync();
        Assert.Equal("second-factor-own", (await FailAsync(true)).Errors![0].Rule);
        using (var taken = await admin.SendAsync(HttpMethod.Put, "/users/acme-admin", new { secondFactor = false }, ("Kumoi-Account", "acme"))) Assert.True(taken.IsSuccessStatusCode);
        await cloud.LoginAsync("acme-admin", Password);
        Assert.Equal("off", (await user.GetAsync<SecondFactor>("/users/me/second-factor")).State);
        Assert.Equal("second-factor-off", (await user.FailAsync(409, HttpMethod.Post, "/users/me/second-factor/end", new { password = Password, code = codes[0] })).Code);

        async Task<Problem> FailAsync(bool on) => await admin.FailAsync(400, HttpMethod.Put, "/users/acme-admin", new { secondFactor = on }, ("Kumoi-Account", "acme"));
    }

    [Fact]
    public async Task It_ends_with_password_and_code_and_guessing_is_slowed()
    {
        await using var cloud = await TestCloud.StartAsync();
        var user = await cloud.TenantAsync("acme");
        var (_, codes) = await TurnOnAsync(user);
        Assert.Equal("second-factor-code", (await user.FailAsync(400, HttpMethod.Post, "/users/me/second-factor/end", new { password = Password, code = "abcd-efgh" })).Errors![0].Rule);
        Assert.Equal("second-factor-on", (await user.FailAsync(409, HttpMethod.Post, "/users/me/second-factor", new { password = Password })).Code);
        for (var i = 0; i < 8; i++) await RefusedAsync(cloud, "acme-admin", "000000");
        Assert.Equal("too-many-logins", (await cloud.Anonymous().FailAsync(429, HttpMethod.Post, "/tokens", new { user = "acme-admin", password = Password, code = codes[0] })).Code);
        Assert.Equal("off", (await user.PostAsync<SecondFactor>("/users/me/second-factor/end", new { password = Password, code = codes[1] })).State);
    }
}
