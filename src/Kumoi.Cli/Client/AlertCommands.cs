using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>What needs somebody, and where that is told: of the account, or with <c>--cloud</c> of the cloud (operators).</summary>
public static class AlertCommands
{
    private static readonly IReadOnlyList<Column<Alert>> Columns =
    [
        new("id", a => a.Id), new("severity", a => a.Severity), new("kind", a => a.Kind), new("state", a => a.State), new("times", a => $"{a.Count}"), new("raised", a => SmallNouns.Time(a.RaisedAt)), new("message", a => a.Message),
    ];

    private static readonly IReadOnlyList<Column<Contact>> ContactColumns =
    [
        new("name", c => c.Name), new("id", c => c.Id), new("kind", c => c.Kind), new("address", c => c.Address), new("severity", c => c.MinimumSeverity), new("kinds", c => c.Kinds.Count == 0 ? "-" : string.Join(", ", c.Kinds)), new("state", c => c.State),
        new("told", c => c.ToldAt is { } at ? SmallNouns.Time(at) : "-"), new("error", c => c.LastError ?? "-"),
    ];

    public static IEnumerable<Command> All() => [Alerts(), Contacts()];

    private static Option<bool> Cloud() => Options.New<bool>("--cloud");

    private static string Path(ParseResult parsed, Option<bool> cloud, string nouns, string? key = null, string? verb = null) =>
        (parsed.GetValue(cloud) ? "cloud-" : "") + nouns + (key is null ? "" : "/" + Uri.EscapeDataString(key)) + (verb is null ? "" : "/" + verb);

