using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using MimeKit.Text;

namespace Kumoi.Server.Mail;

/// <summary>A connection to the mail server (RFC 5321), encrypted and with its certificate checked (RFC 3207, 8314), authenticated if there is a user.</summary>
public sealed class SmtpDoor : IAsyncDisposable
{
    // Of one answer. Less gives up on servers that look at each sender; more holds up all messages.
    private const int AnswerMilliseconds = 30_000;

    private readonly SmtpClient _client = new() { Timeout = AnswerMilliseconds, CheckCertificateRevocation = false };
    private readonly SmtpOptions _options;

    private SmtpDoor(SmtpOptions options) => _options = options;

    public static async Task<SmtpDoor> OpenAsync(SmtpOptions options, CancellationToken cancel)
    {
        var door = new SmtpDoor(options);
        try
        {
            using var trusted = new Trusted(options.AuthorityFile);
            door._client.ServerCertificateValidationCallback = (_, certificate, chain, errors) => trusted.Believes(certificate, chain, errors);
            var tls = options.Tls switch { SmtpOptions.ImplicitTls => SecureSocketOptions.SslOnConnect, SmtpOptions.NoTls => SecureSocketOptions.None, _ => SecureSocketOptions.StartTls };
            await door._client.ConnectAsync(options.Host, options.Port, tls, cancel);
            if (options.User is { } user) await door._client.AuthenticateAsync(user, (await File.ReadAllTextAsync(options.PasswordFile!, cancel)).Trim(), cancel);
            return door;
        }
        catch
        {
            await door.DisposeAsync();
            throw;
        }
    }

    /// <summary>Hands a message over. It has the same Message-ID each time, so that one that comes twice is known for one.</summary>
    public async Task SendAsync(TakenMail mail, CancellationToken cancel)
    {
        // Addresses were checked when they were written down; what is none cannot become a header or a command here.
        if (!MailAddresses.IsOne(mail.Address)) throw new FormatException("Not an e-mail address.");
        var (from, to) = (new MailboxAddress("Kumoi", _options.From), new MailboxAddress((string?)null, mail.Address));
        using var message = new MimeMessage([from], [to], mail.Subject, new TextPart(TextFormat.Plain) { Text = mail.Body })
        {
            MessageId = $"{mail.Id}@{_options.From.Split('@')[1]}", Date = mail.CreatedAt,
        };
        // No answers of holidays, please (RFC 3834).
        message.Headers.Add("Auto-Submitted", "auto-generated");
        await _client.SendAsync(message, from, [to], cancel);
    }

    /// <summary>True if the mail server said that this message will never do, and not that it cannot take it now.</summary>
    public static bool IsFinal(Exception e) => e is FormatException || e is SmtpCommandException { StatusCode: >= (SmtpStatusCode)500, ErrorCode: SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted };

    /// <summary>True if the connection is of no more use.</summary>
    public bool IsOver => !_client.IsConnected;

    public async ValueTask DisposeAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(AnswerMilliseconds / 6);
            if (_client.IsConnected) await _client.DisconnectAsync(true, limit.Token);
        }
        catch (Exception e) when (e is IOException or ProtocolException or CommandException or OperationCanceledException)
        {
            // It goes without saying goodbye.
        }
        _client.Dispose();
    }

    /// <summary>Which certificates are believed: those that the machine believes, or those of the authorities in a file, and only for the server's own name.</summary>
    private sealed class Trusted(string? file) : IDisposable
    {
        private readonly X509Certificate2Collection _authorities = Load(file);

        private static X509Certificate2Collection Load(string? file)
        {
            var all = new X509Certificate2Collection();
            if (file is not null) all.ImportFromPemFile(file);
            return all;
        }

        public bool Believes(X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
        {
            if (file is null) return errors == SslPolicyErrors.None;
            if (certificate is not X509Certificate2 own || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.DisableCertificateDownloads = true;
            chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
            foreach (var element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>()) chain.ChainPolicy.ExtraStore.Add(element.Certificate);
            return chain.Build(own);
        }

        public void Dispose()
        {
            foreach (var authority in _authorities) authority.Dispose();
        }
    }
}
