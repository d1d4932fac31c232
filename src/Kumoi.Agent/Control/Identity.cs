using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Control;

/// <summary>Who this host is to its cloud: id, key, certificate, and the one authority it trusts. One file, readable by root alone.</summary>
/// <param name="Url">Address of the agent API at which the host joined.</param>
/// <param name="Servers">Addresses of all servers, as last heard; null if none were named.</param>
public sealed record Identity(string HostId, string Url, string PrivateKey, string Certificate, string Authority, IReadOnlyList<string>? Servers)
{
    /// <summary>The stored identity; null if the host has not joined.</summary>
    public static Identity? Load(AgentPaths paths) =>
        File.Exists(FileOf(paths)) ? JsonSerializer.Deserialize(File.ReadAllBytes(FileOf(paths)), IdentityJson.Default.Identity) : null;

    public void Save(AgentPaths paths)
    {
        DurableFiles.MakeDirectory(paths.State, AgentModes.Passable);
        DurableFiles.MakeDirectory(paths.Identity, AgentModes.PrivateDirectory);
        DurableFiles.Write(FileOf(paths), JsonSerializer.SerializeToUtf8Bytes(this, IdentityJson.Default.Identity), AgentModes.PrivateFile);
    }

    /// <summary>The certificate with its key, in the form TLS wants.</summary>
    public X509Certificate2 WithKey() => X509Certificate2.CreateFromPem(Certificate, PrivateKey);

    /// <summary>When a new certificate should be asked for: after two thirds of this one's life, so that a server away for weeks costs nothing.</summary>
    public DateTimeOffset RenewAt()
    {
        using var certificate = X509Certificate2.CreateFromPem(Certificate);
        DateTimeOffset from = certificate.NotBefore, until = certificate.NotAfter;
        return from + (until - from) * 2 / 3;
    }

    /// <summary>A fresh key and a request for a certificate of it (PKCS #10, PEM). The key never leaves the host.</summary>
    public static (string PrivateKey, string Request) NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = key.ExportPkcs8PrivateKeyPem();
        return (pem, RequestFor(pem));
    }

    /// <summary>A request for a certificate of a key.</summary>
    public static string RequestFor(string privateKey)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(privateKey);
        return new CertificateRequest("CN=kumoi host", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
    }

    private static string FileOf(AgentPaths paths) => Path.Combine(paths.Identity, "identity.json");
}

[JsonSerializable(typeof(Identity))]
internal sealed partial class IdentityJson : JsonSerializerContext;
