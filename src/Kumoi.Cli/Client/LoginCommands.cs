using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary><c>login</c>, <c>logout</c>, <c>whoami</c>, <c>password</c>.</summary>
public static class LoginCommands
{
    public static IEnumerable<Command> All() => [Login(), Logout(), WhoAmI(), Password(), SecondFactorCommands.Make()];

    private static Command Login()
    {
        var (user, url, stdin, code) = (Options.New<string?>("--user"), Options.New<string?>("--url"), Passwords.FromStandardInput(), Options.New<string?>("--code"));
        var (provider, paste) = (Options.New<string?>("--provider"), Options.New<bool>("--paste"));
        var login = new Command("login", Messages.Text("command-login")) { user, provider, url, stdin, code, paste };
        login.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            var local = CloudLayout.FromEnvironment();
            var address = parsed.GetValue(url) ?? Environment.GetEnvironmentVariable("KUMOI_URL") ?? ClientConfig.Read().Choose()?.Url ?? local.Url.ToString();
            if (!Uri.TryCreate(address, UriKind.Absolute, out var where) || where.Scheme is not ("http" or "https")) throw new UserException("url-invalid", address);
            var state = where == local.Url ? local.State : null;
            var name = (parsed.GetValue(user), parsed.GetValue(provider)) switch
            {
                ({ } known, null) => await KeepAsync(where, known, Passwords.Ask(parsed.GetValue(stdin), confirm: false), parsed.GetValue(code), state, cancel),
                // Over ssh the browser is on another machine, as a rule.
                (null, { } by) => await KeepAsync(where, by, parsed.GetValue(paste) || Environment.GetEnvironmentVariable("SSH_CONNECTION") is { Length: > 0 }, state, cancel),
                _ => throw new UserException("login-user-or-provider"),
            };
            Console.Error.WriteLine(Messages.Text("logged-in", name, where));
            return ExitCodes.Ok;
        }));
        return login;
    }

    private static async Task<string> KeepAsync(Uri url, string provider, bool paste, string? state, CancellationToken cancel)
    {
        using var client = new KumoiClient(url, null, Messages.Language);
        var made = await ProviderLogin.RunAsync(client, provider, paste, cancel);
        ClientConfig.Keep(new LoginContext($"{url.Host}-{url.Port}", url.ToString(), made.User.Name, made.Token, state));
        return made.User.Name;
    }

    /// <summary>Logs in and keeps the token for later commands.</summary>
    public static async Task<string> KeepAsync(Uri url, string user, string password, string? code, string? state, CancellationToken cancel)
    {
        using var client = new KumoiClient(url, null, Messages.Language);
        TokenCreated made;
        try
        {
            made = await client.PostAsync<Login, TokenCreated>("tokens", new Login(user, password, code), null, cancel);
        }
        catch (ProblemException e) when (e.Problem.Code == "second-factor-required" && !System.Console.IsInputRedirected)
        {
            made = await client.PostAsync<Login, TokenCreated>("tokens", new Login(user, password, Passwords.AskCode()), null, cancel);
        }
        ClientConfig.Keep(new LoginContext($"{url.Host}-{url.Port}", url.ToString(), user, made.Token, state));
        return user;
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
