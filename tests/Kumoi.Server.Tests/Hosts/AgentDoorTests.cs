using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Security;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Hosts;

/// <summary>Goal: who is no host of this cloud gets nothing at the agents' door, and cannot hold it shut for those who are.</summary>
public sealed class AgentDoorTests
{
    private const string ClientUse = "1.3.6.1.5.5.7.3.2", ServerUse = "1.3.6.1.5.5.7.3.1";

    [Fact]
    public async Task Connections_that_never_begin_their_handshake_do_not_keep_a_host_out()
    {
        await using var cloud = await TestCloud.StartAsync();
        var stalled = new List<TcpClient>();
        try
        {
            // Several times the places there are.
            for (var i = 0; i < 64 * Environment.ProcessorCount; i++)
            {
                var client = new TcpClient();
                stalled.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, cloud.AgentUrl.Port);
            }
            using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
            Assert.Equal(HttpStatusCode.OK, await host.ReportAsync());
            Assert.All(stalled, client => Assert.True(client.Connected));
        }
        finally
        {
            foreach (var client in stalled) client.Dispose();
        }
    }

    public enum Forged
    {
        Selfsigned,
        OtherAuthority,
        ServersUse,
        Expired,
        NotYetValid,
    }

    [Theory]
    [InlineData(Forged.Selfsigned)]
    [InlineData(Forged.OtherAuthority)]
    [InlineData(Forged.ServersUse)]
    [InlineData(Forged.Expired)]
    [InlineData(Forged.NotYetValid)]
    public async Task A_certificate_that_names_a_host_and_is_not_its_own_opens_nothing(Forged how)
    {
        await using var cloud = await TestCloud.StartAsync();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        var authority = cloud.Services.GetRequiredService<Authority>().Certificate;
        using var sound = Forge(host.Id, authority, null);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(cloud, sound));
        using var forged = Forge(host.Id, authority, how);
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(cloud, forged));
    }

    private static async Task<HttpStatusCode> AskAsync(TestCloud cloud, X509Certificate2 certificate)
    {
        using var http = FakeHost.Client(cloud, certificate);
        using var answer = await http.PostAsJsonAsync("/agent/v1/desired", new DesiredQuestion(-1, 0, new Dictionary<string, long>()), ApiJson.Default.DesiredQuestion);
        return answer.StatusCode;
    }

    /// <summary>A client's certificate for a host, with one thing wrong; with nothing wrong it is as good as the host's own.</summary>
    private static X509Certificate2 Forge(string hostId, X509Certificate2 authority, Forged? how)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={hostId}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(how == Forged.ServersUse ? ServerUse : ClientUse)], true));
        var now = TimeProvider.System.GetUtcNow();
        var (from, to) = how switch { Forged.Expired => (now.AddHours(-2), now.AddMinutes(-1)), Forged.NotYetValid => (now.AddHours(1), now.AddHours(2)), _ => (now.AddMinutes(-1), now.AddHours(1)) };
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signer = how == Forged.OtherAuthority ? other : authority.GetECDsaPrivateKey()!;
        using var issued = how == Forged.Selfsigned ? request.CreateSelfSigned(from, to)
            : request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), from, to, RandomNumberGenerator.GetBytes(12));
        if (how == Forged.Selfsigned) return X509CertificateLoader.LoadPkcs12(issued.Export(X509ContentType.Pkcs12), null);
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }
}
