using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Client;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Operations;

/// <summary><c>kumoi explain</c>: why a resource is as it is, in sentences.</summary>
public static class ExplainCommand
{
    public static Command Make()
    {
        var key = new Argument<string>("name") { HelpName = "name", Description = Messages.Text("argument-key") };
        var command = new Command("explain", Messages.Text("command-explain")) { key };
        command.SetAction((parsed, cancel) => ExitCodes.TellAsync(async () =>
        {
            using var session = Session.Open(parsed);
            var explanation = await session.Client.GetAsync<Explanation>("explain/" + Uri.EscapeDataString(parsed.GetValue(key)!), cancel);
            if (session.Json) session.Write(explanation);
            else foreach (var line in Lines(explanation)) System.Console.Out.WriteLine(line);
            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>The explanation as lines for people. What is waited for is told even if it is nothing.</summary>
    public static IEnumerable<string> Lines(Explanation explanation)
    {
        var resource = explanation.Resource;
        yield return $"{resource.Type} {resource.Name} ({resource.Id})  {explanation.State}".TrimEnd();
        yield return explanation.Summary + (explanation.ObservedAt is { } at ? $"  [{Messages.Text("explain-observed-at", Time(at))}]" : "");
        foreach (var (title, statements) in new[]
        {
            ("desired", explanation.Desired), ("observed", explanation.Observed), ("waiting-for", explanation.WaitingFor), ("next", explanation.Next), ("placement", explanation.Placement), ("recovery", explanation.Recovery),
        })
        {
            if (statements.Count == 0 && title != "waiting-for") continue;
            yield return "";
            yield return Messages.Text("explain-" + title);
            if (statements.Count == 0) yield return "  " + Messages.Text("explain-nothing");
            foreach (var statement in statements) yield return "  " + statement.Message + When(statement.Since, statement.At);
        }
        if (explanation.Conditions.Count > 0)
        {
            yield return "";
            yield return Messages.Text("explain-conditions");
        }
        foreach (var condition in explanation.Conditions)
        {
            yield return $"  {condition.Message} ({condition.Reason})" + When(condition.Since, condition.NextTryAt);
            if (condition.Detail != condition.Message) yield return "    " + condition.Detail;
        }
        if (explanation.Events.Count > 0)
        {
            yield return "";
            yield return Messages.Text("explain-events");
        }
        foreach (var item in explanation.Events) yield return $"  {Time(item.At)}  {item.Action}  {item.Actor.Name ?? item.Actor.Kind}  {item.Message}".TrimEnd();
    }

    private static string When(DateTimeOffset? since, DateTimeOffset? at)
    {
        string[] parts = [.. since is { } s ? [Messages.Text("explain-since", Time(s))] : Array.Empty<string>(), .. at is { } a ? [Messages.Text("explain-at", Time(a))] : Array.Empty<string>()];
        return parts.Length == 0 ? "" : $"  [{string.Join(", ", parts)}]";
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
