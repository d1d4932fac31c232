using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary><c>instance update</c>: flavor, protection, tags, and what the metadata service tells.</summary>
public static class InstanceUpdate
{
    public static void Add(Noun<Instance> noun)
    {
        var (key, flavor, protect, unprotect, tag, untag) = (noun.Key(), new Option<string?>("--flavor") { Description = Messages.Text("option-new-flavor") }, Options.New<bool>("--protect"), Options.New<bool>("--no-protect"), TagOptions.Tag(), TagOptions.Untag());
        var (update, choices) = (new Command("update", Messages.Text("instance-update")) { key, flavor, protect, unprotect, tag, untag }, new MetadataChoices());
        choices.AddTo(update);
        noun.Act(update, async (session, parsed, cancel) =>
        {
            var (endpoint, tokens, hopLimit, tags) = choices.Of(parsed);
            session.Write(await session.Client.PutAsync<UpdateInstance, Instance>(noun.PathOf(parsed.GetValue(key)!), new UpdateInstance(
                parsed.GetValue(flavor), parsed.GetValue(protect) ? true : parsed.GetValue(unprotect) ? false : null, TagOptions.Of(parsed.GetValue(tag), parsed.GetValue(untag)), endpoint, tokens, hopLimit, tags), cancel));
            return ExitCodes.Ok;
        });
    }
}

/// <summary>Tags of resources of any kind, by the ids of these.</summary>
public static class TagCommands
{
    public static Command Make()
    {
        var type = Options.New<string?>("--type");
        var noun = new Noun<TaggedResource>("tag", "tags", one => one.Resource.Id, [new("id", one => one.Resource.Id), new("kind", one => one.Type), new("name", one => one.Resource.Name), new("tags", one => TagOptions.Text(one.Tags))]).ListTagged((type, "type")).Show();
        var (key, tag, untag) = (noun.Key(), TagOptions.Tag(), TagOptions.Untag());
        noun.Act(new Command("update", Messages.Text("tag-update")) { key, tag, untag }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateTags, TaggedResource>(noun.PathOf(parsed.GetValue(key)!), new UpdateTags(TagOptions.Of(parsed.GetValue(tag), parsed.GetValue(untag)) ?? new Dictionary<string, string?>()), cancel));
            return ExitCodes.Ok;
        });
        return noun.Command;
    }
}
