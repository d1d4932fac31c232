namespace Kumoi.Server.Mail;

/// <summary>The mail server that takes this cloud's messages.</summary>
/// <param name="Tls"><c>starttls</c>: the connection begins in clear and must become encrypted before anything is said; <c>tls</c>: encrypted from the first byte; <c>none</c>: in clear, without a user unless it is this machine.</param>
/// <param name="User">Null: without authentication.</param>
/// <param name="PasswordFile">Read at each connection, so that it can be changed.</param>
/// <param name="From">Address that messages come from.</param>
/// <param name="AuthorityFile">Certificates (PEM) of authorities to be believed instead of the machine's.</param>
public sealed record SmtpOptions(string Host, int Port, string Tls, string? User, string? PasswordFile, string From, string? AuthorityFile)
{
    public const string StartTls = "starttls", ImplicitTls = "tls", NoTls = "none";

    public static readonly string[] TlsAll = [StartTls, ImplicitTls, NoTls];

    public static int PortOf(string tls) => tls switch { ImplicitTls => 465, StartTls => 587, _ => 25 };

    /// <summary>What is wrong, one sentence each; empty if nothing.</summary>
    public IEnumerable<string> Validate()
    {
        if (Uri.CheckHostName(Host) == UriHostNameType.Unknown) yield return $"The mail server {Host} must be a host name or an address.";
        if (Port is < 1 or > 65535) yield return "The mail server's port must be 1 to 65535.";
        if (!TlsAll.Contains(Tls)) yield return $"The mail server's TLS must be one of: {string.Join(", ", TlsAll)}.";
        if (!MailAddresses.IsOne(From)) yield return $"{From} is not an e-mail address that messages could come from.";
        if ((User is null) != (PasswordFile is null)) yield return "The mail server's user and the file of its password are given together.";
        if (Tls == NoTls && User is not null && !IsHere) yield return "A password is not sent to another machine in clear: use starttls or tls.";
        foreach (var file in new[] { PasswordFile, AuthorityFile })
            if (file is not null && !File.Exists(file)) yield return $"The file {file} does not exist.";
    }

    private bool IsHere => Host == "localhost" || System.Net.IPAddress.TryParse(Host, out var address) && System.Net.IPAddress.IsLoopback(address);
}
