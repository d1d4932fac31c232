using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>A listener's certificate and key. They are read and written anew, so that nothing else of what came stands in the file.</summary>
public static class ListenerCertificate
{
    /// <summary>Certificates of one chain. Too low: real chains do not fit; too high: each handshake is long.</summary>
    private const int ChainMax = 10;

    private const int TextMax = 256 * 1024;

    /// <returns>The chain, the listener's own certificate first, and the key, in PEM; null if they cannot be read or do not belong together.</returns>
    public static string? Read(string? certificate, string? key)
    {
        if (certificate is null || key is null || certificate.Length > TextMax || key.Length > TextMax) return null;
        try
        {
            using var own = X509Certificate2.CreateFromPem(certificate, key);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificate);
            if (chain.Count is 0 or > ChainMax || !chain[0].RawDataMemory.Span.SequenceEqual(own.RawDataMemory.Span)) return null;
            using AsymmetricAlgorithm? secret = (AsymmetricAlgorithm?)own.GetRSAPrivateKey() ?? own.GetECDsaPrivateKey();
            if (secret is null) return null;
            var text = new StringBuilder();
            foreach (var one in chain) text.Append(one.ExportCertificatePem()).Append('\n');
            return text.Append(secret.ExportPkcs8PrivateKeyPem()).Append('\n').ToString();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }
}
