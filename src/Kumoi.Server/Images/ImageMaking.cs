using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Images;

/// <summary>
/// Images of what is on volumes. The host of the volume takes a snapshot, fills a volume of its own from it, and sends that volume's bytes as any upload is sent: three
/// records, written together, and gone together when the image has its bytes or is not to have them. Instances are locked before volumes, and those before snapshots.
/// </summary>
public sealed class ImageMaking(ImageIntake intake, Database database, HostRevisions hosts, SnapshotTaking taking, EventLog events, ImageStore store, Ids ids, TimeProvider clock)
{
    private sealed record Source(string VolumeId, string VolumeName, string? SnapshotId, int SizeGib);

    /// <summary>True if the image is to be made of something that the cloud has.</summary>
    public static bool IsAsked(CreateImage create) => (create.FromInstance ?? create.FromVolume ?? create.FromSnapshot) is not null;

    public static IEnumerable<Violation> Check(CreateImage create)
    {
        if (new[] { create.FromInstance, create.FromVolume, create.FromSnapshot, create.Url }.Count(one => one is not null) > 1) yield return new Violation(create.FromInstance is not null ? "fromInstance" : create.FromVolume is not null ? "fromVolume" : "fromSnapshot", "one-source");
        if (create.Format is not (null or ImageFormats.Qcow2)) yield return new Violation("format", "one-of", ImageFormats.Qcow2);
        if (create.Sha256 is not null) yield return new Violation("sha256", "one-source");
    }

