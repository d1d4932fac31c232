using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>AWS's Signature Version 2, which older clients speak: over the parameters, in the query or in the body. Pure.</summary>
public static class SignatureV2
{
    /// <summary>Whose it is; neither if it is not signed this way.</summary>
    public static (Ec2Claim? Claim, Ec2Fault? Fault) Read(Ec2Request request, DateTimeOffset now)
    {
        var parameters = request.Parameters();
        if (!parameters.TryGetValue("Signature", out var signature) || !parameters.TryGetValue("AWSAccessKeyId", out var key)) return default;
        if (parameters.GetValueOrDefault("SignatureVersion") != "2") return (null, Ec2Claim.Incomplete("SignatureVersion"));
        if (parameters.GetValueOrDefault("SignatureMethod") is not ("HmacSHA256" or "HmacSHA1")) return (null, Ec2Claim.Incomplete("SignatureMethod"));
        var (timestamp, expires) = (parameters.GetValueOrDefault("Timestamp"), parameters.GetValueOrDefault("Expires"));
        // One of them, and not both: which would count is not for anybody to choose.
        if (timestamp is null == expires is null || Time(timestamp ?? expires!) is not { } at) return (null, Ec2Claim.Incomplete("Timestamp"));
        var expired = expires is not null ? now > at : (now - at).Duration() > Ec2Claim.Skew;
        var text = Encoding.UTF8.GetBytes(
            $"{request.Method}\n{request.Headers.GetValueOrDefault("host", "").ToLowerInvariant()}\n{request.Path}\n{SignatureV4.CanonicalQuery(parameters.Where(one => one.Key != "Signature"))}");
        var isSha1 = parameters["SignatureMethod"] == "HmacSHA1";
        return (new Ec2Claim(key, signature, secret => Convert.ToBase64String(isSha1 ? Sha1(secret, text) : HMACSHA256.HashData(secret, text)), expired ? Ec2Claim.Expired : null), null);
    }

#pragma warning disable CA5350 // What old clients sign with. As a keyed hash it is not broken, and nobody can make another client use it.
    private static byte[] Sha1(byte[] secret, byte[] text) => HMACSHA1.HashData(secret, text);
#pragma warning restore CA5350

    private static DateTimeOffset? Time(string text) =>
        DateTimeOffset.TryParseExact(text, ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", "yyyy-MM-dd'T'HH:mm:ss.fff", "yyyy-MM-dd'T'HH:mm:sszzz"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;
}
