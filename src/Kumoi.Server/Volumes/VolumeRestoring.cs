using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

/// <summary>Puts volumes back to their snapshots, while no guest has them.</summary>
public sealed class VolumeRestoring(Database database, HostRevisions hosts, EventLog events, TimeProvider clock)
{
    public Task<Result<Volume>> RestoreAsync(Caller caller, string key, RestoreVolume restore, IdempotencyKey? once, CancellationToken cancel) =>
        database.TransactionAsync<Volume>(transaction => Idempotency.OnceAsync<Volume>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            // The instance is held until the end, so that nobody starts it meanwhile.
            var holder = await VolumeStore.InstanceOfAsync(transaction, caller.AccountId, key, cancel);
            var (instanceId, instanceName, _, _) = holder is null ? default : await InstanceStore.LockAsync(transaction, caller.AccountId, holder, cancel);
            if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
            if (volume.InstanceId != instanceId) return new Failure("changed-meanwhile", 409);
            if (volume.Desired == "deleted") return new Failure("being-deleted", 409, new Noun("volume"), volume.Name);
            if (volume.MovingTo is not null) return new Failure("volume-moving", 409, volume.Name);
            if (await SnapshotStore.FindAsync(transaction, caller.AccountId, restore.Snapshot, cancel) is not { } snapshot) return Failure.Invalid("snapshot", "no-such", new Noun("snapshot"), restore.Snapshot);
            if (snapshot.VolumeId != volume.Id) return Failure.Invalid("snapshot", "snapshot-of-other", volume.Name);
            if (snapshot.State != "available") return new Failure("snapshot-not-available", 409, snapshot.Name, snapshot.State);
            if (instanceId is not null && await transaction.FindAsync("SELECT state FROM instances WHERE id = $1", row => row.GetString(0), cancel, instanceId) != InstanceStates.Stopped)
                return new Failure("volume-held", 409, volume.Name, instanceName);
            // Its files remember the last number. Records that were lost, or put back to an older copy, do not: the time is later than all of before.
            await transaction.ExecuteAsync(
                "UPDATE volumes SET restore_snapshot_id = $2, restore_number = greatest(restore_number + 1, $3), generation = generation + 1 WHERE id = $1", cancel, volume.Id, snapshot.Id, clock.GetUtcNow().ToUnixTimeMilliseconds());
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "volume.restore", new Subject("volume", volume.Id, volume.Name), cancel, $"To {snapshot.Name}.");
            await hosts.TouchAsync(transaction, volume.HostId!, cancel);
            return await VolumeStore.ReadAsync(transaction, caller.AccountId, volume.Id, cancel);
        }), cancel);

    /// <summary>A volume of the instance that is being put back: until then its guest is not started.</summary>
    public static Task<string?> UnderWayAsync(Transaction transaction, string instanceId, CancellationToken cancel) => transaction.FindAsync(
        "SELECT name FROM volumes WHERE instance_id = $1 AND restored_number < restore_number ORDER BY slot LIMIT 1", row => row.GetString(0), cancel, instanceId);
}
