using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>
/// Moves volumes that no guest has: a record of its own takes room in the new place, and the host there fills it with what the volume's host gives it. When that is whole, the two records exchange their
/// places, and what was the volume's place is removed as any volume is. Instances are locked before volumes, and those before hosts.
/// </summary>
public sealed class MoveUseCases(Database database, HostRevisions hosts, ExportKeys exportKeys, VolumeKeys keys, EventLog events, Ids ids, TimeProvider clock)
{
    public Task<Result<Volume>> MoveAsync(Caller caller, string key, MoveVolume move, IdempotencyKey? once, CancellationToken cancel) =>
        database.TransactionAsync<Volume>(transaction => Idempotency.OnceAsync<Volume>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            if (move is { Pool: null, Host: null }) return Failure.Invalid("pool", "required");
            var moved = await AskAsync(transaction, EventActor.Of(caller), caller.AccountId, key, move.Pool, move.Host, cancel);
            return moved.Failure is { } failure ? failure : await VolumeStore.ReadAsync(transaction, caller.AccountId, moved.Value, cancel);
        }), cancel);

    /// <summary>Gives a move up; the volume stays where it is. Nothing happens to one that does not move.</summary>
    public Task<Result<Volume>> CancelAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Volume>(async transaction =>
    {
        if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
        if (volume.MovingTo is null) return new Failure("volume-not-moving", 409, volume.Name);
        await hosts.TouchAsync(transaction, await MoveRecords.CancelAsync(transaction, exportKeys, [volume.Id], cancel), cancel);
        await events.WriteAsync(transaction, caller, "volume.cancel-move", new Subject("volume", volume.Id, volume.Name), cancel);
        return await VolumeStore.ReadAsync(transaction, caller.AccountId, volume.Id, cancel);
    }, cancel);

    /// <summary>Begins to move a volume; its id.</summary>
    /// <param name="poolKey">Null: to another host's store of its pool.</param>
    public async Task<Result<string>> AskAsync(Transaction transaction, EventActor actor, string accountId, string key, string? poolKey, string? hostKey, CancellationToken cancel)
    {
        var holder = await VolumeStore.InstanceOfAsync(transaction, accountId, key, cancel);
        var (instanceId, instanceName, instanceHost, _) = holder is null ? default : await InstanceStore.LockAsync(transaction, accountId, holder, cancel);
        if (await VolumeStore.LockAsync(transaction, accountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
        if (volume.InstanceId != instanceId) return new Failure("changed-meanwhile", 409);
        if (await CheckAsync(transaction, volume, instanceName, cancel) is { } busy) return busy;
        var found = await FindAsync(transaction, volume, poolKey, hostKey, cancel);
        if (found.Failure is { } unknown) return unknown;
        var target = found.Value;
        // What was never made has nothing to be moved: it is made there.
        if (volume.StoreId is null) return await PutAsync(transaction, actor, volume, target, cancel);
        var chosen = await MovePlaces.TakeAsync(transaction, volume, target, instanceHost, instanceName, cancel);
        if (chosen.Failure is { } failure) return failure;
        var (id, place) = (ids.New(Ids.Volume), chosen.Value);
        await transaction.ExecuteAsync(
            """
            INSERT INTO volumes (id, account_id, name, size_gib, pool_id, store_id, host_id, created_at, sealed_key, move_source_id, move_incarnation)
            SELECT $1, account_id, $1, size_gib, $3, $4, $5, $6, $7, id, export_incarnation + 1 FROM volumes WHERE id = $2
            """, cancel, id, volume.Id, target.PoolId, place.Store, place.Host, clock.GetUtcNow(), Columns.Bytes(volume.Encrypted ? keys.New(id) : null));
        // Whoever is given it over the network is cut off by that: its guest does not run.
        var incarnation = await transaction.FindAsync(
            "UPDATE volumes SET moving_to = $2, generation = generation + 1, export_incarnation = export_incarnation + 1, export_port = NULL, drain_reason = NULL WHERE id = $1 RETURNING export_incarnation", row => row.GetInt32(0), cancel, volume.Id, id);
        await transaction.ExecuteAsync("UPDATE volumes SET move_key = $2 WHERE id = $1", cancel, id, exportKeys.New(id, incarnation));
        await events.WriteAsync(transaction, accountId, actor, "volume.move", new Subject("volume", volume.Id, volume.Name), cancel, $"To {target.PoolName}.");
        string[] told = [volume.HostId!, place.Host, .. instanceHost is null ? (string[])[] : [instanceHost]];
        await hosts.TouchAsync(transaction, [.. told.Distinct()], cancel);
        return volume.Id;
    }

    /// <summary>What stands in the way of any move of the volume; null: nothing does.</summary>
    private static async Task<Failure?> CheckAsync(Transaction transaction, VolumeRecord volume, string? instanceName, CancellationToken cancel)
    {
        if (volume.Desired == "deleted") return new Failure("being-deleted", 409, new Noun("volume"), volume.Name);
        if (volume.MovingTo is not null) return new Failure("volume-moving", 409, volume.Name);
        if (volume.InstanceId is { } instance && (volume.Detaching || await transaction.FindAsync("SELECT state FROM instances WHERE id = $1", row => row.GetString(0), cancel, instance) != InstanceStates.Stopped))
            return new Failure("volume-held", 409, volume.Name, instanceName!);
        if (volume.Restoring) return new Failure("volume-restoring", 409, volume.Name);
        if (volume.StoreId is null) return null;
        if (await SnapshotOrigins.FillingAsync(transaction, volume.Id, stays: false, cancel) is { } filling) return new Failure("volume-filling", 409, filling);
        if (!volume.Made) return new Failure("volume-not-made", 409, volume.Name);
        if (await transaction.FindAsync("SELECT name FROM backups WHERE volume_id = $1 AND state = 'creating' LIMIT 1", row => row.GetString(0), cancel, volume.Id) is { } backup) return new Failure("backup-under-way", 409, volume.Name, backup);
        // Those that are kept of the last backups stay behind: the next backup is a full one.
        return await transaction.FindAsync("SELECT true FROM snapshots WHERE volume_id = $1 AND NOT (internal AND image_upload_id IS NULL) LIMIT 1", row => row.GetBoolean(0), cancel, volume.Id)
            ? new Failure("volume-has-snapshots", 409, volume.Name) : null;
    }

    private static async Task<Result<MoveTarget>> FindAsync(Transaction transaction, VolumeRecord volume, string? poolKey, string? hostKey, CancellationToken cancel)
    {
        var (pool, poolName, shared, maintenance) = await transaction.FindAsync(
            "SELECT p.id, p.name, p.shared, p.maintenance FROM pools p WHERE (p.id = $2 OR p.name = $2) AND " + PoolStore.Usable, row => (row.GetString(0), row.GetString(1), row.GetBoolean(2), row.GetBoolean(3)), cancel,
            volume.AccountId, poolKey ?? volume.PoolId);
        if (pool is null) return Failure.Invalid("pool", "no-such", new Noun("pool"), poolKey ?? volume.PoolId);
        var host = hostKey is null ? null : await transaction.FindAsync("SELECT id, name FROM hosts WHERE id = $1 OR name = $1", row => new Ref(row.GetString(0), row.GetString(1)), cancel, hostKey);
        if (hostKey is not null && host is null) return Failure.Invalid("host", "no-such", new Noun("host"), hostKey);
        // To another host of the same pool only one that is named: without, it would be there already.
        if (pool == volume.PoolId && (host is null || volume.StoreId is null || await transaction.FindAsync("SELECT true FROM store_hosts WHERE store_id = $1 AND host_id = $2", row => row.GetBoolean(0), cancel, volume.StoreId, host.Id)))
            return new Failure("volume-there", 409, volume.Name, poolName);
        if (maintenance) return new Failure("pool-maintenance", 409, poolName);
        return volume.Encrypted && await PoolDrivers.CheckEncryptedAsync(transaction, pool, cancel) is { } unsupported ? unsupported : new MoveTarget(pool, poolName, shared, host);
    }

    /// <summary>Gives another pool to a volume that has no place yet.</summary>
    private async Task<Result<string>> PutAsync(Transaction transaction, EventActor actor, VolumeRecord volume, MoveTarget target, CancellationToken cancel)
    {
        var place = target.Shared || target.Host is not null ? await StoreRoom.PlaceAsync(transaction, target.PoolId, target.Host?.Id, volume.SizeGib, cancel) : null;
        if (place is null && (target.Shared || target.Host is not null)) return new Failure("insufficient-storage", 409, target.PoolName, volume.SizeGib);
        await transaction.ExecuteAsync(
            "UPDATE volumes SET pool_id = $2, store_id = $3, host_id = $4, generation = generation + 1, drain_reason = NULL WHERE id = $1", cancel, volume.Id, target.PoolId, Columns.Text(place?.Store), Columns.Text(place?.Host));
        await events.WriteAsync(transaction, volume.AccountId, actor, "volume.move", new Subject("volume", volume.Id, volume.Name), cancel, $"To {target.PoolName}.");
        if (place is { } taken) await hosts.TouchAsync(transaction, taken.Host, cancel);
        return volume.Id;
    }
}
