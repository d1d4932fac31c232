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

    /// <summary>
    /// Trust in a known authority, over connections whose chains are built by the policy of <see cref="ChainTo"/>. A certificate that the
    /// system's clock finds valid must be so by the agent's too.
    /// </summary>
    public static RemoteCertificateValidationCallback In(TimeProvider clock) => (_, certificate, _, errors) =>
        errors == SslPolicyErrors.None && certificate is X509Certificate2 leaf && leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any() && IsCurrent(leaf, clock.GetUtcNow());

    /// <summary>How a server's chain is built: to the one authority, for use by servers, and without asking anyone.</summary>
    public static X509ChainPolicy ChainTo(X509Certificate2 authority) => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true,
        ApplicationPolicy = { ServerUse },
    };

    /// <summary>SHA-256 of the certificate (DER), lower-case hex, as join tokens carry it.</summary>
    public static string Fingerprint(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    private static bool IsCurrent(X509Certificate2 leaf, DateTimeOffset now) => new DateTimeOffset(leaf.NotBefore) <= now && now <= new DateTimeOffset(leaf.NotAfter);
}
