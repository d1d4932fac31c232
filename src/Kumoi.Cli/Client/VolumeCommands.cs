using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Volumes, their types, and the pools that they are in.</summary>
public static class VolumeCommands
{
    public static IEnumerable<Command> All() => [Volumes(), Types(), Pools()];

    private static Command Volumes()
    {
        var noun = new Noun<Volume>("volume", "volumes", v => v.Name,
        [
            new("name", v => v.Name), new("id", v => v.Id), new("state", WorkText.StateOf), new("size", v => $"{v.SizeGib} GiB"), new("used", v => LoadBalancerText.Bytes(v.UsedBytes)), new("pool", v => v.Pool.Name), new("encrypted", v => Messages.Text(v.Encrypted ? "yes" : "no")),
            new("instance", v => v.Instance?.Name ?? "-"), new("tags", v => TagOptions.Text(v.Tags)),
        ]).ListTagged((Options.New<string?>("--state"), "state"), (Options.New<string?>("--instance"), "instance"), (new Option<string?>("--pool") { Description = Messages.Text("option-volume-pool") }, "pool")).Show();
        Create(noun);
        Attach(noun);
        Detach(noun);
        Resize(noun);
        Update(noun);
        Delete(noun);
        MoveCommands.AddTo(noun);
        SnapshotCommands.AddTo(noun);
        StrayCommands.AddRecover(noun);
        return noun.Command;
    }

    private static (Option<bool> Wait, Option<int> Timeout) Wait(Command command)
    {
        var (wait, timeout) = (Options.New<bool>("--wait"), Options.Timeout());
        command.Add(wait);
        command.Add(timeout);
        return (wait, timeout);
    }

    private static Option<int?> Size(bool required) => Sizes.Option("--size", "option-size", required);

    private static async Task<Volume> ReachAsync(Noun<Volume> noun, Session session, Volume volume, string state, ParseResult parsed, (Option<bool> Wait, Option<int> Timeout) wait, CancellationToken cancel) =>
        !parsed.GetValue(wait.Wait) ? volume : await Waiting.ForAsync<Volume>(session.Client, noun.PathOf(volume.Id), state, now => WorkText.Describe(now, TimeProvider.System.GetUtcNow()), parsed.GetValue(wait.Timeout), cancel);

