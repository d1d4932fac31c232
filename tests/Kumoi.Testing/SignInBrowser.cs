using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Api;

namespace Kumoi.Testing;

/// <summary>A browser that signs in by an identity provider, and the program that sent it there, which listens at a port that nobody needs to answer.</summary>
public sealed class SignInBrowser(TestCloud cloud) : IDisposable
{
    public const string Port = "45678";

    private readonly HttpClient _http = new(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() });

    public string Verifier { get; } = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public string Challenge => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));

    public Task<HttpResponseMessage> GetAsync(string address) => _http.GetAsync(new Uri(address));

    public async Task<HttpResponseMessage> PostAsync(string address, Dictionary<string, string> form)
    {
        using var content = new FormUrlEncodedContent(form);
        return await _http.PostAsync(new Uri(address), content);
    }

    /// <summary>Where an address sends the browser.</summary>
    public async Task<string> FollowAsync(string address)
    {
        using var answer = await GetAsync(address);
        return answer.Headers.Location?.OriginalString ?? throw new InvalidOperationException($"{address} answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>The address of the cloud that the provider sends the browser back to.</summary>
    public async Task<string> ToCallbackAsync(string provider, string to = Port)
    {
        var found = await cloud.Anonymous().GetAsync<SignInProvider>("/sign-in-providers/" + provider);
        return await FollowAsync(await FollowAsync($"{found.Url}?challenge={Challenge}&to={to}"));
    }

    /// <summary>The code that comes back to the program, or why there is none.</summary>
    public async Task<(string? Code, string? Error)> SignInAsync(string provider) => Answer(await FollowAsync(await ToCallbackAsync(provider)));

    public static (string? Code, string? Error) Answer(string address)
    {
        var parts = address.Split($"http://127.0.0.1:{Port}/?") is ["", var query] ? query.Split('=', 2) : throw new InvalidOperationException($"The browser came to {address}.");
        return parts[0] == "code" ? (parts[1], null) : (null, parts[1]);
    }

    /// <summary>Somebody who has signed in.</summary>
    public async Task<TestClient> LoginAsync(string provider)
    {
        var (code, error) = await SignInAsync(provider);
        if (code is null) throw new InvalidOperationException($"The sign-in ended with {error}.");
        var client = cloud.Anonymous();
        var made = await client.PostAsync<TokenCreated>("/tokens", new { signIn = new { code, verifier = Verifier } });
        client.Http.DefaultRequestHeaders.Authorization = new("Bearer", made.Token);
        return client;
    }

    public void Dispose() => _http.Dispose();
}
