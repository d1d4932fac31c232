using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Backups;

/// <summary>Backups that are there or under way: shown, verified, cancelled and deleted by accounts.</summary>
public sealed class BackupUseCases(Database database, BackupRecords store, HostRevisions hosts, EventLog events, EventBell bell, TimeProvider clock)
{
    public async Task<Result<Page<Backup>>> ListAsync(Caller caller, string? state, string? volume, string? name, PageRequest page, CancellationToken cancel)
    {
        if (state is not (null or "creating" or "available" or "deleting" or "failed")) return Failure.Invalid("state", "one-of", "creating, available, deleting, failed");
        return page.Of(await store.ListAsync(caller.AccountId, state, volume, name, page, cancel), backup => backup.Id);
    }

    public async Task<Result<Backup>> GetAsync(Caller caller, string key, CancellationToken cancel) => await store.FindAsync(caller.AccountId, key, cancel) is { } backup ? backup : Failure.NotFound("backup", key);

    /// <param name="state"><c>available</c>, <c>verified</c>, or <c>deleted</c>: then the answer is that there is none.</param>
    public async Task<Result<Backup>> WaitAsync(Caller caller, string key, string state, TimeSpan timeout, CancellationToken cancel)
    {
        if (state is not ("available" or "verified" or "deleted")) return Failure.Invalid("wait", "one-of", "available, verified, deleted");
        return await Waits.ForAsync(bell, clock, state, timeout, () => GetAsync(caller, key, cancel),
            backup => backup.State is "deleting" or "failed" && state != "deleted" ? null : state == "verified" ? backup.State == "available" && backup.Work is null && backup.VerifiedAt is not null : backup.State == state,
            backup => (backup.Name, backup.State, backup.Conditions), cancel);
    }

    /// <summary>Has a host read it, with all that it builds on, and compare that with what was written.</summary>
    public Task<Result<Backup>> VerifyAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Backup>(async transaction =>
    {
        if (await BackupRecords.LockAsync(transaction, caller.AccountId, key, cancel) is not { } backup) return Failure.NotFound("backup", key);
        if (backup.State != "available") return new Failure("backup-not-available", 409, backup.Name, backup.State);
        if ((await BackupRecords.LockChainAsync(transaction, backup.Id, cancel)).Contains("deleting")) return new Failure("backup-chain-busy", 409, backup.Name);
        var host = await transaction.FindAsync(
            """
            UPDATE backups b SET verify_number = verify_number + 1, verified_at = NULL, damaged = NULL, host_id = n.host, incarnation = incarnation + CASE WHEN n.host IS DISTINCT FROM b.host_id THEN 1 ELSE 0 END
            FROM (SELECT h.id AS host FROM backup_place_hosts x JOIN hosts h ON h.id = x.host_id WHERE x.place_id = $2 AND h.state = 'up' ORDER BY h.id IS NOT DISTINCT FROM $3 DESC, h.id LIMIT 1) n WHERE b.id = $1 RETURNING b.host_id
            """, row => row.GetString(0), cancel, backup.Id, backup.PlaceId, Columns.Text(backup.HostId));
        if (host is null) return new Failure("backup-store-away", 409, backup.Name);
        await events.WriteAsync(transaction, caller, "backup.verify", new Subject("backup", backup.Id, backup.Name), cancel);
        await hosts.TouchAsync(transaction, host, cancel);
        return await BackupRecords.ReadAsync(transaction, caller.AccountId, backup.Id, cancel);
    }, cancel);

    /// <summary>Gives up one that is being made; nothing of it is left.</summary>
    public Task<Result<Backup>> CancelAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Backup>(async transaction =>
    {
        var removed = await RemoveAsync(transaction, caller, key, isCancelled: true, cancel);
        return removed.Failure is { } failure ? failure : await BackupRecords.ReadAsync(transaction, caller.AccountId, removed.Value, cancel);
    }, cancel);

    /// <summary>Has a host remove it. One that others build on becomes part of the next: those stay whole.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
        (await RemoveAsync(transaction, caller, key, isCancelled: false, cancel)).Failure is { } failure ? failure : new Done(), cancel);

    private async Task<Result<string>> RemoveAsync(Transaction transaction, Caller caller, string key, bool isCancelled, CancellationToken cancel)
    {
        if (await BackupRecords.LockAsync(transaction, caller.AccountId, key, cancel) is not { } backup) return Failure.NotFound("backup", key);
        if (backup.State == "deleting") return backup.Id;
        if (isCancelled && backup.State != "creating") return new Failure("backup-not-creating", 409, backup.Name, backup.State);
        if (await BackupRecords.UsersAsync(transaction, backup.Id, cancel) is { Count: > 0 } users) return Failure.InUse("backup", backup.Name, users);
        await events.WriteAsync(transaction, caller, isCancelled ? "backup.cancel" : "backup.delete", new Subject("backup", backup.Id, backup.Name), cancel);
        await DeleteAsync(transaction, backup.Id, cancel);
        await BackupOffers.SettleAsync(transaction, hosts, clock.GetUtcNow(), cancel);
        return backup.Id;
    }

    /// <summary>It is called by its id from then on, so that its name is free.</summary>
    public static Task<int> DeleteAsync(Transaction transaction, string id, CancellationToken cancel) =>
        transaction.ExecuteAsync("UPDATE backups SET desired = 'deleted', name = id, work = NULL, conditions = '[]' WHERE id = $1 AND desired = 'present'", cancel, id);
}

