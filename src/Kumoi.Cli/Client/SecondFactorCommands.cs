using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;
using QRCoder;

namespace Kumoi.Cli.Client;

/// <summary>Signing in with a one-time password besides.</summary>
public static class SecondFactorCommands
{
    private const string Path = "users/me/second-factor";

    public static Command Make()
    {
        var noun = new Command("second-factor", Messages.Text("noun-second-factor"));
        var show = new Command("show", Messages.Text("verb-show"));
        Session.Bind(show, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.GetAsync<SecondFactor>(Path, cancel));
            return 0;
        });
        var enable = new Command("enable", Messages.Text("second-factor-enable"));
        Session.Bind(enable, async (session, parsed, cancel) =>
        {
            var secret = await session.Client.PostAsync<BeginSecondFactor, SecondFactorSecret>(Path, new BeginSecondFactor(Passwords.Ask(false, confirm: false)), null, cancel);
            // For the eyes of whoever sits there; programs read the address below it.
            if (!Console.IsErrorRedirected) Console.Error.WriteLine(Picture(secret.Uri));
            Console.Error.WriteLine(Messages.Text("second-factor-secret", secret.Secret, secret.Uri));
            var codes = await session.Client.PostAsync<ConfirmSecondFactor, RecoveryCodes>(Path + "/confirm", new ConfirmSecondFactor(Passwords.AskCode()), null, cancel);
            Console.Error.WriteLine(Messages.Text("second-factor-codes"));
            if (session.Json) session.Write(codes);
            else foreach (var code in codes.Codes) Console.WriteLine(code);
            return 0;
        });
        var disable = new Command("disable", Messages.Text("second-factor-disable"));
        Session.Bind(disable, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<EndSecondFactor, SecondFactor>(Path + "/end", new EndSecondFactor(Passwords.Ask(false, confirm: false), Passwords.AskCode()), null, cancel));
            return 0;
        });
        noun.Subcommands.Add(show);
        noun.Subcommands.Add(enable);
        noun.Subcommands.Add(disable);
        return noun;
    }

    private static string Picture(string text)
    {
        using var data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.L);
        using var picture = new AsciiQRCode(data);
        return picture.GetGraphicSmall();
    }
}
