using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Snapshots: taken of volumes and of instances, shown, renamed, deleted, and put back.</summary>
public static class SnapshotCommands
{
    private static readonly Column<Snapshot>[] Columns =
    [
        new("name", s => s.Name), new("id", s => s.Id), new("state", s => s.State), new("volume", s => s.Volume.Name), new("size", s => $"{s.SizeGib} GiB"), new("used", s => LoadBalancerText.Bytes(s.UsedBytes)),
        new("taken", s => s.TakenAt is { } at ? SmallNouns.Time(at) : "-"), new("consistency", s => s.Consistency ?? "-"), new("instance", s => s.Instance?.Name ?? "-"), new("tags", s => TagOptions.Text(s.Tags)),
    ];

    public static Command Make()
    {
        var noun = new Noun<Snapshot>("snapshot", "snapshots", s => s.Name, Columns).ListTagged((Options.New<string?>("--state"), "state"), (new Option<string?>("--volume") { Description = Messages.Text("option-of-volume") }, "volume"),
            (Options.New<string?>("--instance"), "instance"), (Options.New<string?>("--name"), "name")).Show();
        Update(noun);
        Delete(noun);
        return noun.Command;
    }

    private static void Update(Noun<Snapshot> noun)
    {
        var (key, name, description) = (noun.Key(), new Option<string?>("--name") { Description = Messages.Text("option-new-name") }, Options.New<string?>("--description"));
        var (tag, untag) = (TagOptions.Tag(), TagOptions.Untag());
        noun.Act(new Command("update", Messages.Text("snapshot-update")) { key, name, description, tag, untag }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateSnapshot, Snapshot>(noun.PathOf(parsed.GetValue(key)!), new UpdateSnapshot(parsed.GetValue(name), parsed.GetValue(description), TagOptions.Of(parsed.GetValue(tag), parsed.GetValue(untag))), cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Delete(Noun<Snapshot> noun)
    {
        var (keys, wait, timeout) = (noun.Keys(), Options.New<bool>("--wait"), Options.Timeout());
        var delete = new Command("delete", Messages.Text("verb-delete")) { keys, wait, timeout };
        delete.Aliases.Add("rm");
        noun.Act(delete, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!)
            {
                var snapshot = await session.Client.GetAsync<Snapshot>(noun.PathOf(key), cancel);
                await session.Client.DeleteAsync(noun.PathOf(snapshot.Id), cancel);
                if (!parsed.GetValue(wait)) continue;
                // What takes its time is done to its volume.
                await Waiting.UntilGoneAsync<Snapshot>(session.Client, noun.PathOf(snapshot.Id),
                    async now => WorkText.Describe(await session.Client.GetAsync<Volume>("volumes/" + now.Volume.Id, cancel), TimeProvider.System.GetUtcNow()), parsed.GetValue(timeout), cancel);
            }
            return ExitCodes.Ok;
        });
    }

    /// <summary><c>volume snapshot</c> and <c>volume restore</c>.</summary>
    public static void AddTo(Noun<Volume> noun)
    {
        var (key, name, description, wait, timeout) = (noun.Key(), new Argument<string>("snapshot") { Description = Messages.Text("argument-new-snapshot") }, Options.New<string?>("--description"), Options.New<bool>("--wait"), Options.Timeout());
        var tag = TagOptions.Tag();
        noun.Act(new Command("snapshot", Messages.Text("volume-snapshot")) { key, name, description, wait, timeout, tag }, async (session, parsed, cancel) =>
        {
            var taken = await session.Client.PostAsync<CreateSnapshot, Snapshot>(noun.PathOf(parsed.GetValue(key)!) + "/snapshots", new CreateSnapshot(parsed.GetValue(name)!, parsed.GetValue(description), TagOptions.Of(parsed.GetValue(tag))), Guid.CreateVersion7().ToString(), cancel);
            session.Write(parsed.GetValue(wait) ? await TakenAsync(session, taken, parsed.GetValue(timeout), cancel) : taken);
            return ExitCodes.Ok;
        });
        Restore(noun);
    }

    private static void Restore(Noun<Volume> noun)
    {
        var (key, snapshot, wait, timeout) = (noun.Key(), new Argument<string>("snapshot") { Description = Messages.Text("argument-snapshot") }, Options.New<bool>("--wait"), Options.Timeout());
        noun.Act(new Command("restore", Messages.Text("volume-restore")) { key, snapshot, wait, timeout }, async (session, parsed, cancel) =>
        {
            var volume = await session.Client.PostAsync<RestoreVolume, Volume>(noun.PathOf(parsed.GetValue(key)!) + "/restore", new RestoreVolume(parsed.GetValue(snapshot)!), Guid.CreateVersion7().ToString(), cancel);
            if (parsed.GetValue(wait))
                volume = await Waiting.ForAsync<Volume>(session.Client, noun.PathOf(volume.Id), volume.Instance is null ? "available" : "in-use", now => WorkText.Describe(now, TimeProvider.System.GetUtcNow()), parsed.GetValue(timeout), cancel);
            session.Write(volume);
            return ExitCodes.Ok;
        });
    }

    /// <summary><c>instance snapshot</c>: one of each volume, of one moment.</summary>
    public static void AddTo(Noun<Instance> noun)
    {
        var (key, name, description, wait, timeout) = (noun.Key(), new Argument<string>("snapshot") { Description = Messages.Text("argument-new-snapshots") }, Options.New<string?>("--description"), Options.New<bool>("--wait"), Options.Timeout());
        var tag = TagOptions.Tag();
        noun.Act(new Command("snapshot", Messages.Text("instance-snapshot")) { key, name, description, wait, timeout, tag }, async (session, parsed, cancel) =>
        {
            var taken = (await session.Client.PostAsync<CreateSnapshot, Page<Snapshot>>(
                noun.PathOf(parsed.GetValue(key)!) + "/snapshots", new CreateSnapshot(parsed.GetValue(name)!, parsed.GetValue(description), TagOptions.Of(parsed.GetValue(tag))), Guid.CreateVersion7().ToString(), cancel)).Items.ToList();
            if (parsed.GetValue(wait))
                for (var i = 0; i < taken.Count; i++) taken[i] = await TakenAsync(session, taken[i], parsed.GetValue(timeout), cancel);
            session.Write(taken, Columns);
            return ExitCodes.Ok;
        });
    }

    private static Task<Snapshot> TakenAsync(Session session, Snapshot snapshot, int timeout, CancellationToken cancel) =>
        Waiting.ForAsync<Snapshot>(session.Client, "snapshots/" + snapshot.Id, "available", now => now.Conditions.Count > 0 ? $"{now.State}: {now.Conditions[0].Message}" : now.State, timeout, cancel);
}
