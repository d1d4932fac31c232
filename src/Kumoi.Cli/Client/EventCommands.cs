using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>The universal log: read, written out, and how long it is kept.</summary>
public static class EventCommands
{
    private static Option<T> Described<T>(string name, string text) => new(name) { Description = Messages.Text(text) };

    public static Command Make()
    {
        IReadOnlyList<Column<Event>> columns =
            [new("time", e => SmallNouns.Time(e.At)), new("action", e => e.Action), new("resource", e => e.Resource.Name), new("actor", e => e.Actor.Name ?? e.Actor.Kind), new("message", e => e.Message)];
        var noun = new Noun<Event>("event", "events", e => e.Id, columns);
        List(noun, columns);
        Export(noun);
        Retention(noun);
        return noun.Command;
    }

    private static void List(Noun<Event> noun, IReadOnlyList<Column<Event>> columns)
    {
        var limit = new Option<int>("--limit") { Description = Messages.Text("option-limit"), DefaultValueFactory = _ => 50 };
        var (list, query) = Filtered("list", "verb-list");
        list.Options.Add(limit);
        noun.Act(list, async (session, parsed, cancel) =>
        {
            session.Write((await session.Client.GetAsync<Page<Event>>($"events?limit={parsed.GetValue(limit)}{query(parsed)}", cancel)).Items, columns);
            return ExitCodes.Ok;
        });
    }

    private static void Export(Noun<Event> noun)
    {
        var format = Described<string>("--format", "option-event-format");
        format.DefaultValueFactory = _ => "jsonl";
        format.AcceptOnlyFromAmong("jsonl", "csv");
        var (export, query) = Filtered("export", "event-export");
        export.Options.Add(format);
        noun.Act(export, async (session, parsed, cancel) =>
        {
            using var answer = await session.Client.RequestAsync(HttpMethod.Get, $"events/export?format={parsed.GetValue(format)}{query(parsed)}", null, null, cancel);
            await using var output = Console.OpenStandardOutput();
            await (await answer.Content.ReadAsStreamAsync(cancel)).CopyToAsync(output, cancel);
            return ExitCodes.Ok;
        });
    }

    private static void Retention(Noun<Event> noun)
    {
        var (months, always) = (Described<int?>("--months", "option-event-months"), Described<bool>("--for-ever", "option-event-for-ever"));
        noun.Act(new Command("retention", Messages.Text("event-retention")) { months, always }, async (session, parsed, cancel) =>
        {
            var (wanted, all) = (parsed.GetValue(months), parsed.GetValue(always));
            if (wanted is not null && all) throw new UserException("event-months-or-ever");
            session.Write(wanted is null && !all ? await session.Client.GetAsync<EventRetention>("events/retention", cancel)
                : await session.Client.PutAsync<UpdateEventRetention, EventRetention>("events/retention", new UpdateEventRetention(wanted), cancel));
            return ExitCodes.Ok;
        });
    }

    /// <summary>A command with the filters of the log, and what they come to in a query (each with <c>&amp;</c> before it).</summary>
    private static (Command Command, Func<ParseResult, string> Query) Filtered(string name, string text)
    {
        var actions = Described<string[]>("--action", "option-event-action");
        var cloud = Described<bool>("--cloud", "option-event-cloud");
        (Option<string?> Option, string Field)[] filters =
        [
            (Described<string?>("--resource", "option-resource"), "resource"), (Described<string?>("--resource-type", "option-event-resource-type"), "resourceType"), (Described<string?>("--actor", "option-event-actor"), "actor"),
            (Described<string?>("--request-id", "option-event-request"), "requestId"), (Described<string?>("--since", "option-event-since"), "since"), (Described<string?>("--until", "option-event-until"), "until"),
        ];
        var command = new Command(name, Messages.Text(text)) { actions, cloud };
        foreach (var (option, _) in filters) command.Options.Add(option);
        return (command, parsed => string.Concat(
            filters.Select(filter => (filter.Field, Value: parsed.GetValue(filter.Option))).Where(filter => filter.Value is not null)
                .Select(filter => $"&{filter.Field}={Uri.EscapeDataString(filter.Field is "since" or "until" ? Time(filter.Value!) : filter.Value!)}")
                .Concat((parsed.GetValue(actions) ?? []).Select(action => $"&action={Uri.EscapeDataString(action)}")).Append(parsed.GetValue(cloud) ? "&scope=cloud" : "")));
    }

    /// <summary>A time, or how long ago: <c>24h</c>.</summary>
    private static string Time(string text) => Periods.Minutes(text) is { } minutes ? TimeProvider.System.GetUtcNow().AddMinutes(-minutes).ToString("O", System.Globalization.CultureInfo.InvariantCulture) : text;
}
