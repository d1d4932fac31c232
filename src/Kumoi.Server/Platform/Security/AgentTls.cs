using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kumoi.Server.Platform.Security;

/// <summary>
/// TLS of the agents' door. What handshakes have in common is made once for each certificate of this server, since thousands of hosts come
/// back together after a restart: the chain that is sent, OpenSSL's context, and whom to build a client's chain to.
/// </summary>
public sealed class AgentTls(Authority authority, ServerCertificate certificate)
{
    private readonly Lock _gate = new();
    private (X509Certificate2 Certificate, SslServerAuthenticationOptions Options)? _made;

    /// <summary>For the next handshake.</summary>
    public SslServerAuthenticationOptions Options
    {
        get
        {
            var current = certificate.Current;
            lock (_gate)
            {
                if (_made is not { } made || made.Certificate != current) _made = made = (current, Make(current));
                return made.Options;
            }
        }
    }

    private SslServerAuthenticationOptions Make(X509Certificate2 current) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(current, additionalCertificates: null, offline: true),
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        // One connection carries an agent's questions and its reports; consoles come over HTTP/1.1.
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        // A certificate is asked for, and each route checks it: joining has none yet.
        ClientCertificateRequired = true,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority.Certificate }, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true,
            ApplicationPolicy = { new Oid(Authority.ClientUse) },
        },
#pragma warning disable CA5359 // Deliberate: a client's certificate is believed by no route before the authority has verified it.
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
    };
}
