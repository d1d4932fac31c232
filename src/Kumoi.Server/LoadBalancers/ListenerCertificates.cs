using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.LoadBalancers;

/// <summary>A chain and its key, read and written anew, so that nothing but them is passed on.</summary>
/// <param name="Chain">PEM, the listener's own certificate first.</param>
/// <param name="Key">PKCS #8, PEM.</param>
public sealed record CheckedCertificate(string Chain, string Key);

/// <summary>Reads certificates and keys that accounts give to listeners. What the hosts' TLS library would not take is refused here, by field: on a host it would stop the
/// other listeners of the network too.</summary>
public static class ListenerCertificates
{
    private const int TextMax = 64 * 1024, ChainMax = 10, RsaBitsMin = 2048, RsaBitsMax = 8192;

    private const string Rsa = "1.2.840.113549.1.1.1", Ec = "1.2.840.10045.2.1";

    private static readonly string[] Curves = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];

    // Signatures with MD5 and SHA-1 (RFC 4055, RFC 5758).
    private static readonly string[] WeakSignatures = ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];

    public static Result<CheckedCertificate> Read(string prefix, string certificate, string? key, DateTimeOffset now)
    {
        if (key is null) return Failure.Invalid(prefix + "privateKey", "required");
        if (certificate.Length > TextMax) return Failure.Invalid(prefix + "certificate", "too-long", TextMax);
        if (key.Length > TextMax) return Failure.Invalid(prefix + "privateKey", "too-long", TextMax);
        var chain = new X509Certificate2Collection();
        try
        {
            if (!Import(chain, certificate)) return Failure.Invalid(prefix + "certificate", "certificate-pem", ChainMax);
            if (chain.Any(IsWeak)) return Failure.Invalid(prefix + "certificate", "certificate-weak", RsaBitsMin, RsaBitsMax);
            if (chain[0].NotAfter.ToUniversalTime() <= now) return Failure.Invalid(prefix + "certificate", "certificate-expired");
            using var own = ImportKey(key, chain[0].GetKeyAlgorithm());
            if (own is null) return Failure.Invalid(prefix + "privateKey", "private-key-pem");
            // The chain must be the key's: a proof of it is the public half.
            if (!own.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(chain[0].PublicKey.ExportSubjectPublicKeyInfo())) return Failure.Invalid(prefix + "privateKey", "key-of-certificate");
            return new CheckedCertificate(string.Concat(chain.Select(one => one.ExportCertificatePem() + "\n")), own.ExportPkcs8PrivateKeyPem() + "\n");
        }
        finally
        {
            foreach (var one in chain) one.Dispose();
        }
    }

    /// <summary>What can be told of a stored chain: its first certificate's.</summary>
    public static ListenerCertificate Describe(string chain)
    {
        using var own = X509Certificate2.CreateFromPem(chain);
        var names = own.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString())));
        return new ListenerCertificate(own.Subject, [.. names], own.NotAfter.ToUniversalTime(), Convert.ToHexStringLower(SHA256.HashData(own.RawData)));
    }

    private static bool Import(X509Certificate2Collection chain, string text)
    {
        try
        {
            chain.ImportFromPem(text);
            if (chain.Count is < 1 or > ChainMax) return false;
            // Its names are shown with the listener: what cannot be read must be refused now.
            _ = Describe(chain[0].ExportCertificatePem());
            return true;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static bool IsWeak(X509Certificate2 one)
    {
        try
        {
            if (one.SubjectName.RawData.AsSpan().SequenceEqual(one.IssuerName.RawData) is false && WeakSignatures.Contains(one.SignatureAlgorithm.Value)) return true;
            using var rsa = one.GetRSAPublicKey();
            if (rsa is not null) return one.GetKeyAlgorithm() != Rsa || rsa.KeySize is < RsaBitsMin or > RsaBitsMax;
            using var ec = one.GetECDsaPublicKey();
            return ec is null || !IsKnown(ec);
        }
        catch (CryptographicException)
        {
            return true;
        }
    }

    private static AsymmetricAlgorithm? ImportKey(string text, string algorithm)
    {
        AsymmetricAlgorithm key = algorithm == Ec ? ECDsa.Create() : RSA.Create();
        try
        {
            key.ImportFromPem(text);
            // A public key is PEM, too.
            _ = key.ExportPkcs8PrivateKey();
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }

    private static bool IsKnown(ECDsa key) => key.ExportParameters(includePrivateParameters: false).Curve is { IsNamed: true } curve && Curves.Contains(curve.Oid.Value);
}
