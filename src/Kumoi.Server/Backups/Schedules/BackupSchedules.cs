using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Volumes;
using Npgsql;

namespace Kumoi.Server.Backups.Schedules;

/// <summary>Schedules of backups, as accounts keep them.</summary>
public sealed class BackupScheduleUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    /// <summary>Of one account. Too few: volumes go without; too many: the loop that makes backups has no end.</summary>
    private const int SchedulesMax = 1000;

    private const int FullEveryDefault = 7;

    private const string Select =
        """
        SELECT s.id, s.name, a.id, a.name, v.id, coalesce(v.former_name, v.name), t.id, t.name, s.every_minutes, s.at_minute, s.time_zone, s.keep, s.keep_days, s.full_every, s.enabled, s.next_at, s.last_at, s.conditions::text, s.created_at
        FROM backup_schedules s JOIN accounts a ON a.id = s.account_id JOIN volumes v ON v.id = s.volume_id LEFT JOIN backup_stores t ON t.id = s.store_id WHERE s.account_id = $1
        """;

    private static BackupSchedule Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), new Ref(row.GetString(4), row.GetString(5)), row.IsDBNull(6) ? null : new Ref(row.GetString(6), row.GetString(7)), row.IntOrNull(8),
        row.IntOrNull(9) is { } minute ? TimeOnly.MinValue.AddMinutes(minute).ToString("HH:mm", CultureInfo.InvariantCulture) : null, row.GetString(10), row.IntOrNull(11), row.IntOrNull(12), row.GetInt32(13), row.GetBoolean(14), row.Time(15),
        row.TimeOrNull(16), row.Conditions(17), row.Time(18));

    public async Task<Result<Page<BackupSchedule>>> ListAsync(Caller caller, string? volume, PageRequest page, CancellationToken cancel) => page.Of(await database.QueryAsync(
        Select + " AND s.id > $2 AND ($3::text IS NULL OR $3 IN (v.id, v.name)) ORDER BY s.id LIMIT $4", Read, cancel, caller.AccountId, page.After, Columns.Text(volume), page.Limit + 1), schedule => schedule.Id);

    public async Task<Result<BackupSchedule>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await database.FindAsync(Select + " AND (s.id = $2 OR s.name = $2)", Read, cancel, caller.AccountId, key) is { } schedule ? schedule : Failure.NotFound("backup-schedule", key);

    public async Task<Result<BackupSchedule>> CreateAsync(Caller caller, CreateBackupSchedule create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Check(create, name).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<BackupSchedule>(transaction => Idempotency.OnceAsync<BackupSchedule>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            if (await VolumeStore.LockAsync(transaction, caller.AccountId, create.Volume, cancel) is not { } volume) return Failure.Invalid("volume", "no-such", new Noun("volume"), create.Volume);
            if (volume.Desired == "deleted") return new Failure("being-deleted", 409, new Noun("volume"), volume.Name);
            var store = create.Store is { } asked ? await transaction.FindAsync("SELECT id FROM backup_stores WHERE id = $1 OR name = $1", row => row.GetString(0), cancel, asked) : null;
            if (create.Store is { } missing && store is null) return Failure.Invalid("store", "no-such", new Noun("backup-store"), missing);
            if (await transaction.FindAsync("SELECT count(*) FROM backup_schedules WHERE account_id = $1", row => row.GetInt64(0), cancel, caller.AccountId) >= SchedulesMax) return new Failure("too-many-schedules", 409, SchedulesMax);
            var (now, minute) = (clock.GetUtcNow(), create.At is { } at ? Minute(at) : null);
            var id = ids.New(Ids.BackupSchedule);
            var zone = create.TimeZone ?? "UTC";
            // One that is made every so many minutes begins at once.
            var next = create.EveryMinutes is not null ? now : BackupSlots.Next(null, minute, TimeZoneInfo.FindSystemTimeZoneById(zone), now, now);
            if (await transaction.ExecuteAsync(
                """
                INSERT INTO backup_schedules (id, account_id, name, volume_id, store_id, every_minutes, at_minute, time_zone, keep, keep_days, full_every, next_at, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (account_id, name) DO NOTHING
                """, cancel, id, caller.AccountId, name, volume.Id, Columns.Text(store), Columns.Integer(create.EveryMinutes), Columns.Integer(minute), zone, Columns.Integer(create.Keep), Columns.Integer(create.KeepDays),
                create.FullEvery ?? FullEveryDefault, next, now) == 0) return Failure.NameTaken("backup-schedule", name);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "backup-schedule.create", new Subject("backup-schedule", id, name), cancel, $"Of {volume.Name}.");
            return (await transaction.FindAsync(Select + " AND s.id = $2", Read, cancel, caller.AccountId, id))!;
        }), cancel);
    }

    public async Task<Result<BackupSchedule>> UpdateAsync(Caller caller, string key, UpdateBackupSchedule update, CancellationToken cancel)
    {
        if (Check(update.Keep, update.KeepDays, update.FullEvery).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<BackupSchedule>(async transaction =>
        {
            var schedule = await transaction.FindAsync(
                """
                UPDATE backup_schedules SET enabled = coalesce($3, enabled), keep = coalesce($4, keep), keep_days = coalesce($5, keep_days), full_every = coalesce($6, full_every) WHERE account_id = $1 AND (id = $2 OR name = $2) RETURNING id, name
                """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key, Columns.Boolean(update.Enabled), Columns.Integer(update.Keep), Columns.Integer(update.KeepDays), Columns.Integer(update.FullEvery));
            if (schedule is null) return Failure.NotFound("backup-schedule", key);
            await events.WriteAsync(transaction, caller, "backup-schedule.update", new Subject("backup-schedule", schedule.Id, schedule.Name), cancel);
            return (await transaction.FindAsync(Select + " AND s.id = $2", Read, cancel, caller.AccountId, schedule.Id))!;
        }, cancel);
    }

    /// <summary>Its backups stay.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var schedule = await transaction.FindAsync("DELETE FROM backup_schedules WHERE account_id = $1 AND (id = $2 OR name = $2) RETURNING id, name", row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key);
        if (schedule is null) return Failure.NotFound("backup-schedule", key);
        await events.WriteAsync(transaction, caller, "backup-schedule.delete", new Subject("backup-schedule", schedule.Id, schedule.Name), cancel);
        return new Done();
    }, cancel);

    private static IEnumerable<Violation> Check(CreateBackupSchedule create, string name) => new[]
    {
        Names.Check("name", name),
        create.EveryMinutes is null == create.At is null ? new Violation("everyMinutes", "either-or-at") : null,
        Between("everyMinutes", create.EveryMinutes, 5, 527_040),
        create.At is { } at && Minute(at) is null ? new Violation("at", "time-of-day") : null,
        create.TimeZone is { } zone && !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _) ? new Violation("timeZone", "time-zone") : null,
        create.Keep is null && create.KeepDays is null ? new Violation("keep", "required") : null,
    }.OfType<Violation>().Concat(Check(create.Keep, create.KeepDays, create.FullEvery));

    private static IEnumerable<Violation> Check(int? keep, int? days, int? fullEvery) => new[] { Between("keep", keep, 1, 1000), Between("keepDays", days, 1, 3660), Between("fullEvery", fullEvery, 1, 100) }.OfType<Violation>();

    private static Violation? Between(string field, int? value, int least, int most) => value < least || value > most ? new Violation(field, "between", least, most) : null;

    private static int? Minute(string at) => TimeOnly.TryParseExact(at, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.Hour * 60 + time.Minute : null;
}
