using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Backups.Schedules;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Backups that are made by themselves: each slot one, missed ones once, and as many stay as were asked for.</summary>
public sealed class BackupScheduleTests
{
    private static readonly string Sum = new('a', 64);

    private static async Task<Scene> StartAsync()
    {
        var scene = await SnapshotScene.StartAsync("data");
        await scene.Host.ReportBackupPlacesAsync([SnapshotScene.Own, SnapshotScene.Shared], new ObservedBackupPlace("st-000000000000000b0", "backups", false, 100, 1));
        return scene;
    }

    private static async Task<IReadOnlyList<Backup>> BackupsAsync(Scene scene) => (await scene.Tenant.GetAsync<Page<Backup>>("/backups")).Items;

    private static Task DueAsync(Scene scene, int slot) => scene.ExecuteAsync("UPDATE backup_schedules SET next_at = now() - make_interval(mins => $1)", 30 - slot);

    /// <summary>The host does all that it is told to.</summary>
    private static async Task ObeyAsync(Scene scene)
    {
        for (var round = 0; round < 3; round++)
        {
            await scene.Host.ObeyWithVolumesAsync();
            foreach (var told in (await scene.Host.DesiredAsync())!.Backups ?? [])
                await scene.Host.ReportBackupsAsync(told.Make is { } make
                    ? new ObservedBackup(told.Id, told.Incarnation, new MadeBackup(make.ParentId, null, Sum, 1, 1, DateTimeOffset.UtcNow, "crash"), false, null, 0, null, [], null)
                    : new ObservedBackup(told.Id, told.Incarnation, null, true, told.Into is { } into ? new MergedBackup(into.ChildId, Sum, 1) : null, 0, null, [], null));
        }
    }

