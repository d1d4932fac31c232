using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Server.Platform.Webhooks;

/// <summary>Signatures of requests by <see href="https://www.standardwebhooks.com/">Standard Webhooks</see>: HMAC-SHA256 of id, time and body.</summary>
public static class WebhookSignature
{
    private const int SecretBytes = 32;

    public static byte[] NewSecret() => RandomNumberGenerator.GetBytes(SecretBytes);

    /// <summary>As people carry it to the receiver.</summary>
    public static string Text(byte[] secret) => "whsec_" + Convert.ToBase64String(secret);

    /// <summary>The value of <c>webhook-signature</c>: one for each secret, with a space between.</summary>
    public static string Of(IEnumerable<byte[]> secrets, string id, long seconds, ReadOnlySpan<byte> body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{seconds}.")), .. body];
        return string.Join(' ', secrets.Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, signed))));
    }
}
