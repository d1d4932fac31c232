using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Volumes.Moves;

namespace Kumoi.Server.Volumes;

public static class VolumeEndpoints
{
    public static IServiceCollection AddVolumes(this IServiceCollection services) => services
        .AddSingleton<VolumeStore>().AddSingleton<VolumeKeys>().AddSingleton<VolumeUseCases>().AddSingleton<VolumeAttachments>().AddSingleton<SnapshotStore>().AddSingleton<SnapshotUseCases>().AddSingleton<SnapshotTaking>().AddSingleton<VolumeRestoring>().AddSingleton<PoolStore>().AddSingleton<PoolUseCases>().AddSingleton<VolumeTypeUseCases>()
        .AddSingleton<StoreObservation>().AddSingleton<IReportObserver>(services => services.GetRequiredService<StoreObservation>()).AddSingleton<IReportObserver, VolumeObservation>().AddSingleton<DataIds>().AddSingleton<MoveUseCases>().AddSingleton<MoveObservation>().AddSingleton<IReportObserver>(services => services.GetRequiredService<MoveObservation>()).AddSingleton<DrainUseCases>().AddLoop<PoolDraining>().AddSingleton<IReportObserver, SnapshotObservation>().AddSingleton<IReportObserver, AttachmentObservation>().AddSingleton<ExportKeys>().AddSingleton<IReportObserver, ExportObservation>().AddLoop<VolumeRecovery>();

    public static void MapVolumes(this IEndpointRouteBuilder routes, VolumeUseCases volumes, VolumeAttachments attachments, MoveUseCases moves, VolumeTypeUseCases types)
    {
        routes.Get("/volumes", Permission.Read("volumes"), "ListVolumes", "List volumes",
            async call => await PageRequest.Read(call).Then(page => volumes.ListAsync(call.Caller, call.Query("state"), call.Query("instance"), call.Query("pool"), Tags.Filter(call.Queries("tag")), page, call.Cancelled)))
            .WithPaging().WithQuery("state", "creating, available, attaching, in-use, detaching, resizing, restoring, moving, deleting or retained (deleted, and kept for its snapshots: listed only then)").WithQuery("instance", "Only those of this instance").WithQuery("pool", "Only those in this pool").WithTagQuery();
        routes.Post<CreateVolume, Volume>("/volumes", Permission.Write("volumes"), "CreateVolume", "Make a volume", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => volumes.CreateAsync(call.Caller, create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/volumes/{volume}", Permission.Read("volumes"), "ShowVolume", "Show a volume, or wait until it is in a state",
            async call =>
            {
                if (call.Query("wait") is not { } state) return await volumes.GetAsync(call.Caller, call.Route("volume"), call.Cancelled);
                return await Waits.Read(call).Then(timeout => volumes.WaitAsync(call.Caller, call.Route("volume"), state, timeout, call.Cancelled));
            }).Fails(408).WithQuery("wait", "available or in-use: answer when all that was asked is done; deleted: answer 404 when it is gone, or the volume if it is kept for its snapshots").WithQuery("timeout", "Seconds to wait, 1 to 300 (default 60)", Microsoft.OpenApi.JsonSchemaType.Integer);
        routes.Put<UpdateVolume, Volume>("/volumes/{volume}", Permission.Write("volumes"), "UpdateVolume", "Rename or tag a volume, let it grow, or change what it may be used for; a running guest sees it at once", 200,
            (call, update) => volumes.UpdateAsync(call.Caller, call.Route("volume"), update, call.Cancelled)).Fails(409);
        routes.Delete("/volumes/{volume}", Permission.Write("volumes"), "DeleteVolume", "Delete a volume that is attached to nothing", call => volumes.DeleteAsync(call.Caller, call.Route("volume"), call.Cancelled));
        routes.Post<AttachVolume, Volume>("/volumes/{volume}/attach", Permission.Write("volumes"), "AttachVolume", "Attach a volume to an instance; a running guest gets the disk at once", 200,
            async (call, attach) => await Endpoints.Idempotency(call).Then(once => attachments.AttachAsync(call.Caller, call.Route("volume"), attach, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Post<Volume>("/volumes/{volume}/detach", Permission.Write("volumes"), "DetachVolume", "Take a volume away from its instance; it is free once the guest has let go of it", 200,
            call => attachments.DetachAsync(call.Caller, call.Route("volume"), call.Cancelled)).Fails(409);
        routes.Post<MoveVolume, Volume>("/volumes/{volume}/move", Permission.Write("volumes"), "MoveVolume", "Move a volume that no guest has to another pool or host; it stays what it is to everybody", 200,
            async (call, move) => await Endpoints.Idempotency(call).Then(once => moves.MoveAsync(call.Caller, call.Route("volume"), move, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Post<Volume>("/volumes/{volume}/cancel-move", Permission.Write("volumes"), "CancelVolumeMove", "Give the move of a volume up; it stays where it is", 200,
            call => moves.CancelAsync(call.Caller, call.Route("volume"), call.Cancelled)).Fails(409);
        routes.Get("/volume-types", Permission.Read("volume-types"), "ListVolumeTypes", "List volume types", async call => await PageRequest.Read(call).Then(page => types.ListAsync(page, call.Cancelled))).WithPaging();
        routes.Post<CreateVolumeType, VolumeType>("/volume-types", Permission.Cloud("volume-types"), "CreateVolumeType", "Make a volume type", 201, (call, create) => types.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/volume-types/{type}", Permission.Read("volume-types"), "ShowVolumeType", "Show a volume type", call => types.GetAsync(call.Route("type"), call.Cancelled));
        routes.Delete("/volume-types/{type}", Permission.Cloud("volume-types"), "DeleteVolumeType", "Remove a volume type that no volume has", call => types.DeleteAsync(call.Caller, call.Route("type"), call.Cancelled));
    }

    public static void MapPools(this IEndpointRouteBuilder routes, PoolUseCases pools, DrainUseCases drains)
    {
        routes.Get("/pools", Permission.Read("pools"), "ListPools", "List pools of volumes", async call => await PageRequest.Read(call).Then(page => pools.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Get("/pools/{pool}", Permission.Read("pools"), "ShowPool", "Show a pool", call => pools.GetAsync(call.Caller, call.Route("pool"), call.Cancelled));
        routes.Put<UpdatePool, Pool>("/pools/{pool}", Permission.Cloud("pools"), "UpdatePool", "Change a pool: who may use it, how much is promised, whether anything new is made in it", 200,
            (call, update) => pools.UpdateAsync(call.Caller, call.Route("pool"), update, call.Cancelled));
        routes.Post<DrainPool, Pool>("/pools/{pool}/drain", Permission.Cloud("pools"), "DrainPool", "Empty a pool: nothing new is made in it, and its volumes are moved to another one as soon as no guest has them", 200,
            async (call, drain) => await (await drains.DrainAsync(call.Caller, call.Route("pool"), drain, call.Cancelled)).Then(id => pools.GetAsync(call.Caller, id, call.Cancelled))).Fails(409);
    }
}
