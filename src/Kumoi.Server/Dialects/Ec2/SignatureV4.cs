using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Who a request says that it is from, and what would prove it.</summary>
/// <param name="Signature">What it is signed with.</param>
/// <param name="Sign">What it must be signed with, from the key's secret.</param>
/// <param name="After">What is wrong with it although it may be signed well: told only to who holds the key.</param>
public sealed record Ec2Claim(string KeyId, string Signature, Func<byte[], string> Sign, Ec2Fault? After)
{
    /// <summary>How far a client's clock may be off.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(15);

    public static Ec2Fault Expired { get; } = new("RequestExpired", 400, "request-expired");

    public static Ec2Fault Incomplete(string what) => new("IncompleteSignature", 400, "incomplete-signature", what);
}

/// <summary>AWS's Signature Version 4, in a header or (presigned) in the query. Pure.</summary>
public static class SignatureV4
{
    private const string Algorithm = "AWS4-HMAC-SHA256", End = "aws4_request", Service = "ec2", Sts = "sts", TimeForm = "yyyyMMdd'T'HHmmss'Z'";

    // Of presigned requests: a week.
    private const int ExpiresMax = 604_800;

    /// <summary>Whose it is; neither if it is not signed this way.</summary>
    public static (Ec2Claim? Claim, Ec2Fault? Fault) Read(Ec2Request request, string region, DateTimeOffset now)
    {
        if (request.Headers.GetValueOrDefault("authorization") is { } header && header.StartsWith(Algorithm, StringComparison.Ordinal)) return ReadHeader(request, header[Algorithm.Length..], region, now);
        return request.Query.Any(one => one.Key == "X-Amz-Algorithm") ? ReadQuery(request, region, now) : default;
    }

    private static (Ec2Claim?, Ec2Fault?) ReadHeader(Ec2Request request, string header, string region, DateTimeOffset now)
    {
        var parts = header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=', 2)).Where(part => part.Length == 2).GroupBy(part => part[0]).ToDictionary(group => group.Key, group => group.First()[1]);
        if (parts.GetValueOrDefault("Credential") is not { } credential || parts.GetValueOrDefault("SignedHeaders") is not { } signed || parts.GetValueOrDefault("Signature") is not { } signature) return (null, Ec2Claim.Incomplete("Authorization"));
        if (Time(request.Headers.GetValueOrDefault("x-amz-date"), request.Headers.GetValueOrDefault("date")) is not { } at) return (null, Ec2Claim.Incomplete("X-Amz-Date"));
        return Claim(request, credential, signed, signature, at, request.Query, region, (now - at).Duration() > Ec2Claim.Skew);
    }

    private static (Ec2Claim?, Ec2Fault?) ReadQuery(Ec2Request request, string region, DateTimeOffset now)
    {
        string? Of(string name) => request.Query.FirstOrDefault(one => one.Key == name).Value;
        if (Of("X-Amz-Algorithm") != Algorithm) return (null, Ec2Claim.Incomplete("X-Amz-Algorithm"));
        if (Of("X-Amz-Credential") is not { } credential || Of("X-Amz-SignedHeaders") is not { } signed || Of("X-Amz-Signature") is not { } signature) return (null, Ec2Claim.Incomplete("X-Amz-Signature"));
        if (Time(Of("X-Amz-Date"), null) is not { } at) return (null, Ec2Claim.Incomplete("X-Amz-Date"));
        if (!int.TryParse(Of("X-Amz-Expires"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds is < 1 or > ExpiresMax) return (null, Ec2Claim.Incomplete("X-Amz-Expires"));
        return Claim(request, credential, signed, signature, at, [.. request.Query.Where(one => one.Key != "X-Amz-Signature")], region, now > at.AddSeconds(seconds) || at - now > Ec2Claim.Skew);
    }

    private static (Ec2Claim?, Ec2Fault?) Claim(
        Ec2Request request, string credential, string signed, string signature, DateTimeOffset at, IReadOnlyList<KeyValuePair<string, string>> query, string region, bool expired)
    {
        if (credential.Split('/') is not [var key, var date, var scopeRegion, var service, End]) return (null, Ec2Claim.Incomplete("Credential"));
        var names = signed.Split(';');
        // What tells where and when must be signed, or it could be changed on the way.
        if (!names.Contains("host") || (request.Headers.ContainsKey("x-amz-date") && !names.Contains("x-amz-date")) || names.Any(name => !request.Headers.ContainsKey(name))) return (null, Ec2Claim.Incomplete("SignedHeaders"));
        var canonical = new StringBuilder().Append(request.Method).Append('\n').Append(request.Path).Append('\n').Append(CanonicalQuery(query)).Append('\n');
        foreach (var name in names) canonical.Append(name).Append(':').Append(request.Headers[name]).Append('\n');
        canonical.Append('\n').Append(signed).Append('\n').Append(Convert.ToHexStringLower(SHA256.HashData(request.Body)));
        var scope = $"{date}/{scopeRegion}/{service}/{End}";
        var text = Encoding.UTF8.GetBytes($"{Algorithm}\n{at.ToString(TimeForm, CultureInfo.InvariantCulture)}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}");
        string Sign(byte[] secret)
        {
            var signing = HMACSHA256.HashData((byte[])[.. "AWS4"u8, .. secret], Encoding.UTF8.GetBytes(date));
            foreach (var part in (string[])[scopeRegion, service, End]) signing = HMACSHA256.HashData(signing, Encoding.UTF8.GetBytes(part));
            return Convert.ToHexStringLower(HMACSHA256.HashData(signing, text));
        }
        var misplaced = scopeRegion != region ? new Ec2Fault("SignatureDoesNotMatch", 403, "wrong-region", region)
            : service != Service && !(service == Sts && request.Parameters().GetValueOrDefault("Action") == nameof(Ec2Identity.GetCallerIdentity)) ? new Ec2Fault("SignatureDoesNotMatch", 403, "wrong-service", Service) : date != at.ToString("yyyyMMdd", CultureInfo.InvariantCulture) ? new Ec2Fault("SignatureDoesNotMatch", 403, "wrong-date") : null;
        return (new Ec2Claim(key, signature, Sign, misplaced ?? (expired ? Ec2Claim.Expired : null)), null);
    }

    private static DateTimeOffset? Time(string? amazon, string? http) =>
        DateTimeOffset.TryParseExact(amazon, TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at
        : amazon is null && DateTimeOffset.TryParseExact(http, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at) ? at : null;

    /// <summary>Names and values encoded anew (RFC 3986) and sorted, so that nothing depends on how a client wrote them.</summary>
    public static string CanonicalQuery(IEnumerable<KeyValuePair<string, string>> query) => string.Join('&', query
        .Select(one => (Name: Uri.EscapeDataString(one.Key), Value: Uri.EscapeDataString(one.Value))).OrderBy(one => one.Name, StringComparer.Ordinal).ThenBy(one => one.Value, StringComparer.Ordinal).Select(one => $"{one.Name}={one.Value}"));
}
