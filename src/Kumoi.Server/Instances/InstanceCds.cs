using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Images;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Instances;

/// <summary>What is in instances' CD drives: one image or none, changed while the guest runs or not.</summary>
public sealed class InstanceCds(Database database, InstanceStore store, HostRevisions hosts, EventLog events)
{
    public Task<Result<Instance>> AttachAsync(Caller caller, string key, AttachCd attach, CancellationToken cancel) => ChangeAsync(caller, key, async transaction =>
    {
        var (id, name, state, format) = await transaction.FindAsync(
            "SELECT m.id, m.name, m.state, m.format FROM images m WHERE " + ImageStore.Meant + " AND m.deleted_at IS NULL ORDER BY m.account_id = $1 DESC, m.id LIMIT 1 FOR KEY SHARE",
            row => (row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancel, caller.AccountId, attach.Image);
        if (id is null) return Failure.Invalid("image", "no-such", new Noun("image"), attach.Image);
        if (state != "available") return Failure.Invalid("image", "image-not-available", name, state);
        return format == ImageFormats.Iso ? new Ref(id, name) : Failure.Invalid("image", "not-a-cd", name, format);
    }, cancel);

    /// <summary>Takes the CD out; nothing happens if there is none.</summary>
    public Task<Result<Instance>> DetachAsync(Caller caller, string key, CancellationToken cancel) => ChangeAsync(caller, key, _ => Task.FromResult<Result<Ref?>>((Ref?)null), cancel);

    private Task<Result<Instance>> ChangeAsync(Caller caller, string key, Func<Transaction, Task<Result<Ref?>>> find, CancellationToken cancel) => database.TransactionAsync<Instance>(async transaction =>
    {
        var (id, name, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, key, cancel);
        if (id is null) return Failure.NotFound("instance", key);
        if (desired == "terminated") return new Failure("being-terminated", 409, name);
        var found = await find(transaction);
        if (found.Failure is { } failure) return failure;
        var image = found.Value;
        // Asking again for what is asked for already changes nothing and is no event.
        if (await transaction.ExecuteAsync("UPDATE instances SET cd_image_id = $2, generation = generation + 1 WHERE id = $1 AND cd_image_id IS DISTINCT FROM $2", cancel, id, Columns.Text(image?.Id)) == 1)
        {
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), image is null ? "instance.detach-cd" : "instance.attach-cd", new Subject("instance", id, name), cancel, image?.Name);
            await hosts.TouchAsync(transaction, hostId, cancel);
        }
        return (await store.ReadAsync(transaction, [id], cancel))[0];
    }, cancel);
}

public static class InstanceCdEndpoints
{
    public static void MapInstanceCds(this IEndpointRouteBuilder routes, InstanceCds cds)
    {
        routes.Post<AttachCd, Instance>("/instances/{instance}/cd", Permission.Write("instances"), "AttachCd", "Put an ISO image into the instance's CD drive, in place of what is there", 200,
            (call, attach) => cds.AttachAsync(call.Caller, call.Route("instance"), attach, call.Cancelled)).Fails(409);
        routes.Delete<Instance>("/instances/{instance}/cd", Permission.Write("instances"), "DetachCd", "Take the CD out of the instance's drive", call => cds.DetachAsync(call.Caller, call.Route("instance"), call.Cancelled)).Fails(409);
    }
}
