using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kumoi.Server.Tests.LoadBalancers;

/// <summary>Certificates and keys of every kind that a listener may be given.</summary>
public static class Certificates
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    public static (string Chain, string Key) Good { get; } = Ec("lb.example", ECCurve.NamedCurves.nistP256, Now.AddDays(30));

    public static (string Chain, string Key) Other { get; } = Ec("other.example", ECCurve.NamedCurves.nistP384, Now.AddDays(30));

    public static (string Chain, string Key) Expired { get; } = Ec("old.example", ECCurve.NamedCurves.nistP256, Now.AddDays(-1));

    public static (string Chain, string Key) RsaGood { get; } = OfRsa(2048);

    public static (string Chain, string Key) RsaShort { get; } = OfRsa(1024);

    public static string EncryptedKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000));
    }

    public static string PublicKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportSubjectPublicKeyInfoPem();
    }

    /// <summary>A certificate that another signed with SHA-1.</summary>
    public static (string Chain, string Key) Sha1()
    {
        using var authority = RSA.Create(2048);
        using var key = RSA.Create(2048);
        var name = new X500DistinguishedName("CN=authority");
        var request = new CertificateRequest("CN=weak.example", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.Create(name, new Sha1Signatures(authority), Now.AddDays(-2), Now.AddDays(30), [1, 2, 3]);
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private sealed class Sha1Signatures(RSA key) : X509SignatureGenerator
    {
        // AlgorithmIdentifier of sha1WithRSAEncryption (RFC 3279).
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00];

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

        protected override PublicKey BuildPublicKey() => new(key);
    }

    private static (string, string) Ec(string name, ECCurve curve, DateTimeOffset until)
    {
        using var key = ECDsa.Create(curve);
        return Make(new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256), name, until, key.ExportECPrivateKeyPem());
    }

    private static (string, string) OfRsa(int bits)
    {
        using var key = RSA.Create(bits);
        return Make(new CertificateRequest("CN=rsa.example", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), "rsa.example", Now.AddDays(30), key.ExportRSAPrivateKeyPem());
    }

    private static (string, string) Make(CertificateRequest request, string name, DateTimeOffset until, string key)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(System.Net.IPAddress.Parse("10.0.0.1"));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(Now.AddDays(-2), until);
        return (certificate.ExportCertificatePem(), key);
    }
}
