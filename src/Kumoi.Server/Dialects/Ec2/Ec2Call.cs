using System.Security.Cryptography;
using System.Text;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>One action asked for, by whom and with what.</summary>
/// <param name="Endpoint">Host and path that the request came to.</param>
public sealed record Ec2Call(string Action, Caller Caller, Ec2Parameters Parameters, string Endpoint, CancellationToken Cancelled)
{
    // What is not of the request itself: a repeat of it is signed anew.
    private static readonly string[] OfTheSignature = ["AWSAccessKeyId", "Expires", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp"];

    /// <summary>The client's token, under which a repeat gets the first answer; null if there is none.</summary>
    public IdempotencyKey? Once()
    {
        if (Parameters.Text("ClientToken") is not { } token) return null;
        if (token.Length > 64 || token.Any(c => c is < '!' or > '~')) return Parameters.Refuse<IdempotencyKey>(Ec2Fault.Value("ClientToken", token));
        var asked = Parameters.All.Where(one => !OfTheSignature.Contains(one.Key) && !one.Key.StartsWith("X-Amz-", StringComparison.Ordinal)).OrderBy(one => one.Key, StringComparer.Ordinal);
        return new IdempotencyKey($"ec2/{Action}/{token}", SHA256.HashData(Encoding.UTF8.GetBytes(SignatureV4.CanonicalQuery(asked))));
    }
}
