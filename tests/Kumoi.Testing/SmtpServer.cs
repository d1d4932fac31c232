using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kumoi.Server.Mail;
using MimeKit;

namespace Kumoi.Testing;

/// <summary>
/// A real mail server (aiosmtpd) with TLS and authentication, on a port of its own; what it takes is in a Maildir. It knows no mailbox <c>nobody@</c>, has no time for <c>later@</c> the first time, and hangs up on
/// <c>cut@</c> the first time once it has the message, as one does that is killed then.
/// </summary>
public sealed class SmtpServer : IAsyncDisposable
{
    public const string User = "kumoi", Password = "mail-password", From = "cloud@example.org";

    private const string Program =
        """
        import asyncio, ssl, sys
        from aiosmtpd.handlers import Mailbox
        from aiosmtpd.smtp import SMTP, AuthResult

        directory, port, tls, user, password = sys.argv[1:6]
        seen = set()

        class Handler(Mailbox):
            async def handle_RCPT(self, server, session, envelope, address, options):
                if address.startswith("nobody@"):
                    return "550 5.1.1 There is no such mailbox"
                if address.startswith("later@") and address not in seen:
                    seen.add(address)
                    return "451 4.7.1 Come again later"
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                answer = await super().handle_DATA(server, session, envelope)
                for address in envelope.rcpt_tos:
                    if address.startswith("cut@") and address not in seen:
                        seen.add(address)
                        server.transport.abort()
                return answer

        def authenticate(server, session, envelope, mechanism, data):
            right = (data.login.decode(), data.password.decode()) == (user, password)
            return AuthResult(success=right, handled=False)

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(directory + "/cert.pem", directory + "/key.pem")
        handler = Handler(directory + "/mail")
        secure = dict(tls_context=context, require_starttls=True) if tls == "starttls" else dict(auth_require_tls=False)
        auth = dict(authenticator=authenticate, auth_required=True) if tls != "none" else {}

        async def main():
            server = await asyncio.get_running_loop().create_server(
                lambda: SMTP(handler, hostname="mail.example.org", **secure, **auth), "127.0.0.1", int(port), ssl=context if tls == "tls" else None)
            await server.serve_forever()

        asyncio.run(main())
        """;

    private readonly string _directory;
    private readonly string _tls;
    private readonly string _password;
    private Process? _process;

    private SmtpServer(string directory, string tls, string password, int port) => (_directory, _tls, _password, Port) = (directory, tls, password, port);

    public int Port { get; }

    public SmtpOptions Options => new("127.0.0.1", Port, _tls, _tls == SmtpOptions.NoTls ? null : User, _tls == SmtpOptions.NoTls ? null : Path.Combine(_directory, "password"), From, Path.Combine(_directory, "cert.pem"));

    /// <param name="name">What its certificate is for.</param>
    public static async Task<SmtpServer> StartAsync(string tls = SmtpOptions.StartTls, string password = Password, string name = "127.0.0.1", bool started = true)
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-smtp-").FullName;
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=mail.example.org", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(directory, "cert.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(directory, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(Path.Combine(directory, "password"), Password + "\n");
        await File.WriteAllTextAsync(Path.Combine(directory, "smtpd.py"), Program);
        var server = new SmtpServer(directory, tls, password, TestCloud.FreePort());
        if (started) await server.StartAgainAsync();
        return server;
    }

    public async Task StartAgainAsync()
    {
        _process = Process.Start(new ProcessStartInfo("/usr/bin/python3", [Path.Combine(_directory, "smtpd.py"), _directory, Port.ToString(System.Globalization.CultureInfo.InvariantCulture), _tls, User, _password]))!;
        await Wait.UntilAsync(async () =>
        {
            if (_process.HasExited) throw new InvalidOperationException("The mail server did not start.");
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
        }, what: "the mail server answers");
    }

    /// <summary>Ends it as a crash would.</summary>
    public async Task StopAsync()
    {
        if (_process is null) return;
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>What it took, in the order in which it did.</summary>
    public IReadOnlyList<ReceivedMail> Messages => [.. Files.Select(file => MimeMessage.Load(file)).Select(mail => new ReceivedMail(mail.To.Mailboxes.Single().Address, mail.Subject!, mail.TextBody!, mail.MessageId!, mail.Headers["Auto-Submitted"]))];

    /// <summary>Where it puts what it took, a file for each message.</summary>
    public string Mailbox => Path.Combine(_directory, "mail", "new");

    /// <summary>The same as it came over the wire.</summary>
    public IReadOnlyList<string> Raw => [.. Files.Select(File.ReadAllText)];

    private IEnumerable<string> Files => Directory.Exists(Mailbox) ? new DirectoryInfo(Mailbox).GetFiles().OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal).Select(file => file.FullName) : [];

    public IReadOnlyList<ReceivedMail> To(string address) => [.. Messages.Where(mail => mail.To == address)];

    public Task ArrivedAsync(string address, int count) => Wait.UntilAsync(() => Task.FromResult(To(address).Count >= count), what: $"{count} messages to {address}");

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>A message as its reader sees it.</summary>
public sealed record ReceivedMail(string To, string Subject, string TextBody, string MessageId, string? AutoSubmitted);
