using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Access keys: what programs of other clouds sign their requests with.</summary>
public static class AccessKeyCommands
{
    public static Command Make()
    {
        var noun = new Noun<AccessKey>("access-key", "access-keys", k => k.Name ?? k.Id,
        [
            new("id", k => k.Id), new("name", k => k.Name ?? "-"), new("account", k => k.Account.Name), new("created", k => SmallNouns.Time(k.CreatedAt)),
            new("expires", k => k.ExpiresAt is { } expires ? SmallNouns.Time(expires) : "-"), new("last-used", k => k.LastUsedAt is { } used ? SmallNouns.Time(used) : "-"),
        ]).List().Delete();
        var (name, days, ranges) = (new Option<string?>("--name") { Description = Messages.Text("option-access-key-name") }, Options.New<int?>("--expires-in-days"), Options.Many("--source-range"));
        var create = new Command("create", Messages.Text("access-key-create")) { name, days, ranges };
        Session.AnswersWithVariables(create);
        noun.Act(create, async (session, parsed, cancel) =>
        {
            var made = await session.Client.PostAsync<CreateAccessKey, AccessKeyCreated>(
                "access-keys", new CreateAccessKey(parsed.GetValue(name), parsed.GetValue(days), parsed.GetValue(ranges) is { Length: > 0 } given ? given : null), null, cancel);
            if (parsed.GetValue(Session.Output) == "env") foreach (var line in Variables(made, session.Login.Url)) Console.WriteLine(line);
            else session.Write(made);
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    /// <summary>What the programs of other clouds read. None of the values has a character that a shell would take for its own.</summary>
    public static IReadOnlyList<string> Variables(AccessKeyCreated made, string url) =>
    [
        $"AWS_ACCESS_KEY_ID={made.Id}", $"AWS_SECRET_ACCESS_KEY={made.Secret}", $"AWS_DEFAULT_REGION={made.Region}", $"AWS_REGION={made.Region}", $"AWS_ENDPOINT_URL_EC2={url.TrimEnd('/')}/ec2",
    ];
}
