using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary><c>login</c>, <c>logout</c>, <c>whoami</c>, <c>password</c>.</summary>
public static class LoginCommands
{
    public static IEnumerable<Command> All() => [Login(), Logout(), WhoAmI(), Password()];

    private static Command Login()
    {
        var (user, url, stdin) = (Options.Required<string>("--user"), Options.New<string?>("--url"), Passwords.FromStandardInput());
        var login = new Command("login", Messages.Text("command-login")) { user, url, stdin };
        login.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            var local = CloudLayout.FromEnvironment();
            var address = parsed.GetValue(url) ?? Environment.GetEnvironmentVariable("KUMOI_URL") ?? ClientConfig.Read().Choose()?.Url ?? local.Url.ToString();
            if (!Uri.TryCreate(address, UriKind.Absolute, out var where) || where.Scheme is not ("http" or "https")) throw new UserException("url-invalid", address);
            await KeepAsync(where, parsed.GetValue(user)!, Passwords.Ask(parsed.GetValue(stdin), confirm: false), where == local.Url ? local.State : null, cancel);
            Console.Error.WriteLine(Messages.Text("logged-in", parsed.GetValue(user), where));
            return ExitCodes.Ok;
        }));
        return login;
    }

    /// <summary>Logs in and keeps the token for later commands.</summary>
    public static async Task KeepAsync(Uri url, string user, string password, string? state, CancellationToken cancel)
    {
        using var client = new KumoiClient(url, null, Messages.Language);
        var made = await client.PostAsync<Login, TokenCreated>("tokens", new Login(user, password), null, cancel);
        ClientConfig.Keep(new LoginContext($"{url.Host}-{url.Port}", url.ToString(), user, made.Token, state));
    }

    private static Command Logout()
    {
        var logout = new Command("logout", Messages.Text("command-logout"));
        logout.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            using var session = Session.Open(parsed);
            await session.Client.DeleteAsync("tokens/current", cancel);
            ClientConfig.Forget(session.Login.Name);
            return ExitCodes.Ok;
        }));
        return logout;
    }

    private static Command WhoAmI()
    {
        var who = new Command("whoami", Messages.Text("command-whoami"));
        who.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            using var session = Session.Open(parsed);
            session.Write(await session.Client.GetAsync<Self>("users/me", cancel));
            return ExitCodes.Ok;
        }));
        return who;
    }

    private static Command Password()
    {
        var password = new Command("password", Messages.Text("command-password"));
        password.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            using var session = Session.Open(parsed);
            var current = Passwords.Ask(false, confirm: false);
            await session.Client.PutAsync("users/me/password", new ChangePassword(current, Passwords.Ask(false, confirm: true)), cancel);
            return ExitCodes.Ok;
        }));
        return password;
    }
}
