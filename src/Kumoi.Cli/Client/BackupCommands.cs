using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Backups: made of volumes, shown, verified, restored, given up and deleted; and the stores that they are in.</summary>
public static class BackupCommands
{
    private static readonly Column<Backup>[] Columns =
    [
        new("name", b => b.Name), new("id", b => b.Id), new("state", b => b.Work is { } work && WorkText.Percent(work) is { } percent ? $"{b.State} {percent} %" : b.State), new("kind", b => b.Kind), new("volume", b => b.Volume.Name),
        new("size", b => $"{b.SizeGib} GiB"), new("stored", b => LoadBalancerText.Bytes(b.StoredBytes)), new("taken", b => b.TakenAt is { } at ? SmallNouns.Time(at) : "-"), new("store", b => b.Store.Name),
    ];

    public static IEnumerable<Command> All() => [Backups(), Schedules(), Stores()];

    private static Command Backups()
    {
        var noun = new Noun<Backup>("backup", "backups", b => b.Name, Columns).List((Options.New<string?>("--state"), "state"), (new Option<string?>("--volume") { Description = Messages.Text("option-of-volume") }, "volume"), (Options.New<string?>("--name"), "name")).Show();
        Create(noun);
        Restore(noun);
        Verify(noun);
        Cancel(noun);
        Delete(noun);
        return noun.Command;
    }

    private static void Create(Noun<Backup> noun)
    {
        var (volume, name, incremental, store, wait, timeout) = (new Argument<string>("volume") { Description = Messages.Text("argument-volume") }, new Option<string?>("--name") { Description = Messages.Text("option-backup-name") },
            Options.New<bool>("--incremental"), new Option<string?>("--store") { Description = Messages.Text("option-to-backup-store") }, Options.New<bool>("--wait"), Options.Timeout());
        noun.Act(new Command("create", Messages.Text("backup-create")) { volume, name, incremental, store, wait, timeout }, async (session, parsed, cancel) =>
        {
            var made = await session.Client.PostAsync<CreateBackup, Backup>(
                $"volumes/{Uri.EscapeDataString(parsed.GetValue(volume)!)}/backups", new CreateBackup(parsed.GetValue(name), parsed.GetValue(incremental), parsed.GetValue(store)), Guid.CreateVersion7().ToString(), cancel);
            if (parsed.GetValue(wait)) made = await Waiting.ForAsync<Backup>(session.Client, noun.PathOf(made.Id), "available", Describe, parsed.GetValue(timeout), cancel);
            if (parsed.GetValue(incremental) && made.Kind == "full" && made.Conditions is [var why, ..]) Session.Errors.WriteLine(why.Message);
            session.Write(made);
            return ExitCodes.Ok;
        });
    }

    private static void Restore(Noun<Backup> noun)
    {
        var (key, to, pool, size, wait, timeout) = (noun.Key(), new Option<string>("--to") { Description = Messages.Text("option-restore-to"), Required = true }, new Option<string?>("--pool") { Description = Messages.Text("option-volume-pool") },
            Sizes.Option("--size", "option-size", required: false), Options.New<bool>("--wait"), Options.Timeout());
        noun.Act(new Command("restore", Messages.Text("backup-restore")) { key, to, pool, size, wait, timeout }, async (session, parsed, cancel) =>
        {
            var volume = await session.Client.PostAsync<RestoreBackup, Volume>(
                noun.PathOf(parsed.GetValue(key)!) + "/restore", new RestoreBackup(parsed.GetValue(to)!, parsed.GetValue(pool), parsed.GetValue(size)), Guid.CreateVersion7().ToString(), cancel);
            if (parsed.GetValue(wait))
                volume = await Waiting.ForAsync<Volume>(session.Client, "volumes/" + volume.Id, "available", now => WorkText.Describe(now, TimeProvider.System.GetUtcNow()), parsed.GetValue(timeout), cancel);
            session.Write(volume);
            return ExitCodes.Ok;
        });
    }

    private static void Verify(Noun<Backup> noun)
    {
        var (key, wait, timeout) = (noun.Key(), Options.New<bool>("--wait"), Options.Timeout());
        noun.Act(new Command("verify", Messages.Text("backup-verify")) { key, wait, timeout }, async (session, parsed, cancel) =>
        {
            var backup = await session.Client.PostAsync<Backup>(noun.PathOf(parsed.GetValue(key)!) + "/verify", cancel);
            if (parsed.GetValue(wait)) backup = await Waiting.ForAsync<Backup>(session.Client, noun.PathOf(backup.Id), "verified", Describe, parsed.GetValue(timeout), cancel);
            session.Write(backup);
            if (backup.Conditions.FirstOrDefault(condition => condition.Reason == "backup-damaged") is not { } damaged) return ExitCodes.Ok;
            Session.Errors.WriteLine(damaged.Message);
            return ExitCodes.Failed;
        });
    }

