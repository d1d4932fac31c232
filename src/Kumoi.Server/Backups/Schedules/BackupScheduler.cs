using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Backups.Schedules;

/// <summary>
/// Makes the backups that are due, and has those go that are more than are to stay; of a schedule that is paused none of either. A slot is used in the transaction that asks for its backup: whatever is killed, it
/// makes one. Slots that were missed make one together, late.
/// </summary>
public sealed class BackupScheduler(Database database, BackupMakingUseCases making, HostRevisions hosts, EventLog events, TimeProvider clock)
{
    /// <summary>Made in one look; the rest with the next.</summary>
    private const int AtOnce = 100;

    private sealed record Due(string Id, string Name, string AccountId, string VolumeId, string? StoreId, int? EveryMinutes, int? AtMinute, string TimeZone, int FullEvery, DateTimeOffset NextAt, DateTimeOffset CreatedAt, string Conditions);

    public async Task LookAsync(CancellationToken cancel)
    {
        var due = await database.QueryAsync("SELECT id FROM backup_schedules WHERE enabled AND next_at <= $1 ORDER BY next_at LIMIT $2", row => row.GetString(0), cancel, clock.GetUtcNow(), AtOnce);
        foreach (var id in due) await database.TransactionAsync<Done>(transaction => MakeAsync(transaction, id, cancel), cancel);
        await database.TransactionAsync<Done>(transaction => RetireAsync(transaction, cancel), cancel);
    }

    private async Task<Result<Done>> MakeAsync(Transaction transaction, string id, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        // Volumes are held before everything that is of them.
        await transaction.ExecuteAsync("SELECT 1 FROM volumes WHERE id = (SELECT volume_id FROM backup_schedules WHERE id = $1) FOR UPDATE", cancel, id);
        var schedule = await transaction.FindAsync(
            "SELECT id, name, account_id, volume_id, store_id, every_minutes, at_minute, time_zone, full_every, next_at, created_at, conditions::text FROM backup_schedules WHERE id = $1 AND enabled AND next_at <= $2 FOR UPDATE",
            row => new Due(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.TextOrNull(4), row.IntOrNull(5), row.IntOrNull(6), row.GetString(7), row.GetInt32(8), row.Time(9), row.Time(10), row.GetString(11)), cancel, id, now);
        if (schedule is null) return new Done();
        if (await VolumeStore.LockAsync(transaction, schedule.AccountId, schedule.VolumeId, cancel) is not { Desired: "present" } volume)
        {
            // A volume that is deleted, and kept for its snapshots, has no more backups.
            await transaction.ExecuteAsync("UPDATE backup_schedules SET enabled = false WHERE id = $1", cancel, id);
            return new Done();
        }
        var since = await transaction.FindAsync(
            "SELECT count(*) FROM backups WHERE schedule_id = $1 AND state IN ('creating', 'available') AND id > coalesce((SELECT max(id) FROM backups WHERE schedule_id = $1 AND kind = 'full' AND state IN ('creating', 'available')), '~')",
            row => row.GetInt64(0), cancel, id);
        var any = await transaction.FindAsync("SELECT true FROM backups WHERE schedule_id = $1 AND kind = 'full' AND state IN ('creating', 'available') LIMIT 1", row => row.GetBoolean(0), cancel, id);
        var incremental = any && since < schedule.FullEvery - 1;
        // One that somebody has called so must not be in the way of all later ones.
        var name = Named("yyyyMMdd-HHmmss");
        if (await transaction.FindAsync("SELECT true FROM backups WHERE account_id = $1 AND name = $2", row => row.GetBoolean(0), cancel, schedule.AccountId, name)) name = Named("yyyyMMdd-HHmmss-ffffff");
        var made = await making.AskAsync(transaction, Actor, volume, name, incremental, schedule.StoreId, (id, schedule.NextAt), cancel);
        if (made.Failure is { } failure)
        {
            await TellAsync(transaction, schedule, failure, now, cancel);
            return new Done();
        }
        await transaction.ExecuteAsync(
            "UPDATE backup_schedules SET last_at = next_at, next_at = $2, conditions = '[]' WHERE id = $1", cancel, id,
            BackupSlots.Next(schedule.EveryMinutes, schedule.AtMinute, TimeZoneInfo.FindSystemTimeZoneById(schedule.TimeZone), schedule.CreatedAt, now));
        return new Done();

        string Named(string form) => Names.Normal(SnapshotRules.NameOf(schedule.Name, schedule.NextAt.ToString(form, CultureInfo.InvariantCulture)));
    }

    private static EventActor Actor => EventActor.System;

    /// <summary>Said once, while it is the same; the slot stays due.</summary>
    private async Task TellAsync(Transaction transaction, Due schedule, Failure failure, DateTimeOffset now, CancellationToken cancel)
    {
        if (schedule.Conditions.Contains($"\"{failure.Code}\"", StringComparison.Ordinal)) return;
        var message = Messages.Text("en", failure.Code, failure.Arguments);
        await transaction.ExecuteAsync("UPDATE backup_schedules SET conditions = $2 WHERE id = $1", cancel, schedule.Id, Columns.Json([new Condition("Backup schedule", failure.Code, message, now, null)]));
        // One that is still being made when the next is due is no failure.
        if (failure.Code != "backup-under-way") await events.WriteAsync(transaction, schedule.AccountId, Actor, "backup-schedule.failed", new Subject("backup-schedule", schedule.Id, schedule.Name), cancel, message);
    }

    private async Task<Result<Done>> RetireAsync(Transaction transaction, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var gone = await transaction.QueryAsync(
            """
            SELECT b.id, b.name, b.account_id FROM backups b JOIN (
                SELECT o.id, s.keep, s.keep_days, row_number() OVER (PARTITION BY s.id ORDER BY o.id DESC) AS place FROM backups o JOIN backup_schedules s ON s.id = o.schedule_id AND s.enabled WHERE o.state = 'available') n ON n.id = b.id
            WHERE n.place > 1 AND (n.place > n.keep OR b.taken_at < $1::timestamptz - make_interval(days => n.keep_days))
              AND NOT EXISTS (SELECT 1 FROM volumes v WHERE v.source_backup_id = b.id AND v.made_gib IS NULL AND v.deleted_at IS NULL) ORDER BY b.id LIMIT 1000 FOR UPDATE OF b
            """, row => (Id: row.GetString(0), Name: row.GetString(1), Account: row.GetString(2)), cancel, now);
        if (gone.Count == 0) return new Done();
        foreach (var one in gone) await BackupUseCases.DeleteAsync(transaction, one.Id, cancel);
        await events.WriteAsync(transaction, [.. gone.Select(one => new NewEvent(one.Account, Actor, "backup.delete", new Subject("backup", one.Id, one.Name), "Its schedule keeps later ones."))], cancel);
        await BackupOffers.SettleAsync(transaction, hosts, now, cancel);
        return new Done();
    }
}