    private static Command Alerts()
    {
        var noun = new Noun<Alert>("alert", "alerts", a => a.Id, Columns);
        var (cloud, all, state, severity, kind) = (Cloud(), new Option<bool>("--all") { Description = Messages.Text("option-all-alerts") }, Options.New<string?>("--state"), Options.New<string?>("--severity"), Options.New<string?>("--kind"));
        noun.Act(new Command("list", Messages.Text("alert-list")) { cloud, all, state, severity, kind }, async (session, parsed, cancel) =>
        {
            (string Name, string? Value)[] filters = [("state", parsed.GetValue(state) ?? (parsed.GetValue(all) ? null : "unresolved")), ("severity", parsed.GetValue(severity)), ("kind", parsed.GetValue(kind))];
            var alerts = new List<Alert>();
            await foreach (var alert in session.Client.ListAsync<Alert>(Path(parsed, cloud, "alerts"), string.Join('&', filters.Where(f => f.Value is not null).Select(f => $"{f.Name}={Uri.EscapeDataString(f.Value!)}")), cancel)) alerts.Add(alert);
            session.Write(alerts, Columns);
            return 0;
        });
        var (key, ofCloud) = (noun.Key(), Cloud());
        noun.Act(new Command("show", Messages.Text("verb-show")) { key, ofCloud }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.GetAsync<Alert>(Path(parsed, ofCloud, "alerts", parsed.GetValue(key)), cancel));
            return 0;
        });
        var (keys, noted, forCloud) = (noun.Keys(), Options.New<string?>("--note"), Cloud());
        var acknowledge = new Command("acknowledge", Messages.Text("alert-acknowledge")) { keys, noted, forCloud };
        acknowledge.Aliases.Add("ack");
        noun.Act(acknowledge, async (session, parsed, cancel) =>
        {
            var done = new List<Alert>();
            foreach (var id in parsed.GetValue(keys)!)
                done.Add(await session.Client.PostAsync<AcknowledgeAlert, Alert>(Path(parsed, forCloud, "alerts", id, "acknowledge"), new AcknowledgeAlert(parsed.GetValue(noted)), null, cancel));
            session.Write(done, Columns);
            return 0;
        });
        var (taken, takenCloud) = (noun.Keys(), Cloud());
        noun.Act(new Command("unacknowledge", Messages.Text("alert-unacknowledge")) { taken, takenCloud }, async (session, parsed, cancel) =>
        {
            var done = new List<Alert>();
            foreach (var id in parsed.GetValue(taken)!) done.Add(await session.Client.PostAsync<Alert>(Path(parsed, takenCloud, "alerts", id, "unacknowledge"), cancel));
            session.Write(done, Columns);
            return 0;
        });
        return noun.Command;
    }

    private static Command Contacts()
    {
        var noun = new Noun<Contact>("contact", "contacts", c => c.Name, ContactColumns);
        var listed = Cloud();
        noun.Act(new Command("list", Messages.Text("verb-list")) { listed }, async (session, parsed, cancel) =>
        {
            var contacts = new List<Contact>();
            await foreach (var contact in session.Client.ListAsync<Contact>(Path(parsed, listed, "contacts"), "", cancel)) contacts.Add(contact);
            session.Write(contacts, ContactColumns);
            return 0;
        });
        One("show", "verb-show", (session, parsed, path, cancel) => session.Client.GetAsync<Contact>(path, cancel));
        One("send-code", "contact-send-code", (session, parsed, path, cancel) => session.Client.PostAsync<Contact>(path + "/send-code", cancel));
        var code = new Argument<string>("code") { Description = Messages.Text("argument-contact-code") };
        One("verify", "contact-verify", (session, parsed, path, cancel) => session.Client.PostAsync<VerifyContact, Contact>(path + "/verify", new VerifyContact(parsed.GetValue(code)!), null, cancel), code);
        var hours = new Option<int?>("--keep-former-hours") { Description = Messages.Text("option-subscription-former-hours") };
        var (rotated, rotatedCloud) = (noun.Key(), Cloud());
        noun.Act(new Command("rotate-secret", Messages.Text("subscription-rotate")) { rotated, rotatedCloud, hours }, async (session, parsed, cancel) =>
        {
            var made = await session.Client.PostAsync<RotateSecret, Contact>(Path(parsed, rotatedCloud, "contacts", parsed.GetValue(rotated), "rotate-secret"), new RotateSecret(parsed.GetValue(hours)), null, cancel);
            if (session.Json) session.Write(made);
            else Console.WriteLine(made.Secret);
            return 0;
        });

        var (name, email, webhook, asked, cloud) = (Options.Name(), Options.New<string?>("--email"), Options.New<string?>("--webhook"), Asked.Make(), Cloud());
        var create = asked.AddTo(new Command("create", Messages.Text("verb-create")) { name, email, webhook, cloud });
        create.Validators.Add(result =>
        {
            if (result.GetValue(email) is null == result.GetValue(webhook) is null) result.AddError(Messages.Text("email-or-webhook"));
        });
        noun.Act(create, async (session, parsed, cancel) =>
        {
            var (address, kind) = parsed.GetValue(webhook) is { } url ? (url, "webhook") : (parsed.GetValue(email)!, "email");
            var body = new CreateContact(parsed.GetValue(name)!, address, kind, parsed.GetValue(asked.Severity), asked.KindsIn(parsed), parsed.GetValue(asked.Language), parsed.GetValue(asked.Interval));
            var made = await session.Client.PostAsync<CreateContact, Contact>(Path(parsed, cloud, "contacts"), body, null, cancel);
            session.Write(made);
            if (made.Secret is not null) Console.Error.WriteLine(Messages.Text("contact-secret-once"));
            Console.Error.WriteLine(Messages.Text("contact-code-sent", address));
            return 0;
        });
        var (changed, newName) = (Asked.Make(), Options.New<string?>("--new-name"));
        One("update", "verb-update", (session, parsed, path, cancel) => session.Client.PutAsync<UpdateContact, Contact>(path,
            new UpdateContact(parsed.GetValue(newName), parsed.GetValue(changed.Severity), changed.KindsIn(parsed), parsed.GetValue(changed.Language), parsed.GetValue(changed.Interval)), cancel), newName, changed.Severity, changed.Kinds, changed.Language, changed.Interval);
        var (keys, deleted) = (noun.Keys(), Cloud());
        var delete = new Command("delete", Messages.Text("verb-delete")) { keys, deleted };
        delete.Aliases.Add("rm");
        noun.Act(delete, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!) await session.Client.DeleteAsync(Path(parsed, deleted, "contacts", key), cancel);
            return 0;
        });
        return noun.Command;

        void One(string verb, string text, Func<Session, ParseResult, string, CancellationToken, Task<Contact>> act, params Symbol[] besides)
        {
            var (key, cloud) = (noun.Key(), Cloud());
            var command = new Command(verb, Messages.Text(text)) { key, cloud };
            foreach (var symbol in besides)
            {
                if (symbol is Argument argument) command.Arguments.Add(argument);
                else command.Options.Add((Option)symbol);
            }
            noun.Act(command, async (session, parsed, cancel) =>
            {
                session.Write(await act(session, parsed, Path(parsed, cloud, "contacts", parsed.GetValue(key)), cancel));
                return 0;
            });
        }
    }

    /// <summary>What a contact is told, and how.</summary>
    private sealed record Asked(Option<string?> Severity, Option<string[]> Kinds, Option<string?> Language, Option<int?> Interval)
    {
        public static Asked Make() => new(Options.New<string?>("--minimum-severity"), new Option<string[]>("--kind") { Description = Messages.Text("option-alert-kinds"), AllowMultipleArgumentsPerToken = true }, Options.New<string?>("--language"), Options.New<int?>("--interval-minutes"));

        public Command AddTo(Command command)
        {
            foreach (var option in (Option[])[Severity, Kinds, Language, Interval]) command.Options.Add(option);
            return command;
        }

        /// <summary>None given: as it is, or all; the word all: all.</summary>
        public string[]? KindsIn(ParseResult parsed) => parsed.GetValue(Kinds) switch { null or { Length: 0 } => null, ["all"] => [], var kinds => kinds };
    }
}