    private static void Create(Noun<Volume> noun)
    {
        var (name, size, pool, type, image, snapshot, delete) = (Options.Name(), Size(required: false), new Option<string?>("--pool") { Description = Messages.Text("option-volume-pool") }, new Option<string?>("--type") { Description = Messages.Text("option-volume-type") },
            new Option<string?>("--image") { Description = Messages.Text("option-from-image") }, Options.New<string?>("--from-snapshot"), Options.New<bool>("--delete-on-termination"));
        var (source, tag) = (Options.New<string?>("--from-volume"), TagOptions.Tag());
        var create = new Command("create", Messages.Text("verb-create")) { name, size, pool, type, image, snapshot, source, delete, tag };
        var wait = Wait(create);
        noun.Act(create, async (session, parsed, cancel) =>
        {
            var made = await session.Client.PostAsync<CreateVolume, Volume>("volumes", new CreateVolume(
                parsed.GetValue(name)!, parsed.GetValue(size), parsed.GetValue(pool), parsed.GetValue(type), parsed.GetValue(image), parsed.GetValue(delete), parsed.GetValue(snapshot), TagOptions.Of(parsed.GetValue(tag)), parsed.GetValue(source)), Guid.CreateVersion7().ToString(), cancel);
            session.Write(await ReachAsync(noun, session, made, "available", parsed, wait, cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Attach(Noun<Volume> noun)
    {
        var (key, instance, slot, delete) = (noun.Key(), new Argument<string>("instance") { Description = Messages.Text("argument-instance") }, Options.New<int?>("--slot"), Options.New<bool?>("--delete-on-termination"));
        var attach = new Command("attach", Messages.Text("volume-attach")) { key, instance, slot, delete };
        var wait = Wait(attach);
        noun.Act(attach, async (session, parsed, cancel) =>
        {
            var volume = await session.Client.PostAsync<AttachVolume, Volume>(
                noun.PathOf(parsed.GetValue(key)!) + "/attach", new AttachVolume(parsed.GetValue(instance)!, parsed.GetValue(slot), parsed.GetValue(delete)), Guid.CreateVersion7().ToString(), cancel);
            session.Write(await ReachAsync(noun, session, volume, "in-use", parsed, wait, cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Detach(Noun<Volume> noun)
    {
        var keys = noun.Keys();
        var detach = new Command("detach", Messages.Text("volume-detach")) { keys };
        var wait = Wait(detach);
        noun.Act(detach, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!)
            {
                var volume = await session.Client.PostAsync<Volume>(noun.PathOf(key) + "/detach", cancel);
                await ReachAsync(noun, session, volume, "available", parsed, wait, cancel);
            }
            return ExitCodes.Ok;
        });
    }

    private static void Resize(Noun<Volume> noun)
    {
        var (key, size) = (noun.Key(), Size(required: true));
        var resize = new Command("resize", Messages.Text("volume-resize")) { key, size };
        var wait = Wait(resize);
        noun.Act(resize, async (session, parsed, cancel) =>
        {
            var volume = await session.Client.PutAsync<UpdateVolume, Volume>(noun.PathOf(parsed.GetValue(key)!), new UpdateVolume(null, parsed.GetValue(size), null, null), cancel);
            session.Write(await ReachAsync(noun, session, volume, volume.Instance is null ? "available" : "in-use", parsed, wait, cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Update(Noun<Volume> noun)
    {
        var (key, name, type, delete) = (noun.Key(), new Option<string?>("--name") { Description = Messages.Text("option-new-name") }, new Option<string?>("--type") { Description = Messages.Text("option-volume-type") }, Options.New<bool?>("--delete-on-termination"));
        var (tag, untag) = (TagOptions.Tag(), TagOptions.Untag());
        noun.Act(new Command("update", Messages.Text("volume-update")) { key, name, type, delete, tag, untag }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateVolume, Volume>(noun.PathOf(parsed.GetValue(key)!), new UpdateVolume(parsed.GetValue(name), null, parsed.GetValue(type), parsed.GetValue(delete), TagOptions.Of(parsed.GetValue(tag), parsed.GetValue(untag))), cancel));
            return ExitCodes.Ok;
        });
    }

    private static void Delete(Noun<Volume> noun)
    {
        var keys = noun.Keys();
        var delete = new Command("delete", Messages.Text("verb-delete")) { keys };
        delete.Aliases.Add("rm");
        var wait = Wait(delete);
        noun.Act(delete, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!)
            {
                var volume = await session.Client.GetAsync<Volume>(noun.PathOf(key), cancel);
                await session.Client.DeleteAsync(noun.PathOf(volume.Id), cancel);
                if (volume.Snapshots > 0) Session.Errors.WriteLine(Messages.Text("volume-snapshots-stay", volume.Name, volume.Snapshots));
                if (parsed.GetValue(wait.Wait))
                    await Waiting.UntilGoneAsync<Volume>(session.Client, noun.PathOf(volume.Id), now => Task.FromResult(WorkText.Describe(now, TimeProvider.System.GetUtcNow())), parsed.GetValue(wait.Timeout), cancel);
            }
            return ExitCodes.Ok;
        });
    }

    private static Command Types()
    {
        var (name, iops, mib, encrypted) = (Options.Name(), Options.New<int?>("--iops"), Options.New<int?>("--mib-per-second"), Options.New<bool>("--encrypted"));
        return new Noun<VolumeType>("volume-type", "volume-types", t => t.Name, [new("name", t => t.Name), new("id", t => t.Id), new("iops", t => t.Iops?.ToString(CultureInfo.InvariantCulture) ?? "-"), new("bandwidth", t => t.MibPerSecond is { } rate ? $"{rate} MiB/s" : "-"), new("encrypted", t => Messages.Text(t.Encrypted ? "yes" : "no"))])
            .List().Show().Create<CreateVolumeType, VolumeType>(c => { c.Add(name); c.Add(iops); c.Add(mib); c.Add(encrypted); }, p => new CreateVolumeType(p.GetValue(name)!, p.GetValue(iops), p.GetValue(mib), p.GetValue(encrypted))).Delete().Command;
    }

    private static Command Pools()
    {
        var noun = new Noun<Pool>("pool", "pools", p => p.Name,
        [
            new("name", p => p.Name), new("id", p => p.Id), new("driver", p => p.Driver), new("shared", p => Messages.Text(p.Shared ? "yes" : "no")), new("default", p => Messages.Text(p.Default ? "yes" : "no")), new("protocol", p => p.Protocol),
            new("capacity", p => p.Stores is { } stores ? $"{stores.Sum(s => s.AllocatedGib)} / {stores.Sum(s => (long)s.CapacityGib)} GiB" : "-"),
        ]).List().Show();
        var (key, @default, maintenance, overcommit, warn, accounts) = (noun.Key(), new Option<bool>("--default") { Description = Messages.Text("option-default-pool") }, new Option<bool?>("--maintenance") { Description = Messages.Text("option-pool-maintenance") }, Options.New<double?>("--overcommit"),
            Options.New<int?>("--warn-percent"), new Option<string[]>("--for-account") { Description = Messages.Text("option-pool-accounts") });
        var protocol = new Option<string?>("--protocol") { Description = Messages.Text("option-pool-protocol") };
        noun.Act(new Command("update", Messages.Text("pool-update")) { key, @default, maintenance, overcommit, warn, accounts, protocol }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdatePool, Pool>(noun.PathOf(parsed.GetValue(key)!), new UpdatePool(
                parsed.GetValue(@default) ? true : null, parsed.GetValue(maintenance), parsed.GetValue(overcommit), parsed.GetValue(warn), parsed.GetValue(accounts) switch { null or [] => null, ["all"] => [], var some => some }, parsed.GetValue(protocol)), cancel));
            return ExitCodes.Ok;
        });
        MoveCommands.AddTo(noun);
        return noun.Command;
    }
}
