using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>What is in an instance's CD drive.</summary>
public static class InstanceCdCommands
{
    public static void Add(Noun<Instance> noun)
    {
        var image = new Argument<string>("image") { Description = Messages.Text("argument-cd-image") };
        Change(noun, "attach-cd", [image], (session, path, parsed, cancel) => session.Client.PostAsync<AttachCd, Instance>(path, new AttachCd(parsed.GetValue(image)!), null, cancel));
        Change(noun, "detach-cd", [], (session, path, _, cancel) => session.Client.DeleteAsync<Instance>(path, cancel));
    }

    private static void Change(Noun<Instance> noun, string verb, IEnumerable<Argument<string>> more, Func<Session, string, ParseResult, CancellationToken, Task<Instance>> change)
    {
        var (key, wait, timeout) = (noun.Key(), Options.New<bool>("--wait"), Options.Timeout());
        var command = new Command(verb, Messages.Text("instance-" + verb)) { key, wait, timeout };
        foreach (var argument in more) command.Arguments.Add(argument);
        noun.Act(command, async (session, parsed, cancel) =>
        {
            var instance = await change(session, noun.PathOf(parsed.GetValue(key)!) + "/cd", parsed, cancel);
            // A guest that does not run has it from its next start on.
            if (parsed.GetValue(wait)) instance = await Waiting.ForAsync<Instance>(session.Client, noun.PathOf(instance.Id), instance.Desired, InstanceCommands.Describe, parsed.GetValue(timeout), cancel);
            session.Write(instance);
            return ExitCodes.Ok;
        });
    }
}
