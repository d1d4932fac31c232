using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Server.Accounts;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Finds out who calls, from the request's signature.</summary>
public sealed class Ec2Authentication(AccessKeys keys, LoginThrottle throttle, ServerOptions options, TimeProvider clock)
{
    // Signatures of keys that do not exist are made with it, so that they take as long.
    private static readonly byte[] Nobody = RandomNumberGenerator.GetBytes(40);

    /// <summary>The caller, or why there is none.</summary>
    public async Task<(Caller? Caller, Ec2Fault? Fault)> AuthenticateAsync(HttpContext http, Ec2Request request, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var (claim, fault) = SignatureV4.Read(request, options.Region, now);
        if (claim is null && fault is null) (claim, fault) = SignatureV2.Read(request, now);
        if (claim is null) return (null, fault ?? Ec2Fault.Unauthenticated);
        var address = http.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : http.Connection.RemoteIpAddress;
        // Ids of keys are known to many: whoever guesses from elsewhere does not lock out the one whose key it is. Nor does one program with a wrong secret, that goes on trying, those beside it at
        // the same address: a secret is too long to be guessed by changing the key.
        var guessed = $"access-key:{(claim.KeyId.Length > 64 ? "" : claim.KeyId)}@{address}";
        if (await throttle.CheckAsync(guessed, guessed, cancel) is { } tooMany) return (null, Ec2Errors.Of(tooMany));
        var key = await keys.FindAsync(claim.KeyId, cancel);
        var signed = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(claim.Sign(key?.Secret ?? Nobody)), Encoding.UTF8.GetBytes(claim.Signature));
        if (key is null || !signed)
        {
            await throttle.FailedAsync(guessed, guessed, cancel);
            return (null, key is null ? Ec2Fault.Unauthenticated : new Ec2Fault("SignatureDoesNotMatch", 403, "signature"));
        }
        if (claim.After is { } wrong) return (null, wrong);
        if (key.ExpiresAt <= now || !IsFrom(key.SourceRanges, address)) return (null, Ec2Fault.Unauthenticated);
        await keys.UsedAsync(key, cancel);
        return (key.Caller with { Address = address, RequestId = http.TraceIdentifier, Language = Messages.Choose(http.Request.Headers.AcceptLanguage) }, null);
    }

    private static bool IsFrom(IReadOnlyList<IPNetwork> ranges, IPAddress? address) => ranges.Count == 0 || (address is not null && ranges.Any(range => range.Contains(address)));
}
