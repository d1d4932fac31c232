using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Platform.Security;

/// <summary>
/// The cloud's certificate authority: signs the servers' own certificates and those of hosts. Made by the first server, kept in the
/// database with the key encrypted, so every server has the same.
/// </summary>
public sealed class Authority(Database database, MasterKey masterKey, TimeProvider clock)
{
    private const string Purpose = "authority";
    private const string ServerUse = "1.3.6.1.5.5.7.3.1", ClientUse = "1.3.6.1.5.5.7.3.2";
    internal static readonly TimeSpan ServerLife = TimeSpan.FromDays(30);
    private static readonly TimeSpan HostLife = TimeSpan.FromDays(90), OwnLife = TimeSpan.FromDays(20 * 365);

    private readonly ConditionalWeakTable<X509Certificate2, string> _verified = [];
    private X509Certificate2? _certificate;

    public X509Certificate2 Certificate => _certificate ?? throw new InvalidOperationException("The authority is loaded at start.");

    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Certificate.RawData));

    public async Task LoadAsync(CancellationToken cancel)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Kumoi authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = clock.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddHours(-1), now + OwnLife);
        // Whoever comes second keeps the first one's: the row is there or it is not, never half.
        await database.ExecuteAsync(
            "INSERT INTO authority (certificate, encrypted_key, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", cancel,
            made.ExportCertificatePem(), masterKey.Encrypt(key.ExportPkcs8PrivateKey(), Purpose), now);
        var (pem, sealedKey) = await database.FindAsync(
            "SELECT certificate, encrypted_key FROM authority", row => (row.GetString(0), row.GetFieldValue<byte[]>(1)), cancel);
        using var stored = ECDsa.Create();
        stored.ImportPkcs8PrivateKey(masterKey.Decrypt(sealedKey, Purpose), out _);
        using var bare = X509Certificate2.CreateFromPem(pem);
        _certificate = bare.CopyWithPrivateKey(stored);
    }

    /// <summary>A certificate for this server process, for the names and addresses hosts reach it by.</summary>
    public X509Certificate2 IssueServer(IEnumerable<string> names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kumoi server", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names.Distinct())
        {
            if (IPAddress.TryParse(name, out var address)) alternatives.AddIpAddress(address);
            else alternatives.AddDnsName(name);
        }
        request.CertificateExtensions.Add(alternatives.Build());
        using var issued = Issue(request, ServerUse, ServerLife, Serial([]));
        using var withKey = issued.CopyWithPrivateKey(key);
        // SslStream wants a key that is not only in memory of this object; the round trip through PKCS #12 gives it one.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    // Bytes of a serial number. The first half of one that was got with a join token is a hash of the token's secret and the host's key, the rest is
    // random: serial numbers of an authority are never used twice (RFC 5280, 4.1.2.2).
    private const int SerialBytes = 16, JoinBytes = 8;

    /// <summary>True if both were got with the same join token for the same key.</summary>
    public static bool IsSameJoin(string serial, string other) =>
        serial.Length == 2 * SerialBytes && other.Length == serial.Length && serial.AsSpan(0, 2 * JoinBytes).SequenceEqual(other.AsSpan(0, 2 * JoinBytes));

    private static byte[] Serial(ReadOnlySpan<byte> join)
    {
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        join.CopyTo(serial);
        // A positive number without leading zeros, so that it always has the same length.
        serial[0] = (byte)(serial[0] & 0x7F | 0x40);
        return serial;
    }

    /// <summary>A client certificate for a host, from its PKCS #10 request; only the public key is taken from the request.</summary>
    /// <param name="joinSecret">The secret of the token it joins with; null when a host of the cloud renews.</param>
    public Result<X509Certificate2> IssueHost(string hostId, string requestPem, string? joinSecret)
    {
        CertificateRequest asked;
        try
        {
            asked = CertificateRequest.LoadSigningRequestPem(requestPem, HashAlgorithmName.SHA256);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return Failure.Invalid("certificateRequest", "certificate-request");
        }
        var request = new CertificateRequest(new X500DistinguishedName($"CN={hostId}"), asked.PublicKey, HashAlgorithmName.SHA256);
        var join = joinSecret is null ? [] : HMACSHA256.HashData(Encoding.UTF8.GetBytes(joinSecret), asked.PublicKey.ExportSubjectPublicKeyInfo())[..JoinBytes];
        return Issue(request, ClientUse, HostLife, Serial(join));
    }

    private X509Certificate2 Issue(CertificateRequest request, string usage, TimeSpan life, byte[] serial)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], true));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        var now = clock.GetUtcNow();
        return request.Create(
            Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(Certificate.GetECDsaPrivateKey()!), now.AddHours(-1), now + life, serial);
    }

    /// <summary>
    /// The host of a client certificate signed by this authority and valid now; null for any other. A connection keeps its certificate as
    /// long as it lives, so the signature is looked at once for each.
    /// </summary>
    public string? HostOf(X509Certificate2 certificate)
    {
        var now = clock.GetUtcNow();
        if (now < certificate.NotBefore || now >= certificate.NotAfter) return null;
        // Requests of one connection may come together (HTTP/2).
        if (_verified.TryGetValue(certificate, out var host)) return host;
        return IsSigned(certificate) ? Believe(certificate) : null;
    }

    /// <summary>Notes a client's certificate of which TLS has found already that this authority signed it; returns its host.</summary>
    internal string Believe(X509Certificate2 certificate)
    {
        var host = certificate.GetNameInfo(X509NameType.SimpleName, false);
        _verified.AddOrUpdate(certificate, host);
        return host;
    }

    private bool IsSigned(X509Certificate2 certificate)
    {
        using var chain = new X509Chain { ChainPolicy = ClientPolicy() };
        chain.ChainPolicy.VerificationTime = clock.GetUtcNow().LocalDateTime;
        return chain.Build(certificate);
    }

    /// <summary>What a host's certificate must satisfy: signed by this authority and nobody else, for clients.</summary>
    internal X509ChainPolicy ClientPolicy() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { Certificate }, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true,
        ApplicationPolicy = { new Oid(ClientUse) },
    };
}

/// <summary>This server's certificate, renewed when two thirds of its life are over.</summary>
public sealed class ServerCertificate(Authority authority, IReadOnlyList<string> names, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private X509Certificate2? _certificate;
    private DateTimeOffset _renewAt;

    public X509Certificate2 Current
    {
        get
        {
            lock (_lock)
            {
                if (_certificate is not null && clock.GetUtcNow() < _renewAt) return _certificate;
                // The one before is left to the connections that still use it.
                _certificate = authority.IssueServer(names);
                _renewAt = clock.GetUtcNow() + Authority.ServerLife * (2.0 / 3);
                return _certificate;
            }
        }
    }
}
