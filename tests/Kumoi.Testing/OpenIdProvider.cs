using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kumoi.Testing;

/// <summary>An identity provider of this process: discovery, keys, authorization code flow with PKCE, tokens signed with real keys. Somebody is signed in there all the time, and what it says of them can be set, also falsely.</summary>
public sealed class OpenIdProvider : IAsyncDisposable
{
    public const string ClientId = "kumoi", ClientSecret = "a secret: with + and %";

    private readonly ConcurrentDictionary<string, (string RedirectUri, string Challenge, string Nonce)> _codes = new();
    private readonly WebApplication _app;
    private RSA _key = RSA.Create(2048);
    private int _keys = 1;

    private OpenIdProvider(WebApplication app, string issuer) => (_app, Issuer) = (app, issuer);

    public string Issuer { get; }

    /// <summary>What the ID token says of who is signed in, beside what each says.</summary>
    public JsonObject Person { get; set; } = [];

    /// <summary>What it tells when it is asked for more; null: it does not answer that.</summary>
    public JsonObject? More { get; set; }

    /// <summary>Changes the token's claims.</summary>
    public Action<JsonObject>? Claims { get; set; }

    /// <summary>Signs in place of the provider's own key.</summary>
    public Func<JsonObject, string>? Signs { get; set; }

    /// <summary>Answers this in place of a code.</summary>
    public string? Error { get; set; }

    /// <summary>What it calls itself when it answers; null: it says nothing.</summary>
    public string? CalledInAnswer { get; set; }

    public RSA Key => _key;

    public string KeyId => $"key-{_keys}";

    public static async Task<OpenIdProvider> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        var port = TestCloud.FreePort();
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddRoutingCore();
        var provider = new OpenIdProvider(builder.Build(), $"http://127.0.0.1:{port}/realms/example");
        provider.Map();
        await provider._app.StartAsync();
        return provider;
    }

    /// <summary>Another key from now on; the one before is not told of any more.</summary>
    public void RollOver()
    {
        _key.Dispose();
        (_key, _keys) = (RSA.Create(2048), _keys + 1);
    }

    public static string Encoded(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));

    public static string Sign(JsonObject header, JsonObject claims, RSA key)
    {
        var text = $"{Encoded(header)}.{Encoded(claims)}";
        return $"{text}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private void Map()
    {
        _app.UseRouting();
        var path = new Uri(Issuer).AbsolutePath;
        _app.MapGet(path + "/.well-known/openid-configuration", (RequestDelegate)(http => Write(http, 200, new JsonObject
        {
            ["issuer"] = Issuer, ["authorization_endpoint"] = Issuer + "/authorize", ["token_endpoint"] = Issuer + "/token", ["userinfo_endpoint"] = Issuer + "/userinfo", ["jwks_uri"] = Issuer + "/keys",
            ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"), ["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_basic"),
        })));
        _app.MapGet(path + "/keys", (RequestDelegate)(http =>
        {
            var key = _key.ExportParameters(false);
            return Write(http, 200, new JsonObject
            {
                ["keys"] = new JsonArray(new JsonObject { ["kty"] = "RSA", ["use"] = "sig", ["alg"] = "RS256", ["kid"] = KeyId, ["n"] = Base64Url.EncodeToString(key.Modulus), ["e"] = Base64Url.EncodeToString(key.Exponent) }),
            });
        }));
        _app.MapGet(path + "/authorize", (RequestDelegate)Authorize);
        _app.MapPost(path + "/token", (RequestDelegate)TokenAsync);
        _app.MapGet(path + "/userinfo", (RequestDelegate)(http => More is null || http.Request.Headers.Authorization != "Bearer access" ? Write(http, 401, []) : Write(http, 200, (JsonObject)More.DeepClone())));
    }

    private Task Authorize(HttpContext http)
    {
        string Said(string name) => http.Request.Query[name].Single()!;
        if (Said("response_type") != "code" || Said("client_id") != ClientId || !Said("scope").Split(' ').Contains("openid") || Said("code_challenge_method") != "S256") return Write(http, 400, new JsonObject { ["error"] = "invalid_request" });
        var answer = $"state={Uri.EscapeDataString(Said("state"))}" + (CalledInAnswer is null ? "" : $"&iss={Uri.EscapeDataString(CalledInAnswer)}");
        var code = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        _codes[code] = (Said("redirect_uri"), Said("code_challenge"), Said("nonce"));
        http.Response.StatusCode = 302;
        http.Response.Headers.Location = $"{Said("redirect_uri")}?{answer}&{(Error is null ? "code=" + code : "error=" + Error)}";
        return Task.CompletedTask;
    }

    private async Task TokenAsync(HttpContext http)
    {
        var form = await http.Request.ReadFormAsync();
        var shown = AuthenticationHeaderValue.TryParse(http.Request.Headers.Authorization, out var header) && header.Scheme == "Basic" ? Encoding.UTF8.GetString(Convert.FromBase64String(header.Parameter!)) : "";
        if (shown != $"{ClientId}:{WebUtility.UrlEncode(ClientSecret)}")
        {
            await Write(http, 401, new JsonObject { ["error"] = "invalid_client" });
            return;
        }
        // A code is good once (RFC 6749, 4.1.2).
        if (form["grant_type"] != "authorization_code" || !_codes.TryRemove(form["code"].ToString(), out var asked) || asked.RedirectUri != form["redirect_uri"]
            || asked.Challenge != Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()))))
        {
            await Write(http, 400, new JsonObject { ["error"] = "invalid_grant" });
            return;
        }
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = (JsonObject)Person.DeepClone();
        foreach (var (name, value) in new JsonObject { ["iss"] = Issuer, ["aud"] = ClientId, ["nonce"] = asked.Nonce, ["iat"] = now, ["exp"] = now + 300 }) claims[name] = value!.DeepClone();
        Claims?.Invoke(claims);
        var token = Signs?.Invoke(claims) ?? Sign(new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT", ["kid"] = KeyId }, claims, _key);
        await Write(http, 200, new JsonObject { ["token_type"] = "Bearer", ["access_token"] = "access", ["id_token"] = token });
    }

    private static Task Write(HttpContext http, int status, JsonObject body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(body.ToJsonString());
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
    }
}
