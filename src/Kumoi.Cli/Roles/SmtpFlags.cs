using System.CommandLine;
using Kumoi.Cli.Client;
using Kumoi.Cli.Local;
using Kumoi.Server.Mail;

namespace Kumoi.Cli.Roles;

/// <summary>The options of a server that name its mail server.</summary>
public sealed record SmtpFlags(Option<string?> Host, Option<int?> Port, Option<string> Tls, Option<string?> User, Option<string?> PasswordFile, Option<string?> From, Option<string?> AuthorityFile)
{
    public static SmtpFlags AddTo(Command command)
    {
        var tls = Options.New<string>("--smtp-tls");
        tls.DefaultValueFactory = _ => SmtpOptions.StartTls;
        tls.AcceptOnlyFromAmong(SmtpOptions.TlsAll);
        var flags = new SmtpFlags(Options.New<string?>("--smtp-host"), Options.New<int?>("--smtp-port"), tls, Options.New<string?>("--smtp-user"), Options.New<string?>("--smtp-password-file"), Options.New<string?>("--smtp-from"), Options.New<string?>("--smtp-authority-file"));
        foreach (var option in (Option[])[flags.Host, flags.Port, flags.Tls, flags.User, flags.PasswordFile, flags.From, flags.AuthorityFile]) command.Options.Add(option);
        return flags;
    }

    /// <summary>Null without a mail server.</summary>
    public SmtpOptions? Read(ParseResult parsed) => parsed.GetValue(Host) is not { } host ? null : new SmtpOptions(
        host, parsed.GetValue(Port) ?? SmtpOptions.PortOf(parsed.GetValue(Tls)!), parsed.GetValue(Tls)!, parsed.GetValue(User), parsed.GetValue(PasswordFile), parsed.GetValue(From) ?? throw new UserException("smtp-from-missing"), parsed.GetValue(AuthorityFile));
}
