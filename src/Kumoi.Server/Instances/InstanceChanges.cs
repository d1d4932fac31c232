using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Flavors;
using Kumoi.Server.Hosts;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Instances;

/// <summary>What an instance is, changed after its launch: its flavor while it is stopped, its protection, its tags and what its guest is told at any time.</summary>
public sealed class InstanceChanges(Database database, InstanceStore store, HostRevisions hosts, EventLog events)
{
    private sealed record Size(string State, int Vcpus, int MemoryMib, string FlavorId, string ImageName, int ImageDiskGib, int ImageMemoryMib, LabelSet Labels);

    public async Task<Result<Instance>> UpdateAsync(Caller caller, string key, UpdateInstance update, CancellationToken cancel)
    {
        var metadata = MetadataOptions.Of(update);
        if (Tags.Check(update.Tags).Concat(metadata.Check()).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Instance>(async transaction =>
        {
            var (id, name, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (id is null) return Failure.NotFound("instance", key);
            if (desired == "terminated") return new Failure("being-terminated", 409, name);
            if (await Tags.ChangeAsync(transaction, "instances", id, update.Tags, cancel) is { } failure) return failure;
            if (update.TerminationProtection is { } protection) await transaction.ExecuteAsync("UPDATE instances SET termination_protection = $2 WHERE id = $1", cancel, id, protection);
            var told = await metadata.ChangeAsync(transaction, id, cancel);
            if (update.Flavor is { } flavor && await ResizeAsync(transaction, id, name, hostId, flavor, cancel) is { } refused) return refused;
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), update.Flavor is null ? "instance.update" : "instance.resize", new Subject("instance", id, name), cancel, update.Flavor is null ? null : $"To {update.Flavor}.");
            if (told || (update.Tags is { Count: > 0 } && await MetadataOptions.HostsToldTagsAsync(transaction, [id], cancel) is { Count: > 0 })) await hosts.TouchAsync(transaction, hostId, cancel);
            return (await store.ReadAsync(transaction, [id], cancel))[0];
        }, cancel);
    }

    /// <summary>Gives the instance the size of another flavor on the host where it is; the host makes its machine anew at the next start.</summary>
    private async Task<Failure?> ResizeAsync(Transaction transaction, string id, string name, string hostId, string key, CancellationToken cancel)
    {
        var flavor = await transaction.FindAsync(FlavorUseCases.Columns + "WHERE id = $1 OR name = $1", FlavorUseCases.Read, cancel, key);
        if (flavor is null) return Failure.Invalid("flavor", "no-such", new Noun("flavor"), key);
        var now = (await transaction.FindAsync(
            "SELECT v.state, v.vcpus, v.memory_mib, v.flavor_id, m.name, m.min_disk_gib, m.min_memory_mib, v.required_labels::text FROM instances v JOIN images m ON m.id = v.image_id WHERE v.id = $1",
            row => new Size(row.GetString(0), row.GetInt32(1), row.GetInt32(2), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetInt32(6), LabelSet.Read(row.GetString(7))), cancel, id))!;
        if (now.FlavorId == flavor.Id && (now.Vcpus, now.MemoryMib) == (flavor.Vcpus, flavor.MemoryMib)) return null;
        if (now.State != InstanceStates.Stopped) return new Failure("instance-not-stopped", 409, name);
        if (flavor.MemoryMib < now.ImageMemoryMib) return Failure.Invalid("flavor", "smaller-than-image-needs", now.ImageName, now.ImageDiskGib, now.ImageMemoryMib);
        var labels = LabelSet.Of(flavor.RequiredLabels);
        if (now.Labels.Clash(labels) is { } clash) return Failure.Invalid("flavor", "flavor-labels-clash", clash);
        // No new generation: the host has nothing to do until the next start, which has one.
        var (vcpus, memory) = (flavor.Vcpus - now.Vcpus, flavor.MemoryMib - now.MemoryMib);
        await transaction.ExecuteAsync("UPDATE instances SET flavor_id = $2, flavor_name = $3, vcpus = $4, memory_mib = $5, flavor_labels = $6 WHERE id = $1", cancel, id, flavor.Id, flavor.Name, flavor.Vcpus, flavor.MemoryMib, Tags.Column(flavor.RequiredLabels));
        await transaction.ExecuteAsync("UPDATE interfaces SET rate_mbps = $2 WHERE instance_id = $1 AND released_at IS NULL", cancel, id, Columns.Integer(flavor.RateMbps));
        // It stays on its host, which must be one for the flavor; nobody changes its labels meanwhile.
        if (await transaction.FindAsync("SELECT 1 FROM hosts WHERE id = $1 AND labels @> $2 FOR NO KEY UPDATE", row => row.GetInt32(0), cancel, hostId, Columns.Json(labels.Json)) != 1)
            return new Failure("insufficient-capacity", 409) { Rejections = [new Rejection("labels", 1, labels.ToString())] };
        // What it gives back is always taken; for more there must be room.
        var room = await transaction.ExecuteAsync(
            """
            UPDATE hosts SET allocated_vcpus = allocated_vcpus + $2, allocated_memory_mib = allocated_memory_mib + $3 WHERE id = $1
              AND ($2 <= 0 OR allocated_vcpus + $2 <= vcpus) AND ($3 <= 0 OR allocated_memory_mib + $3 <= memory_mib)
            """, cancel, hostId, vcpus, memory);
        if (room == 0) return new Failure("insufficient-capacity", 409) { Rejections = [new Rejection("claimed", 1)] };
        await hosts.TouchAsync(transaction, hostId, cancel);
        return null;
    }
}

public static class InstanceChangeEndpoints
{
    public static void MapInstanceChanges(this IEndpointRouteBuilder routes, InstanceChanges changes) =>
        routes.Put<UpdateInstance, Instance>("/instances/{instance}", Permission.Write("instances"), "UpdateInstance", "Change an instance's tags, its protection, what its guest is told by the metadata service, or, while it is stopped, its flavor", 200,
            (call, update) => changes.UpdateAsync(call.Caller, call.Route("instance"), update, call.Cancelled)).Fails(409);
}
