using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

/// <summary>Attaching and detaching volumes. Instances are locked before volumes, and those before hosts.</summary>
public sealed class VolumeAttachments(Database database, HostRevisions hosts, ExportKeys keys, EventLog events, TimeProvider clock)
{
    public async Task<Result<Volume>> AttachAsync(Caller caller, string key, AttachVolume attach, IdempotencyKey? once, CancellationToken cancel)
    {
        if (VolumeRules.Check(attach).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Volume>(transaction => Idempotency.OnceAsync<Volume>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            // What is at the path comes before what is in the body; the instance is locked before the volume.
            if (await transaction.FindAsync("SELECT 1 FROM volumes v WHERE account_id = $1 AND (id = $2 OR name = $2) AND " + VolumeStore.Shown, row => row.GetInt32(0), cancel, caller.AccountId, key) != 1) return Failure.NotFound("volume", key);
            var (instanceId, instanceName, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, attach.Instance, cancel);
            if (instanceId is null) return Failure.Invalid("instance", "no-such", new Noun("instance"), attach.Instance);
            if (desired == "terminated") return new Failure("being-terminated", 409, instanceName);
            if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
            if (volume.Desired == "deleted") return new Failure("being-deleted", 409, new Noun("volume"), volume.Name);
            if (volume.InstanceId == instanceId && !volume.Detaching) return await VolumeStore.ReadAsync(transaction, caller.AccountId, volume.Id, cancel);
            if (volume.InstanceId is { } other) return new Failure("volume-attached", 409, volume.Name, await NameOfAsync(transaction, other, cancel) ?? other);
            if (volume.MovingTo is not null) return new Failure("volume-moving", 409, volume.Name);
            if (volume.Restoring) return new Failure("volume-restoring", 409, volume.Name);
            if (await SnapshotOrigins.FillingAsync(transaction, volume.Id, volume.HostId is null || volume.HostId == hostId, cancel) is { } filling) return new Failure("volume-filling", 409, filling);
            if (attach.Slot == 0 && await RootSlotAsync(transaction, instanceId, instanceName, volume.Name, cancel) is { } closed) return closed;
            var taken = await transaction.QueryAsync("SELECT slot FROM volumes WHERE instance_id = $1", row => row.GetInt32(0), cancel, instanceId);
            if (attach.Slot is { } asked && taken.Contains(asked)) return Failure.Invalid("slot", "slot-taken", asked, instanceName);
            if ((attach.Slot ?? Enumerable.Range(1, VolumeRules.SlotMax).Where(slot => !taken.Contains(slot)).Cast<int?>().FirstOrDefault()) is not { } free) return new Failure("too-many-volumes", 409, instanceName, VolumeRules.SlotMax);
            var placed = await PlaceAsync(transaction, volume, hostId, instanceName, cancel);
            if (placed.Failure is { } failure) return failure;
            var place = placed.Value;
            var generation = await AskAsync(transaction, instanceId, cancel);
            await transaction.ExecuteAsync(
                """
                UPDATE volumes SET instance_id = $2, slot = $3, attached_generation = $4, attached = false, delete_on_termination = coalesce($5, delete_on_termination), generation = generation + 1,
                                   incarnation = incarnation + CASE WHEN host_id IS DISTINCT FROM $6 AND host_id IS NOT NULL THEN 1 ELSE 0 END, store_id = $7, host_id = $6 WHERE id = $1
                """, cancel, volume.Id, instanceId, free, generation, Columns.Boolean(attach.DeleteOnTermination), place.Host, place.Store);
            if (place.Exported) await VolumeExports.GiveAsync(transaction, keys, volume.Id, cancel);
            await VolumeHolds.CountAsync(transaction, [instanceId], cancel);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "volume.attach", new Subject("volume", volume.Id, volume.Name), cancel, $"To {instanceName}.");
            await TellAsync(transaction, instanceId, [hostId, .. volume.HostId is { } former && former != hostId ? [former] : (string[])[]], cancel);
            return await VolumeStore.ReadAsync(transaction, caller.AccountId, volume.Id, cancel);
        }), cancel);
    }

    /// <param name="Host">The host that looks after it there.</param>
    /// <param name="Exported">That host gives it to the instance's host.</param>
    private sealed record VolumePlace(string Store, string Host, bool Exported);

    /// <summary>Where the volume is, or is to be: its first guest's host makes it. One that its next guest's host does not reach is given to that by its own.</summary>
    private static async Task<Result<VolumePlace>> PlaceAsync(Transaction transaction, VolumeRecord volume, string hostId, string instanceName, CancellationToken cancel)
    {
        var (pool, maintenance) = await transaction.FindAsync("SELECT name, maintenance FROM pools WHERE id = $1", row => (row.GetString(0), row.GetBoolean(1)), cancel, volume.PoolId);
        if (volume.StoreId is null)
        {
            if (maintenance) return new Failure("pool-maintenance", 409, pool!);
            if (await transaction.FindAsync("SELECT 1 FROM store_hosts x JOIN stores s ON s.id = x.store_id WHERE s.pool_id = $1 AND x.host_id = $2 LIMIT 1", row => row.GetInt32(0), cancel, volume.PoolId, hostId) != 1)
                return new Failure("pool-not-on-host", 409, pool!, instanceName);
            return await StoreRoom.PlaceAsync(transaction, volume.PoolId, hostId, volume.SizeGib, cancel) is { } place ? new VolumePlace(place.Store, hostId, false) : new Failure("insufficient-storage", 409, pool!, volume.SizeGib);
        }
        var reaches = await transaction.FindAsync("SELECT true FROM store_hosts WHERE store_id = $1 AND host_id = $2", row => row.GetBoolean(0), cancel, volume.StoreId, hostId);
        if (reaches) return new VolumePlace(volume.StoreId, hostId, false);
        // One of a shared store would have to be looked after by the same host for as long as it is given. It is given as its pool says now, which is what its hosts are asked for.
        var (shared, protocol) = await transaction.FindAsync("SELECT shared, protocol FROM pools WHERE id = $1 FOR SHARE", row => (row.GetBoolean(0), row.GetString(1)), cancel, volume.PoolId);
        return !shared && await VolumeExports.CanAsync(transaction, volume.HostId!, hostId, protocol!, cancel) ? new VolumePlace(volume.StoreId, volume.HostId!, true)
            : new Failure("volume-elsewhere", 409, volume.Name, await transaction.FindAsync("SELECT name FROM hosts WHERE id = $1", row => row.GetString(0), cancel, volume.HostId!) ?? "", instanceName);
    }

    /// <summary>Takes a volume away from its instance. It is free when the host has said that the guest has nothing of it any more.</summary>
    public Task<Result<Volume>> DetachAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Volume>(async transaction =>
    {
        var holder = await VolumeStore.InstanceOfAsync(transaction, caller.AccountId, key, cancel);
        var (instanceId, instanceName, hostId, _) = holder is null ? default : await InstanceStore.LockAsync(transaction, caller.AccountId, holder, cancel);
        if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
        if (volume.InstanceId is null) return new Failure("volume-not-attached", 409, volume.Name);
        // It was attached to another one between the two looks.
        if (volume.InstanceId != instanceId) return new Failure("changed-meanwhile", 409);
        if (!volume.Detaching)
        {
            if (volume.MovingTo is not null) return new Failure("volume-moving", 409, volume.Name);
            if (volume.Slot == 0 && await RootSlotAsync(transaction, instanceId, instanceName, volume.Name, cancel) is { } closed) return closed;
            var generation = await AskAsync(transaction, instanceId, cancel);
            await transaction.ExecuteAsync("UPDATE volumes SET detached_at = $2, detached_generation = $3, generation = generation + 1 WHERE id = $1", cancel, volume.Id, clock.GetUtcNow(), generation);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "volume.detach", new Subject("volume", volume.Id, volume.Name), cancel, $"From {instanceName}.");
            await TellAsync(transaction, instanceId, [hostId], cancel);
        }
        return await VolumeStore.ReadAsync(transaction, caller.AccountId, volume.Id, cancel);
    }, cancel);

    /// <summary>What an instance starts from is changed while it is stopped; null if it is.</summary>
    private static async Task<Failure?> RootSlotAsync(Transaction transaction, string instanceId, string instanceName, string volumeName, CancellationToken cancel)
    {
        var (rooted, state) = await transaction.FindAsync(
            "SELECT root_volume, state FROM instances WHERE id = $1", row => (row.GetBoolean(0), row.GetString(1)), cancel, instanceId);
        return !rooted ? new Failure("instance-own-disk", 409, instanceName) : state == InstanceStates.Stopped ? null : new Failure("instance-stop-first", 409, instanceName, volumeName);
    }

    private static Task<long> AskAsync(Transaction transaction, string instanceId, CancellationToken cancel) =>
        transaction.FindAsync("UPDATE instances SET generation = generation + 1 WHERE id = $1 RETURNING generation", row => row.GetInt64(0), cancel, instanceId);

    private async Task TellAsync(Transaction transaction, string instanceId, IReadOnlyCollection<string> hostIds, CancellationToken cancel)
    {
        await hosts.TouchAsync(transaction, hostIds, cancel);
        await VolumeHolds.NoteRevisionAsync(transaction, [instanceId], cancel);
    }

    private static Task<string?> NameOfAsync(Transaction transaction, string instanceId, CancellationToken cancel) => transaction.FindAsync("SELECT name FROM instances WHERE id = $1", row => row.GetString(0), cancel, instanceId);
}
