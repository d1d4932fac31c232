using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kumoi.Server.Platform;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Kumoi.Server.Accounts.Directories.OpenId;

/// <summary>An identity provider, and this cloud as its client.</summary>
public sealed record OpenIdPlace(string Id, string Issuer, string ClientId, string? ClientSecret, string Scopes, string? NameClaim, string GroupsClaim);

/// <summary>Somebody whom a provider vouches for.</summary>
/// <param name="Name">What it may be called here; null if the provider tells none.</param>
public sealed record OpenIdPerson(string Subject, string? Name, IReadOnlyList<string> Groups);

/// <summary>The authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 6749, 7636).</summary>
public sealed class OpenIdDoor(Issuers issuers, IssuerHttp http, TimeProvider clock)
{
    /// <summary>Where the browser is sent. Throws <see cref="IssuerException"/>.</summary>
    public async Task<string> AddressAsync(OpenIdPlace place, SignInTicket ticket, string redirectUri, CancellationToken cancel) => new Uri(QueryHelpers.AddQueryString((await issuers.GetAsync(place.Issuer, cancel)).AuthorizationEndpoint, new Dictionary<string, string?>
    {
        ["response_type"] = "code", ["client_id"] = place.ClientId, ["redirect_uri"] = redirectUri, ["scope"] = place.Scopes, ["state"] = ticket.State, ["nonce"] = ticket.Nonce,
        ["code_challenge"] = SignInTicket.ChallengeOf(ticket.Verifier), ["code_challenge_method"] = "S256",
    })).AbsoluteUri;

    /// <summary>True unless another provider than the one that was asked says that it answers (RFC 9207).</summary>
    public async Task<bool> AnswersAsync(OpenIdPlace place, string? issuer, CancellationToken cancel)
    {
        if (issuer is not null) return issuer == place.Issuer;
        var provider = await issuers.GetAsync(place.Issuer, cancel);
        return !(provider.AdditionalData.TryGetValue("authorization_response_iss_parameter_supported", out var says) && string.Equals(says?.ToString(), "true", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Who it is that the code stands for, or what is wrong, for the log. Throws <see cref="IssuerException"/>.</summary>
    public async Task<(OpenIdPerson? Person, string? Wrong)> RedeemAsync(OpenIdPlace place, string code, SignInTicket ticket, string redirectUri, CancellationToken cancel)
    {
        var provider = await issuers.GetAsync(place.Issuer, cancel);
        var (answer, refused) = await TokensAsync(place, provider, code, ticket, redirectUri, cancel);
        if (answer is not { } tokens) return (null, refused);
        if (tokens.TextOf("id_token") is not { } token) return (null, "There is no ID token in the answer.");
        var (claims, isKey, wrong) = await IdTokens.ReadAsync(token, provider, place.ClientId, ticket.Nonce, clock.GetUtcNow());
        // Providers exchange their keys: one that is not known may be new.
        if (isKey) (claims, _, wrong) = await IdTokens.ReadAsync(token, await issuers.RenewAsync(place.Issuer, cancel), place.ClientId, ticket.Nonce, clock.GetUtcNow());
        if (claims is not { } said) return (null, wrong);
        var (name, groups) = (NameOf(place, said), said.TextsOf(place.GroupsClaim));
        if ((name is null || groups is null) && !string.IsNullOrEmpty(provider.UserInfoEndpoint) && tokens.TextOf("access_token") is { } access)
        {
            // Many keep their ID tokens short, and tell the rest when they are asked (Core 1.0, 5.4).
            using var request = new HttpRequestMessage(HttpMethod.Get, provider.UserInfoEndpoint) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", access) } };
            var (status, body) = await http.SendAsync(request, cancel);
            if (status == HttpStatusCode.OK && Json(body) is { } more)
            {
                if (more.TextOf("sub") != said.TextOf("sub")) return (null, "The answer to who it is (userinfo) means somebody else.");
                (name, groups) = (name ?? NameOf(place, more), groups ?? more.TextsOf(place.GroupsClaim));
            }
        }
        return (new OpenIdPerson(said.TextOf("sub")!, name, groups ?? []), null);
    }

    private async Task<(JsonElement? Answer, string? Wrong)> TokensAsync(OpenIdPlace place, OpenIdConnectConfiguration provider, string code, SignInTicket ticket, string redirectUri, CancellationToken cancel)
    {
        var form = new Dictionary<string, string> { ["grant_type"] = "authorization_code", ["code"] = code, ["redirect_uri"] = redirectUri, ["code_verifier"] = ticket.Verifier };
        using var request = new HttpRequestMessage(HttpMethod.Post, provider.TokenEndpoint) { Headers = { Accept = { new MediaTypeWithQualityHeaderValue("application/json") } } };
        var ways = provider.TokenEndpointAuthMethodsSupported;
        if (place.ClientSecret is null) form["client_id"] = place.ClientId;
        else if (ways.Contains("client_secret_post") && !ways.Contains("client_secret_basic")) (form["client_id"], form["client_secret"]) = (place.ClientId, place.ClientSecret);
        // Each is encoded as in a form before they are joined (RFC 6749, 2.3.1).
        else request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{WebUtility.UrlEncode(place.ClientId)}:{WebUtility.UrlEncode(place.ClientSecret)}")));
        request.Content = new FormUrlEncodedContent(form);
        var (status, body) = await http.SendAsync(request, cancel);
        if ((int)status >= 500) throw new IssuerException($"{provider.TokenEndpoint} answered {(int)status}.");
        var answer = Json(body);
        return status == HttpStatusCode.OK && answer is not null ? (answer, null) : (null, $"The code was refused: {(int)status} {PlainText.Of(answer?.TextOf("error") ?? "", 100)} {PlainText.Of(answer?.TextOf("error_description") ?? "", 200)}");
    }

    private static string? NameOf(OpenIdPlace place, JsonElement claims)
    {
        // An address that nobody has proved to be theirs could be anybody's.
        var email = claims.IsTrue("email_verified") ? claims.TextOf("email") : null;
        var name = place.NameClaim switch { null => claims.TextOf("preferred_username") ?? email, "email" => email, { } other => claims.TextOf(other) };
        return string.IsNullOrWhiteSpace(name) ? null : name;
    }

    private static JsonElement? Json(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
