using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kumoi.Agent.Control;
using Kumoi.Agent.Images;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Tests.Images.Peers;

/// <summary>An authority, and hosts that it made certificates for.</summary>
internal sealed class PeerCloud : IDisposable
{
    public const string HostUse = "1.3.6.1.5.5.7.3.2", ServerUse = "1.3.6.1.5.5.7.3.1";

    private readonly X509Certificate2 _authority = Authority();

    public Identity IdentityOf(string host, string use = HostUse)
    {
        var (key, _) = Identity.NewKey();
        using var pair = ECDsa.Create();
        pair.ImportFromPem(key);
        var request = new CertificateRequest($"CN={host}", pair, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], true));
        var made = request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return new Identity(host, "https://127.0.0.1:1", key, made.ExportCertificatePem(), _authority.ExportCertificatePem(), null);
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Kumoi authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-2), DateTimeOffset.UtcNow.AddDays(2));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    public static DesiredImage Image(byte[] content) => new(Samples.Image, Convert.ToHexStringLower(SHA256.HashData(content)), ImageFormats.Raw, content.Length, content.Length);

    public void Dispose() => _authority.Dispose();
}

/// <summary>A server that has an image, and says where else it is.</summary>
internal sealed class PeerLink(Identity identity, byte[] content) : IServerLink
{
    public ImageSources Sources { get; set; } = new([], true);

    /// <summary>Places in the image from which it was asked for here.</summary>
    public List<long> Asked { get; } = [];

    public Identity? Identity => identity;

    /// <summary>It does not understand the question.</summary>
    public bool IsDumb { get; set; }

    public Task<ImageSources> ImageSourcesAsync(string imageId, CancellationToken cancel) => IsDumb ? Task.FromException<ImageSources>(new IOException("What?")) : Task.FromResult(Sources);

    /// <summary>It does not give it.</summary>
    public bool Breaks { get; set; }

    public Task<HttpResponseMessage> OpenImageAsync(string imageId, long offset, CancellationToken cancel)
    {
        Asked.Add(offset);
        if (Breaks) throw new IOException("The connection was reset.");
        return Task.FromResult(new HttpResponseMessage(offset > 0 ? System.Net.HttpStatusCode.PartialContent : System.Net.HttpStatusCode.OK) { Content = new ByteArrayContent(content[(int)offset..]) });
    }

    public Task<DesiredDocument?> DesiredAsync(long after, CancellationToken cancel) => Task.FromResult<DesiredDocument?>(null);

    public Task<ReportAnswer> ReportAsync(ObservedReport report, CancellationToken cancel) => Task.FromResult(new ReportAnswer(10, 60));

    public Task<WebSocket> OpenConsoleAsync(DesiredConsole console, CancellationToken cancel) => throw new IOException("No consoles here.");

    public Task KeepAsync(CancellationToken stop) => Task.CompletedTask;

    public void Dispose()
    {
    }
}