/// <summary>Asks for backups. Volumes are locked before backups, and those before hosts.</summary>
public sealed class BackupMakingUseCases(Database database, VolumeKeys keys, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    public async Task<Result<Backup>> CreateAsync(Caller caller, string key, CreateBackup create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = create.Name is { } wanted ? Names.Normal(wanted) : null;
        if (name is not null && Names.Check("name", name) is { } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Backup>(transaction => Idempotency.OnceAsync<Backup>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
            var made = await AskAsync(transaction, EventActor.Of(caller), volume, name, create.Incremental ?? false, create.Store, null, cancel);
            return made.Failure is { } failure ? failure : await BackupRecords.ReadAsync(transaction, caller.AccountId, made.Value, cancel);
        }), cancel);
    }

    /// <summary>A backup of a volume that is held; its id.</summary>
    /// <param name="of">The schedule and its slot, if one asks.</param>
    public async Task<Result<string>> AskAsync(Transaction transaction, EventActor actor, VolumeRecord volume, string? name, bool incremental, string? store, (string Schedule, DateTimeOffset Slot)? of, CancellationToken cancel)
    {
        if (volume.Desired == "deleted") return new Failure("being-deleted", 409, new Noun("volume"), volume.Name);
        if (!volume.Made) return new Failure("volume-not-made", 409, volume.Name);
        if (volume.MovingTo is not null) return new Failure("volume-moving", 409, volume.Name);
        if (volume.Restoring) return new Failure("volume-restoring", 409, volume.Name);
        var place = await transaction.FindAsync(
            """
            SELECT p.id FROM backup_places p JOIN backup_stores s ON s.id = p.store_id JOIN backup_place_hosts x ON x.place_id = p.id WHERE x.host_id = $1 AND ($2::text IS NULL OR s.id = $2 OR s.name = $2)
            ORDER BY s.id, p.id LIMIT 1
            """, row => row.GetString(0), cancel, volume.HostId!, Columns.Text(store));
        if (place is null)
            return store is not null && await transaction.FindAsync("SELECT true FROM backup_stores WHERE id = $1 OR name = $1", row => row.GetBoolean(0), cancel, store) is false
                ? Failure.Invalid("store", "no-such", new Noun("backup-store"), store) : new Failure("no-backup-store", 409, volume.Name);
        if (await transaction.FindAsync("SELECT name FROM backups WHERE volume_id = $1 AND place_id = $2 AND state = 'creating'", row => row.GetString(0), cancel, volume.Id, place) is { } busy)
            return new Failure("backup-under-way", 409, volume.Name, busy);
        if (volume.Snapshots >= SnapshotRules.PerVolumeMax) return new Failure("too-many-snapshots", 409, volume.Name, SnapshotRules.PerVolumeMax);
        var (parent, parentSnapshot) = !incremental ? default : await transaction.FindAsync(
            """
            SELECT b.id, s.id FROM backups b JOIN snapshots s ON s.id = b.snapshot_id AND s.desired = 'present' AND s.taken_at IS NOT NULL
            WHERE b.volume_id = $1 AND b.place_id = $2 AND b.state = 'available' AND b.damaged IS NULL ORDER BY b.id DESC LIMIT 1
            """, row => (row.GetString(0), row.GetString(1)), cancel, volume.Id, place);
        var (id, snapshot, now) = (ids.New(Ids.Backup), ids.New(Ids.Snapshot), clock.GetUtcNow());
        name ??= Names.Normal(SnapshotRules.NameOf(volume.Name, now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)));
        var generation = await transaction.FindAsync("UPDATE volumes SET snapshots = snapshots + 1, generation = generation + 1 WHERE id = $1 RETURNING generation", row => row.GetInt64(0), cancel, volume.Id);
        await transaction.ExecuteAsync(
            "INSERT INTO snapshots (id, account_id, name, volume_id, size_gib, asked_generation, internal, created_at) VALUES ($1, $2, $3, $4, $5, $6, true, $7)", cancel,
            snapshot, volume.AccountId, id, volume.Id, volume.SizeGib, generation, now);
        IReadOnlyList<Condition> said = incremental && parent is null ? [new Condition("Backup", "base-missing", "There is no earlier backup of the volume in this store to build on: it is a full one.", now, null)] : [];
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO backups (id, account_id, name, volume_id, volume_name, size_gib, place_id, host_id, kind, parent_id, snapshot_id, base_snapshot_id, conditions, schedule_id, slot, created_at, sealed_key, data_id)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, sealed_key, data_id FROM volumes WHERE id = $4 ON CONFLICT (account_id, name) DO NOTHING
            """, cancel, id, volume.AccountId, name, volume.Id, volume.Name, volume.SizeGib, place, volume.HostId!, parent is null ? "full" : "incremental", Columns.Text(parent), snapshot, Columns.Text(parentSnapshot),
            Columns.Json(said), Columns.Text(of?.Schedule), Columns.TimeValue(of?.Slot), now);
        if (made == 0) return Failure.NameTaken("backup", name);
        await events.WriteAsync(transaction, volume.AccountId, actor, "backup.create", new Subject("backup", id, name), cancel, $"Of {volume.Name}.");
        await hosts.TouchAsync(transaction, volume.HostId!, cancel);
        return id;
    }

    /// <summary>Makes a volume from a backup, where a host reaches both the backup and room for the volume.</summary>
    public async Task<Result<Volume>> RestoreAsync(Caller caller, string key, RestoreBackup restore, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(restore.Name);
        if (VolumeRules.Check(new CreateVolume(name, restore.SizeGib ?? 1), name).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Volume>(transaction => Idempotency.OnceAsync<Volume>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            if (await BackupRecords.LockAsync(transaction, caller.AccountId, key, cancel) is not { } backup) return Failure.NotFound("backup", key);
            if (backup.State != "available") return new Failure("backup-not-available", 409, backup.Name, backup.State);
            if ((await BackupRecords.LockChainAsync(transaction, backup.Id, cancel)).Contains("deleting")) return new Failure("backup-chain-busy", 409, backup.Name);
            var size = restore.SizeGib ?? backup.SizeGib;
            if (size < backup.SizeGib) return Failure.Invalid("sizeGib", "smaller-than-backup", backup.SizeGib);
            var (pool, poolName, maintenance) = await transaction.FindAsync(
                "SELECT p.id, p.name, p.maintenance FROM pools p WHERE ($2::text IS NULL AND p.is_default OR p.id = $2 OR p.name = $2) AND " + PoolStore.Usable, row => (row.GetString(0), row.GetString(1), row.GetBoolean(2)), cancel,
                caller.AccountId, Columns.Text(restore.Pool));
            if (pool is null) return restore.Pool is { } asked ? Failure.Invalid("pool", "no-such", new Noun("pool"), asked) : new Failure("no-default-pool", 409);
            if (maintenance) return new Failure("pool-maintenance", 409, poolName);
            if (backup.Encrypted && await PoolDrivers.CheckEncryptedAsync(transaction, pool, cancel) is { } unsupported) return unsupported;
            var reaching = await transaction.QueryAsync(
                """
                SELECT h.id FROM backup_place_hosts x JOIN hosts h ON h.id = x.host_id WHERE x.place_id = $1 AND h.state = 'up'
                  AND EXISTS (SELECT 1 FROM store_hosts y JOIN stores s ON s.id = y.store_id WHERE y.host_id = h.id AND s.pool_id = $2) ORDER BY h.maintenance, h.instances, h.id
                """, row => row.GetString(0), cancel, backup.PlaceId, pool);
            if (reaching.Count == 0) return new Failure("backup-not-reached", 409, backup.Name, poolName);
            (string Store, string Host)? place = null;
            foreach (var host in reaching)
                if ((place = await StoreRoom.PlaceAsync(transaction, pool, host, size, cancel)) is not null) break;
            if (place is not { } taken) return new Failure("insufficient-storage", 409, poolName, size);
            var id = ids.New(Ids.Volume);
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO volumes (id, account_id, name, size_gib, pool_id, store_id, host_id, created_at, source_backup_id, source_backup_name, sealed_key)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (account_id, name) WHERE deleted_at IS NULL DO NOTHING
                """, cancel, id, caller.AccountId, name, size, pool, taken.Store, taken.Host, clock.GetUtcNow(), backup.Id, backup.Name, Columns.Bytes(backup.Encrypted ? keys.New(id) : null));
            if (made == 0) return Failure.NameTaken("volume", name);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "backup.restore", new Subject("backup", backup.Id, backup.Name), cancel, $"To {name}.");
            await events.WriteAsync(transaction, caller, "volume.create", new Subject("volume", id, name), cancel);
            await hosts.TouchAsync(transaction, taken.Host, cancel);
            return await VolumeStore.ReadAsync(transaction, caller.AccountId, id, cancel);
        }), cancel);
    }
}
