using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

/// <summary>Asks for snapshots: of one volume, or of all volumes of an instance at one moment. Instances are locked before volumes, and those before hosts.</summary>
public sealed class SnapshotTaking(Database database, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    private sealed record Group(string Id, string InstanceId, string InstanceName);

    public async Task<Result<Snapshot>> OfVolumeAsync(Caller caller, string key, CreateSnapshot create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = create.Name is null ? null : Names.Normal(create.Name);
        if (SnapshotRules.Check(create, name).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Snapshot>(transaction => Idempotency.OnceAsync<Snapshot>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            if (await VolumeStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } volume) return Failure.NotFound("volume", key);
            var id = ids.New(Ids.Snapshot);
            if ((await AskAsync(transaction, caller, volume, id, name ?? id, create, null, null, cancel)).Failure is { } failure) return failure;
            await hosts.TouchAsync(transaction, volume.HostId!, cancel);
            return (await SnapshotStore.ReadAsync(transaction, caller.AccountId, [id], cancel))[0];
        }), cancel);
    }

    /// <summary>One of each volume of the instance. That of the volume that it starts from has the name that was asked for; all are there, or none.</summary>
    public async Task<Result<Page<Snapshot>>> OfInstanceAsync(Caller caller, string key, CreateSnapshot create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = create.Name is null ? null : Names.Normal(create.Name);
        if (SnapshotRules.Check(create, name).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Page<Snapshot>>(transaction => Idempotency.OnceAsync<Page<Snapshot>>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var (instanceId, instanceName, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (instanceId is null) return Failure.NotFound("instance", key);
            if (desired == "terminated") return new Failure("being-terminated", 409, instanceName);
            var volumes = await VolumeStore.LockOfAsync(transaction, instanceId, cancel);
            if (volumes.Count == 0 || volumes[0].Slot != 0) return new Failure("no-root-to-snapshot", 409, instanceName);
            var asked = volumes.ConvertAll(volume => (Id: ids.New(Ids.Snapshot), Volume: volume, Name: name is null ? null : volume.Slot == 0 ? name : Names.Normal(SnapshotRules.NameOf(name, volume.Name))));
            var group = new Group(asked[0].Id, instanceId, instanceName);
            foreach (var one in asked)
                if ((await AskAsync(transaction, caller, one.Volume, one.Id, one.Name ?? one.Id, create, group, null, cancel)).Failure is { } failure) return failure;
            // Those that other hosts give to it are theirs to take.
            await hosts.TouchAsync(transaction, [.. volumes.Select(volume => volume.HostId!).Append(hostId).Distinct()], cancel);
            return new Page<Snapshot>(await SnapshotStore.ReadAsync(transaction, caller.AccountId, [.. asked.Select(one => one.Id)], cancel), null);
        }), cancel);
    }

    /// <summary>One of a volume that the caller holds, for what is made of it: in no list, and called by its id.</summary>
    /// <param name="imageId">The image that is made of it; null: it is a volume.</param>
    public Task<Result<Done>> AskInternalAsync(Transaction transaction, Caller caller, VolumeRecord volume, string id, string? imageId, CancellationToken cancel) =>
        AskAsync(transaction, caller, volume, id, id, null, null, imageId, cancel);

    /// <param name="create">What an account asks for; null: it is internal.</param>
    private async Task<Result<Done>> AskAsync(Transaction transaction, Caller caller, VolumeRecord volume, string id, string name, CreateSnapshot? create, Group? group, string? imageId, CancellationToken cancel)
    {
        if (volume.Desired == "deleted") return new Failure("being-deleted", 409, new Noun("volume"), volume.Name);
        if (!volume.Made) return new Failure("volume-not-made", 409, volume.Name);
        if (volume.MovingTo is not null) return new Failure("volume-moving", 409, volume.Name);
        if (volume.Restoring) return new Failure("volume-restoring", 409, volume.Name);
        if (volume.Snapshots >= SnapshotRules.PerVolumeMax) return new Failure("too-many-snapshots", 409, volume.Name, SnapshotRules.PerVolumeMax);
        var generation = await transaction.FindAsync("UPDATE volumes SET snapshots = snapshots + 1, generation = generation + 1 WHERE id = $1 RETURNING generation", row => row.GetInt64(0), cancel, volume.Id);
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO snapshots (id, account_id, name, description, volume_id, size_gib, group_id, instance_id, instance_name, asked_generation, created_at, image_upload_id, internal, tags)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14, $13) ON CONFLICT (account_id, name) DO NOTHING
            """, cancel, id, caller.AccountId, name, create?.Description ?? "", volume.Id, volume.SizeGib, Columns.Text(group?.Id), Columns.Text(group?.InstanceId), Columns.Text(group?.InstanceName), generation, clock.GetUtcNow(), Columns.Text(imageId), Tags.Column(create?.Tags), create is null);
        if (made == 0) return Failure.NameTaken("snapshot", name);
        if (create is not null) await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "snapshot.create", new Subject("snapshot", id, name), cancel, $"Of {volume.Name}.");
        return new Done();
    }
}
