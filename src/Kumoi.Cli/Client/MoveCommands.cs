using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Volumes that move to other places, and pools that are emptied.</summary>
public static class MoveCommands
{
    /// <summary><c>volume move</c> and <c>volume cancel-move</c>.</summary>
    public static void AddTo(Noun<Volume> noun)
    {
        var (key, pool, host, wait, timeout) = (noun.Key(), new Option<string?>("--pool") { Description = Messages.Text("option-move-pool") }, new Option<string?>("--host") { Description = Messages.Text("option-move-host") }, Options.New<bool>("--wait"), Options.Timeout());
        noun.Act(new Command("move", Messages.Text("volume-move")) { key, pool, host, wait, timeout }, async (session, parsed, cancel) =>
        {
            var volume = await session.Client.PostAsync<MoveVolume, Volume>(noun.PathOf(parsed.GetValue(key)!) + "/move", new MoveVolume(parsed.GetValue(pool), parsed.GetValue(host)), Guid.CreateVersion7().ToString(), cancel);
            // One that has no place yet has none in its new pool either.
            if (parsed.GetValue(wait) && volume.Host is not null)
                volume = await Waiting.ForAsync<Volume>(session.Client, noun.PathOf(volume.Id), volume.Instance is null ? "available" : "in-use", now => WorkText.Describe(now, TimeProvider.System.GetUtcNow()), parsed.GetValue(timeout), cancel);
            session.Write(volume);
            return ExitCodes.Ok;
        });
        var given = noun.Key();
        noun.Act(new Command("cancel-move", Messages.Text("volume-cancel-move")) { given }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<Volume>(noun.PathOf(parsed.GetValue(given)!) + "/cancel-move", cancel));
            return ExitCodes.Ok;
        });
    }

    /// <summary><c>pool drain</c>.</summary>
    public static void AddTo(Noun<Pool> noun)
    {
        var (key, to) = (noun.Key(), new Option<string?>("--to") { Description = Messages.Text("option-drain-to") });
        noun.Act(new Command("drain", Messages.Text("pool-drain")) { key, to }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<DrainPool, Pool>(noun.PathOf(parsed.GetValue(key)!) + "/drain", new DrainPool(parsed.GetValue(to)), null, cancel));
            return ExitCodes.Ok;
        });
    }
}
