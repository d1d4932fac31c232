using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Kumoi.Api;
using Kumoi.Server.Accounts.Directories.OpenId;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Accounts;

/// <summary>Goal: nothing but a provider's own word, meant for this cloud and this sign-in, lets anybody in. Method: a provider that says false things, browsers that come with what is another's, and the same twice.</summary>
public sealed class OpenIdRefusalTests : IAsyncLifetime
{
    private OpenIdProvider _provider = null!;
    private TestCloud _cloud = null!;
    private SignInBrowser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        _provider = await OpenIdProvider.StartAsync();
        _cloud = await TestCloud.StartAsync(options => options with { LoopbackIssuers = true });
        await _cloud.TenantAsync("acme");
        await OpenIdTests.NameAsync(await _cloud.LoginAsync(), _provider);
        _provider.Person = new JsonObject { ["sub"] = "s-1", ["preferred_username"] = "aiko", ["groups"] = "admins" };
        _browser = new SignInBrowser(_cloud);
    }

    public async ValueTask DisposeAsync()
    {
        _browser.Dispose();
        await _cloud.DisposeAsync();
        await _provider.DisposeAsync();
    }

    private static JsonObject Header(string algorithm, string? keyId = null) => keyId is null ? new JsonObject { ["alg"] = algorithm } : new JsonObject { ["alg"] = algorithm, ["kid"] = keyId };

    private static string Hashed(JsonObject claims, byte[] secret, string keyId)
    {
        var text = $"{OpenIdProvider.Encoded(Header("HS256", keyId))}.{OpenIdProvider.Encoded(claims)}";
        return $"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(text)))}";
    }

    [Fact]
    public async Task A_token_that_is_not_the_providers_for_this_cloud_and_this_sign_in_lets_nobody_in()
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        using var other = RSA.Create(2048);
        var falsely = new Dictionary<string, Func<JsonObject, string>>
        {
            ["none"] = claims => $"{OpenIdProvider.Encoded(Header("none"))}.{OpenIdProvider.Encoded(claims)}.",
            ["none, with the key's id"] = claims => $"{OpenIdProvider.Encoded(Header("None", _provider.KeyId))}.{OpenIdProvider.Encoded(claims)}.",
            ["HS256 with the public key as PEM"] = claims => Hashed(claims, Encoding.ASCII.GetBytes(_provider.Key.ExportSubjectPublicKeyInfoPem()), _provider.KeyId),
            ["HS256 with the public key as DER"] = claims => Hashed(claims, _provider.Key.ExportSubjectPublicKeyInfo(), _provider.KeyId),
            ["HS256 with the modulus"] = claims => Hashed(claims, _provider.Key.ExportParameters(false).Modulus!, _provider.KeyId),
            ["HS256 with the client secret"] = claims => Hashed(claims, Encoding.UTF8.GetBytes(OpenIdProvider.ClientSecret.PadRight(32)), _provider.KeyId),
            ["another key of the same id"] = claims => OpenIdProvider.Sign(Header("RS256", _provider.KeyId), claims, other),
            ["another key without an id"] = claims => OpenIdProvider.Sign(Header("RS256"), claims, other),
            ["changed afterwards"] = claims => OpenIdProvider.Sign(Header("RS256", _provider.KeyId), claims, _provider.Key).Split('.') is [var header, _, var signature] ? $"{header}.{OpenIdProvider.Encoded(new JsonObject(claims.DeepClone().AsObject().Select(c => KeyValuePair.Create(c.Key, c.Key == "sub" ? "s-0" : c.Value?.DeepClone()))))}.{signature}" : "",
            ["no token"] = _ => "x",
        };
        foreach (var (how, sign) in falsely)
        {
            _provider.Signs = sign;
            var (code, error) = await _browser.SignInAsync("office");
            Assert.Equal((how, null, "sign-in-failed"), (how, code, error));
        }
        _provider.Signs = null;
        var claimed = new Dictionary<string, Action<JsonObject>>
        {
            ["another issuer"] = c => c["iss"] = "https://id.example.net", ["no issuer"] = c => c.Remove("iss"), ["another client"] = c => c["aud"] = "other", ["no client"] = c => c.Remove("aud"),
            ["several clients, and not said for which"] = c => c["aud"] = new JsonArray("other", "kumoi"), ["made for another client"] = c => c["azp"] = "other",
            ["another sign-in"] = c => c["nonce"] = "other", ["no sign-in"] = c => c.Remove("nonce"), ["too old"] = c => c["exp"] = now - 180, ["for ever"] = c => c.Remove("exp"),
            ["not yet"] = c => c["nbf"] = now + 600, ["of the future"] = c => c["iat"] = now + 600, ["made at no time"] = c => c.Remove("iat"), ["nobody"] = c => c.Remove("sub"), ["nobody in particular"] = c => c["sub"] = "", ["a number"] = c => c["sub"] = 1,
        };
        foreach (var (how, change) in claimed)
        {
            _provider.Claims = change;
            var (code, error) = await _browser.SignInAsync("office");
            Assert.Equal((how, null, "sign-in-failed"), (how, code, error));
        }
        Assert.Empty((await (await _cloud.LoginAsync()).GetAsync<Page<DirectoryUser>>("/directories/office/users")).Items);
        // Clocks differ a little.
        _provider.Claims = c => (c["iat"], c["nbf"], c["exp"]) = (now + 60, now + 60, now - 60);
        await _browser.LoginAsync("office");
        _provider.Claims = c => (c["aud"], c["azp"]) = (new JsonArray("kumoi", "other"), "kumoi");
        await _browser.LoginAsync("office");
    }

    [Fact]
    public async Task Keys_are_exchanged_while_people_sign_in()
    {
        await _browser.LoginAsync("office");
        var before = _provider.Key.ExportParameters(true);
        _provider.RollOver();
        await _browser.LoginAsync("office");
        // The old one is worth nothing any more.
        using var old = RSA.Create(before);
        _provider.Signs = claims => OpenIdProvider.Sign(Header("RS256", "key-1"), claims, old);
        Assert.Equal((null, "sign-in-failed"), await _browser.SignInAsync("office"));
    }

    [Fact]
    public async Task What_was_begun_in_another_browser_is_finished_by_none()
    {
        using var other = new SignInBrowser(_cloud);
        var callback = await _browser.ToCallbackAsync("office");
        // Nobody knows where to send it: it is told there and then.
        using var strange = await other.GetAsync(callback);
        Assert.Equal((400, "text/plain"), ((int)strange.StatusCode, strange.Content.Headers.ContentType!.MediaType));
        using var unsaid = await other.GetAsync(_cloud.Url + "/sign-in/callback?code=x");
        Assert.Equal(400, (int)unsaid.StatusCode);
        var (code, _) = SignInBrowser.Answer(await _browser.FollowAsync(callback));
        // Once: the browser has no cookie for it any more.
        using var again = await _browser.GetAsync(callback);
        Assert.Equal(400, (int)again.StatusCode);
        // The code is of use to the program that began, once.
        Task<Problem> RefusedAsync(object signIn, int status = 401) => _cloud.Anonymous().FailAsync(status, HttpMethod.Post, "/tokens", new { signIn });
        await _cloud.Anonymous().PostAsync<TokenCreated>("/tokens", new { signIn = new { code, verifier = _browser.Verifier } });
        Assert.Equal("sign-in-code-wrong", (await RefusedAsync(new { code, verifier = _browser.Verifier })).Code);
        (code, _) = await _browser.SignInAsync("office");
        Assert.Equal("sign-in-code-wrong", (await RefusedAsync(new { code, verifier = other.Verifier })).Code);
        Assert.Equal("sign-in-code-wrong", (await RefusedAsync(new { code, verifier = _browser.Verifier })).Code);
        Assert.Equal("required", (await RefusedAsync(new { code }, 400)).Errors![0].Rule);
        Assert.Equal("sign-in-alone", (await _cloud.Anonymous().FailAsync(400, HttpMethod.Post, "/tokens", new { user = "admin", password = "x", signIn = new { code, verifier = "x" } })).Errors![0].Rule);
        Assert.Equal("user", (await _cloud.Anonymous().FailAsync(400, HttpMethod.Post, "/tokens", new { password = "x" })).Errors![0].Field);
        (code, _) = await _browser.SignInAsync("office");
        await _cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE sign_in_codes SET expires_at = now() - interval '1 second'", default);
        Assert.Equal("sign-in-code-wrong", (await RefusedAsync(new { code, verifier = _browser.Verifier })).Code);
    }

    [Fact]
    public async Task A_cookie_that_was_kept_changed_or_is_too_old_is_of_no_use()
    {
        var key = _cloud.Services.GetRequiredService<MasterKey>();
        var provider = (await (await _cloud.LoginAsync()).GetAsync<UserDirectory>("/directories/office")).Id;
        var now = TimeProvider.System.GetUtcNow();
        async Task<(int, string?)> ComeAsync(SignInTicket ticket, string? cookie = null, string query = "code=x")
        {
            using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false });
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{_cloud.Url}/sign-in/callback?state={ticket.State}&{query}");
            request.Headers.Add("Cookie", $"{SignInTicket.CookieName(ticket.State)}={cookie ?? ticket.Seal(key)}");
            using var answer = await http.SendAsync(request);
            return ((int)answer.StatusCode, answer.Headers.Location is { } to ? SignInBrowser.Answer(to.OriginalString).Error : null);
        }
        var good = SignInTicket.New(provider, _browser.Challenge, SignInBrowser.Port, now);
        // With a code that the provider never gave, or gave to a sign-in of before.
        Assert.Equal((303, "sign-in-failed"), await ComeAsync(good));
        Assert.Equal((303, "sign-in-expired"), await ComeAsync(good with { ExpiresAt = now.AddSeconds(-1) }));
        Assert.Equal((303, "sign-in-expired"), await ComeAsync(good with { DirectoryId = "dir-00000000000000000" }));
        Assert.Equal((303, "sign-in-failed"), await ComeAsync(good, query: ""));
        Assert.Equal((303, "sign-in-failed"), await ComeAsync(good, query: "code=" + new string('x', 5000)));
        foreach (var cookie in (string[])["", "x", "AAAA", good.Seal(key)[..^2] + "AA", new string('A', 8000), good.Seal(key)[..20]]) Assert.Equal((400, null), await ComeAsync(good, cookie));
        Assert.Equal((303, "sign-in-expired"), await ComeAsync(good, (good with { State = "other" }).Seal(key)));
    }

    [Fact]
    public async Task Another_provider_that_answers_and_one_that_refuses_are_told_apart()
    {
        _provider.CalledInAnswer = _provider.Issuer;
        await _browser.LoginAsync("office");
        _provider.CalledInAnswer = "https://id.example.net";
        Assert.Equal((null, "sign-in-failed"), await _browser.SignInAsync("office"));
        (_provider.CalledInAnswer, _provider.Error) = (null, "access_denied");
        Assert.Equal((null, "sign-in-refused"), await _browser.SignInAsync("office"));
        _provider.Error = null;
        // To the console, and to a page for people who copy the code.
        Assert.StartsWith("/log-in#code=", await _browser.FollowAsync(await _browser.ToCallbackAsync("office", "console")), StringComparison.Ordinal);
        using var page = await _browser.GetAsync(await _browser.ToCallbackAsync("office", "code"));
        var code = (await page.Content.ReadAsStringAsync()).Split('\n').Single(line => line.StartsWith("    ", StringComparison.Ordinal)).Trim();
        Assert.Equal("no-store", page.Headers.CacheControl!.ToString());
        await _cloud.Anonymous().PostAsync<TokenCreated>("/tokens", new { signIn = new { code, verifier = _browser.Verifier } });
        foreach (var (path, status) in new[] { ($"office?challenge={_browser.Challenge}&to=https://example.net", 400), ($"office?challenge={_browser.Challenge}&to=80", 400), ("office?challenge=short&to=code", 400), ("office", 400), ($"nobody?challenge={_browser.Challenge}", 404) })
        {
            using var answer = await _browser.GetAsync($"{_cloud.Url}/sign-in/{path}");
            Assert.Equal((path, status), (path, (int)answer.StatusCode));
        }
    }

    [Fact]
    public async Task A_provider_that_is_away_or_silent_or_calls_itself_otherwise_is_told_so()
    {
        var admin = await _cloud.LoginAsync();
        async Task<string?> ErrorAsync(string name)
        {
            using var answer = await _browser.GetAsync($"{_cloud.Url}/sign-in/{name}?challenge={_browser.Challenge}&to={SignInBrowser.Port}");
            return SignInBrowser.Answer(answer.Headers.Location!.OriginalString).Error;
        }
        Task AddAsync(string name, string url) => admin.PostAsync<UserDirectory>("/directories", new { name, url, openId = new { clientId = "kumoi" } });
        // Takes connections and says nothing.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await AddAsync("silent", $"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}");
        await AddAsync("gone", $"http://127.0.0.1:{TestCloud.FreePort()}");
        await AddAsync("slash", _provider.Issuer + "/");
        Assert.Equal("provider-away", await ErrorAsync("silent"));
        Assert.Equal("provider-away", await ErrorAsync("gone"));
        Assert.Equal("provider-away", await ErrorAsync("slash"));
        using var page = await _browser.GetAsync($"{_cloud.Url}/sign-in/gone?challenge={_browser.Challenge}&to=code");
        Assert.Equal(503, (int)page.StatusCode);
        var callback = await _browser.ToCallbackAsync("office");
        await _provider.StopAsync();
        Assert.Equal((null, "provider-away"), SignInBrowser.Answer(await _browser.FollowAsync(callback)));
    }

    [Fact]
    public async Task Guessing_is_slowed_down()
    {
        for (var i = 0; i < 50; i++) Assert.Equal("sign-in-code-wrong", (await _cloud.Anonymous().FailAsync(401, HttpMethod.Post, "/tokens", new { signIn = new { code = $"guess-{i}", verifier = _browser.Verifier } })).Code);
        Assert.Equal("too-many-logins", (await _cloud.Anonymous().FailAsync(429, HttpMethod.Post, "/tokens", new { signIn = new { code = "guess", verifier = _browser.Verifier } })).Code);
        using var page = await _browser.GetAsync($"{_cloud.Url}/sign-in/office?challenge={_browser.Challenge}&to=code");
        Assert.Equal(429, (int)page.StatusCode);
    }
}
