using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kumoi.Server.Accounts.Directories.OpenId;

/// <summary>Looks whether an ID token is the provider's, for this cloud, of now, and of this sign-in (OpenID Connect Core 1.0, 3.1.3.7).</summary>
public static class IdTokens
{
    // Clocks of machines without time synchronisation are minutes off; a token is used within seconds, and its nonce only once.
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(2);

    private const int TokenLengthMax = 64 * 1024, SubjectLengthMax = 255;

    // Those by which only the provider can sign: "none" is none, and with HS256 whoever knows the public key could.
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512, SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    /// <summary>The token's claims, or why it is not good: whether because no known key fits it, and the words for the log.</summary>
    public static async Task<(JsonElement? Claims, bool IsKey, string? Wrong)> ReadAsync(string token, OpenIdConnectConfiguration provider, string clientId, string nonce, DateTimeOffset now)
    {
        if (token.Length > TokenLengthMax) return (null, false, "The ID token is too long.");
        var read = await new JsonWebTokenHandler { MaximumTokenSizeInBytes = TokenLengthMax, MapInboundClaims = false }.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = provider.Issuer, ValidAudience = clientId, IssuerSigningKeys = provider.SigningKeys, ValidAlgorithms = Algorithms, RequireSignedTokens = true, RequireExpirationTime = true, RequireAudience = true,
            LifetimeValidator = (from, until, _, _) => until is { } end && Utc(end) > now - Skew && (from is null || Utc(from.Value) <= now + Skew),
        });
        if (!read.IsValid) return (null, read.Exception is SecurityTokenSignatureKeyNotFoundException or SecurityTokenInvalidSignatureException, "The ID token is not good: " + read.Exception.Message);
        using var document = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(((JsonWebToken)read.SecurityToken).EncodedPayload));
        var claims = document.RootElement.Clone();
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(claims.TextOf("nonce") ?? ""), Encoding.UTF8.GetBytes(nonce))) return (null, false, "The ID token is of another sign-in (nonce).");
        var several = claims.TryGetProperty("aud", out var audience) && audience.ValueKind == JsonValueKind.Array && audience.GetArrayLength() > 1;
        if (claims.TextOf("azp") is { } party ? party != clientId : several) return (null, false, "The ID token was made for another client (azp).");
        if (!claims.TryGetProperty("iat", out var issued) || !issued.TryGetInt64(out var seconds) || seconds > (now + Skew).ToUnixTimeSeconds()) return (null, false, "The ID token was made in the future, or does not say when.");
        return claims.TextOf("sub") is { Length: > 0 and <= SubjectLengthMax } ? (claims, false, null) : (null, false, "The ID token does not say whom it means (sub).");
    }

    private static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));

    /// <summary>A claim that is a text; null if it is not there, or something else.</summary>
    public static string? TextOf(this JsonElement claims, string name) => claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A claim that is a text or several; null if it is not there.</summary>
    public static IReadOnlyList<string>? TextsOf(this JsonElement claims, string name) => !claims.TryGetProperty(name, out var value) ? null : value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array => [.. value.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!)],
        _ => null,
    };

    /// <summary>True, also as some providers write it.</summary>
    public static bool IsTrue(this JsonElement claims, string name) => claims.TryGetProperty(name, out var value) && (value.ValueKind == JsonValueKind.True || value.ValueKind == JsonValueKind.String && value.GetString() == "true");
}