    private static void Cancel(Noun<Backup> noun)
    {
        var keys = noun.Keys();
        noun.Act(new Command("cancel", Messages.Text("backup-cancel")) { keys }, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!) await session.Client.PostAsync<Backup>(noun.PathOf(key) + "/cancel", cancel);
            return ExitCodes.Ok;
        });
    }

    private static void Delete(Noun<Backup> noun)
    {
        var (keys, wait, timeout) = (noun.Keys(), Options.New<bool>("--wait"), Options.Timeout());
        var delete = new Command("delete", Messages.Text("verb-delete")) { keys, wait, timeout };
        delete.Aliases.Add("rm");
        noun.Act(delete, async (session, parsed, cancel) =>
        {
            foreach (var key in parsed.GetValue(keys)!)
            {
                var backup = await session.Client.GetAsync<Backup>(noun.PathOf(key), cancel);
                await session.Client.DeleteAsync(noun.PathOf(backup.Id), cancel);
                if (parsed.GetValue(wait)) await Waiting.UntilGoneAsync<Backup>(session.Client, noun.PathOf(backup.Id), now => Task.FromResult(Describe(now)), parsed.GetValue(timeout), cancel);
            }
            return ExitCodes.Ok;
        });
    }

    private static string Describe(Backup backup) =>
        backup.Work is { } work ? $"{backup.State}: {WorkText.Of(work, TimeProvider.System.GetUtcNow())}" : backup.Conditions.Count > 0 ? $"{backup.State}: {backup.Conditions[0].Message}" : backup.State;

    private static Command Schedules()
    {
        var noun = new Noun<BackupSchedule>("backup-schedule", "backup-schedules", s => s.Name,
        [
            new("name", s => s.Name), new("id", s => s.Id), new("volume", s => s.Volume.Name), new("every", s => s.EveryMinutes is { } minutes ? Periods.Text(minutes) : $"{s.At} {s.TimeZone}"),
            new("keep", s => s.Keep is { } keep ? keep.ToString(CultureInfo.InvariantCulture) : $"{s.KeepDays}d"), new("next", s => s.Enabled ? SmallNouns.Time(s.NextAt) : "-"),
        ]).List((new Option<string?>("--volume") { Description = Messages.Text("option-of-volume") }, "volume")).Show();
        var (name, volume, every, at, zone) = (Options.Name(), new Option<string>("--volume") { Description = Messages.Text("argument-volume"), Required = true }, Options.New<string?>("--every"), Options.New<string?>("--at"), Options.New<string?>("--time-zone"));
        var (keep, days, full, store) = (Options.New<int?>("--keep"), Options.New<int?>("--keep-days"), Options.New<int?>("--full-every"), new Option<string?>("--store") { Description = Messages.Text("option-to-backup-store") });
        noun.Act(new Command("create", Messages.Text("backup-schedule-create")) { name, volume, every, at, zone, keep, days, full, store }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<CreateBackupSchedule, BackupSchedule>("backup-schedules", new CreateBackupSchedule(
                parsed.GetValue(name)!, parsed.GetValue(volume)!, parsed.GetValue(every) is { } period ? Periods.Minutes(period) ?? throw new UserException("bad-period", period) : null, parsed.GetValue(at), parsed.GetValue(zone),
                parsed.GetValue(keep), parsed.GetValue(days), parsed.GetValue(full), parsed.GetValue(store)), Guid.CreateVersion7().ToString(), cancel));
            return ExitCodes.Ok;
        });
        var (key, enabled, newKeep, newDays, newFull) = (noun.Key(), Options.New<bool?>("--enabled"), Options.New<int?>("--keep"), Options.New<int?>("--keep-days"), Options.New<int?>("--full-every"));
        noun.Act(new Command("update", Messages.Text("backup-schedule-update")) { key, enabled, newKeep, newDays, newFull }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateBackupSchedule, BackupSchedule>(
                noun.PathOf(parsed.GetValue(key)!), new UpdateBackupSchedule(parsed.GetValue(enabled), parsed.GetValue(newKeep), parsed.GetValue(newDays), parsed.GetValue(newFull)), cancel));
            return ExitCodes.Ok;
        });
        return noun.Delete().Command;
    }

    private static Command Stores() => new Noun<BackupStore>("backup-store", "backup-stores", s => s.Name,
    [
        new("name", s => s.Name), new("id", s => s.Id), new("driver", s => s.Driver), new("shared", s => Messages.Text(s.Shared ? "yes" : "no")),
        new("capacity", s => s.Places is { } places ? $"{places.Sum(p => (long)p.UsedGib)} / {places.Sum(p => (long)p.CapacityGib)} GiB" : "-"),
    ]).List().Show().Command;
}
