using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts.Directories.OpenId;

/// <summary>A sign-in that was begun. The browser that began it carries it as a cookie, sealed under the master key: any server goes on with it, no other browser does, and nobody who only begins fills a table.</summary>
/// <param name="State">What the provider hands back.</param>
/// <param name="Nonce">What its token must hold.</param>
/// <param name="Verifier">What the provider is shown for the code (RFC 7636).</param>
/// <param name="Challenge">SHA-256 of what the program that began will show for its own code.</param>
/// <param name="To">Where the browser goes in the end: <c>console</c>, <c>code</c> (a page to copy it from), or a port of loopback.</param>
public sealed record SignInTicket(string State, string Nonce, string Verifier, string DirectoryId, string Challenge, string To, DateTimeOffset ExpiresAt)
{
    private const string CookiePrefix = "kumoi-sign-in-", Purpose = "sign-in";

    // Longer than people need for a password and a second factor that they have to fetch.
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    public static SignInTicket New(string directoryId, string challenge, string to, DateTimeOffset now) => new(Secrets.New(""), Secrets.New(""), Secrets.New(""), directoryId, challenge, to, now + Life);

    /// <summary>Of each sign-in its own: people have several windows.</summary>
    public static string CookieName(string state) => CookiePrefix + Convert.ToHexStringLower(Secrets.Hash(state))[..16];

    public static string ChallengeOf(string verifier) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));

    public string Seal(MasterKey key) => Base64Url.EncodeToString(key.Encrypt(JsonSerializer.SerializeToUtf8Bytes(this, SignInJson.Default.SignInTicket), Purpose));

    /// <summary>Null for what was not sealed here.</summary>
    public static SignInTicket? Open(MasterKey key, string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > 4096 || !Base64Url.IsValid(text)) return null;
        var bytes = Base64Url.DecodeFromChars(text);
        try
        {
            return bytes.Length < 29 ? null : JsonSerializer.Deserialize(key.Decrypt(bytes, Purpose), SignInJson.Default.SignInTicket);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(SignInTicket))]
internal sealed partial class SignInJson : JsonSerializerContext;
