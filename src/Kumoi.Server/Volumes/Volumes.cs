using Kumoi.Api;
using Kumoi.Server.Backups;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

/// <summary>Volumes: made, changed and deleted by accounts. What is on a host is the host's to do; the records say what.</summary>
public sealed class VolumeUseCases(Database database, VolumeStore store, VolumeKeys keys, SnapshotTaking taking, HostRevisions hosts, EventLog events, EventBell bell, Ids ids, TimeProvider clock)
{
    private const long Gib = 1L << 30;

    public async Task<Result<Page<Volume>>> ListAsync(Caller caller, string? state, string? instance, string? pool, TagFilter tags, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.ListAsync(caller.AccountId, state, instance, pool, tags, page, cancel), volume => volume.Id);

    public async Task<Result<Volume>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } volume ? volume : Failure.NotFound("volume", key);

    /// <param name="state"><c>available</c>, <c>in-use</c>, or <c>deleted</c>: then the answer is that there is none, or that it is kept for its snapshots.</param>
    public async Task<Result<Volume>> WaitAsync(Caller caller, string key, string state, TimeSpan timeout, CancellationToken cancel)
    {
        if (state is not ("available" or "in-use" or "deleted")) return Failure.Invalid("wait", "one-of", "available, in-use, deleted");
        return await Waits.ForAsync(bell, clock, state, timeout, () => GetAsync(caller, key, cancel),
            // One without a place has nobody who could do more to it.
            volume => volume.State is "deleting" or "retained" && state != "deleted" ? null : (volume.State == state || volume is { State: "retained", Snapshots: > 0 }) && (volume.ObservedGeneration >= volume.Generation || volume.Host is null), volume => (volume.Name, volume.State, volume.Conditions), cancel);
    }

    /// <summary>In a shared pool the volume is made at once. Elsewhere it is made where the first guest is that it is attached to, since no other host reaches it; one that begins with a snapshot or as a copy is made where that is.</summary>
    public async Task<Result<Volume>> CreateAsync(Caller caller, CreateVolume create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = create.Name is null ? null : Names.Normal(create.Name);
        if (VolumeRules.Check(create, name).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Volume>(transaction => Idempotency.OnceAsync<Volume>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var type = create.Type is null ? ((string Id, bool Encrypted)?)null : await TypeAsync(transaction, create.Type, cancel);
            if (create.Type is not null && type is null) return Failure.Invalid("type", "no-such", new Noun("volume-type"), create.Type);
            var planned = create.Snapshot is { } snapshot ? await BeginWithAsync(transaction, caller, create, snapshot, cancel)
                : create.Volume is { } source ? await BeginAsCopyAsync(transaction, caller, create, source, cancel) : await BeginAsync(transaction, caller, create, cancel);
            if (planned.Failure is { } failure) return failure;
            var (pool, size, image, origin, place, encrypted) = planned.Value;
            if (encrypted && type is { Encrypted: false }) return Failure.Invalid("type", "type-encrypts");
            if ((encrypted || type is { Encrypted: true }) && await PoolDrivers.CheckEncryptedAsync(transaction, pool, cancel) is { } unsupported) return unsupported;
            var volumeId = ids.New(Ids.Volume);
            var key = encrypted || type is { Encrypted: true } ? keys.New(volumeId) : null;
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO volumes (id, account_id, name, size_gib, pool_id, type_id, image_id, store_id, host_id, delete_on_termination, created_at, source_volume_id, source_snapshot_id, source_name, sealed_key, tags, source_is_volume)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (account_id, name) WHERE deleted_at IS NULL DO NOTHING
                """, cancel, volumeId, caller.AccountId, name ?? volumeId, size, pool, Columns.Text(type?.Id), Columns.Text(image), Columns.Text(place?.Store), Columns.Text(place?.Host), create.DeleteOnTermination ?? false, clock.GetUtcNow(),
                Columns.Text(origin?.VolumeId), Columns.Text(origin?.Id), Columns.Text(origin?.Name), Columns.Bytes(key), Tags.Column(create.Tags), create.Volume is not null);
            if (made == 0) return Failure.NameTaken("volume", name ?? volumeId);
            await events.WriteAsync(transaction, caller, "volume.create", new Subject("volume", volumeId, name ?? volumeId), cancel);
            if (place is { } taken) await hosts.TouchAsync(transaction, taken.Host, cancel);
            return await VolumeStore.ReadAsync(transaction, caller.AccountId, volumeId, cancel);
        }), cancel);
    }

    /// <summary>What a new volume is like, with its room taken.</summary>
    /// <param name="Encrypted">What it begins with is, and so is what is made of that.</param>
    private sealed record Beginning(string PoolId, int SizeGib, string? ImageId, SnapshotRecord? Origin, (string Store, string Host)? Place, bool Encrypted);

    private static async Task<Result<Beginning>> BeginAsync(Transaction transaction, Caller caller, CreateVolume create, CancellationToken cancel)
    {
        var (pool, poolName, shared, maintenance) = await PoolAsync(transaction, caller, create.Pool, cancel);
        if (pool is null) return create.Pool is { } asked ? Failure.Invalid("pool", "no-such", new Noun("pool"), asked) : new Failure("no-default-pool", 409);
        if (maintenance) return new Failure("pool-maintenance", 409, poolName);
        var size = create.SizeGib ?? 0;
        var image = (string?)null;
        if (create.Image is { } imageKey)
        {
            var (id, bytes, cd) = await ImageAsync(transaction, caller.AccountId, imageKey, cancel);
            if (id is null) return Failure.Invalid("image", "no-such", new Noun("image"), imageKey);
            if (cd) return Failure.Invalid("image", "is-a-cd");
            var least = (int)((bytes + Gib - 1) / Gib);
            if (create.SizeGib < least) return Failure.Invalid("sizeGib", "smaller-than-image", least);
            (image, size) = (id, create.SizeGib ?? least);
        }
        var place = shared ? await StoreRoom.PlaceAsync(transaction, pool, null, size, cancel) : null;
        return shared && place is null ? new Failure("insufficient-storage", 409, poolName, size) : new Beginning(pool, size, image, null, place, false);
    }

    /// <summary>With the content of a snapshot.</summary>
    private static async Task<Result<Beginning>> BeginWithAsync(Transaction transaction, Caller caller, CreateVolume create, string key, CancellationToken cancel)
    {
        var found = await SnapshotOrigins.FindAsync(transaction, caller.AccountId, key, cancel);
        return found.Failure is { } failure ? failure : await BeginAsync(transaction, caller, create, found.Value, isCopy: false, cancel);
    }

    /// <summary>As a copy of a volume: with a snapshot of now, which nobody else sees and which goes when the copy is made.</summary>
    private async Task<Result<Beginning>> BeginAsCopyAsync(Transaction transaction, Caller caller, CreateVolume create, string key, CancellationToken cancel)
    {
        if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.Invalid("volume", "no-such", new Noun("volume"), key);
        var snapshot = new SnapshotRecord(ids.New(Ids.Snapshot), volume.Name, volume.Id, "creating", volume.SizeGib);
        if ((await taking.AskInternalAsync(transaction, caller, volume, snapshot.Id, null, cancel)).Failure is { } failure) return failure;
        return await BeginAsync(transaction, caller, create, await SnapshotOrigins.OfAsync(transaction, snapshot, cancel), isCopy: true, cancel);
    }

    /// <summary>In the store where its origin is, by the host that has that.</summary>
    /// <param name="isCopy">A volume was named, and not a snapshot of it.</param>
    private static async Task<Result<Beginning>> BeginAsync(Transaction transaction, Caller caller, CreateVolume create, SnapshotOrigin origin, bool isCopy, CancellationToken cancel)
    {
        var (pool, _, _, maintenance) = await PoolAsync(transaction, caller, create.Pool ?? origin.PoolId, cancel);
        if (pool is null) return create.Pool is { } asked ? Failure.Invalid("pool", "no-such", new Noun("pool"), asked) : Failure.Invalid(isCopy ? "volume" : "snapshot", "no-such", new Noun("pool"), origin.PoolName);
        if (pool != origin.PoolId) return Failure.Invalid("pool", isCopy ? "pool-of-volume" : "pool-of-snapshot", origin.PoolName);
        if (maintenance) return new Failure("pool-maintenance", 409, origin.PoolName);
        var size = create.SizeGib ?? origin.Snapshot.SizeGib;
        if (size < origin.Snapshot.SizeGib) return Failure.Invalid("sizeGib", isCopy ? "smaller-than-volume" : "smaller-than-snapshot", origin.Snapshot.SizeGib);
        if (!origin.HostReports) return new Failure(isCopy ? "volume-host-away" : "snapshot-host-away", 409, origin.Snapshot.Name);
        if (!await StoreRoom.GrowAsync(transaction, origin.StoreId, origin.HostId, size, cancel)) return new Failure("insufficient-storage", 409, origin.PoolName, size);
        return new Beginning(pool, size, null, origin.Snapshot, (origin.StoreId, origin.HostId), origin.Encrypted);
    }

    public async Task<Result<Volume>> UpdateAsync(Caller caller, string key, UpdateVolume update, CancellationToken cancel)
    {
        if (VolumeRules.Check(update).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await ChangeAsync(caller, key, async (transaction, volume) =>
        {
            if (volume.Desired == "deleted") return new Failure("being-deleted", 409, new Noun("volume"), volume.Name);
            if (update.Name is { } wanted && Names.Normal(wanted) is var name && name != volume.Name)
            {
                if (await transaction.FindAsync("SELECT 1 FROM volumes WHERE account_id = $1 AND name = $2 AND deleted_at IS NULL", row => row.GetInt32(0), cancel, caller.AccountId, name) == 1) return Failure.NameTaken("volume", name);
                await transaction.ExecuteAsync("UPDATE volumes SET name = $2 WHERE id = $1", cancel, volume.Id, name);
            }
            if (update.DeleteOnTermination is { } delete) await transaction.ExecuteAsync("UPDATE volumes SET delete_on_termination = $2 WHERE id = $1", cancel, volume.Id, delete);
            if (update.Type is { } typeKey)
            {
                var type = typeKey == "none" ? ((string Id, bool Encrypted)?)null : await TypeAsync(transaction, typeKey, cancel);
                if (type is null && typeKey != "none") return Failure.Invalid("type", "no-such", new Noun("volume-type"), typeKey);
                if (type is { } named && named.Encrypted != volume.Encrypted) return Failure.Invalid("type", volume.Encrypted ? "type-encrypts" : "type-does-not-encrypt");
                await transaction.ExecuteAsync("UPDATE volumes SET type_id = $2, generation = generation + 1 WHERE id = $1", cancel, volume.Id, Columns.Text(type?.Id));
            }
            if (update.SizeGib is { } size)
            {
                if (size < volume.SizeGib) return Failure.Invalid("sizeGib", "only-grows", volume.SizeGib);
                if (size > volume.SizeGib && volume.MovingTo is not null) return new Failure("volume-moving", 409, volume.Name);
                if (size > volume.SizeGib && volume.StoreId is { } storeId && !await StoreRoom.GrowAsync(transaction, storeId, volume.HostId!, size - volume.SizeGib, cancel)) return new Failure("insufficient-storage", 409, await PoolNameAsync(transaction, volume, cancel) ?? "", size - volume.SizeGib);
                await transaction.ExecuteAsync("UPDATE volumes SET size_gib = $2, generation = generation + 1 WHERE id = $1", cancel, volume.Id, size);
            }
            if (await Tags.ChangeAsync(transaction, "volumes", volume.Id, update.Tags, cancel) is { } failure) return failure;
            await events.WriteAsync(transaction, caller, update.SizeGib > volume.SizeGib ? "volume.resize" : "volume.update", new Subject("volume", volume.Id, volume.Name), cancel);
            return new Done();
        }, cancel);
    }

    /// <summary>
    /// Deletes a volume that is attached to nothing. Its host removes the bytes; one that has no place yet is gone at once. One with snapshots is kept for them, out of
    /// sight and its name free, and goes with the last of them.
    /// </summary>
    public async Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel)
    {
        var deleted = await database.TransactionAsync<Done>(async transaction =>
        {
            if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
            if (volume.Desired == "deleted") return new Done();
            if (volume.MovingTo is not null) return new Failure("volume-moving", 409, volume.Name);
            if (volume.InstanceId is { } instance) return Failure.InUse("volume", volume.Name, await transaction.QueryAsync("SELECT id, name FROM instances WHERE id = $1", row => new Ref(row.GetString(0), row.GetString(1)), cancel, instance));
            await transaction.ExecuteAsync(
                $"UPDATE volumes SET desired = 'deleted', generation = generation + 1, deleted_at = CASE WHEN store_id IS NULL THEN $2::timestamptz END, sealed_key = CASE WHEN store_id IS NULL THEN NULL ELSE sealed_key END, {VolumeHolds.NameGivenBack("snapshots > 0")} WHERE id = $1", cancel, volume.Id, clock.GetUtcNow());
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "volume.delete", new Subject("volume", volume.Id, volume.Name), cancel, volume.Snapshots > 0 ? "Its snapshots stay." : null);
            if (volume.HostId is { } host) await hosts.TouchAsync(transaction, host, cancel);
            // What was kept of it only for later backups goes with it.
            await BackupOffers.SettleAsync(transaction, hosts, clock.GetUtcNow(), cancel);
            return new Done();
        }, cancel);
        return deleted;
    }

    private Task<Result<Volume>> ChangeAsync(Caller caller, string key, Func<Transaction, VolumeRecord, Task<Result<Done>>> change, CancellationToken cancel) => database.TransactionAsync<Volume>(async transaction =>
    {
        if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
        if ((await change(transaction, volume)).Failure is { } failure) return failure;
        // The limits of one that is given to another host are kept there, by its guest's process.
        if (volume.HostId is { } host) await hosts.TouchAsync(transaction, [host, .. await transaction.QueryAsync("SELECT host_id FROM instances WHERE id = $1 AND host_id <> $2", row => row.GetString(0), cancel, Columns.Text(volume.InstanceId), host)], cancel);
        return await VolumeStore.ReadAsync(transaction, caller.AccountId, volume.Id, cancel);
    }, cancel);

    private static Task<(string Id, string Name, bool Shared, bool Maintenance)> PoolAsync(Transaction transaction, Caller caller, string? key, CancellationToken cancel) => transaction.FindAsync(
        "SELECT p.id, p.name, p.shared, p.maintenance FROM pools p WHERE ($2::text IS NULL AND p.is_default OR p.id = $2 OR p.name = $2) AND " + PoolStore.Usable,
        row => (row.GetString(0), row.GetString(1), row.GetBoolean(2), row.GetBoolean(3)), cancel, caller.AccountId, Columns.Text(key));

    private static Task<string?> PoolNameAsync(Transaction transaction, VolumeRecord volume, CancellationToken cancel) => transaction.FindAsync("SELECT name FROM pools WHERE id = $1", row => row.GetString(0), cancel, volume.PoolId);

    private static async Task<(string Id, bool Encrypted)?> TypeAsync(Transaction transaction, string key, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT id, encrypted FROM volume_types WHERE id = $1 OR name = $1 FOR KEY SHARE", row => (Id: row.GetString(0), Encrypted: row.GetBoolean(1)), cancel, key) is { Id: not null } found ? found : null;

    private static Task<(string Id, long Bytes, bool Cd)> ImageAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(
        "SELECT m.id, m.virtual_size_bytes, m.format = 'iso' FROM images m WHERE " + Images.ImageStore.Meant + " AND m.state = 'available' AND m.deleted_at IS NULL ORDER BY m.account_id = $1 DESC, m.id LIMIT 1 FOR KEY SHARE", row => (row.GetString(0), row.GetInt64(1), row.GetBoolean(2)), cancel, accountId, key);
}