    [Fact]
    public async Task Slots_make_one_backup_each_missed_ones_one_and_the_newest_stay()
    {
        await using var scene = await StartAsync();
        await scene.Tenant.PostAsync<BackupSchedule>("/backup-schedules", new { name = "often", volume = "data", everyMinutes = 60, keep = 2, fullEvery = 3 });
        var seen = new List<string>();
        for (var slot = 0; slot < 4; slot++)
        {
            if (slot > 0) await DueAsync(scene, slot);
            await scene.LookAsync();
            await scene.LookAsync();
            var made = Assert.Single(await BackupsAsync(scene), backup => backup.State == "creating");
            seen.Add(made.Kind);
            await ObeyAsync(scene);
        }
        Assert.Equal(["full", "incremental", "incremental", "full"], seen);
        await scene.LookAsync();
        await ObeyAsync(scene);
        await scene.LookAsync();
        await ObeyAsync(scene);
        var left = await BackupsAsync(scene);
        Assert.Equal(2, left.Count);
        Assert.All(left, backup => Assert.Equal(("available", "often"), (backup.State, backup.Schedule!.Name)));
        // A server that was away for days makes one, and goes on in its old rhythm.
        await scene.ExecuteAsync("UPDATE backup_schedules SET next_at = now() - interval '3 days'");
        await scene.LookAsync();
        await ObeyAsync(scene);
        await scene.LookAsync();
        Assert.Single(await BackupsAsync(scene), backup => !left.Any(before => before.Id == backup.Id));
        var schedule = await scene.Tenant.GetAsync<BackupSchedule>("/backup-schedules/often");
        Assert.InRange(schedule.NextAt, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddMinutes(60));
        // One that is paused makes none, and lets none go: what there is may be all that there will be.
        await ObeyAsync(scene);
        await scene.LookAsync();
        await ObeyAsync(scene);
        Assert.Equal(2, (await BackupsAsync(scene)).Count);
        await scene.Tenant.PutAsync<BackupSchedule>("/backup-schedules/often", new { enabled = false, keep = 1 });
        await scene.ExecuteAsync("UPDATE backup_schedules SET next_at = now() - interval '1 hour'");
        await scene.LookAsync();
        Assert.All(await BackupsAsync(scene), backup => Assert.Equal("available", backup.State));
        await scene.Tenant.PutAsync<BackupSchedule>("/backup-schedules/often", new { enabled = true });
        await scene.LookAsync();
        Assert.Equal(["available", "creating", "deleting"], (await BackupsAsync(scene)).Select(backup => backup.State).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_cannot_be_made_is_a_condition_and_an_event_and_doctor_tells_of_it()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        await scene.Tenant.PostAsync<BackupSchedule>("/backup-schedules", new { name = "daily", volume = "data", at = "03:00", timeZone = "Asia/Tokyo", keepDays = 7 });
        await scene.ExecuteAsync("UPDATE backup_schedules SET next_at = now() - interval '1 hour'");
        await scene.LookAsync();
        await scene.LookAsync();
        var schedule = await scene.Tenant.GetAsync<BackupSchedule>("/backup-schedules/daily");
        Assert.Equal(("03:00", "no-backup-store"), (schedule.At, Assert.Single(schedule.Conditions).Reason));
        Assert.Equal(["backup-schedule.create", "backup-schedule.failed"], await scene.ActionsAsync(schedule.Id));
        Assert.Contains("backup-schedule-behind", (await scene.Admin.GetAsync<DoctorReport>("/doctor")).Findings.Select(finding => finding.Code));
        Assert.Empty(await BackupsAsync(scene));
        await scene.Host.ReportBackupPlacesAsync([SnapshotScene.Own, SnapshotScene.Shared], new ObservedBackupPlace("st-000000000000000b0", "backups", false, 100, 1));
        await scene.LookAsync();
        Assert.Single(await BackupsAsync(scene));
        Assert.Empty((await scene.Tenant.GetAsync<BackupSchedule>("/backup-schedules/daily")).Conditions);
        // The schedule goes, its backups stay.
        await scene.DeleteAsync("/backup-schedules/daily");
        Assert.Null(Assert.Single(await BackupsAsync(scene)).Schedule);
    }

    [Theory]
    [InlineData("everyMinutes either-or-at", null, null, "UTC", 7)]
    [InlineData("everyMinutes either-or-at", 60, "03:00", "UTC", 7)]
    [InlineData("everyMinutes between", 4, null, "UTC", 7)]
    [InlineData("at time-of-day", null, "3 o'clock", "UTC", 7)]
    [InlineData("timeZone time-zone", null, "03:00", "Mars/Olympus", 7)]
    [InlineData("keep required", 60, null, "UTC", null)]
    public async Task What_is_wrong_is_named(string broken, int? everyMinutes, string? at, string timeZone, int? keep)
    {
        await using var scene = await StartAsync();
        Assert.Equal(broken, await scene.BrokenAsync("/backup-schedules", new { name = "s", volume = "data", everyMinutes, at, timeZone, keep }));
    }

    [Theory]
    // An hour that the clock leaves out, one that it shows twice, and plain days.
    [InlineData("2026-03-28T12:00Z", 150, "Europe/Berlin", "2026-03-29T01:00Z")]
    [InlineData("2026-10-24T12:00Z", 150, "Europe/Berlin", "2026-10-25T00:30Z")]
    [InlineData("2026-10-25T00:30Z", 150, "Europe/Berlin", "2026-10-26T01:30Z")]
    [InlineData("2026-11-21T18:00Z", 180, "Asia/Tokyo", "2026-11-22T18:00Z")]
    [InlineData("2026-11-21T17:59Z", 180, "Asia/Tokyo", "2026-11-21T18:00Z")]
    public void Times_of_day_follow_the_clocks_of_their_zone(string after, int minute, string zone, string next) =>
        Assert.Equal(DateTimeOffset.Parse(next, System.Globalization.CultureInfo.InvariantCulture), BackupSlots.Next(null, minute, TimeZoneInfo.FindSystemTimeZoneById(zone), default, DateTimeOffset.Parse(after, System.Globalization.CultureInfo.InvariantCulture)));

    [Fact]
    public void Times_apart_are_counted_from_the_first()
    {
        var first = new DateTimeOffset(2026, 11, 22, 0, 7, 0, TimeSpan.Zero);
        Assert.Equal(first, BackupSlots.Next(60, null, TimeZoneInfo.Utc, first, first.AddDays(-1)));
        Assert.Equal(first.AddHours(1), BackupSlots.Next(60, null, TimeZoneInfo.Utc, first, first));
        Assert.Equal(first.AddHours(73), BackupSlots.Next(60, null, TimeZoneInfo.Utc, first, first.AddHours(72).AddMinutes(59)));
    }
}
