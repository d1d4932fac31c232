using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kumoi.Testing;

/// <summary>A real slapd with a few people and groups, over TLS, on a port of its own.</summary>
public sealed partial class LdapServer : IAsyncDisposable
{
    public const string BaseDn = "dc=example,dc=org", AdminDn = "cn=search,dc=example,dc=org", AdminPassword = "search-password";

    private readonly string _directory;
    private Process _process;

    private LdapServer(string directory, Process process, int port) => (_directory, _process, Port) = (directory, process, port);

    public int Port { get; }

    // One for all: libldap reads what it trusts once in a process.
    private static readonly Lazy<(string Certificate, string Key)> Certificate = new(() =>
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var trusted = Path.GetTempFileName();
        File.WriteAllText(trusted, certificate.ExportCertificatePem());
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(trusted);
        if (Setenv("LDAPTLS_CACERT", trusted, 1) != 0) throw new InvalidOperationException("The environment cannot be set.");
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    });

    public static async Task<LdapServer> StartAsync(string entries)
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-ldap-").FullName;
        Directory.CreateDirectory(Path.Combine(directory, "data"));
        var (certificate, key) = Certificate.Value;
        await File.WriteAllTextAsync(Path.Combine(directory, "cert.pem"), certificate);
        await File.WriteAllTextAsync(Path.Combine(directory, "key.pem"), key);
        await File.WriteAllTextAsync(Path.Combine(directory, "slapd.conf"),
            $"""
            include /etc/ldap/schema/core.schema
            include /etc/ldap/schema/cosine.schema
            include /etc/ldap/schema/inetorgperson.schema
            include /etc/ldap/schema/nis.schema
            modulepath /usr/lib/ldap
            moduleload back_mdb
            TLSCertificateFile {directory}/cert.pem
            TLSCertificateKeyFile {directory}/key.pem
            TLSCACertificateFile {directory}/cert.pem
            security simple_bind=128
            access to attrs=userPassword by anonymous auth by * none
            access to * by dn.exact="{AdminDn}" read by * none
            database mdb
            suffix "{BaseDn}"
            directory {directory}/data
            maxsize 16777216
            """);
        await File.WriteAllTextAsync(Path.Combine(directory, "entries.ldif"), entries);
        await RunAsync("/usr/sbin/slapadd", "-f", Path.Combine(directory, "slapd.conf"), "-l", Path.Combine(directory, "entries.ldif"));
        var port = TestCloud.FreePort();
        var server = new LdapServer(directory, Launch(directory, port), port);
        await server.AnswersAsync();
        return server;
    }

    private static Process Launch(string directory, int port) => Process.Start(new ProcessStartInfo("/usr/sbin/slapd", ["-f", Path.Combine(directory, "slapd.conf"), "-h", $"ldaps://127.0.0.1:{port}/", "-d", "0"]))!;

    private Task AnswersAsync() => Wait.UntilAsync(async () =>
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }, what: "slapd answers");

    public async Task StopAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task StartAgainAsync()
    {
        _process.Dispose();
        _process = Launch(_directory, Port);
        await AnswersAsync();
    }

    /// <summary>Changes entries as an administrator of the directory would, while it stands still.</summary>
    public async Task ModifyAsync(string ldif)
    {
        await StopAsync();
        var file = Path.Combine(_directory, "change.ldif");
        await File.WriteAllTextAsync(file, ldif);
        await RunAsync("/usr/sbin/slapmodify", "-f", Path.Combine(_directory, "slapd.conf"), "-l", file);
        await StartAgainAsync();
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program}: {errors}");
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Setenv(string name, string value, int overwrite);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await StopAsync();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
