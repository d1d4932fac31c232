using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

public static class SnapshotEndpoints
{
    public static void MapSnapshots(this IEndpointRouteBuilder routes, SnapshotUseCases snapshots, SnapshotTaking taking, VolumeRestoring restoring)
    {
        routes.Get("/snapshots", Permission.Read("snapshots"), "ListSnapshots", "List snapshots",
            async call => await PageRequest.Read(call).Then(page => snapshots.ListAsync(call.Caller, call.Query("state"), call.Query("volume"), call.Query("instance"), call.Query("name"), Tags.Filter(call.Queries("tag")), page, call.Cancelled)))
            .WithPaging().WithQuery("state", "creating, available or deleting").WithQuery("volume", "Only those of this volume").WithQuery("instance", "Only those that were taken of this instance").WithQuery("name", "Only names that begin so").WithTagQuery();
        routes.Get("/snapshots/{snapshot}", Permission.Read("snapshots"), "ShowSnapshot", "Show a snapshot, or wait until it is in a state",
            async call =>
            {
                if (call.Query("wait") is not { } state) return await snapshots.GetAsync(call.Caller, call.Route("snapshot"), call.Cancelled);
                return await Waits.Read(call).Then(timeout => snapshots.WaitAsync(call.Caller, call.Route("snapshot"), state, timeout, call.Cancelled));
            }).Fails(408).WithQuery("wait", "available: answer when it is taken; deleted: answer 404 when it is gone").WithQuery("timeout", "Seconds to wait, 1 to 300 (default 60)", Microsoft.OpenApi.JsonSchemaType.Integer);
        routes.Put<UpdateSnapshot, Snapshot>("/snapshots/{snapshot}", Permission.Write("snapshots"), "UpdateSnapshot", "Rename, describe or tag a snapshot", 200,
            (call, update) => snapshots.UpdateAsync(call.Caller, call.Route("snapshot"), update, call.Cancelled)).Fails(409);
        routes.Delete("/snapshots/{snapshot}", Permission.Write("snapshots"), "DeleteSnapshot", "Delete a snapshot that nothing is being filled from", call => snapshots.DeleteAsync(call.Caller, call.Route("snapshot"), call.Cancelled));
        routes.Post<CreateSnapshot, Snapshot>("/volumes/{volume}/snapshots", Permission.Write("volumes"), "CreateSnapshot", "Take a snapshot of a volume, while its guest runs or not", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => taking.OfVolumeAsync(call.Caller, call.Route("volume"), create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Post<CreateSnapshot, Page<Snapshot>>("/instances/{instance}/snapshots", Permission.Write("instances"), "CreateInstanceSnapshots", "Take a snapshot of each volume of an instance, all of one moment", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => taking.OfInstanceAsync(call.Caller, call.Route("instance"), create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Post<RestoreVolume, Volume>("/volumes/{volume}/restore", Permission.Write("volumes"), "RestoreVolume", "Put a volume that no guest has back to one of its snapshots; what was written since is gone", 200,
            async (call, restore) => await Endpoints.Idempotency(call).Then(once => restoring.RestoreAsync(call.Caller, call.Route("volume"), restore, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
    }
}
