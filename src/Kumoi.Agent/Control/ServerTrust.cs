using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kumoi.Agent.Control;

/// <summary>
/// Decides whether the other end of a TLS connection is the cloud's server: its certificate is for the name asked for, for use by servers
/// (a host's certificate of the same authority is not), and ends in the one authority trusted.
/// </summary>
public static class ServerTrust
{
    private static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1");

    /// <summary>Trust in a known authority.</summary>
    public static RemoteCertificateValidationCallback In(X509Certificate2 authority, TimeProvider clock) => (_, certificate, _, errors) =>
        certificate is X509Certificate2 leaf && (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0 && EndsIn(authority, leaf, clock);

    /// <summary>SHA-256 of the certificate (DER), lower-case hex, as join tokens carry it.</summary>
    public static string Fingerprint(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    private static bool EndsIn(X509Certificate2 authority, X509Certificate2 leaf, TimeProvider clock)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(ServerUse);
        chain.ChainPolicy.VerificationTime = clock.GetUtcNow().LocalDateTime;
        return chain.Build(leaf) && leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any();
    }
}