    public async Task<Result<Image>> CreateAsync(Caller caller, string name, CreateImage create, IdempotencyKey? once, CancellationToken cancel) =>
        await database.TransactionAsync<Image>(transaction => Idempotency.OnceAsync<Image>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var (imageId, volumeId) = (ids.New(Ids.Image), ids.New(Ids.Volume));
            var found = await FindAsync(transaction, caller, create, imageId, cancel);
            if (found.Failure is { } failure) return failure;
            var source = found.Value;
            var (storeId, hostId, poolName) = await transaction.FindAsync(
                "SELECT v.store_id, v.host_id, p.name FROM volumes v JOIN pools p ON p.id = v.pool_id WHERE v.id = $1", row => (row.GetString(0), row.GetString(1), row.GetString(2)), cancel, source.VolumeId);
            if (await PoolDrivers.CheckImagesAsync(transaction, source.VolumeId, cancel) is { } unsupported) return unsupported;
            if (!await StoreRoom.GrowAsync(transaction, storeId!, hostId!, source.SizeGib, cancel)) return new Failure("insufficient-storage", 409, poolName!, source.SizeGib);
            if (!await ImageStore.InsertAsync(transaction, imageId, caller.AccountId, name, await AsItsSourceAsync(transaction, create, source.VolumeId, cancel), caller.May(ImageUseCases.Publish), clock.GetUtcNow(), cancel)) return Failure.NameTaken("image", name);
            await transaction.ExecuteAsync("UPDATE images SET source_snapshot_id = $2 WHERE id = $1", cancel, imageId, source.SnapshotId);
            await transaction.ExecuteAsync(
                """
                INSERT INTO volumes (id, account_id, name, size_gib, pool_id, store_id, host_id, source_volume_id, source_snapshot_id, source_name, image_upload_id, created_at)
                SELECT $1, account_id, $1, $2, pool_id, store_id, host_id, id, $4, $5, $6, $7 FROM volumes WHERE id = $3
                """, cancel, volumeId, source.SizeGib, source.VolumeId, source.SnapshotId, source.VolumeName, imageId, clock.GetUtcNow());
            await Tags.SetAsync(transaction, "images", imageId, create.Tags, cancel);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "image.create", new Subject("image", imageId, name), cancel, $"From {source.VolumeName}.");
            await hosts.TouchAsync(transaction, hostId!, cancel);
            return (await store.FindAsync(transaction, caller.AccountId, imageId, cancel))!;
        }), cancel);

    /// <summary>What the image is of; a snapshot is asked for if none is named.</summary>
    private async Task<Result<Source>> FindAsync(Transaction transaction, Caller caller, CreateImage create, string imageId, CancellationToken cancel)
    {
        if (create.FromSnapshot is { } key)
        {
            var origin = await SnapshotOrigins.FindAsync(transaction, caller.AccountId, key, cancel);
            if (origin is { Failure: null, Value.Encrypted: true }) return new Failure("image-of-encrypted", 409, origin.Value.Snapshot.Name);
            return origin.Failure is { } failure ? failure.Violations.Count > 0 ? Failure.Invalid("fromSnapshot", "no-such", new Noun("snapshot"), key) : failure
                : new Source(origin.Value.Snapshot.VolumeId, origin.Value.Snapshot.Name, origin.Value.Snapshot.Id, origin.Value.Snapshot.SizeGib);
        }
        VolumeRecord? volume;
        if (create.FromInstance is { } instance)
        {
            var (instanceId, instanceName, _, _) = await InstanceStore.LockAsync(transaction, caller.AccountId, instance, cancel);
            if (instanceId is null) return Failure.Invalid("fromInstance", "no-such", new Noun("instance"), instance);
            volume = (await VolumeStore.LockOfAsync(transaction, instanceId, cancel)).FirstOrDefault(one => one.Slot == 0);
            if (volume is null) return new Failure("no-root-to-snapshot", 409, instanceName);
        }
        else
        {
            volume = await VolumeStore.LockAsync(transaction, caller.AccountId, create.FromVolume!, cancel);
            if (volume is null) return Failure.Invalid("fromVolume", "no-such", new Noun("volume"), create.FromVolume!);
        }
        // Images are not encrypted, and are read by more hosts than the volume is.
        if (volume.Encrypted) return new Failure("image-of-encrypted", 409, volume.Name);
        var snapshotId = ids.New(Ids.Snapshot);
        return (await taking.AskInternalAsync(transaction, caller, volume, snapshotId, imageId, cancel)).Failure is { } refused ? refused : new Source(volume.Id, volume.Name, snapshotId, volume.SizeGib);
    }

    /// <summary>What is not said of the image is as it is of the instance that starts from the volume, and as it was of the image that the volume began as.</summary>
    private static async Task<CreateImage> AsItsSourceAsync(Transaction transaction, CreateImage create, string volumeId, CancellationToken cancel)
    {
        var (user, os, memory, firmware, model) = await transaction.FindAsync(
            "SELECT m.default_user, m.os, m.min_memory_mib, coalesce(i.firmware, m.firmware), coalesce(i.device_model, m.device_model) FROM volumes v LEFT JOIN images m ON m.id = v.image_id LEFT JOIN instances i ON i.id = v.instance_id AND v.slot = 0 WHERE v.id = $1",
            row => (row.TextOrNull(0), row.TextOrNull(1), row.IntOrNull(2), row.TextOrNull(3), row.TextOrNull(4)), cancel, volumeId);
        return create with
        {
            DefaultUser = create.DefaultUser ?? user, Os = create.Os ?? os, MinMemoryMib = create.MinMemoryMib ?? memory, Firmware = create.Firmware ?? firmware, DeviceModel = create.DeviceModel ?? model,
        };
    }

    /// <summary>Takes an image's bytes from the host that has the volume that they are of.</summary>
    /// <param name="sha256">What the host says that their SHA-256 is.</param>
    public async Task<Result<Done>> TakeAsync(string hostId, string imageId, string? sha256, Stream body, long? length, CancellationToken cancel)
    {
        if (sha256 is not { Length: 64 } || !sha256.All(char.IsAsciiHexDigitLower)) return Failure.Invalid("sha256", "sha256");
        var host = await database.FindAsync(
            """
            UPDATE images m SET expected_sha256 = $3 FROM volumes v JOIN hosts h ON h.id = v.host_id
            WHERE m.id = $1 AND m.state = 'pending' AND m.deleted_at IS NULL AND v.image_upload_id = m.id AND v.host_id = $2 AND v.desired = 'present' AND v.made_gib IS NOT NULL RETURNING h.name
            """, row => row.GetString(0), cancel, imageId, hostId, sha256);
        if (host is null) return Failure.NotFound("image", imageId);
        return await intake.TakeAsync(imageId, EventActor.Host(hostId, host), (_, _) => Task.FromResult<Result<Incoming>>(new Incoming(body, 0, length)), cancel);
    }

    /// <summary>What was only there to become the image goes. In the transaction of whoever finds that the image has its bytes, or will not get them.</summary>
    public static async Task EndAsync(Transaction transaction, HostRevisions hosts, string imageId, CancellationToken cancel)
    {
        // In the order of their ids, as whoever takes in reports: the volume that the snapshot is of, and the one that is of the image alone.
        await transaction.ExecuteAsync("SELECT 1 FROM volumes WHERE image_upload_id = $1 OR id IN (SELECT volume_id FROM snapshots WHERE image_upload_id = $1) ORDER BY id FOR UPDATE", cancel, imageId);
        var told = await transaction.QueryAsync(
            "UPDATE volumes SET desired = 'deleted', generation = generation + 1 WHERE image_upload_id = $1 AND desired = 'present' RETURNING host_id", row => row.GetString(0), cancel, imageId);
        var snapshots = await transaction.QueryAsync("SELECT id, volume_id FROM snapshots WHERE image_upload_id = $1 AND desired = 'present'", row => (Id: row.GetString(0), Volume: row.GetString(1)), cancel, imageId);
        foreach (var (id, volume) in snapshots)
        {
            var (host, generation) = await transaction.FindAsync("UPDATE volumes SET generation = generation + 1 WHERE id = $1 RETURNING host_id, generation", row => (row.GetString(0), row.GetInt64(1)), cancel, volume);
            await transaction.ExecuteAsync("UPDATE snapshots SET desired = 'deleted', deleted_generation = $2 WHERE id = $1", cancel, id, generation);
            told.Add(host!);
        }
        if (told.Count > 0) await hosts.TouchAsync(transaction, [.. told.Distinct()], cancel);
    }

    /// <summary>What images were to be made of was lost with its host: there will be no bytes of them.</summary>
    public static async Task LoseAsync(Transaction transaction, EventLog events, EventActor actor, Ref host, IReadOnlyCollection<string> imageIds, CancellationToken cancel)
    {
        if (imageIds.Count == 0) return;
        var reason = $"Host {host.Name} was removed as lost, and with it what the image was to be made of.";
        var failed = await transaction.QueryAsync(
            """
            UPDATE images SET state = 'failed', lease_holder = NULL, lease_until = NULL,
                              conditions = jsonb_build_array(jsonb_build_object('type', 'Source', 'reason', 'host-lost', 'message', $2::text, 'since', now(), 'nextTryAt', NULL))
            WHERE id = ANY($1) AND state = 'pending' AND deleted_at IS NULL RETURNING id, name, account_id
            """, row => (Ref: new Ref(row.GetString(0), row.GetString(1)), Account: row.GetString(2)), cancel, Columns.Texts(imageIds), reason);
        await events.WriteAsync(transaction, [.. failed.Select(one => new NewEvent(one.Account, actor, "image.failed", new Subject("image", one.Ref.Id, one.Ref.Name), reason))], cancel);
    }
}
