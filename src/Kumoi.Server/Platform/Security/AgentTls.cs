using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Kumoi.Server.Platform.Security;

/// <summary>
/// TLS of the agents' door. What handshakes have in common is made once for each certificate of this server, since thousands of hosts come
/// back together after a restart: the chain that is sent, OpenSSL's context, and whom to build a client's chain to.
/// </summary>
public sealed class AgentTls(Authority authority, ServerCertificate certificate, TimeProvider clock)
{
    /// <summary>Of all connections of this door.</summary>
    public HandshakeGate Gate { get; } = new(clock);

    private readonly Lock _lock = new();
    private (X509Certificate2 Certificate, SslServerAuthenticationOptions Options)? _made;

    /// <summary>For the next handshake.</summary>
    public SslServerAuthenticationOptions Options
    {
        get
        {
            var current = certificate.Current;
            lock (_lock)
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
        CertificateChainPolicy = authority.ClientPolicy(),
#pragma warning disable CA5359 // Deliberate: a client without a certificate, or with a wrong one, may join; each other route asks for a host's.
        RemoteCertificateValidationCallback = Look,
#pragma warning restore CA5359
    };

    private bool Look(object connection, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        // The chain was built just now; the first request need not do it again.
        if (errors == SslPolicyErrors.None && certificate is X509Certificate2 sound) authority.Believe(sound);
        return true;
    }
}
