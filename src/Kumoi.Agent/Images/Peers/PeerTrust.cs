using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kumoi.Agent.Images.Peers;

/// <summary>
/// Decides whether the other end of a connection between hosts is a host of this cloud. Both ends show the certificate with which they speak to servers: it is
/// for clients only, so that no host can pass for a server, and what TLS says of its use and name is therefore not asked.
/// </summary>
internal static class PeerTrust
{
    private static readonly Oid ClientUse = new("1.3.6.1.5.5.7.3.2");

    /// <summary>The host that the certificate names; null if the authority did not make it for a host, or its time is over.</summary>
    public static string? HostOf(X509Certificate? certificate, string authorityPem, TimeProvider clock)
    {
        if (certificate is not X509Certificate2 leaf) return null;
        using var authority = X509Certificate2.CreateFromPem(authorityPem);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(ClientUse);
        chain.ChainPolicy.VerificationTime = clock.GetUtcNow().UtcDateTime;
        if (!chain.Build(leaf) || !leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any()) return null;
        return leaf.GetNameInfo(X509NameType.SimpleName, false) is var name && ObjectNames.IsId(name) ? name : null;
    }
}
