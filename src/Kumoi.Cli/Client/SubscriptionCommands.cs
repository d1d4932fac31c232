using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Subscriptions: what happens, handed over to web servers and brokers.</summary>
public static class SubscriptionCommands
{
    private static Option<T> Described<T>(string name, string text) => new(name) { Description = Messages.Text(text) };

    private static Option<string[]> Actions() => new("--action") { Description = Messages.Text("option-subscription-action") };

    public static Command Make()
    {
        var noun = new Noun<Subscription>("subscription", "subscriptions", s => s.Name,
        [
            new("name", s => s.Name), new("id", s => s.Id), new("kind", s => s.Kind), new("scope", s => s.Scope), new("state", s => s.State), new("url", s => s.Url), new("delivered", s => $"{s.Delivered}"),
            new("last-delivered", s => s.LastDeliveredAt is { } time ? SmallNouns.Time(time) : "-"), new("message", s => s.State == "active" ? "" : s.Reason.Length > 0 ? s.Reason : s.LastError ?? ""),
        ]).List().Show().Delete();
        Create(noun);
        Update(noun);
        Test(noun);
        Resume(noun);
        Rotate(noun);
        return noun.Command;
    }

    private static void Create(Noun<Subscription> noun)
    {
        var (name, url, kind, exchange, password, actions, cloud) = (Options.Name(), Described<string>("--url", "option-subscription-url"), Described<string?>("--kind", "option-subscription-kind"), Described<string?>("--exchange", "option-subscription-exchange"),
            Described<string?>("--password-file", "option-subscription-password-file"), Actions(), Described<bool>("--cloud", "option-subscription-cloud"));
        var content = Described<string?>("--content", "option-subscription-content");
        url.Required = true;
        noun.Act(new Command("create", Messages.Text("verb-create")) { name, url, kind, exchange, password, content, actions, cloud }, async (session, parsed, cancel) =>
        {
            var create = new CreateSubscription(parsed.GetValue(name)!, parsed.GetValue(kind) ?? (parsed.GetValue(url)!.StartsWith("amqp", StringComparison.OrdinalIgnoreCase) ? "amqp" : "webhook"), parsed.GetValue(url)!, parsed.GetValue(exchange),
                await PasswordAsync(parsed.GetValue(password), cancel), parsed.GetValue(content), parsed.GetValue(actions), parsed.GetValue(cloud) ? "cloud" : null);
            Tell(session, await session.Client.PostAsync<CreateSubscription, SubscriptionSecret>("subscriptions", create, null, cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Update(Noun<Subscription> noun)
    {
        var (key, name, url, exchange, password, actions, all) = (noun.Key(), Described<string?>("--name", "option-subscription-name"), Described<string?>("--url", "option-subscription-url"), Described<string?>("--exchange", "option-subscription-exchange"),
            Described<string?>("--password-file", "option-subscription-password-file"), Actions(), Described<bool>("--all-actions", "option-subscription-all-actions"));
        var disable = Described<bool>("--disable", "option-subscription-disable");
        noun.Act(new Command("update", Messages.Text("verb-update")) { key, name, url, exchange, password, actions, all, disable }, async (session, parsed, cancel) =>
        {
            var update = new UpdateSubscription(parsed.GetValue(name), parsed.GetValue(url), parsed.GetValue(exchange), await PasswordAsync(parsed.GetValue(password), cancel),
                parsed.GetValue(all) ? [] : parsed.GetValue(actions) is { Length: > 0 } some ? some : null, parsed.GetValue(disable) ? false : null);
            session.Write(await session.Client.PutAsync<UpdateSubscription, Subscription>(noun.PathOf(parsed.GetValue(key)!), update, cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Test(Noun<Subscription> noun)
    {
        var key = noun.Key();
        noun.Act(new Command("test", Messages.Text("subscription-test")) { key }, async (session, parsed, cancel) =>
        {
            var tried = await session.Client.PostAsync<SubscriptionTest>(noun.PathOf(parsed.GetValue(key)!) + "/test", cancel);
            session.Write(tried);
            return tried.Delivered ? ExitCodes.Ok : ExitCodes.Failed;
        });
    }

    private static void Resume(Noun<Subscription> noun)
    {
        var (key, from) = (noun.Key(), Described<string?>("--from", "option-subscription-from"));
        noun.Act(new Command("resume", Messages.Text("subscription-resume")) { key, from }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<ResumeSubscription, Subscription>(noun.PathOf(parsed.GetValue(key)!) + "/resume", new ResumeSubscription(parsed.GetValue(from)), null, cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Rotate(Noun<Subscription> noun)
    {
        var (key, hours) = (noun.Key(), Described<int?>("--keep-former-hours", "option-subscription-former-hours"));
        noun.Act(new Command("rotate-secret", Messages.Text("subscription-rotate")) { key, hours }, async (session, parsed, cancel) =>
        {
            Tell(session, await session.Client.PostAsync<RotateSecret, SubscriptionSecret>(noun.PathOf(parsed.GetValue(key)!) + "/rotate-secret", new RotateSecret(parsed.GetValue(hours)), null, cancel));
            return ExitCodes.Ok;
        });
    }

    /// <summary>For people the secret alone, so that it goes into a file; where there is none, the subscription.</summary>
    private static void Tell(Session session, SubscriptionSecret made)
    {
        if (session.Json) session.Write(made);
        else if (made.Secret is { } secret) Console.WriteLine(secret);
        else session.Write(made.Subscription);
    }

    private static async Task<string?> PasswordAsync(string? file, CancellationToken cancel) => file is null ? null : await Passwords.ReadFileAsync(file, cancel);
}
